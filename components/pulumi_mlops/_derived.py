"""Values made from others: at once where those are known, as Outputs only where they are Outputs.

An Output costs the SDK a task, a future and some thirty objects until its resource is registered, and
`pulumi.Output.json_dumps` makes one of every value in the document. In a program with a thousand components that is a
good part of its time and memory.
"""

import json
from collections.abc import Callable
from typing import TypeVar, cast

import pulumi

T = TypeVar("T")
U = TypeVar("U")


def derived(value: pulumi.Input[T], function: Callable[[T], U]) -> pulumi.Input[U]:
    """`function` of the value, which is a text, a number or an Output, never an awaitable."""
    if isinstance(value, pulumi.Output):
        return cast("pulumi.Output[T]", value).apply(function)
    return function(cast("T", value))


def json_text(document: object, *, indent: int | None = None) -> pulumi.Input[str]:
    """The document as JSON with sorted keys; its values may be Outputs, at any depth."""
    try:
        return json.dumps(document, indent=indent, sort_keys=True)
    except TypeError:  # there are Outputs in it
        return pulumi.Output.json_dumps(document, indent=indent, sort_keys=True)
