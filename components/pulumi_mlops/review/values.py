"""Values of resource inputs as previews hold them: known, unknown until `up`, or secret.

`text`, `number`, `flag`, `elements`, `part` and `parts` require a known value and raise NotReadable.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import cast

from pulumi_mlops.review.json_data import NOTHING, Json, JsonObject, is_true, items, mapping
from pulumi_mlops.review.preview import MASKED, UNKNOWN

# One placeholder for each type of value, as the SDK of the engine fixes them.
UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
    }
)
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of an object that stands for a value of a special kind."""
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public constant of the engine
"""Value of SIGNATURE in an object that wraps a secret."""


class NotReadable(Exception):
    """A value that is needed is absent, secret, not known before `up`, or of another type; the message says which."""


def is_unknown(value: object) -> bool:
    """Whether the value is known only after `up`."""
    return type(value) is str and value in UNKNOWNS


def is_secret(value: object) -> bool:
    """Whether the engine masked the value, or marked it as secret where it was asked to show secrets."""
    if type(value) is str:
        return value == MASKED
    return type(value) is dict and cast("dict[str, object]", value).get(SIGNATURE) == SECRET_SIGNATURE


def is_hidden(value: object) -> bool:
    """Whether the preview does not show the value, or not all of it: unknown until `up`, or secret."""
    if type(value) is not str:
        return is_secret(value)
    return value == MASKED or (len(value) >= len(UNKNOWN) and any(one in value for one in UNKNOWNS))


def at(inputs: JsonObject, path: str) -> Json:
    """The value at a dotted path such as `vpcConfig.subnetIds`; what hides it where a part above is hidden."""
    value: Json = inputs
    for part in path.split("."):
        if is_hidden(value):
            return value
        value = mapping(value).get(part)
    return value


def indexed(inputs: JsonObject, key: str) -> Iterator[tuple[str, Json]]:
    """(path, value) of each element under a key; a value that stands alone has the key as its path."""
    value = inputs.get(key)
    for index, one in enumerate(items(value)):
        yield (key if one is value else f"{key}[{index}]"), one


def masked(value: dict[str, Json]) -> str | dict[str, Json]:
    """The engine's mask in the place of an object that wraps a secret, as its events have it; else the object."""
    return MASKED if is_secret(value) else value


def is_known(inputs: JsonObject, key: str) -> bool:
    """Whether the value is given and neither secret nor unknown until `up`."""
    return inputs.get(key) is not None and not is_hidden(inputs[key])


def text(inputs: JsonObject, key: str, default: str | None = None) -> str:
    """The value as text; raises NotReadable where it is hidden, or absent without a default."""
    return str(_value(inputs, key, default))


def number(inputs: JsonObject, key: str, default: int | None = None) -> Decimal:
    """The number, 0 or more; raises NotReadable as `text` does, and for anything that is no such number."""
    value = _value(inputs, key, default)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotReadable(f"{key} is not a number")
    try:
        figure = Decimal(str(value))
    except ArithmeticError:
        raise NotReadable(f"{key} is not a number") from None
    if not figure.is_finite() or figure < 0:
        raise NotReadable(f"{key} must be a number of 0 or more")
    return figure


def flag(inputs: JsonObject, key: str) -> bool:
    """Whether a switch is on; off by default. Raises NotReadable where it is hidden."""
    return is_true(_value(inputs, key, False))


def elements(inputs: JsonObject, key: str) -> Sequence[Json]:
    """The list, empty by default; raises NotReadable where it is hidden."""
    return items(_value(inputs, key, ()))


def part(inputs: JsonObject, key: str) -> JsonObject:
    """The object under the key, empty by default; raises NotReadable where it is hidden, or no object."""
    value = _value(inputs, key, NOTHING)
    if not isinstance(value, Mapping):
        raise NotReadable(f"{key} is not an object")
    return mapping(value)


def parts(inputs: JsonObject, key: str) -> Sequence[JsonObject]:
    """The objects in the list, none by default; raises NotReadable where it or one of them is hidden, or no object."""
    values = elements(inputs, key)
    if not all(isinstance(one, Mapping) and not is_hidden(one) for one in values):
        raise NotReadable(f"{key} is not a list of objects")
    return [mapping(one) for one in values]


def _value(inputs: JsonObject, key: str, default: Json) -> Json:
    value = inputs.get(key)
    if value is None:
        value = default
    if value is None:
        raise NotReadable(f"{key} is not given")
    if is_secret(value):
        raise NotReadable(f"{key} is secret")
    if is_hidden(value):
        raise NotReadable(f"{key} is known only after apply")
    return value
