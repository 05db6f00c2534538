"""Whether values have the shape of a TypedDict, and the plain copy of them that components work with."""

import difflib
import functools
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NotRequired, Required, cast, get_args, get_origin, is_typeddict

import pulumi


def is_known(value: object) -> bool:
    """Whether there is a value that can be checked; that of an Output comes later."""
    return value is not None and not isinstance(value, pulumi.Output)


def shown(value: object) -> str:
    """A value as messages show it: without the passwords of URLs in it."""
    return re.sub(r"(?<=://)[^\s/@'\"]*:[^\s/@'\"]*@", "[secret]@", repr(value))


@dataclass(frozen=True)
class Problem:
    """A key that does not belong where it is, a missing one, or a value of another type."""

    text: str
    unfit: str | None = None
    """Path of the value that is missing or of another type; None for an unknown key."""

    def concerns(self, path: str) -> bool:
        """Whether the value at the path is the unfit one, contains it or is a part of it."""
        return self.unfit is not None and (_within(path, self.unfit) or _within(self.unfit, path))


def problems(value: Mapping[str, object], schema: type, at: str) -> list[Problem]:
    """Unknown and missing keys and values of another type, at any depth; `at` is the path of `value`."""
    found: list[Problem] = []
    _check_dict(value, schema, at, found)
    return found


def normal(value: object, hint: object, defaults: Mapping[str, object], path: str = "") -> Any:
    """The checked value as components use it: enum members as their values, whole numbers as ints.

    Every key of a TypedDict is in the copy: what was left out, or is None, has the value that `defaults` gives its
    dotted path, and None without one.
    """
    if isinstance(value, Enum):
        return value.value
    alternatives = _alternatives(hint)
    plain = alternatives[0] if len(alternatives) == 1 else Any
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        if not is_typeddict(plain):
            item = (get_args(plain) or (Any, Any))[-1]
            return {key: normal(part, item, defaults, f"{path}*.") for key, part in given.items() if part is not None}
        fields = _fields(plain)
        filled: dict[str, object] = {}
        for key, field in fields.items():
            part = given.get(key)
            part = defaults.get(path + key) if part is None else part
            filled[key] = None if part is None else normal(part, field, defaults, f"{path}{key}.")
        return filled
    if isinstance(value, list):
        item = (get_args(plain) or (Any,))[0]
        return [normal(part, item, defaults, path) for part in cast("list[object]", value)]
    return int(value) if plain is int and isinstance(value, float) else value


def without_none(value: object) -> Any:
    """A copy without the keys whose value is None, at any depth, and with enum members as their values."""
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        return {key: without_none(part) for key, part in given.items() if part is not None}
    if isinstance(value, list):
        return [without_none(part) for part in cast("list[object]", value)]
    return value.value if isinstance(value, Enum) else value


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _check_dict(value: Mapping[str, object], schema: type, at: str, found: list[Problem]) -> None:
    fields = _fields(schema)
    for key in value:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"valid arguments: {', '.join(sorted(fields))}"
            found.append(Problem(f'{at} has no argument "{key}"; {hint}'))
    for key, hint in fields.items():
        if value.get(key) is None:
            if key in schema.__required_keys__:  # type: ignore[attr-defined]
                found.append(Problem(f"{at}.{key} is required", f"{at}.{key}"))
            continue
        _check_value(value[key], hint, f"{at}.{key}", found)


@functools.cache
def _fields(schema: type) -> dict[str, Any]:
    """Key → type. As written: get_type_hints cannot resolve the forward references inside pulumi.Input."""
    return {key: _unwrap(hint) for key, hint in schema.__annotations__.items()}


def _unwrap(hint: object) -> Any:
    while get_origin(hint) in (NotRequired, Required):
        hint = get_args(hint)[0]
    return hint


def _check_value(value: object, hint: object, at: str, found: list[Problem]) -> None:
    if not is_known(value):
        return
    alternatives = _alternatives(hint)
    if Any in alternatives:
        return
    for alternative in alternatives:
        trial: list[Problem] = []
        if _fits(value, alternative, at, trial):
            found.extend(trial)
            return
    names = " or ".join(dict.fromkeys(_type_name(a) for a in alternatives))
    quoted = f': write it in quotes, "{value}"' if str in alternatives and type(value) in (int, float) else ""
    found.append(Problem(f"{at} must be {names}, got {shown(value)}{quoted}", at))


@functools.cache
def _alternatives(hint: object) -> tuple[Any, ...]:
    """The plain types behind `Input[T]`, `T | None` and unions; Awaitable and Output are not plain."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(plain for part in get_args(hint) for plain in _alternatives(part))
    if hint is type(None) or getattr(get_origin(hint), "__name__", "") in ("Output", "Awaitable"):
        return ()
    if isinstance(hint, typing.ForwardRef) and "Output" in hint.__forward_arg__:
        return ()
    return (hint,)


def _takes_none(hint: Any) -> bool:
    return hint in (Any, type(None)) or type(None) in get_args(hint)


def _fits(value: object, hint: Any, at: str, found: list[Problem]) -> bool:
    """Whether the value has the shape of the type; problems further inside go to `found`."""
    origin = get_origin(hint) or hint
    if is_typeddict(hint):
        if not isinstance(value, Mapping):
            return False
        _check_dict(cast("Mapping[str, object]", value), hint, at, found)
        return True
    if origin is list:
        if not isinstance(value, list):
            return False
        part = (get_args(hint) or (Any,))[0]
        for index, item in enumerate(cast("list[object]", value)):
            if item is None and not _takes_none(part):  # in a dict, None is what was left out; a list has no such place
                found.append(Problem(f"{at}[{index}] must not be None", f"{at}[{index}]"))
            _check_value(item, part, f"{at}[{index}]", found)
        return True
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            return False
        for key, item in cast("Mapping[str, object]", value).items():
            _check_value(item, (get_args(hint) or (Any, Any))[1], f"{at}.{key}", found)
        return True
    if isinstance(origin, type) and issubclass(origin, Enum):
        return value in [member.value for member in origin]
    if origin is bool:
        return isinstance(value, bool)
    if origin is int:  # whole numbers arrive as floats from programs in other languages
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if origin is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, origin) if isinstance(origin, type) else True


def _type_name(hint: object) -> str:
    origin: Any = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, Enum):
        return "one of " + ", ".join(repr(member.value) for member in origin)
    if is_typeddict(hint) or origin in (dict, Mapping):
        return "a dict"
    names: dict[Any, str] = {
        str: "a string",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
    }
    return names.get(origin) or (origin.__name__ if isinstance(origin, type) else str(hint))
