"""A real Gitea on this machine: users, tokens, repositories and pull requests, nothing of it played.

Gitea refuses to run as root, so as root it runs as `nobody`.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local import tools
from local.tools import build
from local.tools.catalogue import BINARIES
from tests.servers import free_ports, wait_for

OWNER, REPOSITORY = "team", "birds"
PASSWORD = "only-for-this-test-0123456789"
SETTINGS = """
APP_NAME = Gitea
RUN_MODE = prod
WORK_PATH = {work}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {static}
OFFLINE_MODE = true
DISABLE_SSH = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {work}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = 0123456789abcdef
[indexer]
ISSUE_INDEXER_TYPE = db
[actions]
ENABLED = false
[log]
LEVEL = Warn
"""


@dataclass(frozen=True)
class Gitea:
    """A running server with an administrator, `team`, who owns the repository `birds`."""

    url: str
    binary: Path
    settings: Path

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def run(self, *arguments: str) -> str:
        """Runs a command of Gitea itself, as the server's own user."""
        command = [str(self.binary), "--config", str(self.settings), *arguments]
        return _as_its_user(command, self.settings.parent).strip()

    def user(self, name: str, *, admin: bool = False) -> None:
        """Creates a user who logs in with PASSWORD."""
        names = ["--username", name, "--email", f"{name}@example.org"]
        options = ["--must-change-password=false", *(["--admin"] if admin else [])]
        self.run("admin", "user", "create", *names, "--password", PASSWORD, *options)

    def token(self, user: str, *scopes: str) -> str:
        """A new access token of the user."""
        return self.run("admin", "user", "generate-access-token", "--username", user, "--raw", "--token-name",
                        os.urandom(4).hex(), "--scopes", ",".join(scopes))  # fmt: skip

    def ask(self, token: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of an API call; fails with Gitea's own message where it refuses."""
        return self._ask(f"token {token}", method, path, body)

    def ask_with_password(self, user: str, method: str, path: str) -> Any:
        """The same as a user who logs in: Gitea lets nobody else list and revoke tokens."""
        return self._ask(f"Basic {base64.b64encode(f'{user}:{PASSWORD}'.encode()).decode()}", method, path, None)

    def _ask(self, authorization: str, method: str, path: str, body: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(
            f"{self.api}/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": authorization, "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(text) if text.strip() else None


@contextmanager
def gitea() -> Iterator[Gitea]:
    """Gitea with one user, listening on loopback; its directory is none of pytest's, which are closed to `nobody`."""
    with TemporaryDirectory(prefix="gitea-") as directory, _running(Path(directory)) as server:
        yield server


@contextmanager
def _running(directory: Path) -> Iterator[Gitea]:
    binary = tools.ensure("gitea")["gitea"]
    (port,) = free_ports(1)
    source = build.source(BINARIES["gitea"])
    static = directory / "static"
    for name in ("templates", "options", "public"):  # the module cache may lie where the server's user cannot look
        shutil.copytree(source / name, static / name, copy_function=shutil.copyfile)
    program = Path(shutil.copy(binary, directory / "gitea"))
    settings = directory / "app.ini"
    settings.write_text(SETTINGS.format(work=directory, port=port, static=static))
    _give_to_its_user(directory)
    server = Gitea(f"http://127.0.0.1:{port}", program, settings)
    server.run("migrate")
    server.user(OWNER, admin=True)
    log = directory / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [program, "--config", settings, "web"], stdout=output, stderr=output, **_user(directory)
        )
    try:
        wait_for(f"{server.api}/version", 60, log)
        yield server
    finally:
        process.kill()
        process.wait()


def _user(directory: Path) -> dict[str, Any]:
    """Arguments of `subprocess` that make a process Gitea's own user's."""
    return {
        "cwd": directory,
        "env": {"PATH": os.environ["PATH"], "HOME": str(directory), "USER": "nobody" if os.geteuid() == 0 else "gitea"},
        **({"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}),
    }


def _as_its_user(command: list[str], directory: Path) -> str:
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **_user(directory))
    assert run.returncode == 0, re.sub(re.escape(PASSWORD), "***", f"{run.stdout}{run.stderr}")
    return run.stdout


def _give_to_its_user(directory: Path) -> None:
    if os.geteuid() == 0:
        for parent, names, files in os.walk(directory):
            for path in (parent, *(os.path.join(parent, name) for name in [*names, *files])):
                shutil.chown(path, "nobody", "nogroup")
