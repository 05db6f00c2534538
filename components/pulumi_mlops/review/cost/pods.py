"""What one pod asks of a node: the scheduler's own sum over its containers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from pulumi_mlops.review.cost import quantities
from pulumi_mlops.review.values import NotReadable

NOTHING = Decimal(0)
KINDS = ("cpu", "memory")


@dataclass(frozen=True)
class Pod:
    """Requests of one pod."""

    cpu_cores: Decimal
    memory_gib: Decimal
    silent: bool
    """Whether a container asks for nothing: the namespace's LimitRange, or nobody, then decides."""


def pod(spec: object) -> Pod:
    """Requests of a pod with the spec; raises NotReadable."""
    if not isinstance(spec, Mapping):
        raise NotReadable("a request is not known, or is not a quantity")
    known = cast("Mapping[str, Any]", spec)
    containers, first = _list(known, "containers"), _list(known, "initContainers")
    cpu, memory = (_highest(kind, containers, first) + _quantity(_map(known, "overhead"), kind) for kind in KINDS)
    silent = any(not _map(one, "resources") for one in containers)
    return Pod(cpu, memory / quantities.GIB, silent)


def _highest(kind: str, containers: Sequence[Mapping[str, Any]], first: Sequence[Mapping[str, Any]]) -> Decimal:
    """The larger of what runs for good, and of what runs before it.

    Init containers run one after the other; those with a restart policy of their own stay.
    """
    staying, peak = NOTHING, NOTHING
    for one in first:
        asked = _requested(one, kind)
        peak = max(peak, staying + asked)
        if one.get("restartPolicy") == "Always":
            staying += asked
    return max(peak, staying + sum((_requested(one, kind) for one in containers), NOTHING))


def _requested(container: Mapping[str, Any], kind: str) -> Decimal:
    """The request; where there is only a limit, Kubernetes makes it the request."""
    resources = _map(container, "resources")
    requests = _map(resources, "requests")
    return _quantity(requests if kind in requests else _map(resources, "limits"), kind)


def _quantity(owner: Mapping[str, Any], kind: str) -> Decimal:
    if owner.get(kind) is None:
        return NOTHING
    found = quantities.parse(owner[kind])
    if found is None:
        raise NotReadable("a request is not known, or is not a quantity")
    return found


def _map(owner: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = owner.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise NotReadable("a request is not known, or is not a quantity")
    return cast("Mapping[str, Any]", value)


def _list(owner: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = owner.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in cast("list[object]", value)):
        raise NotReadable("a request is not known, or is not a quantity")
    return cast("list[Mapping[str, Any]]", value)
