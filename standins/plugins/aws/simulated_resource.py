"""A resource type that the API behind the endpoint has no calls for: kept in a file, and said to be."""

from collections.abc import Mapping
from typing import ClassVar

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Live
from standins.plugins.aws.resource import Resource
from standins.plugins.plugin import Refused
from standins.plugins.values import Object


class Simulated(Resource):
    """A type that is kept in a file, because the API behind the endpoint has no calls for it."""

    simulated = True
    owner: ClassVar[tuple[str, str, str]] = ("", "", "")
    """What must exist: an operation of the service, its parameter, and the property with the value."""

    identity: ClassVar[str]
    """The identifier, with properties in braces."""

    def parts(self, inputs: Object) -> str:
        """The identifier."""
        return self.identity.format(**inputs)

    def computed(self, account: Account, identifier: str, inputs: Object) -> Object:
        """What the API would have added."""
        return {}

    def changed(self, before: Object, inputs: Object) -> Object:
        """What the API would have changed at an update."""
        return {}

    def create(self, account: Account, inputs: Object) -> str:
        """Keeps the resource, unless it is there or what it belongs to is not."""
        operation, parameter, property_name = self.owner
        account.call(self.service, operation, **{parameter: inputs[property_name]})
        identifier = self.parts(inputs)
        if account.store.get(self.token, identifier) is not None:
            raise Refused(f"{self.title} {identifier} already exists")
        kept = {**self.defaults, **{k: v for k, v in inputs.items() if k not in ("tags", "__defaults")}}
        kept |= self.computed(account, identifier, kept)
        account.store.put(self.token, identifier, {"values": kept, "tags": self.all_tags(account, inputs)})
        return identifier

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """The kept resource; it goes with what it belongs to."""
        kept = account.store.get(self.token, identifier)
        if kept is None:
            return None
        operation, parameter, property_name = self.owner
        try:
            account.call(self.service, operation, **{parameter: kept["values"][property_name]})
        except Missing:
            account.store.put(self.token, identifier, None)
            return None
        return Live(kept["values"], kept["tags"] if self.taggable else None)

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Changes what is kept."""
        kept = account.store.get(self.token, identifier)
        if kept is None:
            raise Missing(f"{self.title} {identifier} does not exist")
        given = {**self.defaults, **inputs}
        values = {k: v for k, v in kept["values"].items() if k not in changed or k in given}
        values |= {key: given[key] for key in changed if key in given}
        values |= self.changed(values, inputs)
        account.store.put(self.token, identifier, {"values": values, "tags": kept["tags"]})

    def tag(
        self, account: Account, identifier: str, state: Object, old: Mapping[str, str], new: Mapping[str, str]
    ) -> None:
        """Keeps the new tags."""
        kept = account.store.get(self.token, identifier)
        if kept is not None:
            account.store.put(self.token, identifier, {**kept, "tags": dict(new)})

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Forgets the resource."""
        account.store.put(self.token, identifier, None)
