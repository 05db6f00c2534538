"""What a component's inputs must look like: everything that is not implemented is refused, in one sentence each."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails

Inputs = Mapping[str, Any]


class Problems:
    """Collects what is wrong with one component's inputs."""

    def __init__(self, component: str) -> None:
        self.component = component
        self._found: list[InputPropertyErrorDetails] = []

    def add(self, path: str, reason: str) -> None:
        """Notes one problem; the reason is a sentence that names the property."""
        self._found.append({"property_path": path, "reason": reason})

    def refuse_others(self, inputs: Inputs, implemented: Iterable[str], prefix: str = "") -> None:
        """Refuses each input that is given and not implemented."""
        for key in sorted(set(given(inputs)) - set(implemented)):
            self.add(
                prefix + key,
                f"{prefix}{key} is not implemented by the {self.component} stand-in: leave it out, or use the "
                "published pulumi-eks plugin",
            )

    def need_plain(self, inputs: Inputs, names: Iterable[str]) -> None:
        """Refuses values that are known only later where they decide which resources exist."""
        for key in names:
            if isinstance(inputs.get(key), pulumi.Output | pulumi.output.Unknown):
                self.add(key, f"{key} must be a plain value: it decides which resources exist")

    def need(self, inputs: Inputs, names: Iterable[str]) -> None:
        """Refuses that something is missing."""
        for key in names:
            if inputs.get(key) is None:
                self.add(key, f"{key} must be given to the {self.component} stand-in")

    def end(self) -> None:
        """Raises what was found.

        Raises:
            InputPropertiesError: the engine shows each property with its sentence.
        """
        if self._found:
            raise InputPropertiesError(f"{self.component} cannot be built by the stand-in", self._found)


def given(inputs: Inputs | None) -> dict[str, Any]:
    """The inputs that have a value."""
    return {key: value for key, value in (inputs or {}).items() if value is not None}


def whole(value: Any) -> Any:
    """A copy in which numbers without a fraction are integers again; the protocol has floats only."""
    if isinstance(value, Mapping):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_json(value: Any) -> pulumi.Output[str] | None:
    """The JSON text of a value with sorted keys, so that the same settings are the same text."""
    if value is None:
        return None
    return pulumi.Output.from_input(value).apply(lambda known: json.dumps(whole(known), sort_keys=True))


def tagged(name: str, *tags: Any) -> pulumi.Output[dict[str, str]]:
    """The tag `Name` and the given tags; later ones win."""

    def merge(all_tags: list[dict[str, str] | None]) -> dict[str, str]:
        merged = {"Name": name}
        for one in all_tags:
            merged |= one or {}
        return merged

    return pulumi.Output.all(*tags).apply(merge)
