"""What a commit shows of a run: one sentence as its status, and the last lines of the steps that failed."""

import ast
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from delivery.errors import DeliveryError
from delivery.masking import masked

MAX_DESCRIPTION = 140
"""Longest description that GitHub takes."""
MAX_LINES = 40
EXECUTOR = re.compile(r'^time="[^"]*" level=\w+ .*argo=true|^Error: exit status \d+$')
"""What Argo's executor adds to a container's log."""
STATES = {"Running": "pending", "Succeeded": "success", "Failed": "failure", "Error": "failure"}
"""Phase of a run in Argo Workflows → state of the commit."""


def describe(phase: str, failures: str, steps: Sequence[str]) -> str:
    """One sentence on a run in this phase.

    `failures` is what Argo Workflows gives as `workflow.failures`, JSON of every node that failed. Of those only the
    names of `steps` are used: their messages quote what a step printed.
    """
    if phase == "Running":
        return "The delivery is running."
    if phase == "Succeeded":  # which steps there were depends: a newer commit may have taken this one's place
        return "Every step that ran has succeeded."
    templates = {one["templateName"] for one in _nodes(failures)}
    failed = [step for step in steps if step in templates]
    if not failed:
        return "The run failed, but none of its steps did: it was stopped or took too long."
    names = " and ".join(filter(None, [", ".join(failed[:-1]), failed[-1]]))
    return shortened(f"Failed: {names}.")


@dataclass(frozen=True)
class Failure:
    """A step that failed, and the last lines of its log."""

    step: str
    lines: str


def failures(text: str, steps: Sequence[str], known: Iterable[str] = ()) -> list[Failure]:
    """The steps that failed, with what they printed last; `known` are secrets to mask besides what looks like one.

    A node's message has the end of its container's log, since the containers' `terminationMessagePolicy` is
    FallbackToLogsOnError; the kubelet gives 80 lines or 2048 bytes of it.
    """
    messages = {one["templateName"]: one.get("message") or "" for one in _nodes(text)}
    known = [*known]
    return [Failure(step, _tail(masked(messages[step], known))) for step in steps if step in messages]


def comment(sentence: str, found: Sequence[Failure], link: str | None, *, markdown: bool) -> str:
    """The text for the commit's page: the sentence, and the last lines of each step that failed."""
    parts = [sentence, *([f"Log: {link}"] if link else [])]
    for one in found:
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", one.lines))])
        parts.append(
            f"**{one.step}**\n\n{fence}text\n{one.lines}\n{fence}" if markdown else f"{one.step}:\n{one.lines}"
        )
    return "\n\n".join(parts) + "\n"


def shortened(text: str) -> str:
    """The text, at its limit with an ellipsis at the end."""
    return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 1]}…"


def _tail(message: str) -> str:
    """The message without control characters and without lines of Argo's executor, at most MAX_LINES lines."""
    lines = [line for line in message.splitlines() if not EXECUTOR.search(line)]
    shown = ("".join(one if one.isprintable() or one == "\t" else "�" for one in line) for line in lines[-MAX_LINES:])
    return "\n".join(shown)


def _nodes(failures: str) -> list[dict[str, str]]:
    """The nodes that failed."""
    try:
        if failures.startswith('"'):  # Argo quotes it as Go does, which has escapes that JSON lacks and Python has
            failures = ast.literal_eval(failures)
        nodes = json.loads(failures or "[]") or []
        for one in nodes:
            if not isinstance(one["templateName"], str) or not isinstance(one.get("message") or "", str):
                raise TypeError
    except (ValueError, SyntaxError, TypeError, KeyError, AttributeError):
        raise DeliveryError("DELIVERY_FAILURES must be Argo's `workflow.failures`, a JSON list of nodes") from None
    return nodes
