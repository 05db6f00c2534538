"""Names of resources, and what is wrong with lists and dicts of them that users give us."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from pulumi_mlops._args import Rule, matches

AUTONAME_SUFFIX = 8
"""Characters that Pulumi adds to the name of a child to make a physical name: a hyphen and seven random digits."""

logical_name: Rule = matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "lower-case letters, digits and inner hyphens")
"""Part of the names of resources."""


def joined(*parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """The parts as one text: a plain one, which can be checked at once, where all of them are."""
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else pulumi.Output.concat(*parts)


def duplicates(values: Sequence[Any]) -> list[Any]:
    """What occurs more than once, in order; values that are not known yet are not compared."""
    seen: list[Any] = []
    twice: list[Any] = []
    for value in values:
        if isinstance(value, pulumi.Output):
            continue
        (twice if value in seen and value not in twice else seen).append(value)
    return twice


def wrong_entries(at: str, entries: Mapping[str, Any], rule: Rule, key_rule: Rule | None = None) -> Iterator[str]:
    """What is wrong with the keys and the known values of a dict of the user's own keys, as `check_args` words it."""
    for key, value in entries.items():
        if key_rule and (complaint := key_rule(key)):
            yield f'{at} has the key "{key}", which {complaint}'
        if not isinstance(value, pulumi.Output) and (complaint := rule(value)):
            yield f"{at}.{key} {complaint}, got {value!r}"
