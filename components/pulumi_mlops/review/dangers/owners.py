"""Resources that change hands: deleted by one component or stack and created by another, or given another parent."""

from collections.abc import Iterator, Mapping, Sequence

from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.groups import STACK_TYPE, owner, title, type_of
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.preview import Operation, Preview, State, Step
from pulumi_mlops.review.values import is_secret, is_unknown

NAMES = ("bucket", "clusterIdentifier", "identifier", "clusterName", "nodeGroupName", "addonName", "fullName", "name")
"""Inputs by which a cloud knows a resource, the most telling first."""
COMPANIONS = ("clusterName", "zoneId", "role", "type")
"""Inputs within which such a name is unique, where there are any."""

Identity = tuple[str, ...]


def between_owners(previews: Sequence[Preview], every: Mapping[str, Mapping[str, Step]]) -> Iterator[Danger]:
    """What one owner deletes and another creates under the same name. `every` are each stack's steps by URN."""
    going: dict[Identity, list[tuple[str, Step]]] = {}
    coming: dict[Identity, list[tuple[str, Step]]] = {}
    for preview in previews:
        for step in preview.steps:
            side = {Operation.DELETE: going, Operation.CREATE: coming}.get(step.operation)
            identity = _identity(step)
            if side is not None and identity:
                side.setdefault(identity, []).append((preview.stack, step))
    for identity, leavers in going.items():
        for (stack, step), (other, made) in zip(leavers, coming.get(identity, ()), strict=False):
            source, target = _place(stack, step, every), _place(other, made, every)
            yield Danger(
                DangerKind.OWNER,
                other,
                made.urn,
                f"is deleted by {source} and created by {target}: the two may race, and what is in it is lost "
                "(an alias or `pulumi state move` keeps it)",
            )


def moved(step: Step, stack: str, every: Mapping[str, Step]) -> Iterator[Danger]:
    """The step's resource keeps its place in the cloud and gets another parent."""
    before, after = former_parent(step), step.state.parent
    if before and after and before != after and not is_renamed(before, after, every):
        yield Danger(DangerKind.OWNER, stack, step.urn, f"moves from {place(before)} to {place(after)}")


def former_parent(step: Step) -> str:
    """URN of the parent before the step, where the resource was there."""
    return step.old.parent if step.old and step.new else ""


def is_renamed(before: str, after: str, every: Mapping[str, Step]) -> bool:
    """Whether both are one component, which itself is renamed."""
    parent = every.get(after)
    return bool(parent and parent.old and parent.old.urn == before)


def place(urn: str) -> str:
    """What owns a resource whose parent is at the URN."""
    return "the stack itself" if type_of(urn) in ("", STACK_TYPE) else title(urn)


def _identity(step: Step) -> Identity | None:
    state = step.state
    if not state.custom or state.external or step.type.startswith("pulumi:"):
        return None
    if step.type.startswith("kubernetes:"):
        metadata = mapping(state.inputs.get("metadata"))
        named = _known(state, "name") if not metadata else metadata.get("name")
        place = metadata.get("namespace") or state.inputs.get("namespace") or ""
        return (step.type, str(place), named) if isinstance(named, str) and not is_unknown(named) else None
    name = next((found for key in NAMES if (found := _known(state, key))), "")
    within = [found for key in COMPANIONS if (found := _known(state, key)) and found != name]
    return (step.type, name, *within) if name else None


def _known(state: State, key: str) -> str:
    value = state.inputs.get(key)
    return value if isinstance(value, str) and not is_unknown(value) and not is_secret(value) else ""


def _place(stack: str, step: Step, every: Mapping[str, Mapping[str, Step]]) -> str:
    component = title(owner(step, every.get(stack, {})))
    return f"{component} in {stack}" if component else stack
