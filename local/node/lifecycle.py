"""Starting, looking at and stopping the node: one at a time, and always from what is really there."""

import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import paths, tools
from local.node import cleanup, control_plane, gateway, machine, network, ports, registry, runtime
from local.node.parts import BINARIES, FIXED_PORTS, POD_PORTS, NodeParts
from local.node.processes import Process, marked, other_owner
from local.progress import StepFailed, say, step

LONGEST_DIRECTORY = 68
"""Characters: the kernel takes 107 for a socket's path, containerd 104, and the kubelet's are 35 below this."""
CONTROL_PLANE = {*control_plane.BINARIES}
"""Names of the processes by which a node is known to have been started, whatever has died since."""


@dataclass(frozen=True)
class Node:
    """A running node."""

    kubeconfig: Path
    """The administrator's; readable by its owner alone."""
    registry: str
    """Registry name in image references, for pods and containerd."""
    registry_push: str
    """The same registry on loopback, for pushes."""
    gateway_class: str
    """Name of the GatewayClass."""
    gateway_url: str
    """Where the listener on port 80 of every Gateway of that class answers, from this machine and from pods."""


@dataclass(frozen=True)
class PartStatus:
    """One process of the node."""

    name: str
    pid: int | None
    healthy: bool


def home() -> Path:
    """The node's directory."""
    return paths.STATE / "node"


def ensure() -> Node:
    """Starts the node, or what is missing of it; returns at once when all of it runs.

    Raises:
        StepFailed: this machine cannot run it, or a part does not start.
    """
    return _bring_up(refuse_running=False)


def running() -> Node | None:
    """The node, if any process of its control plane runs; starts and repairs nothing, and does not ask its health."""
    directory = home()
    if not any(process.name in CONTROL_PLANE for process in marked(directory)):
        return None
    return _node(directory / "admin.kubeconfig")


def start() -> Node:
    """Like `ensure`, but refuses when all of it runs already."""
    return _bring_up(refuse_running=True)


def start_registry() -> str:
    """Starts the registry's loopback server alone, which needs no node, and returns its address for pushes."""
    directory = home()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = registry.for_pushes(directory)
    if process.pid() is None and ports.in_use("127.0.0.1", registry.PORT):
        raise StepFailed(_in_use("registry"))
    process.launch()
    process.wait()
    return registry.FOR_PUSHES


def pull_from(name: str, url: str) -> None:
    """Makes the node pull the images of the registry `name`, as image references have it, from `url`."""
    runtime.pull_from(home(), name, url)


def status() -> list[PartStatus]:
    """What runs of the node; an empty list when nothing does. Builds and starts nothing."""
    directory = home()
    running = marked(directory)
    if not running:
        return []
    if tools.missing(*BINARIES):  # while the first start is still building, say, with only the registry running
        return [PartStatus(process.name, process.pid, healthy=True) for process in running if process.leader]
    return _health(NodeParts(directory))


def stop(*, wipe: bool = False) -> list[str]:
    """Removes the node with all pods and their data, and checks that nothing stays; returns what was found.

    Images, certificates and built tools stay, for the next start; `wipe` removes the node's whole directory.

    Raises:
        StepFailed: something could not be removed.
    """
    directory = home()
    with _alone():
        found = cleanup.clean(directory, wipe=wipe)
        left = cleanup.left(directory)
    if left:
        raise StepFailed("Node: could not remove " + "; ".join(left) + ". End what uses it, then stop again.")
    return found


def _bring_up(*, refuse_running: bool) -> Node:
    if reason := machine.can_run_containers():
        raise StepFailed(f"Node: {reason}.")
    directory = home()
    if len(str(directory)) > LONGEST_DIRECTORY:
        raise StepFailed(
            f"Node: the path {directory} is longer than {LONGEST_DIRECTORY} characters, too long for sockets below it; "
            "set XDG_STATE_HOME to a shorter one."
        )
    with _alone():
        runtime.install()
        tools.ensure(*BINARIES)
        parts = NodeParts(directory)
        running = [part.name for part in _health(parts) if part.healthy]
        if refuse_running and len(running) == len(parts.processes) and network.exists():
            raise StepFailed("Node: it is running already; `python -m local.node status` shows it, `stop` ends it.")
        if other := other_owner(directory, "containerd"):
            raise StepFailed(f"Node: another one runs on this machine, from {other}; stop that one first.")
        if conflict := network.conflict():
            raise StepFailed(f"Node: {conflict}; remove it, then start again.")
        if running:
            say(f"node: {len(running)} of {len(parts.processes)} parts run already")
        with step("node: network"):
            cleanup.sysctls(directory).remember()
            machine.prepare_cgroups()
            network.up(directory, POD_PORTS)
        for name in FIXED_PORTS:
            _check_port(parts, name)
        with step("node: processes"):
            parts.start()
    return _node(parts.control.kubeconfig)


def _node(kubeconfig: Path) -> Node:
    return Node(kubeconfig, registry.FOR_PODS, registry.FOR_PUSHES, gateway.CLASS, gateway.URL)


def _health(parts: NodeParts) -> list[PartStatus]:
    """Every part, all asked at once: one that does not answer costs seconds."""
    with ThreadPoolExecutor(len(parts.processes)) as pool:
        healthy = pool.map(Process.healthy, parts.processes)
        return [
            PartStatus(part.name, part.pid(), answers) for part, answers in zip(parts.processes, healthy, strict=True)
        ]


def _check_port(parts: NodeParts, name: str) -> None:
    part = next(part for part in parts.processes if part.name == name)
    if part.pid() is None and not ports.becomes_free(*FIXED_PORTS[name]):
        raise StepFailed(_in_use(name))


def _in_use(name: str) -> str:
    address, port = FIXED_PORTS[name]
    holder = ports.listener(port)
    who = f" by {holder}" if holder else ""
    return f"Node: port {port} of {address} is in use{who}, but {name} needs it; end that program, then start again."


@contextmanager
def _alone() -> Iterator[None]:
    """Holds the node's lock, which ends with the process that holds it."""
    paths.STATE.mkdir(parents=True, exist_ok=True)
    with (paths.STATE / "node.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StepFailed(
                f"Node: another start or stop is at work (pid {holder}); wait until it ends, then run this again."
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield
