"""The real Pulumi CLI with a throw-away home and backend, and a real Kubernetes API without nodes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation

from local import providers, tools
from local.node.control_plane import ControlPlane, control_plane
from local.providers.kubernetes.client import Client
from local.providers.kubernetes.names import Kind

PROJECT = "engine-tests"


@dataclass
class Outcome:
    """What a run of the engine did: resources per operation, the steps that changed something, and the printed text."""

    changes: dict[str, int]
    steps: dict[str, Any]
    """Metadata of each step that is not `same`, by resource name (the last one of a replacement wins)."""
    text: str
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, int]:
        return {operation: count for operation, count in self.changes.items() if operation != "same" and count}

    def diff(self, name: str) -> dict[str, str]:
        """The detailed diff of a resource: property path → kind of change."""
        return {path: change.diff_kind.value for path, change in (self.steps[name].detailed_diff or {}).items()}


class Failed(Exception):
    """A run that failed; the message is everything that the CLI printed."""


@dataclass(frozen=True)
class PulumiEnv:
    """A Pulumi home with plugins, and a backend of its own."""

    pulumi: Path
    environment: dict[str, str]
    directory: Path

    def run(self, *words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """Runs the CLI as a person would."""
        settings = {**os.environ, **self.environment}
        return subprocess.run(
            [str(self.pulumi), *words, "--non-interactive"], cwd=cwd, env=settings, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip

    def stack(self, program: Callable[[], None], name: str = "test", config: dict[str, str] | None = None) -> "Stack":
        """A stack whose program is a Python function."""
        workspace = automation.LocalWorkspace(
            program=program,
            env_vars=self.environment,
            pulumi_command=automation.PulumiCommand(str(self.pulumi.parent.parent)),
            project_settings=automation.ProjectSettings(
                PROJECT, "python", backend=automation.ProjectBackend(self.environment["PULUMI_BACKEND_URL"])
            ),
        )
        stack = Stack(automation.Stack.create_or_select(name, workspace), self.directory)
        for key, value in (config or {}).items():
            stack.stack.set_config(key, automation.ConfigValue(value))
        return stack


@dataclass
class Stack:
    """One stack, run by the real engine."""

    stack: automation.Stack
    directory: Path

    def program(self, program: Callable[[], None]) -> "Stack":
        """Changes the program of the next run."""
        self.stack.workspace.program = program
        return self

    def preview(self, program: Callable[[], None] | None = None, **options: Any) -> Outcome:
        return self._run("preview", program, **options)

    def up(self, program: Callable[[], None] | None = None, **options: Any) -> Outcome:
        return self._run("up", program, **options)

    def refresh(self, **options: Any) -> Outcome:
        return self._run("refresh", None, **options)

    def destroy(self, **options: Any) -> Outcome:
        return self._run("destroy", None, **options)

    def state(self) -> str:
        """The text of the state file."""
        return (self.directory / "backend" / ".pulumi" / "stacks" / PROJECT / f"{self.stack.name}.json").read_text()

    def _run(self, command: str, program: Callable[[], None] | None, **options: Any) -> Outcome:
        if program is not None:
            self.stack.workspace.program = program
        events: list[automation.EngineEvent] = []
        lines: list[str] = []
        try:
            result = getattr(self.stack, command)(
                on_event=events.append, on_output=lines.append, color="never", **options
            )
        except automation.CommandError as error:
            raise Failed(str(error)) from None
        steps = [event.resource_pre_event.metadata for event in events if event.resource_pre_event]
        summary = next((event.summary_event for event in events if event.summary_event), None)
        outputs = {key: value.value for key, value in (getattr(result, "outputs", None) or {}).items()}
        return Outcome(
            changes={str(getattr(key, "value", key)): n for key, n in (summary.resource_changes if summary else {}).items()},
            steps={step.urn.rpartition("::")[2]: step for step in steps if step.op.value != "same"},
            text="\n".join(lines),
            outputs=outputs,
        )


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Pulumi home with the plugins that `make up` would use, or those that PULUMI_MLOPS_PLUGINS chooses."""
    home = tmp_path_factory.mktemp("pulumi")
    for line in providers.install(home):
        print(line, file=sys.stderr)
    return home


@pytest.fixture
def pulumi_env(pulumi_home: Path, tmp_path: Path) -> PulumiEnv:
    """The CLI with the session's plugins and a backend of this test alone."""
    (tmp_path / "backend").mkdir()
    pulumi = tools.ensure("pulumi")["pulumi"]
    environment = {
        "PULUMI_HOME": str(pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase for tests",
        "PATH": f"{pulumi.parent}:{os.environ['PATH']}",
        **providers.environment(),
    }
    return PulumiEnv(pulumi, environment, tmp_path)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd, kube-apiserver and kube-controller-manager: everything is stored and checked, no pod ever runs."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


class Cluster:
    """What the API server has, read beside Pulumi."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.client = Client(yaml.safe_load(kubeconfig.read_text()), None)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        group, _, version = api_version.rpartition("/")
        return self.client.get(Kind(group, version, kind), namespace, name)

    def apply(self, manifest: dict[str, Any], manager: str) -> dict[str, Any]:
        """Forced server-side apply, as another owner would do it."""
        group, _, version = manifest["apiVersion"].rpartition("/")
        kind = Kind(group, version, manifest["kind"])
        return self.client.apply(kind, manifest, manager, force=True, dry_run=False)

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        group, _, version = api_version.rpartition("/")
        self.client.delete(Kind(group, version, kind), namespace, name, "Background")


@pytest.fixture(scope="session")
def cluster(api_server: ControlPlane) -> Cluster:
    """Access to the session's API server."""
    return Cluster(api_server.kubeconfig)
