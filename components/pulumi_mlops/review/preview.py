"""What a preview says, as data. Does not decide what any of it means, nor how it is read (`reading`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache

from pulumi_mlops.review.json_data import Json, JsonObject

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that is known only after `up`."""
MASKED = "[secret]"
"""What the engine writes for a secret value."""


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
    inputs: JsonObject = field(default_factory=dict[str, Json])
    outputs: JsonObject = field(default_factory=dict[str, Json])
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

    @cached_property
    def type(self) -> str:
        """The type token, such as `aws:s3/bucket:Bucket`."""
        return Urn.parse(self.urn).type

    @cached_property
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
class PolicyViolation:
    """What a policy pack of Pulumi found during the preview."""

    policy: str
    pack: str
    message: str
    mandatory: bool
    """Whether `up` would be refused."""
    urn: str = ""
    """The resource; empty for the stack as a whole."""


@dataclass(frozen=True)
class Preview:
    """One preview of one stack."""

    stack: str
    steps: tuple[Step, ...] = ()
    """In the engine's order. Resources that stay the same are there only if the preview was asked to show them."""
    summary: Mapping[Operation, int] = field(default_factory=dict[Operation, int])
    """The engine's own counts by operation, `same` included; empty where the preview did not come to its end."""
    diagnostics: tuple[Diagnostic, ...] = ()
    config: JsonObject = field(default_factory=dict[str, Json])
    violations: tuple[PolicyViolation, ...] = ()
    """What policy packs found, which only the events tell."""
    complete: bool = True
    """Whether the preview came to its end: false where it failed or its text is cut off."""

    @property
    def errors(self) -> tuple[str, ...]:
        """Messages of the errors, in order."""
        return tuple(one.message for one in self.diagnostics if one.severity == "error")
