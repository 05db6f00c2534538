"""The AWS provider's side of the plugin protocol: from requests to operations on a resource type.

Does not own: what a type needs (`resource` and the services' modules), the account it talks to (`account`).
"""

import importlib.metadata
import threading
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from standins.plugins.aws import account as accounts
from standins.plugins.aws.account import Account
from standins.plugins.aws.description import Live
from standins.plugins.aws.difference import MARKS, difference, unmarked
from standins.plugins.aws.registry import TYPES, find
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.shapes import drift, equal
from standins.plugins.diff import Change, diff_response
from standins.plugins.paths import MISSING, get, parse, put
from standins.plugins.plugin import EngineLog, NotReady, Provider, Refused, answers, configured, serve
from standins.plugins.values import UNKNOWN, Object, decode, encode, has_unknowns, mark_like, reveal


class Aws(Provider):
    """Stand-in for pulumi-resource-aws."""

    def __init__(self, log: EngineLog) -> None:
        super().__init__(log)
        self.version = importlib.metadata.version("pulumi-aws")
        self.account = Account({"region": UNKNOWN}, log)

    def warm_up(self) -> None:
        """Loads the largest API model while the program starts."""
        threading.Thread(target=accounts.shape, args=("ec2", "create_vpc"), daemon=True).start()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Refuses options that would be ignored, and regions that do not exist."""
        try:
            accounts.parse(reveal(decode(request.news)))
        except Refused as error:
            return wire.CheckResponse(inputs=request.news, failures=[wire.CheckFailure(reason=str(error))])
        return wire.CheckResponse(inputs=request.news)

    @answers
    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another region replaces the provider and all that it made; any other change updates it."""
        old, new = (reveal(decode(side)) for side in (request.old_inputs or request.olds, request.news))
        changed = sorted(key for key in {*old, *new} if key not in MARKS and old.get(key) != new.get(key))
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if changed else wire.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[key for key in changed if key == "region"],
        )

    @answers
    def Configure(self, request: Any, context: Any) -> Any:
        """Takes the configuration; the API is asked nothing yet, so a preview of a new stack needs none."""
        self.account = Account(accounts.parse(reveal(decode(request.args))), self.log)
        return configured()

    @answers
    def Check(self, request: Any, context: Any) -> Any:
        """Fills in the name, and refuses what is not implemented."""
        inputs, old = decode(request.news), reveal(decode(request.olds))
        kind = TYPES.get(request.type)
        if kind is None:
            known = ", ".join(sorted(TYPES))
            reason = f"{request.type} is not implemented by the AWS provider stand-in, which has: {known}"
            return wire.CheckResponse(inputs=request.news, failures=[wire.CheckFailure(reason=reason)])
        inputs.pop("__defaults", None)
        if "region" not in kind.properties and reveal(inputs.get("region")) == self.account.region:
            del inputs["region"]  # every type takes one; the provider's own says nothing new, another one is refused
        try:
            rules = request.autonaming if request.HasField("autonaming") else None
            named = kind.named(reveal(inputs), old, request.name, request.randomSeed, rules)
            by_prefix = kind.prefix in inputs and kind.name in named.get("__defaults", ())
            found = kind.problems(reveal(inputs) if by_prefix else named)  # a prefix becomes a name when AWS is called
            inputs = {**inputs, **{key: named[key] for key in named if key not in inputs}}
        except Refused as error:
            found = [("", str(error))]
        failures = [wire.CheckFailure(property=name, reason=reason) for name, reason in found]
        return wire.CheckResponse(inputs=encode(inputs), failures=failures)

    @answers
    def Diff(self, request: Any, context: Any) -> Any:
        """Compares the inputs of the last run with the new ones, property by property."""
        kind = find(request.type)
        old = reveal(decode(request.old_inputs)) if request.HasField("old_inputs") else reveal(decode(request.olds))
        new = reveal(decode(request.news))
        state = reveal(decode(request.olds))
        found = difference(kind, old, new, list(request.ignoreChanges), state)
        if kind.taggable and not any(change.path[0] == "tags" for change in found) and not has_unknowns(new):
            wanted = kind.all_tags(self.account, new)
            if wanted != (state.get("tagsAll") or {}) and "tags" not in request.ignoreChanges:
                found.append(Change(("tagsAll",), "UPDATE"))
        changed = {str(change.path[0]) for change in found}
        return diff_response(found, kind.delete_first(changed, new))

    @answers
    def Create(self, request: Any, context: Any) -> Any:
        """Makes the resource; a preview only says what is known of it."""
        kind, given = find(request.type), decode(request.properties)
        inputs = reveal(given)
        if request.preview:
            return wire.CreateResponse(properties=encode(self._planned(kind, {}, given)))
        self._announce(kind, request.urn)
        try:
            kind.check_name(inputs)
            identifier = kind.create(self.account, unmarked(inputs))
        except Refused as error:
            raise Refused(f"{kind.title} could not be created: {error}") from error
        try:
            live = kind.read(self.account, identifier, inputs)
        except Refused as error:
            raise NotReady(f"{kind.title} {identifier}: {error}", identifier, unmarked(given)) from error
        if live is None:
            message = f"{kind.title} {identifier} was created, but the API does not find it"
            raise NotReady(message, identifier, unmarked(given))
        self._overlay(kind, identifier, inputs)
        return wire.CreateResponse(id=identifier, properties=encode(self._state(kind, given, live)))

    @answers
    def Read(self, request: Any, context: Any) -> Any:
        """The live resource; an empty answer when it has gone. With nothing but an identifier, it is imported."""
        kind, state, given = find(request.type), decode(request.properties), decode(request.inputs)
        before = reveal(state)
        live = kind.read(self.account, request.id, before)
        if live is None:
            return wire.ReadResponse()
        if kind.overlaid:
            live.values |= self._overlaid(kind, request.id)
        inputs = self._inputs(kind, reveal(given) or {}, live, imported=not given and not state)
        identifier = live.values.get("__id") or request.id
        marked = mark_like(mark_like(inputs, given), state)
        return wire.ReadResponse(
            id=identifier,
            properties=encode(mark_like(self._state(kind, marked, live), state)),
            inputs=encode(marked),
        )

    @answers
    def Update(self, request: Any, context: Any) -> Any:
        """Changes the resource in place."""
        kind, state, given = find(request.type), decode(request.olds), decode(request.news)
        if request.preview:
            return wire.UpdateResponse(properties=encode(self._planned(kind, state, given)))
        self._announce(kind, request.urn)
        old_given = decode(request.old_inputs) if request.HasField("old_inputs") else state
        old, new, before = reveal(old_given), reveal(given), reveal(state)
        for path in map(parse, request.ignoreChanges):
            if "*" not in path and (value := get(old, path)) is not MISSING:
                put(new, path, value)
        changed = {str(change.path[0]) for change in difference(kind, old, new, list(request.ignoreChanges), before)}
        try:
            others = changed - {"tags", "tagsAll"}
            if others:
                kind.update(self.account, request.id, before, unmarked(new), others)
                self._overlay(kind, request.id, new)
            if kind.taggable:
                kind.tag(
                    self.account, request.id, before, before.get("tagsAll") or {}, kind.all_tags(self.account, new)
                )
            live = kind.read(self.account, request.id, {**before, **unmarked(new)})
        except Refused as error:
            raise Refused(f"{kind.title} {request.id} could not be updated: {error}") from error
        if live is None:
            raise Refused(f"{kind.title} {request.id} could not be updated: it no longer exists; run `pulumi refresh`")
        return wire.UpdateResponse(properties=encode(self._state(kind, given, live)))

    @answers
    def Delete(self, request: Any, context: Any) -> Any:
        """Ends the resource."""
        kind, state = find(request.type), reveal(decode(request.properties))
        try:
            kind.delete(self.account, request.id, state)
        except Refused as error:
            raise Refused(f"{kind.title} {request.id} could not be deleted: {error}") from error
        if kind.overlaid and self._overlaid(kind, request.id):
            self.account.store.put(kind.token, request.id, None)
        return empty_pb2.Empty()

    # Parts of operations

    def _state(self, kind: Resource, given: Object, live: Live) -> Object:
        """The outputs: what the API says, under what the program gave."""
        keep = {*kind.properties, *kind.outputs} - {"tags"}
        shown = {key: value for key, value in live.values.items() if key in keep and value is not None}
        state = {**shown, **unmarked(given), "region": self.account.region}
        for name, parts in kind.inner.items():
            known = live.values.get(name) or {}
            state[name] = {**{part: known[part] for part in parts if part in known}, **state[name]}
        if kind.taggable:
            state["tagsAll"] = live.tags or {}
        return state

    def _planned(self, kind: Resource, state: Object, given: Object) -> Object:
        """The outputs that are known before an operation; at a create the engine takes the others as unknown."""
        plain = reveal(given)
        planned = {**state, **unmarked(given), "region": self.account.region}
        if kind.taggable and not has_unknowns(plain.get("tags")):
            planned["tagsAll"] = kind.all_tags(self.account, plain)
        for name in kind.volatile if state else ():
            planned[name] = UNKNOWN
        for name, parts in kind.inner.items():
            if isinstance(plain.get(name), dict):
                before = state.get(name) or dict.fromkeys(parts, UNKNOWN)
                planned[name] = {**{part: before[part] for part in parts if part in before}, **planned[name]}
        return planned

    def _inputs(self, kind: Resource, inputs: Object, live: Live, *, imported: bool) -> Object:
        """The inputs that would make the live resource: the program's words where they still hold."""
        found = dict(inputs)
        for name, one in kind.properties.items():
            unread = name in kind.unread and not (imported and name in kind.imported)
            if unread or name == "tags" or name not in live.values:
                continue
            value = live.values[name]
            if name in inputs and value is not None:
                found[name] = drift(inputs[name], value)
            elif name in inputs:
                del found[name]
            elif value is None or one.local:
                continue
            elif imported or (
                name in kind.defaults and not equal(kind.defaults[name], value) and value not in ([], {}, "")
            ):
                found[name] = value
        if live.tags is not None:
            given, defaults = inputs.get("tags") or {}, self.account.default_tags
            own = {key: text for key, text in live.tags.items() if key in given or defaults.get(key) != text}
            if own or "tags" in inputs:
                found["tags"] = own
        return found

    def _announce(self, kind: Resource, urn: str) -> None:
        """Says once which types are not backed by the API."""
        if not kind.simulated or self.account.announced:
            return
        self.account.announced = True
        names = ", ".join(sorted(one.token for one in {*TYPES.values()} if one.simulated))
        self.log.warning(urn, f"simulated by the AWS provider stand-in, in a file and not by any API: {names}")

    def _overlay(self, kind: Resource, identifier: str, inputs: Object) -> None:
        kept = {key: inputs[key] for key in kind.overlaid if key in inputs}
        if kept or (kind.overlaid and self._overlaid(kind, identifier)):
            self.account.store.put(kind.token, identifier, kept)

    def _overlaid(self, kind: Resource, identifier: str) -> Object:
        try:
            return self.account.store.get(kind.token, identifier) or {}
        except Refused:
            return {}


def main() -> None:
    """Runs the plugin."""
    serve(Aws)
