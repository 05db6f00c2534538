"""Reads Pulumi's configuration of a stack into the dataclass of its layer, which `stacks.settings` defines.

Nothing else reads it. A problem is one line that names the stack, the setting, the rule and the value.
"""

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, TypeVar

import pulumi

PROJECT = "pulumi-mlops"
LAYER = "layer"
LAYERS = ("foundation", "platform", "platform_eks", "penguins", "web")


class SettingsError(pulumi.RunError):
    """The stack's settings do not fit; nothing has been created. The engine prints the message without a traceback."""


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Settings = TypeVar("Settings", bound=_Dataclass)
"""Dataclass of a layer's settings."""


def layer() -> str:
    """Which layer the stack is; raises SettingsError unless it is one of LAYERS."""
    named = pulumi.Config(PROJECT).get(LAYER)
    if named not in LAYERS:
        given = f"got {named!r}" if named else "and is not set"
        raise SettingsError(f"{_setting(LAYER)} must be one of {', '.join(LAYERS)}, {given}; {remedy(LAYER)}")
    return named


def read(kind: type[Settings]) -> Settings:
    """The settings of a layer; raises one SettingsError that lists every problem."""
    config = pulumi.Config(PROJECT)
    fields = {one.name: one for one in dataclasses.fields(kind)}
    problems = [_unknown(key, list(fields)) for key in _keys() if key not in fields and key != LAYER]
    values: dict[str, Any] = {}
    for name, one in fields.items():
        text = config.get(name)
        if text is None:
            if one.default is dataclasses.MISSING:
                problems.append(f"{_setting(name)} is required: {one.metadata['meaning']}; {remedy(name)}")
            continue
        try:
            values[name] = _parse(text, one.type)
        except ValueError as error:
            problems.append(f"{_setting(name)} must be {error}, got {text!r}")
    if problems:
        raise SettingsError(_message(problems))
    return kind(**values)


def refuse(name: str, problem: str) -> None:
    """Raises SettingsError with what is wrong with a setting, unless that is empty."""
    refuse_all([(name, problem)] if problem else [])


def refuse_all(*found: Iterable[tuple[str, str]]) -> None:
    """Raises one SettingsError that lists every problem, where there is any."""
    problems = [f"{_setting(name)} {problem}" for some in found for name, problem in some]
    if problems:
        raise SettingsError(_message(problems))


def remedy(key: str) -> str:
    """The command that sets a setting, for the end of an error's message."""
    return f"`pulumi config set {key} …` sets it"


def _message(problems: list[str]) -> str:
    """The message of an error: the problem, or one line for each."""
    return problems[0] if len(problems) == 1 else "".join(f"\n  - {one}" for one in problems)


def _keys() -> list[str]:
    """The keys of this project that are set."""
    prefix = f"{PROJECT}:"
    known = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    return sorted(key.removeprefix(prefix) for key in known if key.startswith(prefix))


def _parse(text: str, hint: Any) -> Any:
    """The value of a setting; the message of a ValueError says what it must be."""
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    kind = typing.get_origin(hint) or hint
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError("true or false")
        return text == "true"
    if kind is int:
        if not text.removeprefix("-").isdecimal():
            raise ValueError("a whole number")
        return int(text)
    if kind in (list, dict):
        return _structure(text, kind)
    if not text.strip():
        raise ValueError("a text that is not empty")
    return text


def _structure(text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, kind):
        raise ValueError(f"a {'list' if kind is list else 'mapping'} (in YAML in the stack's file)")
    return value


def _setting(key: str) -> str:
    return f'stack "{pulumi.get_stack()}": setting {PROJECT}:{key}'


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else f"this layer has {', '.join(known)}"
    return f"{_setting(key)} is unknown; {hint}"
