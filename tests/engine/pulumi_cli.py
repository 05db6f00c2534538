"""How engine tests drive the Pulumi CLI, and look at the cluster beside it.

A test's program is a Python function. It runs as a project by the CLI and its language host, in a process of its own:
what a failed program leaves behind goes with that process.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import cloudpickle
import yaml

from local import tools
from standins import plugins
from standins.plugins.kubernetes.client import Client
from standins.plugins.kubernetes.names import Kind

PROJECT = "engine-tests"
Program = Callable[[], Any]
ONE_CHECKPOINT = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""Lets the CLI write the state once, at the end of a run, and not around each resource: half of what an `up` costs."""

_MAIN = """
import pickle, sys
sys.path[:0] = {path!r}
with open("program.pickle", "rb") as file:
    program = pickle.load(file)
program()
"""


@dataclass
class Outcome:
    """What a run of the engine did: resources per operation, the steps that changed something, and the printed text."""

    changes: dict[str, int]
    steps: dict[str, dict[str, Any]]
    """The engine's words on each step but `same`, by resource name; of a replacement the last, with the diff."""
    text: str
    outputs: dict[str, Any] = field(default_factory=dict)
    """Outputs of the stack after the run; secret ones are encrypted."""

    @property
    def changed(self) -> dict[str, int]:
        return {operation: count for operation, count in self.changes.items() if operation != "same" and count}

    def diff(self, name: str) -> dict[str, str]:
        """The detailed diff of a resource: property path → kind of change."""
        detail = self.steps[name].get("detailedDiff") or {}
        return {path: change["diffKind"] for path, change in detail.items()}


class Failed(Exception):
    """A run that failed; the message is everything that the CLI printed."""


@dataclass(frozen=True)
class PulumiEnv:
    """A Pulumi home with plugins, and a backend of its own."""

    pulumi: Path
    environment: dict[str, str]
    directory: Path

    @classmethod
    def at(cls, directory: Path, home: Path) -> "PulumiEnv":
        """The CLI with the plugins of that home; projects and state are in the directory."""
        (directory / "backend").mkdir()
        pulumi = tools.ensure("pulumi")["pulumi"]
        environment = {
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{directory / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase for tests",
            "PATH": f"{pulumi.parent}:{os.environ['PATH']}",
            **plugins.environment(),
            **ONE_CHECKPOINT,
        }
        return cls(pulumi, environment, directory)

    def run(self, *words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        """Runs the CLI as a person would."""
        settings = {**os.environ, **self.environment, "PULUMI_DEBUG_COMMANDS": "1"}  # which brings --event-log
        command = [str(self.pulumi), *words, "--non-interactive", "--color", "never"]
        return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, timeout=400, check=False)

    def project(self, directory: Path, main: str, config: dict[str, str] | None = None, stack: str = "test") -> Path:
        """Writes a project whose program is the text, and makes its stack."""
        directory.mkdir(parents=True)
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        settings = {"name": PROJECT, "runtime": runtime, "config": {k: {"value": v} for k, v in (config or {}).items()}}
        (directory / "Pulumi.yaml").write_text(yaml.safe_dump(settings))
        (directory / "__main__.py").write_text(main)
        made = self.run("stack", "init", stack, cwd=directory)
        if made.returncode:
            raise Failed(made.stdout + made.stderr)
        return directory

    def stack(self, program: Program, config: dict[str, str] | None = None) -> "Stack":
        """A stack whose program is a Python function; it is read again at every run."""
        directory = self.directory / f"project-{len(list(self.directory.iterdir()))}"
        return Stack(self, self.project(directory, _MAIN.format(path=sys.path), config), program)


@dataclass
class Stack:
    """One stack, run by the real engine."""

    environment: PulumiEnv
    directory: Path
    program: Program

    def preview(self, program: Program | None = None) -> Outcome:
        return self._run(program, "preview")

    def up(self, program: Program | None = None) -> Outcome:
        return self._run(program, "up", "--yes", "--skip-preview")

    def careful_up(self, program: Program | None = None) -> Outcome:
        """`up` as it is without options: it stops at a preview that fails."""
        return self._run(program, "up", "--yes")

    def refresh(self) -> Outcome:
        return self._run(None, "refresh", "--yes", "--skip-preview")

    def destroy(self) -> Outcome:
        return self._run(None, "destroy", "--yes", "--skip-preview")

    def killed_up(self, program: Program, moment: Callable[[], bool]) -> None:
        """Starts `up`, and kills the CLI with all that it started once `moment` says so.

        The stack stays locked, as a run that was killed leaves it.
        """
        self.program = program
        _write_program(program, self.directory / "program.pickle")
        command = [str(self.environment.pulumi), "up", "--yes", "--skip-preview", "--non-interactive"]
        kept = {key: value for key, value in self.environment.environment.items() if key not in ONE_CHECKPOINT}
        killed(command, self.directory, {**os.environ, **kept}, moment)

    @property
    def state_file(self) -> Path:
        """Where the backend has the state."""
        backend = Path(self.environment.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
        return backend / ".pulumi" / "stacks" / PROJECT / "test.json"

    def state(self) -> str:
        """The text of the state file."""
        return self.state_file.read_text()

    def _run(self, program: Program | None, *words: str) -> Outcome:
        self.program = program or self.program
        _write_program(self.program, self.directory / "program.pickle")
        log = self.directory / "events.json"
        log.unlink(missing_ok=True)
        done = self.environment.run(*words, "--event-log", str(log), cwd=self.directory)
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        events = [json.loads(line) for line in log.read_text().splitlines()]
        steps: dict[str, dict[str, Any]] = {}
        for event in events:
            step = event.get("resourcePreEvent", {}).get("metadata", {"op": "same"})
            if step["op"] != "same":
                name = step["urn"].rpartition("::")[2]
                steps[name] = {
                    **step,
                    "detailedDiff": step.get("detailedDiff") or steps.get(name, {}).get("detailedDiff"),
                }
        changes = next((event["summaryEvent"]["resourceChanges"] for event in events if "summaryEvent" in event), {})
        return Outcome(
            changes=changes,
            steps=steps,
            text=done.stdout + done.stderr,
            outputs=self._outputs(),
        )

    def _outputs(self) -> dict[str, Any]:
        try:
            resources = json.loads(self.state())["checkpoint"]["latest"].get("resources") or []
        except FileNotFoundError:
            return {}
        return next((one.get("outputs") or {} for one in resources if one["type"] == "pulumi:pulumi:Stack"), {})


def killed(command: list[str], directory: Path, settings: dict[str, str], moment: Callable[[], Any]) -> None:
    """Runs a command until the moment has come, and kills it with all that it started, as a machine that goes down.

    A plugin is in a process group of its own, and would end its helm once it misses the engine.
    """
    with tempfile.TemporaryFile() as said, subprocess.Popen(
        command, cwd=directory, env=settings, stdin=subprocess.DEVNULL, stdout=said, stderr=said
    ) as run:  # fmt: skip
        end = time.monotonic() + 300
        while not moment():
            if run.poll() is not None or time.monotonic() > end:
                said.seek(0)
                raise Failed(said.read().decode())
            time.sleep(0.1)
        for pid in _tree(run.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _tree(root: int) -> list[int]:
    """A process and its descendants, each stopped before its children are looked for."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(root, signal.SIGSTOP)
    shown = subprocess.run(["ps", "-o", "pid=", "--ppid", str(root)], capture_output=True, text=True, check=False)
    return [root, *(one for child in shown.stdout.split() for one in _tree(int(child)))]


def _write_program(program: Program, place: Path) -> None:
    """Pickles a function with what it refers to; its test module travels by value, so pytest is not imported again."""
    module = sys.modules.get(program.__module__)
    by_value = module is not None and program.__module__.rpartition(".")[2].startswith("test_")
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        # It would import submodules that a function names and so hide pulumi_kubernetes' classes of the same name.
        with mock.patch.object(cloudpickle.cloudpickle, "_find_imported_submodules", return_value=[]):
            place.write_bytes(cloudpickle.dumps(program))
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)


class Cluster:
    """What the API server has, read beside Pulumi."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    @cached_property
    def client(self) -> Client:
        return Client(yaml.safe_load(self.kubeconfig.read_text()), None)

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
