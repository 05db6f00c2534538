"""The kubectl program on one cluster. What is written goes by standard input, never by the command line."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.values import items, mapping

_LOG = re.compile(r"[IWEF]\d{4} ")
"""Lines of kubectl's own log, which repeat what its message says."""

ADVICE = (
    ("localhost:8080", "; set KUBECONFIG, or name a context by --context"),
    ("context", "; `kubectl config get-contexts` lists the contexts of your kubeconfig"),
)
"""Part of a message of kubectl, and what to do about it. Without a kubeconfig it asks the port 8080 of this machine."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with access to a cluster. Each method raises CommandError where kubectl fails."""

    executable: str
    options: tuple[str, ...] = ()
    """That lead to the cluster."""

    @classmethod
    def found(cls, program: str, context: str | None) -> "Kubectl":
        """The program, on PATH or at a path."""
        executable = shutil.which(program)
        if executable is None:
            problem = (
                f"{program} is no executable file" if "/" in program else f"no executable named {program!r} on PATH"
            )
            raise CommandError(f"{problem}; install kubectl, or name it by --kubectl")
        return cls(executable, ("--context", context) if context else ())

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """The data of a Secret; empty if there is none."""
        shown = self._run("get", "secret", name, "--namespace", namespace, "--ignore-not-found", "--output", "json")
        data = mapping(mapping(json.loads(shown.strip() or "{}")).get("data"))
        return {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in data.items()}

    def mounted_secrets(self, namespace: str, deployment: str) -> set[str] | None:
        """The Secrets that the pods of a Deployment mount; None if there is no such Deployment."""
        options = ("--namespace", namespace, "--ignore-not-found", "--output", "json")
        shown = self._run("get", "deployment", deployment, *options)
        if not shown.strip():
            return None
        volumes = items(json.loads(shown)["spec"]["template"]["spec"].get("volumes"))
        return {one["secret"]["secretName"] for one in volumes if "secret" in one}

    def apply(self, manifest: Mapping[str, object], manager: str) -> None:
        """Applies an object as a field manager, which then owns exactly the fields of the manifest."""
        options = ("--server-side", "--force-conflicts", "--field-manager", manager, "--filename", "-")
        self._run("apply", *options, content=json.dumps(manifest))

    def _run(self, *arguments: str, content: str = "") -> str:
        words = [*arguments, *self.options]
        done = subprocess.run(
            [self.executable, *words], input=content, capture_output=True, text=True, check=False
        )  # fmt: skip
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if not _LOG.match(line)]
            reason = " ".join(" ".join(lines).split()).removeprefix("error: ") or "it does not say why"
            hint = next((advice for part, advice in ADVICE if part in reason), "")
            raise CommandError(f"`kubectl {' '.join(words)}` failed: {reason}{hint}")
        return done.stdout
