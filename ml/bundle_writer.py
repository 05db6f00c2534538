"""Writing version directories: all at once or not at all, and never twice."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml import bundle
from ml.errors import BundleError, StorageError

REMOVED = ".removed"
"""Ending of a version's directory while it is removed."""


def json_bytes(value: Any) -> bytes:
    """JSON for people and for hashes: sorted keys, indented, refuses NaN."""
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False).encode() + b"\n"


def write(
    models: Path, model_name: str, version: str, files: Mapping[str, bytes], facts: Mapping[str, Any]
) -> bundle.Bundle:
    """Writes a version and returns it as read back; `facts` are the manifest's fields besides hashes and names.

    The files appear under a temporary sibling that is then renamed, so a reader sees the whole version or none.
    Raises BundleError if the version exists, StorageError if the volume refuses.
    """
    target = bundle.version_path(models, model_name, version)
    if set(files) != set(bundle.FILES):
        raise ValueError(f"a version consists of {', '.join(bundle.FILES)}, got {', '.join(sorted(files))}")
    if target.exists():
        raise BundleError(f"model version {model_name}/{version} exists already and is never overwritten")
    temporary = target.with_name(f".{version}.{secrets.token_hex(4)}.tmp")
    try:
        for left_over in target.parent.glob(f".{version}.*.tmp"):  # of a pod that was killed while it wrote
            shutil.rmtree(left_over, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, content in files.items():
            write_durably(temporary / name, content)
        manifest = {
            **facts,
            "schema_version": bundle.SCHEMA_VERSION,
            "model_name": model_name,
            "version": version,
            "files": {name: bundle.sha256(temporary / name) for name in sorted(files)},
        }
        write_durably(temporary / bundle.MANIFEST, json_bytes(manifest))
        _sync_directory(temporary)
        temporary.rename(target)
        _sync_directory(target.parent)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StorageError(
            f"the models volume refused to store version {model_name}/{version} ({error.strerror}), "
            "free space on it or enlarge its claim, then retry the run"
        ) from error
    return bundle.read(target)


def remove(models: Path, model_name: str, version: str) -> None:
    """Removes a version: it is out of sight at once, and readers that have its files open go on; raises OSError."""
    path = bundle.version_path(models, model_name, version)
    out_of_sight = path.with_name(f".{version}{REMOVED}")
    path.rename(out_of_sight)
    shutil.rmtree(out_of_sight)


def write_durably(file: Path, content: bytes) -> None:
    """Writes a file and waits until the disk has it (a shared volume outlives the node that wrote it)."""
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def replace_durably(file: Path, content: bytes) -> None:
    """Gives a file new content in one step: readers see the old or the new, never a mixture."""
    temporary = file.with_name(f".{file.name}.tmp")  # one writer a file: left over by a killed pod, it is overwritten
    try:
        write_durably(temporary, content)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
