"""No input tells a password or a key in plain text."""

from collections.abc import Iterator
from typing import TypeAlias

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import Json, items, joined, mapping
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.secret_values import SHORTEST, why_secret
from pulumi_mlops.review.values import is_hidden

Path: TypeAlias = "tuple[Path, str | int] | None"
"""The path of what is around, and the last segment: few paths are ever written."""

SECRET_KINDS = ("kubernetes:core/v1:Secret",)
SKIPPED = frozenset({"__defaults", "apiVersion", "kind", "policy", "assumeRolePolicy"})
"""Inputs that hold no secret: the provider's notes, and documents whose long ARNs and ids are public."""


def _plain(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if resource.type.startswith("pulumi:providers:"):
        return  # the engine keeps a provider's own secrets
    yield from _data(resource)
    skipped = SKIPPED | ({"data", "stringData"} if resource.type in SECRET_KINDS else set[str]())
    inputs = {key: value for key, value in resource.inputs.items() if key not in skipped}
    if not _has_secret(inputs):
        return  # nearly always: paths are made only for the others
    for path, name, value in _texts(inputs):
        if reason := why_secret(name, value):
            yield Violation(f"{_written(path)} looks like {reason}, and is not marked secret")


def _data(resource: Resource) -> Iterator[Verdict]:
    """A Secret whose data the program has not marked: whatever it holds, the state and every preview tell it."""
    if resource.type in SECRET_KINDS:
        for key in ("data", "stringData"):
            for name, value in sorted(mapping(resource.inputs.get(key)).items()):
                if value and not is_hidden(value):
                    yield Violation(f"{joined(key, name)} of a Secret is not marked secret")


def _has_secret(inputs: dict[str, Json]) -> bool:
    """Whether a text in the inputs looks like a secret; looks at all that `_texts` finds, without their paths."""
    texts: set[tuple[str, str]] = set()  # many stand in one resource several times
    owners = [inputs]
    for owner in owners:
        for key, value in owner.items():
            if type(value) is str:
                if len(value) >= SHORTEST:
                    texts.add((key, value))
            elif isinstance(value, dict):
                owners.append(value)
            elif isinstance(value, list):
                for one in value:
                    if isinstance(one, dict):
                        owners.append(one)
                    elif type(one) is str:
                        if len(one) >= SHORTEST:
                            texts.add((key, one))
                    elif isinstance(one, list):
                        owners.append({key: one})
        if "value" in owner and isinstance(name := owner.get("name"), str) and isinstance(text := owner["value"], str):
            texts.add((name, text))
    return any(why_secret(name, text) and not is_hidden(text) for name, text in texts)


def _texts(inputs: dict[str, Json]) -> Iterator[tuple[Path, str, str]]:
    """(path, name, text) of every text that the inputs tell; `name` and `value` pairs count as one named text."""
    waiting: list[tuple[Json, Path, str]] = [(inputs, None, "")]
    while waiting:
        value, path, key = waiting.pop()
        if isinstance(value, str):
            if len(value) >= SHORTEST and not is_hidden(value):
                yield path, key, value
        elif isinstance(value, list):
            waiting += [(one, (path, index), key) for index, one in enumerate(items(value))]
        elif owner := mapping(value):
            name = owner.get("name") if isinstance(owner.get("value"), str) else None
            waiting += [
                (one, (path, each), name if each == "value" and isinstance(name, str) else each)
                for each, one in owner.items()
            ]


def _written(path: Path) -> str:
    """The path as the engine writes it."""
    if path is None:
        return ""
    around, last = path
    return f"{_written(around)}[{last}]" if isinstance(last, int) else joined(_written(around), last)


RULES = (
    Rule(
        id="plain-secret",
        level=Level.BLOCKING,
        title="inputs must not contain passwords, tokens or keys in plain text",
        why="anybody who can read the state or a preview can read its inputs",
        fix="mark it with pulumi.Output.secret or `pulumi config set --secret`, or let the pod read it from a Secret",
        unknown="a masked value is a secret already, and passes; one that is known only after `up` is "
        "judged by the policy pack",
        check=_plain,
    ),
)
