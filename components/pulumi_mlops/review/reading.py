"""Reads `pulumi preview --json`, in all of its forms.

The plain form is one document. With PULUMI_ENABLE_STREAMING_JSON_PREVIEW the engine's events come one a line instead;
Pulumi Cloud keeps the same events, and returns them as a list. What the CLI prints before and after, such as the
installation of a policy pack or the hint of --save-plan, is left out. A text that is cut off has the steps before.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast

from pulumi_mlops.review._shapes import Misshapen, mapping, name, objects, shown, text, texts
from pulumi_mlops.review._truncated import rescued
from pulumi_mlops.review.json_data import MAX_DEPTH, NOTHING, Json, inside
from pulumi_mlops.review.preview import (
    Diagnostic,
    Operation,
    PolicyViolation,
    Preview,
    PreviewError,
    PropertyChange,
    State,
    Step,
    Urn,
)
from pulumi_mlops.review.values import SIGNATURE, masked


class Output(NamedTuple):
    """What a command of the Pulumi CLI prints, for messages about it."""

    noun: str
    command: str


PREVIEW = Output("preview", "pulumi preview --json --show-sames")
BEGIN = re.compile(r"^[ \t]*\{", re.MULTILINE)
"""Where a line begins an object."""
END = re.compile(r"[ \t\r]*(?:\n|\Z)")
MANY = 2**63
"""What the engine counts with ends below it."""


class _Foreign(Exception):
    """The text is no preview; the message says what it is."""


def read(text: str, stack: str, output: Output = PREVIEW) -> Preview:
    """The preview in the text; `stack` names it, which the text of a preview that failed early does not.

    `output` says what the text should be, for the message.

    Raises:
        PreviewError: the text is empty, or neither form of a preview.
    """
    if not text or text.isspace():
        raise PreviewError(f"the {output.noun} of {stack} is empty; the engine's own message is on its standard error")
    try:
        return _read(text, stack)
    except Misshapen as failure:
        problem = f"is not in the form that the engine writes: {failure}"
    except _Foreign as failure:
        problem = str(failure)
    raise PreviewError(f"the {output.noun} of {stack} {problem}; make it again by `{output.command} > FILE`")


def _read(text: str, stack: str) -> Preview:
    begin = BEGIN.search(text)
    said = text[begin.end() - 1 :] if begin else text
    document = _object(said)
    if document is not None and not _is_event(document):
        listed = objects(document, "events") if "events" in document else []
        return _of_events(listed, True, stack) if any(map(_is_event, listed)) else _of_digest(document, stack)
    events, whole = _events(said)
    beginning = None if events else rescued(said)
    if beginning is not None:
        return _of_digest(beginning, stack)
    if not events:
        raise _Foreign(f"is neither a document nor events of the Pulumi CLI: it starts with {text.lstrip()[:40]!r}")
    return _of_events(events, whole, stack)


def _is_event(document: dict[str, Json]) -> bool:
    return "timestamp" in document and ("sequence" in document or any(key.endswith("Event") for key in document))


def _of_digest(document: dict[str, Json], stack: str) -> Preview:
    known = {"config", "steps", "diagnostics", "duration", "changeSummary", "maybeCorrupt"}
    if document and not known & set(document):
        keys = ", ".join(shown(key) for key in sorted(document)[:3])
        raise _Foreign(f"is a JSON document of something else: it has {keys}")
    diagnostics = tuple(_diagnostic(one) for one in objects(document, "diagnostics"))
    return Preview(
        stack=stack,
        steps=tuple(_step(one, _DIGEST) for one in objects(document, "steps")),
        summary=_summary(mapping(document, "changeSummary")),
        diagnostics=diagnostics,
        config=mapping(document, "config"),
        complete="changeSummary" in document and not _failed(diagnostics),
    )


def _object(text: str) -> dict[str, Json] | None:
    """The object at the beginning of the text, if no other one follows it."""
    try:
        value, end = json.JSONDecoder(object_hook=masked if SIGNATURE in text else None).raw_decode(text)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError too
        return None
    alone = isinstance(value, dict) and END.match(text, end) and not BEGIN.search(text, end)
    return cast("dict[str, Json]", value) if alone else None


def _events(text: str) -> tuple[list[dict[str, Json]], bool]:
    """The events, and whether each line of JSON is one: the last line of a run that was cut off is not."""
    # Not splitlines: the engine leaves characters such as U+0085 in a text as they are.
    lines = [line for line in text.split("\n") if line.lstrip().startswith("{")]
    found: list[dict[str, Json]] = []
    for line in lines:
        event = _object(line)
        if event is None or not _is_event(event):
            break
        found.append(event)
    return found, len(found) == len(lines)


def _of_events(events: list[dict[str, Json]], whole: bool, stack: str) -> Preview:
    diagnostics = tuple(_diagnostic(one) for one in _of(events, "diagnosticEvent") if not one.get("ephemeral"))
    summaries = _of(events, "summaryEvent")
    preludes = _of(events, "preludeEvent")
    return Preview(
        stack=stack,
        steps=tuple(_step(one, _EVENT) for one in _steps_of(events)),
        summary=_summary(mapping(summaries[-1], "resourceChanges")) if summaries else {},
        diagnostics=diagnostics,
        config=mapping(preludes[0], "config") if preludes else NOTHING,
        violations=tuple(_violation(one) for one in _of(events, "policyEvent")),
        complete=whole and bool(summaries) and not _failed(diagnostics),
    )


def _steps_of(events: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """What was announced; of a refresh, what it found, which is told only afterwards."""
    steps = [mapping(one, "metadata") for one in _of(events, "resourcePreEvent")]
    outputs = [mapping(event, "metadata") for event in _of(events, "resOutputsEvent")]
    found = {name(one, "urn"): one for one in reversed(outputs)}  # what `up` would do comes after the refresh
    refreshed = Operation.REFRESH
    return [found.get(name(step, "urn"), step) if step.get("op") == refreshed else step for step in steps]


def _of(events: list[dict[str, Json]], kind: str) -> list[dict[str, Json]]:
    return [mapping(event, kind) for event in events if event.get(kind) is not None]


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


def _step(step: dict[str, Json], keys: _Keys) -> Step:
    urn = name(step, "urn")
    try:
        Urn.parse(urn)  # whoever asks for a part of it later would find out too late
    except PreviewError:
        raise Misshapen(f"{shown(urn)} is no URN of a resource") from None
    return Step(
        operation=_operation(name(step, "op")),
        urn=urn,
        old=_state(step, keys.old),
        new=_state(step, keys.new),
        changes=tuple(_changes(mapping(step, "detailedDiff"), keys)),
        changed_keys=texts(step, keys.changed),
        replacing_keys=texts(step, keys.replacing),
    )


def _changes(told: dict[str, Json], keys: _Keys) -> Iterator[PropertyChange]:
    for path in sorted(told):
        kind = name(mapping(told, path), keys.kind)
        yield PropertyChange(path, kind.removesuffix("-replace"), kind.endswith("-replace"))


def _operation(word: str) -> Operation:
    try:
        return Operation(word)
    except ValueError:
        raise Misshapen(f"this version of the review does not know the operation {shown(word)}") from None


def _state(step: dict[str, Json], key: str) -> State | None:
    state = mapping(step, key)
    if not state:
        return None
    return State(
        id=text(state, "id"),
        urn=text(state, "urn"),
        parent=text(state, "parent"),
        inputs=_properties(state, "inputs"),
        outputs=_properties(state, "outputs"),
        protect=bool(state.get("protect")),
        retain_on_delete=bool(state.get("retainOnDelete")),
        external=bool(state.get("external")),
        custom=bool(state.get("custom")),
    )


def _properties(state: dict[str, Json], key: str) -> dict[str, Json]:
    """The inputs or the outputs of a resource.

    Raises:
        Misshapen: they have more levels than functions that call themselves for each level can follow.
    """
    found = mapping(state, key)
    level: list[Json] = [found]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in inside(one) if isinstance(inner, dict | list)]
        if not level:
            return found
    raise Misshapen(f"the {key} of {shown(text(state, 'urn'))} are nested more than {MAX_DEPTH} levels deep")


def _diagnostic(one: dict[str, Json]) -> Diagnostic:
    prefix, message = (text(one, key) for key in ("prefix", "message"))
    return Diagnostic(text(one, "severity") or "info", f"{prefix}{message}".strip(), text(one, "urn"))


def _violation(one: dict[str, Json]) -> PolicyViolation:
    return PolicyViolation(
        policy=name(one, "policyName"),
        pack=text(one, "policyPackName"),
        message=text(one, "message"),
        mandatory=text(one, "enforcementLevel") != "advisory",
        urn=text(one, "resourceUrn"),
    )


def _failed(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(one.severity == "error" for one in diagnostics)


def _summary(counts: dict[str, Json]) -> dict[Operation, int]:
    read: dict[Operation, int] = {}
    for word, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < MANY:
            raise Misshapen(f"{shown(word)} must be counted by a whole number, got {shown(count)}")
        read[_operation(word)] = count
    return read
