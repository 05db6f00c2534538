"""SHA-256 of files, remembered: the large programs among them are read once, not at every run."""

import hashlib
import json
import threading
from pathlib import Path

from local.paths import CACHE
from local.progress import StepFailed

REMEMBERED = CACHE / "images" / "digests.json"
SMALL_BYTES = 1 << 20
"""Files below this size are simply read."""

_LOCK = threading.Lock()


def of(file: Path) -> str:
    """The file's SHA-256 in hex; a large file is read again only when its size or time of change differs.

    Raises:
        StepFailed: the file is not there.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise StepFailed(f"Images: {file} goes into an image and cannot be read ({error.strerror}).") from None
    if status.st_size < SMALL_BYTES:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    stamp = f"{file} {status.st_size} {status.st_mtime_ns}"
    with _LOCK:
        known = _remembered()
        if stamp not in known:
            with file.open("rb") as stream:
                known = {old: digest for old, digest in known.items() if not old.startswith(f"{file} ")}
                known[stamp] = hashlib.file_digest(stream, "sha256").hexdigest()
            REMEMBERED.parent.mkdir(parents=True, exist_ok=True)
            unfinished = REMEMBERED.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(known, indent=1))
            unfinished.replace(REMEMBERED)
        return known[stamp]


def _remembered() -> dict[str, str]:
    try:
        return json.loads(REMEMBERED.read_text())
    except (OSError, ValueError):
        return {}
