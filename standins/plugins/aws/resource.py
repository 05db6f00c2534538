"""One resource type as data: its properties, the calls that make, read, change and end it, and how it is tagged.

Types whose API needs more than that override a method; `provider` knows nothing about any of them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from standins.plugins.aws import facts, naming
from standins.plugins.aws.account import Account, Missing, shape
from standins.plugins.aws.description import Call, Live, Property, Tagging
from standins.plugins.aws.shapes import camel, fill, from_api, to_api
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

GONE_SECONDS = 20.0
"""How long a delete may wait for what AWS removes later; the local API is immediate."""


class Resource:
    """A resource type."""

    token: ClassVar[str]
    service: ClassVar[str]
    properties: ClassVar[dict[str, Property]]
    outputs: ClassVar[tuple[str, ...]] = ()
    """Properties that only the API knows."""
    inner: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Property → the parts of it that only the API knows."""
    volatile: ClassVar[tuple[str, ...]] = ()
    """Outputs that an update changes."""
    absent: ClassVar[Mapping[str, Any]] = {}
    """How the API writes that a property without a default is left out: false, no text, an empty list."""
    unread: ClassVar[frozenset[str]] = frozenset()
    """Properties whose live value is not to be compared."""
    imported: ClassVar[frozenset[str]] = frozenset()
    """Those of `unread` that an import takes over all the same."""
    maps: ClassVar[frozenset[str]] = frozenset()
    """Properties with free keys."""
    renames: ClassVar[Mapping[str, str]] = {}
    """API name → Pulumi name."""
    tagging: ClassVar[Tagging | None] = None
    create_call: ClassVar[Call]
    read_call: ClassVar[Call]
    update_calls: ClassVar[tuple[Call, ...]] = ()
    delete_call: ClassVar[Call]
    simulated: ClassVar[bool] = False
    """Kept in a file, because the API behind the endpoint has no calls for it."""
    overlaid: ClassVar[frozenset[str]] = frozenset()
    """Properties that the API behind the endpoint drops or cannot change: kept in a file beside the resource."""
    write_call: ClassVar[str] = ""
    """The operation whose parameters know every part of the properties, if create_call's do not."""

    def __init__(self) -> None:
        self.facts = facts.of(self.token)
        self.defaults = {
            **self.absent,
            **{
                path[0]: value
                for path, value in self.facts.defaults.items()
                if len(path) == 1 and path[0] in self.properties
            },
        }
        """What a property is when it is left out; one that is removed goes back to it."""

    # Names and checks

    @property
    def name(self) -> str:
        """The property that is generated when it is missing; empty when there is none."""
        named = self.facts.name.get("property", "")
        return named if named in self.properties else ""

    @property
    def title(self) -> str:
        """How messages name the type."""
        return self.token.rpartition(":")[2]

    @property
    def prefix(self) -> str:
        """The property with the beginning of a generated name."""
        return naming.prefix(self.name)

    def problems(self, inputs: Object) -> list[tuple[str, str]]:
        """What is wrong with inputs: (property, sentence)."""
        found = [
            (key, f"{self.token} property {key} is not implemented by the AWS provider stand-in: leave it out, or use "
                  "the published plugin")
            for key in inputs
            if key not in self.properties and key != "__defaults"
        ]  # fmt: skip
        found = found or list(self.facts.problems(inputs))
        if found:
            return found
        try:
            for operation in self._operations():
                self.parameters(operation, inputs)
            return [("", sentence) for sentence in self.wrong(inputs)]
        except Refused as error:
            return [("", f"{self.token} property {error}")]

    def wrong(self, inputs: Object) -> Iterable[str]:
        """Sentences on inputs that the provider itself refuses."""
        return ()

    def _operations(self) -> list[str]:
        calls = [getattr(self, "create_call", None), *self.update_calls]
        return [call.operation for call in calls if call] + ([self.write_call] if self.write_call else [])

    def named(self, inputs: Object, old: Object, logical: str, seed: bytes, rules: Any) -> Object:
        """The inputs with a name: given, generated before, or new.

        Raises:
            Refused: no name fits, or the engine's rules forbid generated names.
        """
        if not self.name or self.name in inputs:
            return inputs
        chosen = naming.generated(self.name, self.facts.name, inputs, old, logical=logical, seed=seed, rules=rules)
        return inputs if chosen is None else {**inputs, self.name: chosen, "__defaults": [self.name]}

    def check_name(self, inputs: Object) -> None:
        """What the service itself says of a name that the plugin accepts.

        Raises:
            Refused: the name is too long for the service.
        """
        name, most = str(inputs.get(self.name, "")), self.facts.name.get("service_maximum", 0)
        if self.name and len(name) > most:
            raise Refused(f"{self.name} {name} has {len(name)} characters, {self.service} accepts at most {most}")

    def suppresses(self, name: str, new: Any, inputs: Object, state: Object) -> bool:
        """Whether the provider takes a changed property for unchanged, because of what the resource has become."""
        return False

    def delete_first(self, changed: set[str], inputs: Object) -> bool:
        """Whether a replacement deletes first: the plugin always does for the type, or the program's name stays."""
        given = self.name and self.name in inputs and self.name not in inputs.get("__defaults", ())
        return self.facts.deletes_first or bool(given and self.name not in changed)

    # Operations

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """What templates can refer to."""
        return {**state, "id": identifier, "region": account.region}

    def parameters(self, operation: str, values: Object) -> Object:
        """The properties that an operation takes, in its form."""
        structure = shape(self.service, operation)
        members = {self.renames.get(name, name).lower(): name for name in structure.members}
        given = {}
        for key, value in values.items():
            name = members.get(key.lower())
            if name and name not in ("Tags", "tags") and key in self.properties and not self.properties[key].local:
                given[name] = to_api(structure.members[name], value, self.renames, key)
        return given

    def create(self, account: Account, inputs: Object) -> str:
        """Makes the resource and returns its identifier."""
        call, given = self.create_call, {**self.defaults, **inputs}
        found = call(
            account, self.service, self.known(account, "", given), **self.parameters(call.operation, given)
        )  # fmt: skip
        identifier = self.identify(account, found, inputs)
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        later = {
            key: value
            for key, value in inputs.items()
            if key not in ("tags", "tagsAll", "__defaults") and not self.properties[key].local
            and key.lower() not in self._taken(call.operation)
        }  # fmt: skip
        if later:
            self.update(account, identifier, inputs, inputs, set(later))
        return identifier

    def _taken(self, operation: str) -> set[str]:
        return {self.renames.get(name, name).lower() for name in shape(self.service, operation).members}

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The identifier, by default what create_call's path leads to."""
        return str(found)

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """The resource as it is, or None when it is gone."""
        try:
            found = self.read_call(account, self.service, self.known(account, identifier, state))
            if not found:
                return None
            values = self.shown(account, identifier, found, state)
            tags = self.read_tags(account, identifier, {**state, **values})
        except Missing:
            return None
        return Live(values, tags)

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The answer of read_call as properties."""
        return self.translated(found)

    def translated(self, found: Object) -> Object:
        """An answer of the API in Pulumi's names."""
        return {
            (name := self.renames.get(key) or camel(key)): from_api(
                value, self.renames, keys=name not in self.maps
            )
            for key, value in found.items()
        }  # fmt: skip

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Changes the resource in place; `changed` are properties, tags not among them."""
        given = {**self.defaults, **inputs}
        left = set(changed)
        for call in self.update_calls:
            taken = {key for key in left if key.lower() in self._taken(call.operation)}
            if not taken:
                continue
            left -= taken
            wanted = self.parameters(call.operation, {key: given[key] for key in taken if key in given})
            lost = sorted(key for key in taken if key not in given)
            if lost:
                raise Refused(f"{self.title}: the AWS provider stand-in cannot remove {lost[0]}, only change it")
            call(account, self.service, self.known(account, identifier, {**state, **given}), **wanted)
        left = {key for key in left if not self.properties[key].local and key not in self.overlaid}
        if left:
            raise Refused(f"{self.title}: the AWS provider stand-in cannot change {sorted(left)[0]} in place")

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Ends the resource; one that has gone is no error."""
        try:
            self.delete_call(account, self.service, self.known(account, identifier, state))
        except Missing:
            return

    # Tags

    @property
    def taggable(self) -> bool:
        """Whether the type has tags."""
        return "tags" in self.properties

    def all_tags(self, account: Account, inputs: Object) -> dict[str, str]:
        """A resource's own tags over the provider's default ones."""
        if not self.taggable:
            return {}
        return {**account.default_tags, **(inputs.get("tags") or {})}

    def tag(
        self, account: Account, identifier: str, state: Object, old: Mapping[str, str], new: Mapping[str, str]
    ) -> None:
        """Brings the tags from one set to another."""
        tagging = self.tagging
        if tagging is None:
            return
        target = fill(tagging.target, self.known(account, identifier, self.located(account, identifier, state)))
        service = tagging.service or self.service
        gone = [key for key in old if key not in new]
        if gone:
            account.call(service, tagging.remove, **target, **{tagging.keys: self.removal(gone, old)})
        fresh = {key: value for key, value in new.items() if old.get(key) != value}
        if fresh:
            account.call(service, tagging.put, **target, **{tagging.tags: tagging.written(fresh)})

    def removal(self, gone: list[str], old: Mapping[str, str]) -> Any:
        """The tags to remove as the API takes them."""
        return gone

    def located(self, account: Account, identifier: str, state: Object) -> Object:
        """The state with what tag calls need; a resource that was just made has no outputs yet."""
        if "arn" in state or "{arn}" not in str(self.tagging and self.tagging.target):
            return state
        found = self.read_call(account, self.service, self.known(account, identifier, state))
        return {**state, **self.shown(account, identifier, found, state)}

    def read_tags(self, account: Account, identifier: str, state: Object) -> dict[str, str] | None:
        """The live tags."""
        tagging = self.tagging
        if tagging is None:
            return {} if self.taggable else None
        target = fill(tagging.target, self.known(account, identifier, state))
        return tagging.live(account.call(tagging.service or self.service, tagging.read, **target))
