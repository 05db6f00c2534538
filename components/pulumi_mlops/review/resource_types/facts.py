"""Facts about a resource that its inputs decide, and the conditions by which they are read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pulumi_mlops.review import iam_documents
from pulumi_mlops.review.json_data import JsonObject, is_true, items, joined, mapping
from pulumi_mlops.review.values import at, indexed, is_hidden

INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Holds:
    """The fact holds."""

    path: str
    """The property that decides it."""
    meaning: str
    """What follows, as the rest of a sentence after path and state; plain text, never a secret."""
    state: str = ""
    """How the property says so, such as `is not set`: what may differ while the fact stays the same."""

    @property
    def message(self) -> str:
        """The whole sentence."""
        return f"{self.path} {self.state}{self.meaning}"

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same fact before and after a change, wherever in a list the property is."""
        return INDEX.sub("", self.path), self.meaning


@dataclass(frozen=True)
class Unknown:
    """Whether the fact holds is known only after `up`."""

    path: str
    """The property that is not known, or secret."""


Fact = Holds | Unknown
Inputs = JsonObject
Condition = Callable[[Inputs], Iterator[Fact]]
"""Reads a fact from the inputs of a resource; yields nothing where it does not hold."""


def any_of(*conditions: Condition) -> Condition:
    """All that any of the conditions finds."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        for condition in conditions:
            yield from condition(inputs)

    return check


def is_on(path: str, consequence: str, *, default: bool = False) -> Condition:
    """A switch is on; `default` is what the provider takes for one that is not given."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        value = at(inputs, path)
        if is_hidden(value):
            yield Unknown(path)
        elif is_true(default if value is None else value):
            yield Holds(path, consequence, "is on by default" if value is None else "is true")

    return check


def is_off(path: str, consequence: str) -> Condition:
    """A switch is off, which is what the provider takes for one that is not given."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        value = at(inputs, path)
        if is_hidden(value):
            yield Unknown(path)
        elif not is_true(value):
            yield Holds(path, consequence, "is not set" if value is None else "is false")

    return check


def is_one_of(path: str, values: tuple[object, ...], consequence: str) -> Condition:
    """A property has one of these values."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        value = at(inputs, path)
        if is_hidden(value):
            yield Unknown(path)
        elif value is not None and (value in values or str(value) in map(str, values)):
            yield Holds(path, f"is {str(value).lower() if isinstance(value, bool) else value}{consequence}")

    return check


def allows_everybody(key: str) -> Condition:
    """A resource policy allows everybody (Principal *) without a condition."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        if inputs.get(key) is None:
            return
        statements = iam_documents.statements(inputs[key])
        if statements is None:
            yield Unknown(key)
        elif any(iam_documents.open_to_everybody(one) for one in statements):
            yield Holds(key, "allows everybody (Principal *) without a condition")

    return check


def each_off(key: str, switch: str, consequence: str, inside: str = "") -> Condition:
    """A switch is off in an element of a list, such as `encrypted` of a block device.

    `inside` is the object in the element that has the switch; elements without it are left out.
    """

    def check(inputs: Inputs) -> Iterator[Fact]:
        for path, element in indexed(inputs, key):
            owner = mapping(element).get(inside) if inside else element
            place = joined(path, inside) if inside else path
            if is_hidden(element) or is_hidden(owner):
                yield Unknown(place)
            elif owner is not None:
                for fact in is_off(switch, consequence)(mapping(items(owner)[0])):
                    yield (
                        Holds(joined(place, fact.path), fact.meaning, fact.state)
                        if isinstance(fact, Holds)
                        else Unknown(joined(place, fact.path))
                    )

    return check
