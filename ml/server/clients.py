"""The clients of an endpoint that have API keys."""

import logging
import time
from pathlib import Path

from pulumi_mlops.contract import api_keys

from ml.server import log

REREAD_SECONDS = 1.0
"""How often, at most, a look is taken whether the directory has changed; a changed Secret reaches a pod in about a
minute, by the kubelet."""
_UNKNOWN = (api_keys.keep(api_keys.new("nobody")),)
"""Compared with the keys of clients that do not exist, so that the answer takes as long."""


class Clients:
    """The clients of an endpoint, in a directory that is a mounted Secret: a file each, named like the client."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._clients: dict[str, tuple[api_keys.Kept, ...]] = {}
        self._version: object = None
        self._look_again = 0.0

    def client(self, key: bytes) -> str | None:
        """The name of the client whose key this is; None if it is nobody's, or has ended."""
        name = api_keys.client_of(key)
        kept = self._current().get(name, _UNKNOWN)
        now = time.time()
        return name if any([one.fits(key, now) for one in kept]) else None  # a list: every one is compared

    def _current(self) -> dict[str, tuple[api_keys.Kept, ...]]:
        now = time.monotonic()
        if now >= self._look_again:
            self._look_again = now + REREAD_SECONDS
            self._read()
        return self._clients

    def _read(self) -> None:
        """Reads the clients if the directory has changed; those that cannot be read have no key."""
        try:
            # The kubelet changes all files at once: it exchanges the directory behind a link that they lead through.
            directory = (self._directory / "..data").resolve() if (self._directory / "..data").exists() else None
            files = sorted(one for one in (directory or self._directory).iterdir() if not one.name.startswith("."))
            version = [(str(one), one.stat().st_mtime_ns, one.stat().st_ino) for one in files]
            if version == self._version:
                return
            texts = {one.name: one.read_text("ascii", "replace") for one in files}
        except OSError as error:
            if self._version != (failed := f"{type(error).__name__}"):
                log.event("clients cannot be read", logging.ERROR, reason=failed)
            self._version, self._clients = failed, {}
            return
        clients: dict[str, tuple[api_keys.Kept, ...]] = {}
        for name, text in texts.items():
            try:
                clients[name] = tuple(api_keys.read(text))
            except ValueError as error:
                log.event("client has no usable key", logging.ERROR, client=name, reason=str(error))
        self._version, self._clients = version, clients
        log.event("clients read", clients=sorted(clients))
