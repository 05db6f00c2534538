"""Environments of exactly one lock: seldon-core's pins (numpy < 2, protobuf < 4) exclude the rest, and a server is
measured with what its image has.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import paths

WAIT_SECONDS = 600
"""How long to wait for another process that is making the same environment."""


def environment(lock_name: str) -> Path:
    """Returns the directory of a virtual environment with exactly the packages of requirements/<lock_name>.txt.

    Made on first use, with uv if there is one, and kept in the cache under the hash of the lock and the interpreter's
    version. A file written last says that it is complete; a directory without it is made again.

    Raises:
        subprocess.CalledProcessError: The installer failed; its output is on stderr.
    """
    lock = paths.ROOT / "requirements" / f"{lock_name}.txt"
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    directory = paths.CACHE / "venvs" / f"{lock_name}-{key}"
    marker = directory / ".complete"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(directory.with_suffix(".lock")):
        if not marker.exists():
            shutil.rmtree(directory, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
            python = str(directory / "bin" / "python")
            uv = shutil.which("uv")
            installer = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
            subprocess.run([*installer, "--quiet", "--require-hashes", "-r", str(lock)], check=True, stdout=sys.stderr)
            marker.touch()
    return directory


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Holds a lock that dies with the process, so that two test runs don't build the same directory."""
    deadline = time.monotonic() + WAIT_SECONDS
    with path.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{path} has been held by another process for {WAIT_SECONDS} s") from None
                time.sleep(0.5)
        handle.write(str(os.getpid()))
        yield
