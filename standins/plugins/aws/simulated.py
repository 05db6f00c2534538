"""State of what the API behind the endpoint cannot hold: one JSON file, shared by all plugin processes of a test."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from standins.plugins.plugin import Refused
from standins.plugins.values import Object

PLACE = "PULUMI_MLOPS_AWS_STATE"


class Store:
    """Objects by type and identifier."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "simulated.json"

    @classmethod
    def from_environment(cls) -> "Store":
        """The store in the directory that the environment names.

        Raises:
            Refused: it names none.
        """
        place = os.environ.get(PLACE)
        if not place:
            raise Refused(
                f"the AWS provider stand-in keeps this resource in a file, because the API behind the endpoint has no "
                f"calls for it: set {PLACE} to a directory"
            )
        return cls(Path(place))

    @contextmanager
    def _open(self) -> Iterator[dict[str, dict[str, Any]]]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            objects = json.loads(self.path.read_text()) if self.path.exists() else {}
            yield objects

    def get(self, kind: str, identifier: str) -> Object | None:
        """An object, or None."""
        with self._open() as objects:
            return objects.get(kind, {}).get(identifier)

    def all(self) -> dict[str, dict[str, Any]]:
        """Everything, by type and identifier."""
        with self._open() as objects:
            return {kind: found for kind, found in objects.items() if found}

    def put(self, kind: str, identifier: str, value: Object | None) -> None:
        """Writes an object; None removes it."""
        with self._open() as objects:
            if value is None:
                objects.get(kind, {}).pop(identifier, None)
            else:
                objects.setdefault(kind, {})[identifier] = value
            temporary = self.path.with_suffix(".new")
            temporary.write_text(json.dumps(objects, indent=1, sort_keys=True))
            temporary.replace(self.path)
