"""The pods of a model server: what their one container runs, reads and answers at which ports."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources
from pulumi_mlops._placement import placement
from pulumi_mlops.contract import tokens
from pulumi_mlops.contract.containers import (
    CLIENTS_DIRECTORY,
    MODEL_VERSION_ANNOTATION,
    MODELS_PATH,
    PUBLIC_PORT,
    Variable,
)

if TYPE_CHECKING:
    from pulumi_mlops.model_endpoint._access import AccessArgs, JwtArgs
    from pulumi_mlops.model_endpoint._arguments import ModelEndpointArgs

PORT_NAME = "http"
PUBLIC_PORT_NAME = "public"
CLIENTS = "clients"
FINISH_SECONDS = 25
"""Time that the server has for the requests it has already accepted."""
START_SECONDS = 120
"""Time from the container's start to the first answer; a cold node reads Python from a slow disk."""


def labels(server: str, extra: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Labels of everything that belongs to one server."""
    return conventions.labels(conventions.MODEL_ENDPOINT, server, extra)


def selector(server: str) -> dict[str, str]:
    """Labels of the pods of one server."""
    return conventions.selector(conventions.MODEL_ENDPOINT, server)


def pod(endpoint: str, server: str, args: "ModelEndpointArgs", spread: bool) -> Manifest:
    """Spec of a server's pods."""
    drain = args["drain_seconds"]
    constraints = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",  # a full zone must not stop a rollout
            "labelSelector": {"matchLabels": selector(server)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    return {
        "serviceAccountName": endpoint,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "terminationGracePeriodSeconds": drain + FINISH_SECONDS,
        **({"topologySpreadConstraints": constraints} if spread else {}),
        **placement(args["node_selector"], args["tolerations"], args["gpus"]),
        "containers": [_container(endpoint, args, drain)],
        "volumes": [
            {
                "name": "models",
                "persistentVolumeClaim": {
                    "claimName": args["models_claim"],
                    "readOnly": True,
                },
            },
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
            *([] if (secret := clients_secret(endpoint, args)) is None else [_clients_volume(secret)]),
        ],
    }


def clients_secret(endpoint: str, args: "ModelEndpointArgs") -> pulumi.Input[str] | None:
    """Name of the Secret with what is kept of the clients' API keys; None where no key is accepted."""
    access = args["access"]
    if access is None:
        return None
    own = f"{endpoint}-{CLIENTS}" if access["jwt"] is None else None
    return own if access["clients_secret"] is None else access["clients_secret"]


def ports(args: "ModelEndpointArgs") -> dict[str, int]:
    """Name → number of the server's ports; the last one is the gateway's."""
    public = {} if args["access"] is None else {PUBLIC_PORT_NAME: PUBLIC_PORT}
    return {PORT_NAME: conventions.ENDPOINT_PORT, **public}


def _container(endpoint: str, args: "ModelEndpointArgs", drain: int) -> Manifest:
    version = {"fieldRef": {"fieldPath": f"metadata.annotations['{MODEL_VERSION_ANNOTATION}']"}}
    values = {
        Variable.ENDPOINT_NAME: endpoint,
        Variable.MODEL_NAME: endpoint if args["model_name"] is None else args["model_name"],
        Variable.MODELS_DIR: MODELS_PATH,
        Variable.WORKERS: "1",  # replicas scale, not processes: each would hold the model once more
        **({} if args["access"] is None else _public(endpoint, args, args["access"])),
        "OMP_NUM_THREADS": "1",  # a row is too little work to share; threads only wait for each other
    }
    return {
        "name": "server",
        "image": args["image"],
        "imagePullPolicy": args["image_pull_policy"],
        "command": ["python", "-m", "ml.serve"],
        "env": [
            *({"name": str(key), "value": value} for key, value in values.items()),
            {"name": Variable.MODEL_VERSION.value, "valueFrom": version},
        ],
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports(args).items()],
        "resources": resources(args["cpu"], args["memory"], args["gpus"]),
        "securityContext": container_security(),
        "startupProbe": _probe("/health/ping", 1, failures=START_SECONDS),
        "readinessProbe": _probe("/health/status", 2, failures=2),
        "livenessProbe": _probe("/health/ping", 10, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": drain}}},
        "volumeMounts": [
            {"name": "models", "mountPath": MODELS_PATH, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container, on its own volume
            *(
                [{"name": CLIENTS, "mountPath": CLIENTS_DIRECTORY, "readOnly": True}]
                if clients_secret(endpoint, args) is not None
                else []
            ),
        ],
    }


def _public(endpoint: str, args: "ModelEndpointArgs", access: "AccessArgs") -> dict[str, pulumi.Input[str]]:
    """Environment variables of the server's public port."""
    limit, jwt = access["requests_per_minute"], access["jwt"]
    return {
        Variable.PUBLIC_PORT: str(PUBLIC_PORT),
        **({Variable.CLIENTS_DIR: CLIENTS_DIRECTORY} if clients_secret(endpoint, args) is not None else {}),
        **({} if jwt is None else {Variable.TOKEN_RULES: pulumi.Output.from_input(_rules(jwt)).apply(tokens.write)}),
        **({} if limit is None else {Variable.CLIENT_REQUESTS_PER_MINUTE: str(limit)}),
    }


def _rules(jwt: "JwtArgs") -> dict[str, object]:
    """The rules with the arguments that have a value."""
    return {name: value for name, value in jwt.items() if value is not None}


def _clients_volume(secret: pulumi.Input[str]) -> Manifest:
    """The clients' Secret as a whole: the kubelet keeps it up to date, and without it the pod starts all the same."""
    return {"name": CLIENTS, "secret": {"secretName": secret, "optional": True, "defaultMode": 0o440}}


def _probe(path: str, period_seconds: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": PORT_NAME},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
