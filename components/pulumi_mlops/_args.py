"""The one checker of component arguments, and the one error it raises.

A TypedDict checks nothing at run time. Every constructor calls `check_args` before its first child exists, so that a
wrong argument costs one line on the terminal and nothing in the cluster.
"""

import contextlib
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import pulumi

from pulumi_mlops import _schema
from pulumi_mlops.contract.rules import Rule


@dataclass(frozen=True)
class Argument:
    """One row of a component's table of arguments."""

    default: Any = None
    """The value when the argument is left out. None: there is no such value, and code reads `args["x"] is None`."""
    rule: Rule | None = None
    """What the argument's values obey, beyond their type; that of a list holds for each of its items."""


Arguments = Mapping[str, Argument]
"""Dotted path (`source.bucket`; `*` stands for any key of a dict) → row. Arguments with neither rule nor default need
no row."""

Schema = TypeVar("Schema", bound=Mapping[str, object])
Given = TypeVar("Given", bound=Mapping[str, object])


class ArgumentError(pulumi.RunError):
    """A component was given arguments it cannot work with; nothing of it has been created.

    The engine prints a RunError as one line without a traceback.
    """

    def __init__(self, owner: str, *problems: str) -> None:
        """`owner` is whose arguments they are, such as `Workspace "birds"`; without problems it is the message."""
        self.owner = owner
        self.problems = problems
        listed = "".join(f"\n  - {problem}" for problem in problems) if len(problems) > 1 else "".join(problems)
        super().__init__(f"{owner}: {listed}" if problems else owner)


def check_args(
    component: type[pulumi.ComponentResource],
    name: str,
    args: Schema,
    schema: type[Schema],
    arguments: Arguments,
    *,
    problems: Callable[[Schema], Iterable[str]] | None = None,
    name_rule: Rule | None = None,
) -> Schema:
    """Returns a copy of `args` with the defaults filled in, or raises one ArgumentError that lists every problem.

    `schema` is the component's TypedDict: unknown keys (with the nearest valid key), missing keys, values of another
    type and unknown enum members are refused, at any depth. `arguments` has each argument's rule and default.
    `problems` takes the copy, once every single field is sound, and yields findings that concern several fields, in
    the same wording. `name_rule` holds for the component's name.
    Outputs are accepted anywhere an Input is: their values are not known yet.

    In the copy, at any depth: every argument has a value, which is None where it was left out and has no default; an
    enum member is its value; and a whole number that came as a float (from a program in another language) is an int.
    """
    owner = f'{component.__name__} "{name}"'
    check_is_dict(owner, args)
    rules = {path: row.rule for path, row in arguments.items() if row.rule}
    defaults = {path: row.default for path, row in arguments.items() if row.default is not None}
    found = [f"name {complaint}, got {name!r}"] if name_rule and (complaint := name_rule(name)) else []
    found += field_problems(args, schema, rules)
    if found:
        raise ArgumentError(owner, *found)
    checked = cast("Schema", _schema.normal(args, schema, defaults))
    found = list(problems(checked)) if problems else []
    if found:
        raise ArgumentError(owner, *found)
    return checked


def field_problems(args: Mapping[str, object], schema: type, rules: Mapping[str, Rule], at: str = "args") -> list[str]:
    """What is wrong with single fields of `args`, which are at the path `at` of what the user wrote."""
    unfit = _schema.problems(args, schema, at)
    found = [problem.text for problem in unfit]
    for field, rule in rules.items():
        head, *rest = field.split(".")
        for path, value in _values(args[head], rest, f"{at}.{head}") if head in args else ():
            if not _schema.is_known(value) or any(problem.concerns(path) for problem in unfit):
                continue
            if complaint := rule(value):
                found.append(f"{path} {complaint}, got {_schema.shown(value)}")
    return found


def checked_later(owner: str, path: str, value: pulumi.Input[str], rule: Rule) -> pulumi.Input[str]:
    """The value; an Output fails as a wrong argument does when its value is known and against the rule.

    `check_args` checks plain values alone. A secret is not shown.
    """
    if not isinstance(value, pulumi.Output):
        return value

    async def checked(known: str) -> str:
        if complaint := rule(known):
            shown = "a secret, which is not shown" if await value.is_secret() else _schema.shown(known)
            raise ArgumentError(owner, f"{path} {complaint}, got {shown}")
        return known

    return value.apply(checked)


def check_is_dict(owner: str, args: object) -> None:
    """Raises ArgumentError unless the arguments are a dict: their annotation holds nobody back."""
    if not isinstance(args, Mapping):
        raise ArgumentError(owner, f"args must be a dict of arguments, got {args!r}")


def inputs(args: Mapping[str, object]) -> dict[str, Any]:
    """The arguments as the user gave them, without defaults: the inputs under which a component is registered."""
    return _schema.without_none(args)


def given(**arguments: object) -> Any:
    """Those arguments that have a value; for the others, the default of the component that gets them counts."""
    return {key: value for key, value in arguments.items() if value is not None}


RENAMED = {"image_registry": "image_mirror"}
"""Deprecated argument → its name now."""


def renamed(owner: str, args: Given) -> Given:
    """The arguments with the names that they have now; a deprecated one costs a warning."""
    for old, new in RENAMED.items():
        # Another type than a dict is refused by check_args.
        if isinstance(args, Mapping) and old in args and new not in args:  # pyright: ignore[reportUnnecessaryIsInstance]
            pulumi.log.warn(f"{owner}: args.{old} is deprecated, call it {new}")
            args = cast("Given", {(new if key == old else key): value for key, value in args.items()})
    return args


@contextlib.contextmanager
def argument_names(component: type[pulumi.ComponentResource], name: str, paths: Mapping[str, str]) -> Generator[None]:
    """Errors about arguments of components made inside name `component` and its arguments: those the user wrote.

    `paths` maps dotted paths of the inner component's arguments to those of `component`; the longest one that fits
    counts, and "" fits every path. A problem with an argument that has no path, or with the inner component's name,
    keeps that component's name behind the one of `component`.
    """
    try:
        yield
    except ArgumentError as error:
        problems = [_renamed(problem, paths) or f"{error.owner}: {problem}" for problem in error.problems]
        raise ArgumentError(f'{component.__name__} "{name}"', *(problems or [error.owner])) from None


def _renamed(problem: str, paths: Mapping[str, str]) -> str | None:
    """The problem with the outer component's arguments; None unless each of its arguments has such a name."""
    found = _ARGUMENT.findall(problem)
    names = {path: _outer(path, paths) for path in found}
    if not found or None in names.values():
        return None
    return _ARGUMENT.sub(lambda match: f"args{names[match[1]]}", problem)


_ARGUMENT = re.compile(r"\bargs((?:\.[\w-]+|\[\d+\])*)")
"""An argument in the text of a problem; the group is its path, with a leading dot."""


def _outer(path: str, paths: Mapping[str, str]) -> str | None:
    for inner in sorted(paths, key=len, reverse=True):
        start = f".{inner}" if inner else ""
        if path == start or path.startswith((f"{start}.", f"{start}[")):
            return (f".{paths[inner]}" if paths[inner] else "") + path.removeprefix(start)
    return None


def _values(value: object, path: list[str], at: str) -> list[tuple[str, object]]:
    """The values at a dotted path; a list is searched element by element."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [hit for index, item in enumerate(items) for hit in _values(item, path, f"{at}[{index}]")]
    if not path:
        return [(at, value)]
    if not isinstance(value, Mapping):
        return []
    parts = cast("Mapping[str, object]", value)
    keys = parts if path[0] == "*" else [path[0]] if path[0] in parts else []
    return [hit for key in keys for hit in _values(parts[key], path[1:], f"{at}.{key}")]
