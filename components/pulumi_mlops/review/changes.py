"""What differs between a resource before and after, path by path, in words that are safe to show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pulumi_mlops.review.json_data import Json, document, items, mapping
from pulumi_mlops.review.preview import Operation, State, Step
from pulumi_mlops.review.property_paths import Path, parsed, written
from pulumi_mlops.review.shown_values import (
    ABSENT,
    CHANGED,
    LATER,
    SECRET,
    SECRET_CHANGED,
    Value,
    is_secret_at,
    leaves,
    shown,
)
from pulumi_mlops.review.values import is_secret, is_unknown

RELEASE = "kubernetes:helm.sh/v3:Release"
COMPUTED = frozenset({"checksum", "resourceNames", "status"})
"""Inputs of a Helm release that the provider makes from its chart: they say only that the objects differ."""
RELEASE_TIMEOUT = 300
"""Seconds that the provider fills in."""


@dataclass(frozen=True)
class Change:
    """One property path that differs."""

    path: str
    old: Value
    new: Value
    replaces: bool = False
    """Whether this one makes the provider replace the resource."""


def changes(step: Step) -> tuple[Change, ...]:
    """What differs, sorted by path; nothing for a resource that only comes or goes: see `properties`."""
    if step.old is None or step.new is None or step.operation in (Operation.CREATE, Operation.DELETE):
        return ()
    found = {one.path: one for one in (_told(step) if step.changes else _compared(step))}
    computed = [path for path in found if step.type == RELEASE and path.partition("[")[0].partition(".")[0] in COMPUTED]
    if len(computed) < len(found):
        found = {path: one for path, one in found.items() if path not in computed}
    return tuple(found[path] for path in sorted(found))


def properties(step: Step) -> tuple[tuple[str, Value], ...]:
    """Path and value of every input of a resource that comes or goes."""
    inputs = step.state.inputs
    if step.type == RELEASE:
        inputs = {key: one for key, one in inputs.items() if key not in COMPUTED and not _is_default(key, one)}
    return tuple((written(path), value) for path, value in leaves(inputs, (), step.type))


def _is_default(key: str, value: object) -> bool:
    """Whether the provider of Kubernetes has filled in an input of a Helm release: it writes all that it knows."""
    return value in ("", False, 0, None, {}, []) or (key == "timeout" and value == RELEASE_TIMEOUT)


def _told(step: Step) -> Iterator[Change]:
    """What the provider named path by path."""
    old, new = step.old or State(), step.new or State()
    for one in step.changes:
        path = parsed(one.path)
        if path and str(path[0]).startswith("__"):
            continue  # the provider's own notes, such as a random `__fieldManager`
        owner_before, before = _at(old, path, inputs_only=one.kind == "add")
        owner_after, after = _at(new, path, inputs_only=one.kind == "delete")
        owners = (owner_before, owner_after)
        yield from _expanded(step.type, path, before, after, one.replaces, owners=owners) or (
            _unspecified(step.type, path, after, one.replaces),
        )


def _compared(step: Step) -> Iterator[Change]:
    """Where the provider named top-level keys, or nothing: what differs between the inputs."""
    old, new = (step.old or State()).inputs, (step.new or State()).inputs
    keys = step.changed_keys or step.replacing_keys or sorted({*old, *new})
    for key in (key for key in keys if not key.startswith("__")):
        replaces = key in step.replacing_keys
        found = _expanded(step.type, (key,), old.get(key), new.get(key), replaces, owners=(old, new))
        if not found and key in (*step.changed_keys, *step.replacing_keys):
            found = [_unspecified(step.type, (key,), new.get(key), replaces)]
        yield from found


def _unspecified(type_: str, path: Path, value: Json, replaces: bool) -> Change:
    """The provider says that it differs, and both sides look alike: masked, or normalised by the provider."""
    word = SECRET_CHANGED if SECRET in [leaf for _, leaf in leaves(value, path, type_)] else CHANGED
    return Change(written(path), word, word, replaces)


def _expanded(
    type_: str, path: Path, old: Json, new: Json, replaces: bool, *, owners: tuple[Json, Json], in_text: bool = False
) -> list[Change]:
    """The deepest paths below `path` that differ; a text of JSON is looked into.

    `owners` are the objects that the values stand in, before and after; `in_text` is as in `must_hide`.
    """
    if old == new and not is_secret(new):
        return []
    sides = zip((old, new), owners, strict=True)
    hidden = any(is_secret_at(type_, path, side, owner, in_text=in_text) for side, owner in sides)
    if hidden or is_secret(old) or is_secret(new):
        return [Change(written(path), *_secret_sides(old, new), replaces)]
    inner_old, inner_new = (document(old), document(new)) if isinstance(old, str) else (old, new)
    if isinstance(inner_old, Mapping) and isinstance(inner_new, Mapping):
        left, right = mapping(inner_old), mapping(inner_new)
        pairs = [(key, left.get(key), right.get(key)) for key in sorted({*left, *right})]
    elif isinstance(inner_old, list) and isinstance(inner_new, list):
        before, after = items(inner_old), items(inner_new)
        length = max(len(before), len(after))
        pairs = [(i, _nth(before, i), _nth(after, i)) for i in range(length)]
    else:
        before, after = (shown(type_, path, side, in_text=in_text) for side in (old, new))
        return [Change(written(path), before, after, replaces)]
    owners_inside = (mapping(inner_old), mapping(inner_new))
    inside_text = in_text or isinstance(old, str)
    return [
        change
        for key, before, after in pairs
        if before != after
        for change in _expanded(type_, (*path, key), before, after, replaces, owners=owners_inside, in_text=inside_text)
    ]


def _secret_sides(old: object, new: object) -> tuple[Value, Value]:
    if old is not None and new is not None and not is_unknown(new):
        return SECRET_CHANGED, SECRET_CHANGED
    return _secret_side(old), _secret_side(new)


def _secret_side(value: object) -> Value:
    if value is None:
        return ABSENT
    return LATER if is_unknown(value) else SECRET


def _at(state: State, path: Path, *, inputs_only: bool) -> tuple[Json, Json]:
    """The input at the path, else the output, after the object that it stands in: providers name both alike."""
    owner, found = _found(state.inputs, path)
    if found is None and not inputs_only:
        of_output, found = _found(state.outputs, path)
        owner = of_output if owner is None else owner
    return owner, found


def _found(value: Json, path: Path) -> tuple[Json, Json]:
    """What the value at the path stands in, and the value."""
    owner: Json = None
    for segment in path:
        if is_secret(value):
            return value, value
        owner = value
        value = _nth(items(value), segment) if isinstance(segment, int) else mapping(value).get(segment)
    return owner, value


def _nth(values: Sequence[Json], index: int) -> Json:
    return values[index] if index < len(values) else None
