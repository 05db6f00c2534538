"""What changed between two sets of inputs of a resource, as the published provider would plan it."""

import copy
import dataclasses

from standins.plugins.aws.resource import Resource
from standins.plugins.aws.shapes import equal, unify
from standins.plugins.diff import UPDATE, Change, changes
from standins.plugins.paths import get, parse
from standins.plugins.values import Object

MARKS = ("__defaults",)
"""Keys of inputs that are notes of the provider and no properties."""


def unmarked(inputs: Object) -> Object:
    """The inputs without what the provider has noted in them."""
    return {key: value for key, value in inputs.items() if key not in MARKS}


def difference(
    kind: Resource, old: Object, new: Object, ignored: list[str], state: Object | None = None
) -> list[Change]:
    """What changed between two sets of inputs, as the published provider would plan it.

    Args:
        kind: the resource type.
        old: the inputs of the last run.
        new: the program's inputs.
        ignored: property paths that the program ignores.
        state: the outputs of the last run, which have what AWS chose for properties that were left out.
    """
    before, after = (
        copy.deepcopy(unmarked({key: one for key, one in side.items() if key in kind.properties}))
        for side in (old, new)
    )
    for path in kind.facts.kept:
        if len(path) == 1 and path[0] in after and path[0] not in before and path[0] in (state or {}):
            before[path[0]] = copy.deepcopy((state or {})[path[0]])
    kind.facts.settle(before, after)
    found = changes(before, unify(before, after), (), [parse(path) for path in ignored])
    return [
        dataclasses.replace(change, replaces=kind.facts.replacing(change, before, after))
        for change in found
        if not _grown(change, before, after)
        and not (
            change.way == UPDATE and kind.suppresses(str(change.path[0]), get(after, change.path), after, state or {})
        )
    ]


def _grown(change: Change, before: Object, after: Object) -> bool:
    """Whether a part differs that means the same as its whole; lists in another order are no change."""
    name = change.path[0]
    return name in before and name in after and equal(before[name], after[name])
