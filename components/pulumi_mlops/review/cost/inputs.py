"""Reading what a price depends on from the inputs of a resource: never a guess for a value that is not known."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from pulumi_mlops.review.cost.table import NoPrice
from pulumi_mlops.review.preview import MASKED, UNKNOWN


def known(inputs: Mapping[str, Any], key: str) -> bool:
    """Whether the value is there and neither secret nor known only after apply."""
    return inputs.get(key) is not None and inputs[key] not in (UNKNOWN, MASKED)


def text(inputs: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """The text; raises NoPrice where it is unknown, or absent without a default."""
    return str(_value(inputs, key, default))


def number(inputs: Mapping[str, Any], key: str, default: int | None = None) -> Decimal:
    """The number; raises NoPrice as `text` does, and for anything that is no number."""
    value = _value(inputs, key, default)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NoPrice(f"{key} is no number")
    try:
        figure = Decimal(str(value))
    except ArithmeticError:
        raise NoPrice(f"{key} is no number") from None
    if not figure.is_finite() or figure < 0:
        raise NoPrice(f"{key} is no number of things")
    return figure


def flag(inputs: Mapping[str, Any], key: str) -> bool:
    """Whether it is on; off by default. Raises NoPrice where it is unknown."""
    return _value(inputs, key, False) in (True, "true")


def items(inputs: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The list, empty by default; raises NoPrice where it is unknown."""
    value = _value(inputs, key, ())
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else [value]


def part(inputs: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object inside, empty by default; raises NoPrice where it is unknown."""
    return mapping(_value(inputs, key, {}))


def mapping(value: object) -> Mapping[str, Any]:
    """The object itself; an empty one in the place of anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _value(inputs: Mapping[str, Any], key: str, default: object) -> Any:
    value = inputs.get(key)
    if value is None:
        value = default
    if value is None:
        raise NoPrice(f"{key} is not given")
    if value == UNKNOWN:
        raise NoPrice(f"{key} is known only after apply")
    if value == MASKED:
        raise NoPrice(f"{key} is secret")
    return value
