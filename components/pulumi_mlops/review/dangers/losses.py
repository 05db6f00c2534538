"""What a change loses: data, protection, backups, and addresses that clients use."""

from collections.abc import Collection, Iterator, Mapping

from pulumi_mlops.review.changes import changes
from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.dangers.exposure import became_true
from pulumi_mlops.review.json_data import NOTHING, Json, JsonObject, items, mapping, strings
from pulumi_mlops.review.preview import Operation, State, Step
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.resources import kind

GOING = frozenset({Operation.DELETE, Operation.REPLACE})

ROUTING_KINDS = frozenset({"Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "Ingress"})
"""Kinds of Kubernetes objects that serve host names."""

SAFEGUARDS: Mapping[str, tuple[Json, str]] = {
    "deletionProtection": (True, "can be deleted in one call: deletionProtection goes off"),
    "deleteProtection": (True, "can be deleted in one call: deleteProtection goes off"),
    "deletionProtectionEnabled": (True, "can be deleted in one call: deletionProtectionEnabled goes off"),
    "enableDeletionProtection": (True, "can be deleted in one call: enableDeletionProtection goes off"),
    "forceDestroy": (False, "may be deleted with everything in it: forceDestroy goes on"),
    "forceDelete": (False, "may be deleted with everything in it: forceDelete goes on"),
    "skipFinalSnapshot": (False, "leaves no snapshot when it is deleted: skipFinalSnapshot goes on"),
}
"""Input of any type → its safe value, and what losing it means."""
LOST: tuple[tuple[str, DangerKind, str], ...] = (
    ("unencrypted_if", DangerKind.PROTECTION, "is no longer encrypted"),
    ("not_backed_up_if", DangerKind.PROTECTION, "loses its backups"),
    ("disabled_if", DangerKind.AVAILABILITY, "is switched off"),
)
"""Fact about a type → what it means when a change makes it true."""


def losses(step: Step, stack: str, deleted: Collection[str] = ()) -> Iterator[Danger]:
    """What the step loses. Components hold nothing, and what is only read stays where it is.

    `deleted` are the names of what the same preview deletes: nothing needs to guard that any more.
    """
    state = step.state
    if not state.custom or state.external:
        return
    old = step.old or State()
    if step.new and (condition := describe(step.type, step.new.inputs).expires_if):
        for why in became_true(condition, step.old, step.new):
            yield Danger(DangerKind.DATA, stack, step.urn, f"deletes data by itself: {why}")
    if step.operation in GOING and step.old is not None:
        yield from _gone(step, stack, old, deleted)
    elif step.old is not None and step.new is not None:
        yield from _weakened(step, stack, old, step.new)
        yield from _renamed(step, stack, old, step.new)


def _gone(step: Step, stack: str, old: State, deleted: Collection[str]) -> Iterator[Danger]:
    replaced = step.operation == Operation.REPLACE
    verb = "is replaced" if replaced else "is deleted"
    why = _reasons(step) if replaced else ""
    described = describe(step.type, old.inputs)
    data = described.data_of(old.inputs)
    if data and not (old.retain_on_delete and not replaced):
        fate = (
            "an empty one takes its place, and the old one stays behind"
            if old.retain_on_delete
            else "what it holds is lost"
        )
        yield Danger(DangerKind.DATA, stack, step.urn, f"is {_with_article(data)} and {verb}: {fate}{why}")
    if old.protect:
        yield Danger(DangerKind.PROTECTION, stack, step.urn, f"is protected and {verb}{why}")
    if described.address and not data:
        yield Danger(
            DangerKind.ADDRESS,
            stack,
            step.urn,
            f"is {_with_article(described.address)} and {verb}: clients lose it{why}",
        )
    if described.stops and not (old.retain_on_delete and not replaced):
        yield Danger(DangerKind.AVAILABILITY, stack, step.urn, f"{verb}: {described.stops}{why}")
    guard = described.guard
    if guard and not replaced and old.inputs.get(guard.guarded_by) not in deleted:
        yield Danger(guard.kind, stack, step.urn, f"is deleted: {guard.consequence}")


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _weakened(step: Step, stack: str, old: State, new: State) -> Iterator[Danger]:
    if old.protect and not new.protect:
        yield Danger(DangerKind.PROTECTION, stack, step.urn, "is no longer protected: a later change may delete it")
    for key, (safe, meaning) in SAFEGUARDS.items():
        if old.inputs.get(key, False) == safe and new.inputs.get(key, False) != safe:
            yield Danger(DangerKind.PROTECTION, stack, step.urn, meaning)
    described = describe(step.type, new.inputs)
    for fact, kind_of_danger, meaning in LOST:
        if condition := getattr(described, fact):
            for why in became_true(condition, old, new):
                yield Danger(kind_of_danger, stack, step.urn, f"{meaning}: {why}")


def _renamed(step: Step, stack: str, old: State, new: State) -> Iterator[Danger]:
    """Host names that are no longer served."""
    if kind(step.type, old.inputs) not in ROUTING_KINDS:
        return
    gone = sorted(_hosts(old.inputs) - _hosts(new.inputs))
    if gone:
        yield Danger(DangerKind.ADDRESS, stack, step.urn, f"no longer serves {', '.join(gone)}")


def _hosts(inputs: JsonObject) -> set[str]:
    spec = mapping(inputs.get("spec", NOTHING))
    named = [
        one.get(key)
        for part in ("listeners", "rules")
        for one in map(mapping, items(spec.get(part)))
        for key in ("hostname", "host")
    ]
    return {*strings(spec.get("hostnames")), *(one for one in named if isinstance(one, str))}


def _reasons(step: Step) -> str:
    paths = [one.path for one in changes(step) if one.replaces] or list(step.replacing_keys)
    return f", because {', '.join(paths[:3])} changed" if paths else ""
