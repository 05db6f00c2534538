"""`python -m local.node start|status|stop [--wipe]`."""

import argparse
import sys

from local import node
from local.progress import StepFailed, say


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0; 1 after a reason; for `status`, 3 when not all of the node runs."""
    parser = argparse.ArgumentParser("python -m local.node", description=node.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("start", help="start the node, or continue a start that was interrupted")
    verbs.add_parser("status", help="show each part with its pid and health")
    stop = verbs.add_parser("stop", help="remove the node and everything that runs in it")
    stop.add_argument("--wipe", action="store_true", help="also remove its certificates and containerd's images")
    chosen = parser.parse_args(arguments)
    try:
        return {"start": _start, "status": _status, "stop": lambda: _stop(wipe=getattr(chosen, "wipe", False))}[
            chosen.verb
        ]()
    except StepFailed as error:
        print(error, file=sys.stderr)
        return 1


def _start() -> int:
    running = node.start()
    print(f"export KUBECONFIG={running.kubeconfig}")
    print(f"# images: {running.registry}; pushes: {running.registry_push}; gateway: {running.gateway_url}")
    return 0


def _status() -> int:
    parts = node.status()
    for part in parts:
        print(f"{part.name:26}{part.pid or '-':>8}  {'healthy' if part.healthy else 'not healthy'}")
    if not parts:
        print("The node is not running.")
    return 0 if parts and all(part.healthy for part in parts) else 3


def _stop(*, wipe: bool) -> int:
    for line in node.stop(wipe=wipe) or ["nothing: the node was not running"]:
        say(f"removed {line}" if not line.startswith(("sysctl", "nothing")) else line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
