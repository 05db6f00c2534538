"""Where a build finds Python packages: this machine's own settings, lent for the build and in no layer.

pip's settings are read by pip itself. Where uv is installed, builds get it too, with the same settings and with the
wheels that it has at hand: that installs in seconds what takes pip half a minute of hashing and unpacking.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LENT = Path("/run/build")
"""Where a build finds what it is lent: pip.conf, uv.toml, netrc, uv, and the files that the settings name."""

PATHS = ("cert", "client-cert", "find-links")
"""Settings that may name files of this machine."""

ABOUT_THIS_MACHINE = ("cache-dir", "no-cache-dir", "user", "target", "prefix", "require-virtualenv", "log", "python")
"""Settings that are about this machine's file system: not for a build."""

Settings = dict[str, dict[str, str]]
"""Section of a pip.conf -> name -> value; several values are on lines of their own or separated by blanks."""


@contextmanager
def for_build() -> Iterator[list[str]]:
    """Yields the volumes, as `host:container[:ro]`, that lend a build this machine's settings; outer ones first."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    settings = parse(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    lent = paths(settings)
    netrc = Path.home() / ".netrc"
    if netrc.is_file():
        lent[netrc] = LENT / "netrc"
    uv = _uv()
    if uv is not None:
        lent[uv.program] = LENT / "uv"
        lent[uv.cache] = LENT / "uv-cache"
    with tempfile.TemporaryDirectory() as directory:  # of mode 0700: index addresses may carry a password
        (Path(directory) / "pip.conf").write_text(pip_conf(settings))
        (Path(directory) / "uv.toml").write_text(uv_toml(settings))
        for source, place in lent.items():
            mount_point = Path(directory) / place.name
            mount_point.mkdir() if source.is_dir() else mount_point.touch()
        writable = {uv.cache} if uv else set()
        inner = [f"{source}:{place}" + ("" if source in writable else ":ro") for source, place in lent.items()]
        yield [f"{directory}:{LENT}", *inner]


def parse(listed: str) -> Settings:
    """Reads what `pip config list` prints (`section.name='value'`); the environment's settings win over the files'."""
    settings: Settings = {"global": {}}
    environment: dict[str, str] = {}
    for line in listed.splitlines():
        left, separator, value = line.partition("=")
        section, dot, name = left.rpartition(".")
        if separator and dot and name not in ABOUT_THIS_MACHINE:
            target = environment if section == ":env:" else settings.setdefault(section, {})
            target[name] = str(ast.literal_eval(value))
    settings["global"].update(environment)
    return settings


def paths(settings: Settings) -> dict[Path, Path]:
    """The files and directories of this machine that the settings name and that exist, and where a build finds them."""
    words = {word for values in settings.values() for name in PATHS for word in values.get(name, "").split()}
    files = sorted(
        path for word in words if (path := Path(word.removeprefix("file://"))).is_absolute() and path.exists()
    )
    return {path: LENT / f"{number}-{path.name}" for number, path in enumerate(files)}


def _as_lent(settings: Settings) -> Settings:
    """The same settings with the paths as a build sees them."""
    lent = {str(path): str(place) for path, place in paths(settings).items()}

    def moved(value: str) -> str:
        return re.sub(r"\S+", lambda word: lent.get(word[0].removeprefix("file://"), word[0]), value)

    return {
        section: {name: moved(value) if name in PATHS else value for name, value in values.items()}
        for section, values in settings.items()
    }


def pip_conf(settings: Settings) -> str:
    """Writes a pip.conf for a build."""
    lines: list[str] = []
    for section, values in _as_lent(settings).items():
        lines.append(f"[{section}]")
        lines += [f"{name} = " + "\n    ".join(value.splitlines()) for name, value in values.items()]
    return "\n".join(lines) + "\n"


def uv_toml(settings: Settings) -> str:
    """Writes a uv.toml that means the same."""
    settings = _as_lent(settings)
    values: Mapping[str, str] = {**settings["global"], **settings.get("install", {})}
    lines = [f'cache-dir = "{LENT}/uv-cache"', 'link-mode = "copy"', "native-tls = true", "no-build = true"]
    if index := values.get("index-url"):
        lines.append(f"index-url = {json.dumps(index)}")
    for name, uv_name in (("extra-index-url",) * 2, ("find-links",) * 2, ("trusted-host", "allow-insecure-host")):
        if words := values.get(name, "").split():
            lines.append(f"{uv_name} = {json.dumps(words)}")
    if values.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        lines.append("no-index = true")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Uv:
    program: Path
    cache: Path


def _uv() -> _Uv | None:
    """This machine's uv and its cache, if there is one; what is on PATH may be a script that calls the real program."""
    if shutil.which("uv") is None:
        return None
    answers = [
        subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path.home(), env=os.environ
        ).stdout.strip()
        for command in (["uv", "run", "--no-project", "--offline", "sh", "-c", "echo $UV"], ["uv", "cache", "dir"])
    ]
    program, cache = (Path(answer) for answer in answers)
    if not all(answers) or not program.is_file():
        return None
    cache.mkdir(parents=True, exist_ok=True)  # a uv that has installed nothing yet has none
    return _Uv(program, cache)
