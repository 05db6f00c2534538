"""`make status`: what runs on this machine, and in the cluster that the platform is on.

Where nothing runs it answers at once: the clients of a cluster, which take a second to import, are left for one that is
there.
"""

import os

from local import node, services
from local.paths import STATE
from local.progress import StepFailed, say


def show() -> bool:
    """Prints what runs; returns whether all of it works."""
    if running := services.running():
        for name, pid in running.items():
            say(f"{name}: running (process {pid})")
        return True
    if os.environ.get("KUBE_CONTEXT"):
        return _in_cluster()
    if node.running() is None:
        return _without_node()
    well = True
    for part in node.status():
        well &= part.healthy
        pid = f"process {part.pid}" if part.pid else "no process"
        say(f"{part.name}: {'healthy' if part.healthy else 'NOT healthy'} ({pid})")
    well &= _in_cluster()
    if not well:
        say("not all of it works; `make up` starts what does not run")
    return well


def _without_node() -> bool:
    if (STATE / "node-stacks").exists():
        say("the node does not run, although a platform was brought up on it; `make up` starts it again")
        return False
    if rest := [part.name for part in node.status() if part.pid]:
        say(f"only {' and '.join(rest)} runs here; `make up` starts the rest")
    else:
        say("nothing runs; `make up` starts it")
    return True


def _in_cluster() -> bool:
    from local import cluster, cluster_status

    well = True
    try:
        for line in cluster_status.lines(cluster.target()):
            well &= line.well
            say(line.text)
    except StepFailed as failure:
        say(str(failure))
        return False
    return well
