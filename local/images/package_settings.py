"""Where a build finds Python packages: this machine's own settings, lent for the build and in no layer.

pip's settings are read by pip itself. Where uv is installed, builds get it too, with the same settings and with the
wheels that it has at hand: that installs in seconds what takes pip half a minute of hashing and unpacking.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATHS = ("cert", "client-cert", "find-links")
"""Settings that may name files of this machine."""

ABOUT_THIS_MACHINE = ("cache-dir", "no-cache-dir", "user", "target", "prefix", "require-virtualenv", "log", "python")
"""Settings that are about this machine's file system: not for a build."""

Settings = dict[str, dict[str, str]]
"""Section of a pip.conf -> name -> value; several values are on lines of their own or separated by blanks."""


@contextmanager
def for_build() -> Iterator[list[str]]:
    """Yields the volumes, as `host:container:ro`, that give a build this machine's settings."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    settings = parse(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    with tempfile.TemporaryDirectory() as directory:  # of mode 0700: index addresses may carry a password
        (Path(directory) / "pip.conf").write_text(pip_conf(settings))
        volumes = [f"{directory}/pip.conf:/etc/pip.conf:ro"]
        volumes += [f"{path}:{path}:ro" for path in paths(settings)]
        netrc = Path.home() / ".netrc"
        if netrc.is_file():
            volumes.append(f"{netrc}:/root/.netrc:ro")
        if uv := _uv():
            program, cache = uv
            (Path(directory) / "uv.toml").write_text(uv_toml(settings))
            volumes += [
                f"{directory}/uv.toml:/etc/uv/uv.toml:ro",
                f"{program}:/usr/local/bin/uv:ro",
                f"{cache}:/var/cache/uv",
            ]
        yield volumes


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


def pip_conf(settings: Settings) -> str:
    """Writes a pip.conf."""
    lines: list[str] = []
    for section, values in settings.items():
        lines.append(f"[{section}]")
        lines += [f"{name} = " + "\n    ".join(value.splitlines()) for name, value in values.items()]
    return "\n".join(lines) + "\n"


def uv_toml(settings: Settings) -> str:
    """Writes a uv.toml that means the same."""
    values: Mapping[str, str] = {**settings["global"], **settings.get("install", {})}
    lines = ['cache-dir = "/var/cache/uv"', 'link-mode = "copy"', "native-tls = true", "no-build = true"]
    if index := values.get("index-url"):
        lines.append(f"index-url = {json.dumps(index)}")
    for name, uv_name in (("extra-index-url",) * 2, ("find-links",) * 2, ("trusted-host", "allow-insecure-host")):
        if words := values.get(name, "").split():
            lines.append(f"{uv_name} = {json.dumps(words)}")
    if values.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        lines.append("no-index = true")
    return "\n".join(lines) + "\n"


def paths(settings: Settings) -> list[Path]:
    """The files and directories of this machine that the settings name and that exist."""
    words = [word for values in settings.values() for name in PATHS for word in values.get(name, "").split()]
    return sorted(
        {path for word in words if (path := Path(word.removeprefix("file://"))).is_absolute() and path.exists()}
    )


def _uv() -> tuple[Path, Path] | None:
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
    return (program, cache) if answers[0] and program.is_file() and cache.is_dir() else None
