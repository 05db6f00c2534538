"""The helm program on one cluster."""

import json
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops.cli.errors import CommandError

STATUSES = ("deployed", "failed", "pending", "superseded", "uninstalled", "uninstalling")
"""Options of `helm list` that together show every release."""


@dataclass(frozen=True)
class Helm:
    """Helm with access to a cluster. Each method raises CommandError where helm fails."""

    executable: str
    environment: Mapping[str, str] | None
    options: tuple[str, ...]
    """That lead to the cluster."""

    def statuses(self) -> dict[tuple[str, str], str]:
        """Status of each release of the cluster, by namespace and name."""
        every = [f"--{status}" for status in STATUSES]
        shown = self._run("list", "--all-namespaces", "--max", "0", "--output", "json", *every)
        return {(one["namespace"], one["name"]): one["status"] for one in json.loads(shown or "[]")}

    def revisions(self, namespace: str, name: str) -> list[tuple[int, str]]:
        """Revisions of a release and their statuses, the oldest first."""
        shown = self._run("history", name, "--namespace", namespace, "--output", "json")
        return [(int(one["revision"]), one["status"]) for one in json.loads(shown)]

    def roll_back(self, namespace: str, name: str, revision: int) -> None:
        """Makes a revision the release's current one again; does not wait for its pods."""
        self._run("rollback", name, str(revision), "--namespace", namespace)

    def uninstall(self, namespace: str, name: str, *, hooks: bool) -> None:
        """Removes a release and waits until its objects are gone; without its hooks, unless they are asked for."""
        self._run("uninstall", name, "--namespace", namespace, "--wait", *([] if hooks else ["--no-hooks"]))

    def _run(self, *arguments: str) -> str:
        words = [*arguments, *self.options]
        done = subprocess.run(
            [self.executable, *words], env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            reason = " ".join(done.stderr.split()).removeprefix("Error: ") or "it does not say why"
            raise CommandError(f"`helm {' '.join(words)}` failed: {reason}")
        return done.stdout


@contextmanager
def on_cluster(
    executable: str, environment: Mapping[str, str] | None, kubeconfig: str | None, context: str | None
) -> Generator[Helm]:
    """Helm on the cluster that a Kubernetes provider with these options reaches.

    Args:
        executable: the program.
        environment: its environment, whose KUBECONFIG holds where the provider has no kubeconfig; None: this process's.
        kubeconfig: its text, or the path of its file. A text is in a file that only this user can read, as long as the
            block runs.
        context: one of its contexts; None or empty: the current one.
    """
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-kubeconfig-") as directory:
        file = kubeconfig and str(Path(kubeconfig).expanduser())
        if kubeconfig and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{")):
            place = Path(directory, "kubeconfig")
            place.touch(mode=0o600)
            place.write_text(kubeconfig)
            file = str(place)
        options = [*(["--kubeconfig", file] if file else []), *(["--kube-context", context] if context else [])]
        yield Helm(executable, environment, tuple(options))
