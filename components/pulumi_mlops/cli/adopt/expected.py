"""What a stack would create, read from `pulumi preview --json`: names, parents, inputs, and what refers to what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_mlops.cli.urns import PROVIDER, is_stack, name_of, plugin_version, type_of
from pulumi_mlops.cli.values import items, mapping
from pulumi_mlops.review.preview import UNKNOWN


@dataclass(frozen=True)
class Expected:
    """A resource that the stack declares and that its state does not have."""

    urn: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    references: Mapping[str, tuple[str, ...]]
    """Property → URNs of the resources that its value comes from."""
    version: str
    """Of the plugin; empty for components."""

    @property
    def type(self) -> str:
        """Token of its type."""
        return type_of(self.urn)

    @property
    def name(self) -> str:
        """Its name in the program."""
        return name_of(self.urn)

    @property
    def key(self) -> str:
        """Type and name, as the setting `adopted` wants them."""
        return f"{self.type}::{self.name}"

    def chosen(self, name: str) -> Any:
        """An input that the program gives; None where it is left out, generated, or known at creation only."""
        value = self.inputs.get(name)
        return None if value == UNKNOWN or name in self.inputs.get("__defaults", ()) else value


def creates(preview: Mapping[str, object]) -> list[Expected]:
    """What the preview creates, but for providers and the stack itself; parents and what others refer to first."""
    return [_expected(step["newState"]) for step in items(preview.get("steps")) if _counts(step)]


def _counts(step: Mapping[str, Any]) -> bool:
    return step["op"] == "create" and not is_stack(step["urn"]) and not type_of(step["urn"]).startswith(PROVIDER)


def _expected(state: Mapping[str, Any]) -> Expected:
    return Expected(
        urn=state["urn"],
        parent=state.get("parent") or "",
        custom=bool(state.get("custom")),
        inputs=state.get("inputs") or {},
        references={name: tuple(urns) for name, urns in mapping(state.get("propertyDependencies")).items() if urns},
        version=plugin_version(state.get("provider") or ""),
    )
