"""The `pulumi.com/waitFor` annotation: conditions of the program's own, as `kubectl wait --for` writes them."""

import json
import re
from typing import Any

from standins.plugins.kubernetes.client import Client
from standins.plugins.kubernetes.readiness import READY, Check, Progress, condition, waiting
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

_STEP = re.compile(
    r"""\.?(?:\['([^']+)'\]|\["([^"]+)"\]|\[(\d+|\*)\]|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|((?:[^.\[\]\\]|\\.)+))"""
)


def parse(annotation: str) -> Check:
    """One condition, or a JSON list of them that must all hold: `condition=Ready`, `jsonpath={.status.phase}=Running`.

    Raises:
        Refused: the text is neither.
    """
    try:
        expressions = json.loads(annotation) if annotation.lstrip().startswith("[") else [annotation]
        checks = [_parse_one(expression) for expression in expressions]
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused(
            f"annotation pulumi.com/waitFor must be condition=<type>[=<status>], jsonpath={{<path>}}[=<value>], or a "
            f"JSON list of them, got {annotation!r}"
        ) from error

    def check(live: Object, client: Client) -> Progress:
        for one in checks:
            progress = one(live, client)
            if not progress.ready:
                return progress
        return READY

    return check


def _parse_one(expression: str) -> Check:
    if match := re.fullmatch(r"condition=([^=]+)(?:=(.+))?", expression):
        name, status = match[1], match[2] or "True"

        def by_condition(live: Object, client: Client) -> Progress:
            found = condition(live, name)
            if str(found.get("status", "")).lower() == status.lower():
                return READY
            said = found.get("message") or found.get("reason")
            return waiting(
                f"condition {name} is {found.get('status', 'not there yet')}" + (f" ({said})" if said else "")
            )

        return by_condition
    if match := re.fullmatch(r"jsonpath=(?:\{([$.\[][^{}]*)\}|([$.\[][^={}]*))(?:=(.+))?", expression):
        written, wanted = match[1] or match[2], match[3]
        path = _steps(written.lstrip("$"))

        def by_path(live: Object, client: Client) -> Progress:
            found = [_text(value) for value in _walk(live, path)]
            if found and (wanted is None or all(value == wanted for value in found)):
                return READY
            return waiting(f"{written} is {', '.join(found) or 'not there yet'}")

        return by_path
    raise ValueError(expression)


def _steps(path: str) -> list[tuple[str, ...]]:
    steps: list[tuple[str, ...]] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match or match.end() == position:
            raise ValueError(path)
        single, double, index, field, value, plain = match.groups()
        if field is not None:
            steps.append(("where", field, value))
        elif index is not None:
            steps.append(("index", index))
        else:
            steps.append(("key", single or double or re.sub(r"\\(.)", r"\1", plain)))
        position = match.end()
    if not steps:
        raise ValueError(path)
    return steps


def _walk(value: Any, steps: list[tuple[str, ...]]) -> list[Any]:
    if not steps:
        return [] if value is None else [value]
    (how, *what), rest = steps[0], steps[1:]
    if how == "key":
        return _walk(value[what[0]], rest) if isinstance(value, dict) and what[0] in value else []
    if not isinstance(value, list):
        return []
    if how == "index" and what[0] != "*":
        index = int(what[0])
        return _walk(value[index], rest) if index < len(value) else []
    if how == "where":
        value = [item for item in value if isinstance(item, dict) and _text(item.get(what[0])) == what[1]]
    return [found for item in value for found in _walk(item, rest)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
