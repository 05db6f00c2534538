"""What the pods of a delivery have in common: the checkout of the commit, the credentials, who they run as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from pulumi_mlops._manifests import Manifest, container_security, resources
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs
from pulumi_mlops.delivery_pipeline._events import REVISION

COMMIT = f"{{{{workflow.parameters.{REVISION}}}}}"
SOURCE = "/source"
SOURCE_SIZE = "4Gi"
SCRATCH_SIZE = "4Gi"
TOKEN_DIRECTORY = "/etc/git-host"  # noqa: S105 - a path
TOKEN_KEY = "token"  # noqa: S105 - the key in a Secret
TOKEN_FILE = f"{TOKEN_DIRECTORY}/{TOKEN_KEY}"
REGISTRY_KEY = "config.json"
REGISTRY_DIRECTORY = "/etc/registry"
DELIVERY_MEMORY = "512Mi"
CPU_REQUEST = "250m"
LAST_LINES = {"terminationMessagePolicy": "FallbackToLogsOnError"}
"""Of a container: where it fails, its status has the end of its log, which the report puts on the commit."""
COMMAND_SECONDS = 3600
"""Longest time of one command of the team's."""


@dataclass(frozen=True)
class Accounts:
    """Names that the workflow needs of other objects of the component."""

    run: pulumi.Output[str]
    """Service account of all steps but the promotions."""
    promote: pulumi.Output[str]
    """Service account that may look at the two Applications."""
    applications: Mapping[str, pulumi.Input[str]]
    """Environment → name of its Application."""


@dataclass(frozen=True)
class Parts:
    """Makes the templates of one pipeline."""

    args: DeliveryPipelineArgs
    accounts: Accounts
    labels: Mapping[str, object]

    def volumes(self) -> list[Manifest]:
        """Volumes of every pod; a Secret is mounted where it is needed, and nowhere else."""
        secret = self.args["credentials_secret"]
        return [
            {"name": "source", "emptyDir": {"sizeLimit": SOURCE_SIZE}},
            {"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH_SIZE}},
            {"name": "git-host", "secret": {"secretName": secret, "items": [{"key": TOKEN_KEY, "path": TOKEN_KEY}]}},
            {
                "name": "registry",
                "secret": {"secretName": secret, "items": [{"key": REGISTRY_KEY, "path": REGISTRY_KEY}]},
            },
        ]

    def metadata(self, step: str) -> Manifest:
        """Labels of a step's pod."""
        return {
            "labels": {**self.labels, "app.kubernetes.io/component": step, "sidecar.istio.io/inject": "false"},
        }

    def directory(self) -> pulumi.Output[str]:
        """Where the program is in a pod."""
        return pulumi.Output.from_input(self.args["repository"]["directory"]).apply(
            lambda path: SOURCE if path == "." else f"{SOURCE}/{path}"
        )

    def checkout(self) -> Manifest:
        """The container that fetches the commit, before the one that uses it."""
        arguments = ["checkout", "--repository", self.args["repository"]["url"], "--revision", COMMIT]
        arguments += ["--directory", SOURCE, "--token-file", TOKEN_FILE]
        return {"name": "checkout", **self._delivery_container(arguments, source=True)}

    def command(
        self,
        name: str,
        image: pulumi.Input[str],
        command: pulumi.Input[str],
        *,
        memory: pulumi.Input[str],
        environment: Mapping[str, pulumi.Input[str]],
    ) -> Manifest:
        """A template that runs a command of the team's on the commit."""
        variables = {"HOME": "/tmp", "REVISION": COMMIT, **environment}  # noqa: S108
        return {
            "name": name,
            "metadata": self.metadata(name),
            "activeDeadlineSeconds": COMMAND_SECONDS,
            "initContainers": [self.checkout()],
            "container": {
                "image": image,
                "command": ["sh", "-euc", command],
                "workingDir": self.directory(),
                "env": [{"name": key, "value": value} for key, value in variables.items()],
                "resources": resources(CPU_REQUEST, memory),
                "securityContext": container_security(),
                **LAST_LINES,
                "volumeMounts": [_SOURCE_MOUNT, _SCRATCH_MOUNT],
            },
        }

    def delivery(
        self, name: str, arguments: Sequence[pulumi.Input[str]], account: pulumi.Input[str] | None = None
    ) -> Manifest:
        """A template that runs the program `delivery`."""
        return {
            "name": name,
            "metadata": self.metadata(name),
            **({} if account is None else {"serviceAccountName": account}),
            "container": self._delivery_container(arguments),
        }

    def _delivery_container(self, arguments: Sequence[pulumi.Input[str]], *, source: bool = False) -> Manifest:
        return {
            "image": self.args["delivery_image"],
            "command": ["python", "-m", "delivery"],
            "args": [*arguments],
            "resources": resources(CPU_REQUEST, DELIVERY_MEMORY),
            "securityContext": container_security(),
            **LAST_LINES,
            "volumeMounts": [
                *([_SOURCE_MOUNT] if source else []),
                _SCRATCH_MOUNT,
                {"name": "git-host", "mountPath": TOKEN_DIRECTORY, "readOnly": True},
            ],
        }


_SOURCE_MOUNT = {"name": "source", "mountPath": SOURCE}
_SCRATCH_MOUNT = {"name": "scratch", "mountPath": "/tmp"}  # noqa: S108
