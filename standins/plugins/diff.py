"""What changed between two states of a resource, to the exact property, and whether it replaces the resource."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pulumi.runtime.proto import provider_pb2

from standins.plugins.paths import MISSING, Path, covers, get, show
from standins.plugins.values import Object

_QUANTITY = re.compile(r"^([+-]?[0-9.]+)(m|u|n|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$")
_SCALE = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10) ** 3, "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9, "T": Decimal(10) ** 12, "P": Decimal(10) ** 15, "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20, "Gi": Decimal(2) ** 30, "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50, "Ei": Decimal(2) ** 60,
}  # fmt: skip
_QUANTITY_PARENTS = {"requests", "limits", "hard", "capacity", "overhead", "default", "defaultRequest", "min", "max"}
_QUANTITY_FIELDS = {"sizeLimit", "averageValue", "divisor"}

ADD, DELETE, UPDATE = "ADD", "DELETE", "UPDATE"


@dataclass(frozen=True)
class Change:
    """One difference: where, which way, and whether it replaces the object."""

    path: Path
    way: str
    replaces: bool = False


def quantity(value: Any) -> Decimal | None:
    """The number that a Kubernetes quantity such as `500m` or `2Gi` stands for, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _QUANTITY.match(str(value))
    if not match:
        return None
    try:
        number, suffix = Decimal(match[1]), match[2] or ""
    except ArithmeticError:
        return None
    return number * (_SCALE[suffix] if suffix in _SCALE else Decimal(f"1{suffix}") if suffix else 1)


def same(old: Any, new: Any, path: Path) -> bool:
    """Whether two leaves mean the same to the API server, however they are written (`1000m` and `1` CPU)."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if old == new:
        return True
    is_quantity = path[-1:] and (path[-1] in _QUANTITY_FIELDS or (len(path) > 1 and path[-2] in _QUANTITY_PARENTS))
    return bool(is_quantity) and (number := quantity(old)) is not None and number == quantity(new)


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every place where two values differ; an absent object and an absent key are reported as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in new:
                yield (*path, key), DELETE
            elif key not in old:
                yield (*path, key), ADD
            else:
                yield from differences(old[key], new[key], (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(new):
                yield (*path, index), DELETE
            elif index >= len(old):
                yield (*path, index), ADD
            else:
                yield from differences(old[index], new[index], (*path, index))
    elif not same(old, new, path):
        yield path, UPDATE


def changes(old: Object, new: Object, replacing: Iterable[Path], ignored: Iterable[Path]) -> list[Change]:
    """The differences that count, in the manifest's order."""
    patterns, skipped = list(replacing), list(ignored)
    return [
        Change(path, way, any(_touches(pattern, path, old, new) for pattern in patterns))
        for path, way in differences(old, new)
        if not any(covers(pattern, path) for pattern in skipped)
    ]


def _touches(pattern: Path, path: Path, old: Object, new: Object) -> bool:
    """Whether a change at `path` changes what `pattern` names: it lies there, or appeared or went with its parent."""
    if covers(pattern, path):
        return True
    if len(pattern) <= len(path) or not covers(pattern[: len(path)], path):
        return False
    rest = pattern[len(path) :]
    return any(_holds(get(side, path), rest) for side in (old, new))


def _holds(value: Any, rest: Path) -> bool:
    if not rest:
        return value is not MISSING
    if rest[0] == "*":
        items = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
        return any(_holds(item, rest[1:]) for item in items)
    return get(value, rest[:1]) is not MISSING and _holds(get(value, rest[:1]), rest[1:])


def diff_response(found: list[Change], delete_first: bool) -> Any:
    """The answer to Diff; `delete_first`: a replacement cannot stand beside what it replaces."""
    replaces = [show(change.path) for change in found if change.replaces]
    detail = {
        show(change.path): provider_pb2.PropertyDiff(
            kind=provider_pb2.PropertyDiff.Kind.Value(change.way + ("_REPLACE" if change.replaces else "")),
            inputDiff=True,
        )
        for change in found
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=[*dict.fromkeys(str(change.path[0]) for change in found)],
        detailedDiff=detail,
        hasDetailedDiff=True,
        deleteBeforeReplace=bool(replaces) and delete_first,
    )
