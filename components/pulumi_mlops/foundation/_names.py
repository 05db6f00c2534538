"""Names of resources, and what is wrong with lists and dicts of them that users give us."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import pulumi

from pulumi_mlops.contract.rules import Rule, matches

AUTONAME_SUFFIX = 8
"""Characters that Pulumi adds to the name of a child to make a physical name: a hyphen and seven random digits."""

logical_name: Rule = matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "lower-case letters, digits and inner hyphens")
"""Part of the names of resources."""

Value = TypeVar("Value")


def joined(*parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """The parts as one text: a plain one, which can be checked at once, where all of them are."""
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else pulumi.Output.concat(*parts)


def duplicates(values: Sequence[Value]) -> list[Value]:
    """What occurs more than once, in order; values that are not known yet are not compared."""
    seen: list[Value] = []
    twice: list[Value] = []
    for value in values:
        if isinstance(value, pulumi.Output):
            continue
        (twice if value in seen and value not in twice else seen).append(value)
    return twice


def wrong_keys(at: str, entries: Iterable[str], rule: Rule) -> Iterator[str]:
    """What is wrong with the user's own keys of a dict, in the wording of `check_args`."""
    for key in entries:
        if complaint := rule(key):
            yield f'{at} has the key "{key}", which {complaint}'
