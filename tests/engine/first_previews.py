"""The first preview of each stack on AWS, as `make plan` makes it: run once, and read by every module that wants it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import planning, tools
from local.engine import Engine
from standins import plugins

NO_CLUSTER = (
    "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
    "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n"
    "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9', insecure-skip-tls-verify: true}}]\n"
)
"""A kubeconfig whose cluster does not answer: enough to preview plain objects."""


class _Engine(Engine):
    """The CLI on the stacks of this repository, without an account; their cluster does not answer."""

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            **plugins.environment(),
            "PULUMI_MLOPS_HELM": str(tools.ensure("helm")["helm"]),
            "AWS_REGION": "eu-central-1",
        }


@dataclass(frozen=True)
class FirstPreviews:
    """What `pulumi preview --json` says of a stack with the settings of its file, while nothing is there."""

    directory: Path
    """Shared by all workers of a run."""
    home: Path

    def of(self, stack: str) -> dict[str, Any]:
        """The document, with the diagnostics; a preview that fails is a StepFailed."""
        place = self.directory / stack
        kept = place / "preview.json"
        with _alone(self.directory / f"{stack}.lock"):
            if not kept.exists():
                place.mkdir(exist_ok=True)
                engine = engine_at(place, self.home)
                planning.configure(engine, stack)
                kept.write_text(json.dumps(engine.preview_json(stack)))
        return json.loads(kept.read_text())

    def complaints(self, stack: str) -> list[str]:
        """The errors and warnings of the preview."""
        told = self.of(stack).get("diagnostics", [])
        return [one["message"] for one in told if one["severity"] in ("error", "warning")]


def engine_at(directory: Path, pulumi_home: Path) -> _Engine:
    """An engine with a state of its own."""
    (directory / "home").symlink_to(pulumi_home)
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(NO_CLUSTER)
    engine = _Engine(tools.ensure("pulumi")["pulumi"], directory, kubeconfig)
    engine.prepare()
    return engine


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Holds the lock: another worker that wants the same preview waits for it."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
