"""Puts the example's data into the object store, so that there is something to train on.

A team of its own has data from elsewhere and nothing like this.
"""

import hashlib
from pathlib import Path
from typing import Any, TypedDict

import pulumi
import pulumi_kubernetes as k8s
from pulumi_mlops import conventions

FILE = Path(__file__).parent / "data" / "penguins.csv"
MOUNT = "/data"
USER = 10001


class SampleDataArgs(TypedDict):
    """Arguments of `SampleData`."""

    namespace: pulumi.Input[str]
    """Namespace of a workspace."""
    image: pulumi.Input[str]
    """The pipeline image, which runs `python -m ml.upload`."""
    secret: pulumi.Input[str]
    """Secret with the object store's credentials."""
    bucket: str
    """Bucket that gets the file."""
    key: str
    """Key of the file in the bucket."""


class SampleData(pulumi.ComponentResource):
    """Uploads `data/penguins.csv` once, and again when the file, its place or the image changes."""

    uri: pulumi.Output[str]
    """Where the file is, once it is there."""

    def __init__(self, name: str, args: SampleDataArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pulumi-mlops:index:SampleData", name, {**args}, opts)
        child = pulumi.ResourceOptions(parent=self)
        content = FILE.read_text()
        labels = conventions.labels("sample-data", name)
        file = k8s.core.v1.ConfigMap(
            f"{name}-file",
            metadata=_metadata(f"{name}-{_digest(content)}", args["namespace"], labels),
            data={FILE.name: content},
            opts=child,
        )
        egress = k8s.networking.v1.NetworkPolicy(
            f"{name}-egress",
            metadata=_metadata(name, args["namespace"], labels),
            spec=_egress(name),
            opts=child,
        )
        # Under a name of Pulumi's making: a Job cannot be changed, and a new one may run while the old one is there.
        job = k8s.batch.v1.Job(
            f"{name}-upload",
            metadata={"namespace": args["namespace"], "labels": labels},
            spec=_job(name, args, file.metadata.name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[egress]),
        )
        self.uri = job.id.apply(lambda _: f"s3://{args['bucket']}/{args['key']}")
        self.register_outputs({"uri": self.uri})


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _metadata(name: str, namespace: pulumi.Input[str], labels: dict[str, Any]) -> Any:
    return {"name": name, "namespace": namespace, "labels": labels}


def _egress(name: str) -> Any:
    """The workspace denies what its components do not need; the upload needs the object store."""
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": conventions.OBJECT_STORE_NAMESPACE}}
    return {
        "podSelector": {"matchLabels": conventions.selector("sample-data", name)},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"namespaceSelector": namespace}],
                "ports": [{"port": conventions.OBJECT_STORE_PORT, "protocol": "TCP"}],
            }
        ],
    }


def _job(name: str, args: SampleDataArgs, file: pulumi.Input[Any]) -> Any:
    pod = {
        "restartPolicy": "OnFailure",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "upload",
                "image": args["image"],
                "command": ["python", "-m", "ml.upload", f"{MOUNT}/{FILE.name}", args["bucket"], args["key"]],
                "env": [
                    {"name": "AWS_ENDPOINT_URL_S3", "value": conventions.OBJECT_STORE_ENDPOINT},
                    {"name": "AWS_REGION", "value": conventions.OBJECT_STORE_REGION},
                ],
                "envFrom": [{"secretRef": {"name": args["secret"]}}],
                "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "file", "mountPath": MOUNT, "readOnly": True}],
            }
        ],
        "volumes": [{"name": "file", "configMap": {"name": file}}],
    }
    labels = conventions.labels("sample-data", name)
    return {
        "backoffLimit": 4,
        "activeDeadlineSeconds": 300,
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
