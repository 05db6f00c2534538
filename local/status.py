"""`make status`: what runs on this machine. Asks the processes alone, and imports no client of what they serve."""

from local import node, services
from local.progress import say


def show() -> None:
    """Prints what runs."""
    running = services.running()
    for name, pid in running.items():
        say(f"{name}: running (process {pid})")
    rows = node.status()
    for part in rows:
        say(f"{part.name}: {'healthy' if part.healthy else 'NOT healthy'} (process {part.pid})")
    if not rows and not running:
        say("nothing runs; `make up` starts it")
