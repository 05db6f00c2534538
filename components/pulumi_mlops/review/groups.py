"""A preview's steps, by the component instance that owns them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from pulumi_mlops.review.preview import Operation, Preview, PreviewError, Step, Urn

STACK_TYPE = "pulumi:pulumi:Stack"
OWN_PACKAGE = "pulumi-mlops"
COMPONENTS_WITH_MODULE = (
    "kubernetes:helm.sh/v4:",
    "kubernetes:yaml/",
    "kubernetes:kustomize/",
    "kubernetes:helm.sh/v3:Chart",
)
"""Type tokens of components that look like resources of a provider."""

HALVES = frozenset(
    {
        Operation.CREATE_REPLACEMENT,
        Operation.DELETE_REPLACED,
        Operation.READ_REPLACEMENT,
        Operation.IMPORT_REPLACEMENT,
        Operation.DISCARD_REPLACED,
        Operation.REMOVE_PENDING_REPLACE,
    }
)
"""Physical steps of one replacement, which the engine counts once, as `replace`."""
QUIET = frozenset({Operation.SAME, Operation.REFRESH})
"""Operations that change nothing."""
WEIGHT = (
    Operation.DELETE,
    Operation.REPLACE,
    Operation.UPDATE,
    Operation.IMPORT,
    Operation.CREATE,
    Operation.READ,
    Operation.DISCARD,
    Operation.SAME,
    Operation.REFRESH,
)
"""What a reviewer looks at first."""


@dataclass(frozen=True)
class Group:
    """One component instance with what would happen to it and to what it owns."""

    urn: str
    """Of the component; empty for what no component owns."""
    steps: tuple[Step, ...]
    """The weightiest operation first, then by type and name."""


def logical(preview: Preview) -> tuple[Step, ...]:
    """One step a resource, as the engine counts them: the halves of a replacement become one `replace`."""
    merged: dict[str, Step] = {}
    for step in preview.steps:
        known = merged.get(step.urn)
        if known is None:
            merged[step.urn] = step
        elif step.operation in HALVES or known.operation in HALVES:
            merged[step.urn] = _one(known, step)
        elif _is_drift(known, step):
            merged[step.urn] = step
            merged[f"{step.urn} {len(merged)}"] = replace(known, operation=Operation.REFRESH)
        elif step.operation not in QUIET:  # a deleted leftover of an earlier run has the URN of its successor
            merged[f"{step.urn} {len(merged)}"] = step
    return tuple(_whole(step) for step in merged.values())


def grouped(steps: Iterable[Step], every: Mapping[str, Step]) -> tuple[Group, ...]:
    """The steps by their owner. `every` are all steps of the preview by URN, in which parents are looked up."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(owner(step, every), []).append(step)
    made = [Group(urn, tuple(sorted(members, key=_weight))) for urn, members in groups.items()]
    return tuple(sorted(made, key=lambda group: (_weight(group.steps[0])[0], group.urn == "", title(group.urn))))


def owner(step: Step, every: Mapping[str, Step]) -> str:
    """URN of the component that the resource belongs to: a component belongs to itself."""
    if is_component(step.urn, every):
        return step.urn
    seen: set[str] = set()
    parent = step.state.parent
    while parent and parent not in seen:
        if is_component(parent, every):
            return parent
        seen.add(parent)
        above = every.get(parent)
        parent = above.state.parent if above else ""
    return ""


def is_component(urn: str, every: Mapping[str, Step]) -> bool:
    """Whether the URN is that of a component. One that is not in the preview is judged by its type token."""
    kind = type_of(urn)
    if kind == STACK_TYPE:
        return False
    step = every.get(urn)
    if step is not None:
        return not step.state.custom
    return kind.startswith(COMPONENTS_WITH_MODULE) or ("/" not in kind and not kind.startswith("pulumi:"))


@lru_cache(maxsize=65_536)
def type_of(urn: str) -> str:
    """The type token, or nothing where this is no URN."""
    try:
        return Urn.parse(urn).type
    except PreviewError:
        return ""


def name_of(urn: str) -> str:
    """The name in the program, or the text itself where this is no URN."""
    try:
        return Urn.parse(urn).name
    except PreviewError:
        return urn


@lru_cache(maxsize=4_096)
def short_type(kind: str) -> str:
    """A type token as people say it: `Deployment`, `s3 Bucket`, `eks Cluster`, `ModelEndpoint`."""
    package, _, rest = kind.partition(":")
    module, _, name = rest.rpartition(":")
    if package in (OWN_PACKAGE, "kubernetes"):
        return name or kind
    if package == "pulumi":
        return f"{name} provider" if module == "providers" else name
    group = module.partition("/")[0]
    return f"{package if group in ('', 'index') else group} {name}"


def title(urn: str) -> str:
    """`ModelEndpoint penguins` for its URN; nothing where no component owns the resources."""
    return f"{short_type(type_of(urn))} {name_of(urn)}" if urn else ""


def _one(first: Step, second: Step) -> Step:
    """Two steps of one replacement as one."""
    told, other = (second, first) if second.operation == Operation.REPLACE else (first, second)
    return Step(
        operation=Operation.REPLACE,
        urn=told.urn,
        old=told.old or other.old,
        new=told.new or other.new,
        changes=told.changes or other.changes,
        changed_keys=told.changed_keys or other.changed_keys,
        replacing_keys=told.replacing_keys or other.replacing_keys,
    )


def _is_drift(first: Step, second: Step) -> bool:
    """Whether the first step is what the refresh of `pulumi preview --refresh` found, before what `up` would do."""
    return (
        first.operation == Operation.UPDATE
        and first.new is not None
        and second.old is not None
        and first.new.inputs == second.old.inputs
        and first.new.outputs == second.old.outputs
    )


def _whole(step: Step) -> Step:
    """A half whose other half is missing, because the preview was cut off, is a replacement all the same."""
    return _one(step, step) if step.operation in HALVES else step


def _weight(step: Step) -> tuple[int, str, str]:
    return WEIGHT.index(step.operation), step.type, step.name
