"""Which resource of a Terraform state is which of the stack's. Nothing is matched unless one alone fits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pulumi_mlops.cli.adopt.buckets import BUCKET, proposal
from pulumi_mlops.cli.adopt.expected import Expected
from pulumi_mlops.cli.adopt.kinds import BY_TOKEN, Kind
from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.urns import type_of
from pulumi_mlops.cli.values import items

SUBNET = "aws:ec2/subnet:Subnet"
ATTACHMENT = "aws_iam_role_policy_attachment"
NAMES = ("id", "arn", "name", "key_id", "allocation_id")
"""By which of its attributes others refer to a resource."""

USUAL = {"path": "/", "type": "STANDARD"}
"""What a property is where the stack leaves it out."""


@dataclass
class Matches:
    """The result."""

    pairs: dict[str, tuple[Expected, Found]] = field(default_factory=dict)
    """By URN, in the order of the preview."""
    left: list[tuple[Found, str]] = field(default_factory=list)
    """What of the state is not matched, and why."""


def match(expected: Iterable[Expected], found: list[Found]) -> Matches:
    """Matches what the stack declares with what the state has."""
    search = _Search([one for one in expected if one.custom], found)
    search.run()
    ordered = {one.urn: search.pairs[one.urn] for one in search.expected if one.urn in search.pairs}
    taken = {id(other) for _, other in ordered.values()}
    left = [(one, search.why(one)) for one in found if id(one) not in taken]
    return Matches(ordered, left)


def adopted(matches: Matches) -> dict[str, dict[str, object]]:
    """The setting `adopted`: what the matched resources have otherwise than the stack, and cannot change."""
    given: dict[str, dict[str, object]] = {}
    for expected, found in matches.pairs.values():
        differing = dict(_differences(expected, found, matches.pairs))
        if differing:
            given[expected.key] = differing
    return given


class _Search:
    def __init__(self, expected: list[Expected], found: list[Found]) -> None:
        self.expected = [one for one in expected if one.type in BY_TOKEN]
        self._resources = {one.urn for one in expected}
        self.found = found
        self.pairs: dict[str, tuple[Expected, Found]] = {}
        self._taken: set[int] = set()

    def run(self) -> None:
        """Matches until nothing more follows: each match can decide further ones."""
        before = -1
        while before != len(self.pairs):
            before = len(self.pairs)
            for one in self.expected:
                if one.urn not in self.pairs and len(fitting := self._fitting(one)) == 1:
                    self._pair(one, fitting[0])

    def why(self, found: Found) -> str:
        """Why a resource is not matched."""
        if found.deposed:
            return "Terraform replaced it and has not deleted it: `terraform apply` does, before the rest is taken over"
        if found.type == ATTACHMENT and (role := self._named(found.get("role"))):
            return f"{role} has other policies in the stack: detach this one after the first `up`"
        kinds = [kind for kind in BY_TOKEN.values() if kind.terraform == found.type]
        if not kinds:
            return "the stack makes none of this type"
        if reason := next(filter(None, (kind.never(found) for kind in kinds)), ""):
            return reason
        tokens = [kind.token for kind in kinds]
        open_ones = [one for one in self.expected if one.type in tokens and one.urn not in self.pairs]
        rivals = [one for one in open_ones if any(other is found for other in self._fitting(one))]
        if rivals:
            return f"several would be {rivals[0].name}"
        if found.type == BUCKET and open_ones:
            return proposal(found, open_ones)
        return "none of the stack's is like it" if open_ones else "the stack has fewer of this type"

    def _named(self, role: str) -> str:
        """Our name of a matched role; empty for another one."""
        return next((ours.name for ours, other in self.pairs.values() if other.get("name") == role), "")

    def _fitting(self, expected: Expected) -> list[Found]:
        kind = BY_TOKEN[expected.type]
        if kind.by_reference:
            return []
        return [one for one in self._free(kind) if self._fits(kind, expected, one)]

    def _free(self, kind: Kind) -> list[Found]:
        return [
            one
            for one in self.found
            if one.type == kind.terraform and id(one) not in self._taken and not one.deposed and not kind.never(one)
        ]

    def _fits(self, kind: Kind, expected: Expected, found: Found) -> bool:
        if expected.parent in self._resources and expected.parent not in self.pairs:
            return False  # an import needs the parent, unless that is a component
        if any(expected.chosen(name) != found.get(path) for name, path in kind.same.items()):
            return False
        if not all(self._anchored(expected, name, found.get(path)) for name, path in kind.anchors.items()):
            return False
        return kind.fits(expected, found)

    def _anchored(self, expected: Expected, name: str, value: object) -> bool:
        """Whether the value leads to what the property refers to; an issuer is known with and without its scheme."""
        ends = [self.pairs[urn][1] for urn in expected.references.get(name, ()) if urn in self.pairs]
        return any(text in end.texts for end in ends for text in (value, f"https://{value}"))

    def _pair(self, expected: Expected, found: Found) -> None:
        self.pairs[expected.urn] = (expected, found)
        self._taken.add(id(found))
        for name, path in BY_TOKEN[expected.type].leads.items():
            value = found.get(path)
            ends = [one for one in self.expected if one.urn in expected.references.get(name, ())]
            for end in ends if value else ():
                if end.urn in self.pairs:
                    continue
                called = [one for one in self._free(BY_TOKEN[end.type]) if value in map(one.get, NAMES)]
                if len(called) == 1:
                    self._pair(end, called[0])


def _differences(
    expected: Expected, found: Found, pairs: Mapping[str, tuple[Expected, Found]]
) -> Iterator[tuple[str, object]]:
    kind = BY_TOKEN[expected.type]
    for name, path in kind.fixed.items():
        value = found.get(path)
        if value in (None, "", []):
            continue
        urns = expected.references.get(name)
        same = _leads_to(value, urns, pairs) if urns else _alike(expected.chosen(name) or USUAL.get(name), value)
        if not same:
            yield name, kind.forms.get(name, lambda one: one)(value)


def _alike(chosen: object, value: object) -> bool:
    both = isinstance(chosen, list) and isinstance(value, list)
    return sorted(items(chosen)) == sorted(items(value)) if both else chosen == value


def _leads_to(value: object, urns: Iterable[str], pairs: Mapping[str, tuple[Expected, Found]]) -> bool:
    """Whether a preview of the imported resources knows that the reference has this value.

    Where it also waits for a resource that is yet to come, it does not, and announces a replacement.
    """
    resources = [urn for urn in urns if type_of(urn).startswith("aws:")]
    if not all(urn in pairs for urn in resources):
        return False
    if isinstance(value, list):
        return {pairs[urn][1].get("id") for urn in resources if type_of(urn) == SUBNET} == {*value}
    return any(value in map(pairs[urn][1].get, NAMES) for urn in resources)
