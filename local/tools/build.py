"""Builds tools into the cache: two at a time, each binary published whole or not at all, none twice.

The binaries of one tool are built by one `go build`: side by side they would compile the same packages twice.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from local import paths
from local.progress import StepFailed, say, step
from local.tools import apt
from local.tools.catalogue import BINARIES, Tool

AT_A_TIME = 2
"""One Go build has stretches with a single busy core, and more than two need more memory than a small machine has."""

CHEAP = ("-gcflags=all=-dwarf=false",)
"""The compiler need not write what debuggers read: the linker drops it (`-s -w`)."""
COLLECTOR = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}
"""Compiler and linker end before most of their garbage needs collecting; a variable of the caller's own goes first."""
LINES_OF_OUTPUT = 12
"""How much of go's output an error quotes."""


def ensure(*names: str) -> dict[str, Path]:
    """Returns where each binary is; builds those that are neither cached nor on PATH in a good version.

    Raises:
        StepFailed: a name is unknown, Go is missing, or a build failed; the message says which and what to do.
    """
    unknown = [name for name in names if name not in BINARIES]
    if unknown:
        raise StepFailed(f"No such tool: {', '.join(unknown)}; there are {', '.join(BINARIES)}.")
    wanted = sorted(set(names), key=list(BINARIES).index)
    found = {name: place for name in wanted if (place := cached(name) or on_path(name))}
    to_build: dict[str, list[str]] = {}
    for name in wanted:
        if name not in found:
            to_build.setdefault(BINARIES[name].name, []).append(name)
    if to_build:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            builds = [pool.submit(_build, BINARIES[group[0]], group) for group in to_build.values()]
            try:
                for build in as_completed(builds):
                    found |= build.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return {name: found[name] for name in names}


def missing(*names: str) -> list[str]:
    """Those of the binaries that `ensure` would have to build."""
    return [name for name in names if not (cached(name) or on_path(name))]


def directory(tool: Tool) -> Path:
    """Where the tool's binaries are cached: one directory per version and content of the module."""
    return paths.CACHE / "tools" / f"{tool.name}-{tool.version}-{_fingerprint(tool)}"


def cached(name: str) -> Path | None:
    """The binary that was built earlier from the same module, if there is one."""
    place = directory(BINARIES[name]) / "bin" / name
    return place if place.is_file() else None


def on_path(name: str) -> Path | None:
    """The binary on PATH, if its own word about its version is good enough."""
    probe = BINARIES[name].binaries[name].probe
    place = shutil.which(name)
    if probe is None or place is None:
        return None
    try:
        run = subprocess.run([place, *probe.arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = probe.accepts(run.stdout + run.stderr) if run.returncode == 0 else None
    if version is None:
        return None
    say(f"{name}: using {place} ({version})")
    return Path(place)


def _build(tool: Tool, names: list[str]) -> dict[str, Path]:
    target = directory(tool) / "bin"
    target.mkdir(parents=True, exist_ok=True)
    with _alone(tool, target / ".lock"):
        # What another process has built while this one waited need not be built again.
        if absent := [name for name in names if not (target / name).is_file()]:
            scratch = target / ".unfinished"
            shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
            scratch.mkdir()
            title = tool.name if absent == [tool.name] else f"{tool.name} ({', '.join(absent)})"
            with step(f"{title} {tool.version}: building"):
                _go_build(tool, absent, scratch)
                for name in absent:
                    os.replace(scratch / name, target / name)
            shutil.rmtree(scratch)
    return {name: target / name for name in names}


def _go_build(tool: Tool, names: list[str], scratch: Path) -> None:
    go = _go(tool)
    command = [go, "build", "-mod=readonly", "-buildvcs=false", *CHEAP, "-ldflags", tool.linker_flags()]
    if tool.tags:
        command += ["-tags", " ".join(tool.tags)]
    if tool.cgo and shutil.which("gcc") is None:
        apt.ensure("gcc", "libc6-dev")
    environment = _environment(tool)
    log = paths.CACHE / "tools" / "logs" / f"{tool.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        if tool.added_files:
            command += ["-trimpath", f"-modfile={_completed(tool, scratch)}"]
        # A single file gets the name that is asked for, several get the names of their packages' directories.
        command += ["-o", str(scratch / names[0]) if len(names) == 1 else f"{scratch}/"]
        command += [tool.binaries[name].package for name in names]
        run = subprocess.run(
            command, cwd=tool.directory, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if run.returncode != 0:
        lines = [
            line for line in log.read_text(errors="replace").splitlines() if not line.startswith("go: downloading")
        ]
        reason = "\n".join(lines[-LINES_OF_OUTPUT:]) or f"go was ended with status {run.returncode}"
        raise StepFailed(
            f"Tool {tool.name} {tool.version}: go build failed (whole output: {log}); "
            f"once the cause is gone, run `python -m local.tools {' '.join(names)}` again.\n{reason}"
        )


def source(tool: Tool) -> Path:
    """Directory of the tool's module in Go's module cache, read-only; go verifies it against go.sum.

    Raises:
        StepFailed: Go is missing, or it cannot download the module.
    """
    lookup = [
        _go(tool),
        "mod",
        "download",
        "-json",
        str(tool.module),
    ]  # the version is that of go.mod, as are replacements
    run = subprocess.run(
        lookup, cwd=tool.directory, env=_environment(tool), capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise StepFailed(f"Tool {tool.name} {tool.version}: go cannot download {tool.module}: {run.stdout}{run.stderr}")
    return Path(json.loads(run.stdout)["Dir"])


def _go(tool: Tool) -> str:
    go = shutil.which("go")
    if go is None:
        raise StepFailed(f"Tool {tool.name}: go is not on PATH; install Go 1.26 or later (go.dev/dl), then run again.")
    return go


def _environment(tool: Tool) -> dict[str, str]:
    """Static binaries run in any image and need no C compiler; a tool says where it cannot be one."""
    toolchain = {"GOTOOLCHAIN": tool.toolchain} if tool.toolchain else {}
    return {
        **COLLECTOR,
        **os.environ,
        "CGO_ENABLED": "1" if tool.cgo else "0",
        "GOFLAGS": "",
        "GOWORK": "off",
        **toolchain,
    }


def _completed(tool: Tool, scratch: Path) -> Path:
    """Copies the tool's module, adds the files that its zip lacks, and returns a go.mod that uses the copy.

    Go refuses an overlay over its module cache.
    """
    original, copy = source(tool), scratch / "source"
    for directory, _, files in os.walk(original):
        target = copy / Path(directory).relative_to(original)
        target.mkdir()
        for file in files:
            shutil.copyfile(Path(directory) / file, target / file)
    for path, ours in tool.added_files.items():
        shutil.copyfile(tool.directory / ours, copy / path)
    shutil.copyfile(tool.directory / "go.sum", scratch / "go.sum")
    go_mod = (tool.directory / "go.mod").read_text()
    (scratch / "go.mod").write_text(f"{go_mod}\nreplace {tool.module} => {copy}\n")
    return scratch / "go.mod"


def _fingerprint(tool: Tool) -> str:
    """Twelve hex digits over everything that decides what the binaries are."""
    digest = hashlib.sha256(f"{platform.machine()} {tool.binaries} {tool.linker_flags()} {tool.added_files}".encode())
    if tool.tags or tool.cgo:
        digest.update(f"\0{tool.tags} {tool.cgo}".encode())
    for file in sorted([*tool.directory.glob("go.*"), *tool.directory.glob("*.go")]):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _alone(tool: Tool, lock: Path) -> Iterator[None]:
    """Holds a lock that ends with the process, so that two runs never build the same tool side by side."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{tool.name}: another process is building it, waiting …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
