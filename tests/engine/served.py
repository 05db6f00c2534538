"""Resource definitions that an API server has, and serves."""

import time
from collections.abc import Iterable
from typing import Any

from pulumi_cli import Cluster

from standins.plugins.kubernetes.client import NotServed

WAIT_SECONDS = 60


def install(cluster: Cluster, definitions: Iterable[dict[str, Any]]) -> None:
    """Applies the definitions, and returns once objects of their kinds can be asked for."""
    wanted = list(definitions)
    for definition in wanted:
        cluster.apply(definition, "platform")
    deadline = time.monotonic() + WAIT_SECONDS
    for definition in wanted:
        while not _serves(cluster, definition["spec"]):
            assert time.monotonic() < deadline, definition["metadata"]["name"]
            time.sleep(0.2)


def _serves(cluster: Cluster, spec: dict[str, Any]) -> bool:
    version = next(one["name"] for one in spec["versions"] if one["served"])
    try:
        cluster.get(f"{spec['group']}/{version}", spec["names"]["kind"], "none", "default")
    except NotServed:
        return False
    return True
