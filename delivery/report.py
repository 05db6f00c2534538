"""What a commit's status says of a run."""

import ast
import json
from collections.abc import Sequence

from delivery.errors import DeliveryError

MAX_DESCRIPTION = 140
"""Longest description that GitHub takes."""
STATES = {"Running": "pending", "Succeeded": "success", "Failed": "failure", "Error": "failure"}
"""Phase of a run in Argo Workflows → state of the commit."""


def describe(phase: str, failures: str, steps: Sequence[str]) -> str:
    """One sentence on a run in this phase.

    `failures` is what Argo Workflows gives as `workflow.failures`, JSON of every node that failed. Of those only the
    names of `steps` are used: their messages may quote what a step printed.
    """
    if phase == "Running":
        return "The delivery is running."
    if phase == "Succeeded":  # which steps there were depends: a newer commit may have taken this one's place
        return "Every step that ran has succeeded."
    failed = [step for step in steps if step in _templates(failures)]
    if not failed:
        return "The run failed, but none of its steps did: it was stopped or took too long."
    names = " and ".join(filter(None, [", ".join(failed[:-1]), failed[-1]]))
    return shortened(f"Failed: {names}.")


def shortened(text: str) -> str:
    """The text, at its limit with an ellipsis at the end."""
    return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 1]}…"


def _templates(failures: str) -> set[str]:
    try:
        if failures.startswith('"'):  # Argo quotes it as Go does, which has escapes that JSON lacks and Python has
            failures = ast.literal_eval(failures)
        return {one["templateName"] for one in json.loads(failures or "[]") or []}
    except (ValueError, SyntaxError, TypeError, KeyError):
        raise DeliveryError("DELIVERY_FAILURES must be Argo's `workflow.failures`, a JSON list of nodes") from None
