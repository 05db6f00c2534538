"""Starts, finds and ends the node's processes.

A process is known by a mark in its environment (the directory it belongs to and its name), not by a pid in a file: a
mark cannot go stale, survives the starter, and never points at somebody else's process that got the same pid.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local.progress import StepFailed

MARK = "PULUMI_MLOPS_PROCESS"
"""Environment variable of every process that we start: `<name>@<directory>`. Children inherit it."""

FOREIGN = re.compile(r"(ETCD|KUBE|KUBERNETES|REGISTRY|TRAEFIK)_?[A-Z_]*$|(https?|all|no)_proxy$", re.IGNORECASE)
"""Variables of the user's that would change what our programs do: settings by environment, and proxies, through which
they would look for their neighbours on this machine."""

POLL_SECONDS = 0.1
LINES_OF_LOG = 8
"""How much of a log an error quotes."""


@dataclass(frozen=True)
class Process:
    """One program that runs in the background for the owner of `directory`; its log is `log/<name>.log` there."""

    name: str
    directory: Path
    command: tuple[str, ...]
    ready: Callable[[], bool]
    """Whether it does its work by now; may raise OSError, which means no."""
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float = 60
    stop_seconds: float = 5
    """How long it may take on SIGTERM before it is killed."""

    @property
    def log(self) -> Path:
        """Everything that it printed since it was started last."""
        return self.directory / "log" / f"{self.name}.log"

    def pid(self) -> int | None:
        """Its pid while it runs."""
        return next((m.pid for m in marked(self.directory) if m.name == self.name and m.leader), None)

    def healthy(self) -> bool:
        """Whether it runs and does its work."""
        return self.pid() is not None and self._answers()

    def launch(self) -> None:
        """Starts it in a session of its own, unless it runs already. Does not wait until it is ready."""
        if self.pid() is not None:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        environment = {**inherited, **self.environment, MARK: _mark(self.name, self.directory)}
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        try:
            # Not subprocess: its objects complain when they are dropped while the process runs.
            pid = os.posix_spawn(self.command[0], self.command, environment, file_actions=files, setsid=True)
        except OSError as error:
            raise StepFailed(f"{self.name}: cannot run {self.command[0]}: {error.strerror}.") from error
        _await_mark(Path("/proc", str(pid)))

    def wait(self) -> None:
        """Returns when it is ready.

        Raises:
            StepFailed: it ended, or was not ready in time; the message quotes the end of its log.
        """
        deadline = time.monotonic() + self.ready_seconds
        while not self._answers():
            ended = self.pid() is None
            if ended or time.monotonic() > deadline:
                what = "ended while it started" if ended else f"was not ready after {self.ready_seconds:.0f} s"
                raise StepFailed(f"{self.name} {what}; whole log: {self.log}\n{self.tail()}")
            time.sleep(POLL_SECONDS)

    def tail(self) -> str:
        """The last lines of the log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(line[:300] for line in lines[-LINES_OF_LOG:]) or "(empty log)"

    def stop(self) -> bool:
        """Ends it and waits for that; returns whether it ran."""
        pid = self.pid()
        return pid is not None and end([pid], self.stop_seconds) == [pid]

    def _answers(self) -> bool:
        try:
            return self.ready()
        except OSError:
            return False


def _await_mark(entry: Path) -> None:
    """The kernel wakes a program's starter a moment before the program's environment, with our mark, is readable."""
    with suppress(OSError):
        while not (entry / "environ").read_bytes() and _state(entry) != "Z":
            time.sleep(0.001)


@dataclass(frozen=True)
class Marked:
    """A running process that carries our mark: one that was launched, or a descendant of one."""

    pid: int
    name: str
    leader: bool
    """Whether it is the launched process itself."""
    command: str


def marked(directory: Path) -> list[Marked]:
    """Every process of this user that was started for the directory, descendants included."""
    found = []
    for entry, name, owner in _marks():
        try:
            if owner == str(directory):
                command = os.fsdecode((entry / "cmdline").read_bytes().replace(b"\0", b" ").strip())
                pid = int(entry.name)
                found.append(Marked(pid, name, os.getsid(pid) == pid, command))
        except OSError:  # it ended meanwhile
            continue
    return found


def other_owner(directory: Path, name: str) -> str | None:
    """Another directory that a process of this name runs for, in the same network; None if there is none."""
    ours = os.stat("/proc/self/ns/net")
    for entry, called, owner in _marks():
        with suppress(OSError):
            if called == name and owner != str(directory) and os.path.samestat(ours, (entry / "ns" / "net").stat()):
                return owner
    return None


def _marks() -> Iterator[tuple[Path, str, str]]:
    """The entry in /proc, the name and the directory of every marked process that one may look at."""
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit():
                continue
            values = (entry / "environ").read_bytes().split(b"\0")
            mark = next((os.fsdecode(v[len(MARK) + 1 :]) for v in values if v.startswith(f"{MARK}=".encode())), None)
            if mark is None or _state(entry) == "Z":
                continue
        except OSError:  # it ended meanwhile, or is another user's
            continue
        name, _, owner = mark.partition("@")
        yield entry, name, owner


def end(pids: Iterable[int], seconds: float) -> list[int]:
    """Sends SIGTERM, after `seconds` SIGKILL, and waits; returns the pids that were alive.

    A pid is ended through a file descriptor of the process, so that one that is reused meanwhile is left alone.
    """
    handles: dict[int, int] = {}
    for pid in pids:
        try:
            handles[pid] = os.pidfd_open(pid)
        except OSError:
            continue
    try:
        _signal(handles.values(), signal.SIGTERM)
        if not _gone(handles, seconds):
            _signal(handles.values(), signal.SIGKILL)
            _gone(handles, 10)
    finally:
        for handle in handles.values():
            os.close(handle)
    return list(handles)


def _signal(handles: Iterable[int], number: signal.Signals) -> None:
    for handle in handles:
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            continue


def _gone(handles: Mapping[int, int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(_alive(pid) for pid in handles):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS / 2)
    return True


def _alive(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # our own children stay as zombies until somebody asks
    return _state(Path(f"/proc/{pid}")) not in {"Z", "X", None}


def _state(entry: Path) -> str | None:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None


def _mark(name: str, directory: Path) -> str:
    return f"{name}@{directory}"
