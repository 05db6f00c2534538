"""One command at a time on this machine's platform."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from local.paths import STATE
from local.progress import StepFailed


@contextmanager
def exclusive(command: str) -> Iterator[None]:
    """Holds the machine's lock, which ends with the process, however it ends."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StepFailed(f"{lock.read().strip() or 'another command'} is running; wait for it to end") from None
        lock.truncate(0)
        lock.write(f"`make {command}` (process {os.getpid()})")
        lock.flush()
        yield
