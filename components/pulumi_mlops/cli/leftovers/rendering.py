"""The text about leftovers: which objects, why they go first, and the commands in order."""

import itertools
import shlex
from collections.abc import Iterator, Sequence

from pulumi_mlops.cli.leftovers.survey import Leftover

SHOWN = 20
"""Objects of one step that are named; the next run names the next ones."""
WAIT = "10m"  # a database of Crossplane's takes most of it


def listing(found: Sequence[Leftover]) -> str:
    """The objects by their steps, and the commands that delete those that are named."""
    steps = [[*ones] for _, ones in itertools.groupby(found, key=lambda one: one.step)]
    return "\n".join(
        [
            *itertools.chain.from_iterable(map(_named, steps)),
            "Delete them in this order; each command waits until all of its objects are gone:",
            *(f"  {command}" for step in steps for command in _commands(step[:SHOWN])),
        ]
    )


def _named(step: Sequence[Leftover]) -> Iterator[str]:
    yield f"{step[0].step.title} ({len(step)}):"
    for one in step[:SHOWN]:
        place = f"{one.identity.namespace}/" if one.identity.namespace else ""
        yield f"  - {one.identity.kind} {place}{one.identity.name}{' (is being deleted)' if one.goes else ''}"
    if len(step) > SHOWN:
        yield f"  … and {len(step) - SHOWN} more, which the next run names"


def _commands(step: Sequence[Leftover]) -> Iterator[str]:
    """One command for all objects of a kind in a namespace."""
    for (resource, namespace, goes), ones in itertools.groupby(step, key=_place):
        names = " ".join(shlex.quote(one.identity.name) for one in ones)
        verb = f"wait --for=delete --timeout={WAIT}" if goes else "delete"
        yield f"kubectl {verb}{f' --namespace {namespace}' if namespace else ''} {resource} {names}"


def _place(one: Leftover) -> tuple[str, str, bool]:
    return one.resource, one.identity.namespace, one.goes
