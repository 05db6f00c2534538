"""What a preview says, read from `pulumi preview --json`, in both of its forms.

The plain form is one document. With PULUMI_ENABLE_STREAMING_JSON_PREVIEW the engine's events come one a line instead.
A text that is cut off still has the steps before. Does not decide what any of it means.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pulumi_mlops.review._cut_off import rescued

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that is known only after `up`."""
MASKED = "[secret]"
"""What the engine writes for a secret value."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


class PreviewError(Exception):
    """The text is no preview; the message is one sentence for its reader."""


class Operation(StrEnum):
    """What the engine would do with a resource, in its own words."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE_REPLACED = "delete-replaced"
    READ = "read"
    READ_REPLACEMENT = "read-replacement"
    REFRESH = "refresh"
    DISCARD = "discard"
    DISCARD_REPLACED = "discard-replaced"
    REMOVE_PENDING_REPLACE = "remove-pending-replace"
    IMPORT = "import"
    IMPORT_REPLACEMENT = "import-replacement"


@dataclass(frozen=True)
class Urn:
    """The parts of a URN `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`."""

    stack: str
    project: str
    type: str
    name: str

    @classmethod
    @lru_cache(maxsize=65_536)
    def parse(cls, text: str) -> "Urn":
        """The parts of the text; raises PreviewError where it is no URN."""
        parts = text.split("::", 3)  # a name may contain "::"
        if len(parts) != 4 or not parts[0].startswith("urn:pulumi:"):
            raise PreviewError(f"{text!r} is no URN of a resource")
        stack, project, types, name = parts
        return cls(stack.removeprefix("urn:pulumi:"), project, types.rpartition("$")[2], name)


@dataclass(frozen=True)
class State:
    """A resource before or after the step."""

    id: str = ""
    """The provider's id; empty before it is created."""
    urn: str = ""
    """The URN at that time: before a step, another one where the resource is renamed by an alias."""
    parent: str = ""
    """URN of the parent; empty for the stack itself."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    protect: bool = False
    retain_on_delete: bool = False
    external: bool = False
    """Whether it is only read, and lives elsewhere."""
    custom: bool = False
    """Whether a provider manages it; components are not custom."""


@dataclass(frozen=True)
class PropertyChange:
    """One property path that differs, as the provider told the engine."""

    path: str
    """Such as `spec.template.spec.containers[0].image`."""
    kind: str
    """add, delete or update."""
    replaces: bool
    """Whether this one makes the provider replace the resource."""


@dataclass(frozen=True)
class Step:
    """What would happen to one resource."""

    operation: Operation
    urn: str
    old: State | None = None
    new: State | None = None
    changes: tuple[PropertyChange, ...] = ()
    """In order of their paths. Empty where the provider told keys only: see `changed_keys`."""
    changed_keys: tuple[str, ...] = ()
    """Top-level properties that differ."""
    replacing_keys: tuple[str, ...] = ()
    """Top-level properties that make the provider replace the resource."""

    @property
    def type(self) -> str:
        """The type token, such as `aws:s3/bucket:Bucket`."""
        return Urn.parse(self.urn).type

    @property
    def name(self) -> str:
        """The name in the program."""
        return Urn.parse(self.urn).name

    @property
    def state(self) -> State:
        """The resource as it would be, or as it was where it goes."""
        return self.new or self.old or State()


@dataclass(frozen=True)
class Diagnostic:
    """A message of the program, a provider or the engine."""

    severity: str
    """info, info#err, warning or error."""
    message: str
    urn: str = ""


@dataclass(frozen=True)
class Preview:
    """One preview of one stack."""

    stack: str
    steps: tuple[Step, ...] = ()
    """In the engine's order. Resources that stay the same are there only if the preview was asked to show them."""
    summary: Mapping[Operation, int] = field(default_factory=dict[Operation, int])
    """The engine's own counts by operation, `same` included; empty where the preview did not come to its end."""
    diagnostics: tuple[Diagnostic, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    complete: bool = True
    """Whether the preview came to its end: false where it failed or its text is cut off."""

    @property
    def errors(self) -> tuple[str, ...]:
        """Messages of the errors, in order."""
        return tuple(one.message for one in self.diagnostics if one.severity == "error")


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
