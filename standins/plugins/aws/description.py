"""What describes a resource type as data: properties, calls, tagging; and what the API has of a resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath

from standins.plugins.aws.account import Account
from standins.plugins.aws.shapes import fill
from standins.plugins.values import Object


@dataclass(frozen=True)
class Property:
    """How the stand-in treats an input property; what the provider does with it is in the facts."""

    local: bool = False
    """Never sent: it steers what the provider itself does."""


def properties(text: str) -> dict[str, Property]:
    """Properties by name from words: `vpcId tags forceDestroy~`; ~ is never sent."""
    return {word.rstrip("~"): Property(local=word.endswith("~")) for word in text.split()}


class Call:
    """One call: the operation, where its answer has what counts (a JMESPath), and fixed parameters with `{places}`."""

    def __init__(self, operation: str, path: str = "", /, **parameters: Any) -> None:
        self.operation = operation
        self.path = path
        self.parameters = parameters

    def __call__(self, account: Account, service: str, known: Mapping[str, Any], **more: Any) -> Any:
        """Makes the call and returns what counts of the answer."""
        answer = account.call(service, self.operation, **fill(self.parameters, known), **more)
        return jmespath.search(self.path, answer) if self.path else answer


@dataclass(frozen=True)
class Tagging:
    """How a service tags: its three operations, what they call the resource, and the form of the tags."""

    put: str
    remove: str
    read: str
    target: Mapping[str, Any]
    tags: str = "Tags"
    keys: str = "TagKeys"
    answer: str = "Tags"
    form: tuple[str, str] | None = ("Key", "Value")
    """Names of key and value in a list of tags; None for a map."""
    service: str = ""

    def written(self, tags: Mapping[str, str]) -> Any:
        """Tags as the API takes them."""
        if self.form is None:
            return dict(tags)
        return [{self.form[0]: key, self.form[1]: value} for key, value in tags.items()]

    def live(self, answer: Any) -> dict[str, str]:
        """Tags as they are, without those of AWS itself."""
        found = jmespath.search(self.answer, answer) or {}
        if self.form is not None:
            found = {one[self.form[0]]: one.get(self.form[1], "") for one in found}
        return {key: value for key, value in found.items() if not key.startswith("aws:")}


@dataclass
class Live:
    """What the API has: Pulumi's names → values. None as a value: it was removed."""

    values: Object = field(default_factory=dict)
    tags: dict[str, str] | None = None
