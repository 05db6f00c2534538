"""A real one-node Kubernetes on this machine: start, status, stop.

All of it is ordinary processes that listen on loopback and on the node's own bridge, and nowhere else. Does not own:
what is built for it (`local.tools`) and what runs in it.
"""

from local.node.lifecycle import (
    Node,
    PartStatus,
    ensure,
    home,
    pull_from,
    running,
    start,
    start_registry,
    status,
    stop,
)
from local.node.machine import can_run_containers

__all__ = [
    "Node",
    "PartStatus",
    "can_run_containers",
    "ensure",
    "home",
    "pull_from",
    "running",
    "start",
    "start_registry",
    "status",
    "stop",
]
