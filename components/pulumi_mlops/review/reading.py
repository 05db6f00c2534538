"""Reads `pulumi preview --json`, in both of its forms.

The plain form is one document. With PULUMI_ENABLE_STREAMING_JSON_PREVIEW the engine's events come one a line instead.
A text that is cut off still has the steps before.
"""

import json
from dataclasses import dataclass
from typing import Any

from pulumi_mlops.review._cut_off import rescued
from pulumi_mlops.review.preview import (
    NOTHING,
    Diagnostic,
    Operation,
    Preview,
    PreviewError,
    PropertyChange,
    State,
    Step,
)


def read(text: str, stack: str) -> Preview:
    """The preview in the text; `stack` names it, which the text of a preview that failed early does not.

    Raises:
        PreviewError: the text is empty, or neither form of a preview.
    """
    if not text.strip():
        raise PreviewError(f"the preview of {stack} is empty; the engine's own message is on its standard error")
    try:
        return _read(text, stack)
    except (KeyError, TypeError, AttributeError) as failure:
        raise PreviewError(f"the preview of {stack} is not in the form that the engine writes: {failure}") from failure


def _read(text: str, stack: str) -> Preview:
    document = _object(text)
    if document is not None and not _is_event(document):
        return _of_digest(document, stack)
    events, whole = _events(text)
    beginning = None if events else rescued(text)
    if beginning is not None:
        return _of_digest(beginning, stack)
    if not events:
        raise PreviewError(
            f"the preview of {stack} is neither the document nor the events of `pulumi preview --json`; "
            f"it starts with {text.lstrip()[:40]!r}"
        )
    return _of_events(events, whole, stack)


def _is_event(document: dict[str, Any]) -> bool:
    return "sequence" in document and "timestamp" in document


def _of_digest(document: dict[str, Any], stack: str) -> Preview:
    known = {"config", "steps", "diagnostics", "duration", "changeSummary", "maybeCorrupt"}
    if document and not known & set(document):
        raise PreviewError(
            f"the preview of {stack} is a JSON document of something else: it has {', '.join(sorted(document)[:3])}"
        )
    diagnostics = tuple(_diagnostic(one) for one in _list(document, "diagnostics"))
    return Preview(
        stack=stack,
        steps=tuple(_step(one, _DIGEST) for one in _list(document, "steps")),
        summary=_summary(_mapping(document, "changeSummary")),
        diagnostics=diagnostics,
        config=_mapping(document, "config"),
        complete="changeSummary" in document and not _failed(diagnostics),
    )


def _object(text: str) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] | list[Any] | str | float | None = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _events(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The events, and whether each line is one: the last line of a run that was cut off is not."""
    lines = [line for line in text.splitlines() if line.strip()]
    found: list[dict[str, Any]] = []
    for line in lines:
        event = _object(line)
        if event is None or not _is_event(event):
            break
        found.append(event)
    return found, len(found) == len(lines)


def _of_events(events: list[dict[str, Any]], whole: bool, stack: str) -> Preview:
    diagnostics = tuple(_diagnostic(one) for one in _of(events, "diagnosticEvent") if not one.get("ephemeral"))
    summaries = _of(events, "summaryEvent")
    preludes = _of(events, "preludeEvent")
    return Preview(
        stack=stack,
        steps=tuple(_step(one, _EVENT) for one in _steps_of(events)),
        summary=_summary(_mapping(summaries[-1], "resourceChanges")) if summaries else {},
        diagnostics=diagnostics,
        config=_mapping(preludes[0], "config") if preludes else NOTHING,
        complete=whole and bool(summaries) and not _failed(diagnostics),
    )


def _steps_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was announced; of a refresh, what it found, which is told only afterwards."""
    steps = [one["metadata"] for one in _of(events, "resourcePreEvent")]
    found = {one["metadata"]["urn"]: one["metadata"] for one in _of(events, "resOutputsEvent")}
    refreshed = Operation.REFRESH
    return [found.get(step["urn"], step) if step["op"] == refreshed else step for step in steps]


def _of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event[kind] for event in events if event.get(kind) is not None]


@dataclass(frozen=True)
class _Keys:
    """How a form calls the parts of a step."""

    old: str
    new: str
    changed: str
    replacing: str
    kind: str


_DIGEST = _Keys("oldState", "newState", "diffReasons", "replaceReasons", "kind")
_EVENT = _Keys("old", "new", "diffs", "keys", "diffKind")


def _step(step: dict[str, Any], keys: _Keys) -> Step:
    return Step(
        operation=_operation(step["op"]),
        urn=step["urn"],
        old=_state(step, keys.old),
        new=_state(step, keys.new),
        changes=tuple(
            PropertyChange(path, one[keys.kind].removesuffix("-replace"), one[keys.kind].endswith("-replace"))
            for path, one in sorted(_mapping(step, "detailedDiff").items())
        ),
        changed_keys=tuple(_list(step, keys.changed)),
        replacing_keys=tuple(_list(step, keys.replacing)),
    )


def _operation(word: str) -> Operation:
    try:
        return Operation(word)
    except ValueError:
        raise PreviewError(f"the preview has the operation {word!r}, which this version does not know") from None


def _state(step: dict[str, Any], key: str) -> State | None:
    state = _mapping(step, key)
    if not state:
        return None
    return State(
        id=state.get("id") or "",
        urn=state.get("urn") or "",
        parent=state.get("parent") or "",
        inputs=_mapping(state, "inputs"),
        outputs=_mapping(state, "outputs"),
        protect=bool(state.get("protect")),
        retain_on_delete=bool(state.get("retainOnDelete")),
        external=bool(state.get("external")),
        custom=bool(state.get("custom")),
    )


def _diagnostic(one: dict[str, Any]) -> Diagnostic:
    prefix, message = (one.get(key) or "" for key in ("prefix", "message"))
    return Diagnostic(one.get("severity") or "info", f"{prefix}{message}".strip(), one.get("urn") or "")


def _failed(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(one.severity == "error" for one in diagnostics)


def _summary(counts: dict[str, int]) -> dict[Operation, int]:
    return {_operation(word): count for word, count in counts.items()}


def _mapping(owner: dict[str, Any], key: str) -> dict[str, Any]:
    return owner.get(key) or {}


def _list(owner: dict[str, Any], key: str) -> list[Any]:
    return owner.get(key) or []
