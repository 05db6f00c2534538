"""One line per step: what it does, how long it took, and, when it fails, why and what to run again."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_STARTED = time.monotonic()
_LOCK = threading.Lock()
_BEGUN = threading.Event()


class StepFailed(Exception):
    """A step of the one-machine platform failed. The message is for the person at the terminal: why, and what next."""


def say(message: str) -> None:
    """Prints one line with the time since the program started."""
    with _LOCK:
        print(f"{time.monotonic() - _STARTED:6.1f}s  {message}", file=sys.stderr, flush=True)


def begun() -> bool:
    """Whether this program has started any step, so that there may be something to continue."""
    return _BEGUN.is_set()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Announces a step, then says how long it took or that it failed."""
    _BEGUN.set()
    say(f"{name} …")
    begin = time.monotonic()
    try:
        yield
    except BaseException as error:
        say(
            f"{name}: failed after {time.monotonic() - begin:.1f}s"
            + ("" if isinstance(error, StepFailed) else f" ({type(error).__name__})")
        )
        raise
    say(f"{name}: done in {time.monotonic() - begin:.1f}s")
