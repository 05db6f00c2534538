"""What one pod asks of a node: the scheduler's own sum over its containers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pulumi_mlops import _quantities
from pulumi_mlops.review.json_data import Json, JsonObject, mapping
from pulumi_mlops.review.values import NotReadable, part, parts

NOTHING = Decimal(0)
KINDS = ("cpu", "memory")


@dataclass(frozen=True)
class Pod:
    """Requests of one pod."""

    cpu_cores: Decimal
    memory_gib: Decimal
    silent: bool
    """Whether a container asks for nothing: the namespace's LimitRange, or nobody, then decides."""


def pod(spec: Json) -> Pod:
    """Requests of a pod with the spec; raises NotReadable."""
    if not isinstance(spec, Mapping):
        raise NotReadable("a request is not known, or is not a quantity")
    known = mapping(spec)
    containers, first = parts(known, "containers"), parts(known, "initContainers")
    overhead = part(known, "overhead")
    asked = [_requested(one) for one in containers]
    # Init containers run one after the other; those with a restart policy of their own stay.
    before = [(_requested(one), one.get("restartPolicy") == "Always") for one in first]
    cpu, memory = (
        _highest([one[kind] for one in asked], [(one[kind], stays) for one, stays in before])
        + _quantity(overhead, name)
        for kind, name in enumerate(KINDS)
    )
    silent = any(not one.get("resources") for one in containers)
    return Pod(cpu, memory / _quantities.GIB, silent)


def _highest(asked: Sequence[Decimal], before: Sequence[tuple[Decimal, bool]]) -> Decimal:
    """The larger of what runs for good, and of what runs before it; each of that with whether it stays."""
    staying, peak = NOTHING, NOTHING
    for one, stays in before:
        peak = max(peak, staying + one)
        if stays:
            staying += one
    return max(peak, sum(asked, staying))


def _requested(container: JsonObject) -> tuple[Decimal, ...]:
    """CPU and memory; where there is only a limit, Kubernetes makes it the request."""
    resources = part(container, "resources")
    requests, limits = part(resources, "requests"), part(resources, "limits")
    return tuple(_quantity(requests if kind in requests else limits, kind) for kind in KINDS)


def _quantity(owner: JsonObject, kind: str) -> Decimal:
    if owner.get(kind) is None:
        return NOTHING
    found = _quantities.parse(owner[kind])
    if found is None:
        raise NotReadable("a request is not known, or is not a quantity")
    return found
