"""The one checker of component arguments, and the one error it raises.

A TypedDict checks nothing at run time. Every constructor calls `check_args` before its first child exists, so that a
wrong argument costs one line on the terminal and nothing in the cluster.
"""

import difflib
import ipaddress
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, NotRequired, Required, cast, get_args, get_origin, is_typeddict

import pulumi

Rule = Callable[[Any], str | None]
"""Says what is wrong with a value ("must be at least 20 GiB"), or None. Runs on known plain values only."""


class ArgumentError(pulumi.RunError):
    """A component was given arguments it cannot work with; nothing of it has been created.

    The engine prints a RunError as one line without a traceback.
    """


def check_args(
    component: type[pulumi.ComponentResource],
    name: str,
    args: Mapping[str, Any],
    schema: type,
    rules: Mapping[str, Rule] | None = None,
    *,
    problems: Iterable[str] = (),
    name_rule: Rule | None = None,
) -> dict[str, Any]:
    """Returns a plain, normal copy of `args`, or raises one ArgumentError that lists every problem.

    `schema` is the component's TypedDict: unknown keys (with the nearest valid key), missing keys, values of another
    type and unknown enum members are refused, at any depth. `rules` maps a dotted field (`source.bucket`) to a Rule.
    `problems` are findings of the component itself that concern several fields, in the same wording; an iterator is
    read only when every single field is sound. `name_rule` holds for the component's name.
    Outputs are accepted anywhere an Input is: their values are not known yet.

    In the copy, at any depth: an argument that is None is absent, an enum member is its value, and a whole number
    that came as a float (from a program in another language) is an int.
    """
    if not isinstance(args, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - the annotation holds nobody back
        raise ArgumentError(f'{component.__name__} "{name}": args must be a dict of arguments, got {args!r}')
    found: list[str] = []
    if name_rule and (complaint := name_rule(name)):
        found.append(f"name {complaint}, got {name!r}")
    _check_dict(dict(args), schema, "args", found)
    for field, rule in (rules or {}).items():
        for path, value in _values(args, field.split(".")):
            if _is_known(value) and (complaint := _apply(rule, value)):
                found.append(f"{path} {complaint}, got {value!r}")
    if not found:
        found.extend(problems)
    if found:
        listed = found[0] if len(found) == 1 else "".join(f"\n  - {problem}" for problem in found)
        raise ArgumentError(f'{component.__name__} "{name}": {listed}')
    normal: dict[str, Any] = _normal(args, schema)
    return normal


def at_least(minimum: float, unit: str = "") -> Rule:
    """The value is a number of at least `minimum`; `unit` is named in the complaint."""
    return lambda value: None if value >= minimum else f"must be at least {minimum}{_unit(unit)}"


def between(minimum: float, maximum: float, unit: str = "") -> Rule:
    """The value is a number in the closed interval."""
    return lambda value: (
        None if minimum <= value <= maximum else f"must be between {minimum} and {maximum}{_unit(unit)}"
    )


def matches(pattern: str, meaning: str) -> Rule:
    """The whole string matches `pattern`; `meaning` says what is expected in words."""
    return lambda value: None if re.fullmatch(pattern, value) else f"must be {meaning}"


def not_empty(value: Any) -> str | None:
    """The string, list or dict has content."""
    return None if value else "must not be empty"


def object_name(maximum: int) -> Rule:
    """The name can be that of a Service and of the objects derived from it."""
    return matches(
        rf"[a-z](?=.{{0,{maximum - 1}}}$)([-a-z0-9]*[a-z0-9])?",
        "a name of lower-case letters, digits and inner hyphens that starts with a letter, "
        f"at most {maximum} characters",
    )


dns_label: Rule = matches(
    "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
    "a DNS label (lower-case letters, digits and inner hyphens, at most 63 characters)",
)
"""Names of namespaces, Services and other objects (RFC 1123)."""

image_registry: Rule = matches(
    r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
    'a registry as images name it, such as "mirror.example.org/platform", without https:// and a slash at its end',
)
"""What stands before an image's own path."""

quantity: Rule = matches(
    r"\d+(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?",
    'a Kubernetes quantity such as "500m" (CPU) or "512Mi" (memory)',
)
"""CPU and memory amounts in Kubernetes' notation."""


def cidr(value: Any) -> str | None:
    """The value is a block of addresses, written with its length: no API takes a bare address for one."""
    try:
        block = ipaddress.ip_network(value)
    except ValueError:
        return 'must be a block of addresses such as "10.0.0.0/16", without host bits'
    return None if "/" in value else f'must be a block of addresses, such as "{block}" for the one address'


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _apply(rule: Rule, value: Any) -> str | None:
    try:
        return rule(value)
    except TypeError:  # another type than the rule's: already reported by the schema
        return None


def _is_known(value: Any) -> bool:
    return value is not None and not isinstance(value, pulumi.Output)


def _values(value: Any, path: list[str], at: str = "args") -> list[tuple[str, Any]]:
    """The values at a dotted path; a list is searched element by element."""
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [hit for index, item in enumerate(items) for hit in _values(item, path, f"{at}[{index}]")]
    if not path:
        return [(at, value)]
    if isinstance(value, Mapping) and path[0] in value:
        return _values(value[path[0]], path[1:], f"{at}.{path[0]}")
    return []


def _check_dict(value: dict[str, Any], schema: type, at: str, found: list[str]) -> None:
    hints = (
        schema.__annotations__
    )  # as written: get_type_hints cannot resolve the forward references inside pulumi.Input
    for key in value:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1, cutoff=0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"valid arguments: {', '.join(sorted(hints))}"
            found.append(f'{at} has no argument "{key}"; {hint}')
    for key, hint in hints.items():
        if value.get(key) is None:
            if key in schema.__required_keys__:  # type: ignore[attr-defined]
                found.append(f"{at}.{key} is required")
            continue
        _check_value(value[key], _unwrap(hint), f"{at}.{key}", found)


def _unwrap(hint: Any) -> Any:
    while get_origin(hint) in (NotRequired, Required):
        hint = get_args(hint)[0]
    return hint


def _check_value(value: Any, hint: Any, at: str, found: list[str]) -> None:
    if not _is_known(value):
        return
    alternatives = _alternatives(hint)
    if Any in alternatives:
        return
    trials: list[list[str]] = []
    for alternative in alternatives:
        trial: list[str] = []
        if _fits(value, alternative, at, trial):
            found.extend(trial)
            return
        trials.append(trial)
    names = " or ".join(dict.fromkeys(_type_name(a) for a in alternatives))
    found.append(f"{at} must be {names}, got {value!r}")


def _alternatives(hint: Any) -> list[Any]:
    """The plain types behind `Input[T]`, `T | None` and unions; Awaitable and Output are not plain."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return [plain for part in get_args(hint) for plain in _alternatives(part)]
    if hint is type(None) or getattr(get_origin(hint), "__name__", "") in ("Output", "Awaitable"):
        return []
    if isinstance(hint, typing.ForwardRef) and "Output" in hint.__forward_arg__:
        return []
    return [hint]


def _fits(value: Any, hint: Any, at: str, found: list[str]) -> bool:
    """Whether the value has the shape of the type; problems further inside go to `found`."""
    origin = get_origin(hint) or hint
    if is_typeddict(hint):
        if not isinstance(value, Mapping):
            return False
        _check_dict(dict(cast("Mapping[str, Any]", value)), hint, at, found)
        return True
    if origin is list:
        if not isinstance(value, list):
            return False
        for index, item in enumerate(cast("list[Any]", value)):
            _check_value(item, (get_args(hint) or (Any,))[0], f"{at}[{index}]", found)
        return True
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            return False
        for key, item in cast("Mapping[str, Any]", value).items():
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


def _normal(value: Any, hint: Any) -> Any:
    """The value as the components use it; see `check_args`. The value has been checked against the hint."""
    if isinstance(value, Enum):
        return value.value
    alternatives = _alternatives(_unwrap(hint))
    plain = alternatives[0] if len(alternatives) == 1 else Any
    if isinstance(value, Mapping):
        hints = plain.__annotations__ if is_typeddict(plain) else {}
        item = (get_args(plain) or (Any, Any))[-1]
        parts = cast("Mapping[str, Any]", value).items()
        return {key: _normal(part, hints.get(key, item)) for key, part in parts if part is not None}
    if isinstance(value, list):
        return [_normal(part, (get_args(plain) or (Any,))[0]) for part in cast("list[Any]", value)]
    return int(value) if plain is int and isinstance(value, float) else value


def _type_name(hint: Any) -> str:
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
    return names.get(origin) or str(hint)
