"""The resources that rules look at, and what stands around each of them."""

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from pulumi_mlops.review.preview import Operation, Preview, PreviewError, Urn

GOING = frozenset({Operation.DELETE, Operation.DELETE_REPLACED, Operation.DISCARD, Operation.DISCARD_REPLACED})
"""Steps after which the resource is gone, or no longer ours."""
DEFAULT_TAGS = "aws:defaultTags"
"""Setting of a stack whose tags the AWS provider puts on everything."""


@dataclass(frozen=True)
class Resource:
    """One resource as it would be after `up`."""

    stack: str
    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str = ""
    """URN of the parent; empty for the stack itself."""
    default_tags: frozenset[str] = frozenset()
    """Keys of the tags that its provider adds."""
    pods: list[Any] = field(default_factory=list[Any], compare=False, repr=False)
    """What it starts, once a rule has asked: see _pods.py."""


Key = Callable[[Resource], Hashable]
"""What a resource is grouped by; always the same function for the same purpose, since groups are kept."""
Groups = dict[Hashable, list[Resource]]


@dataclass(frozen=True)
class World:
    """All resources of all stacks that are looked at together."""

    resources: Sequence[Resource] = field(default_factory=tuple[Resource, ...])
    _groups: dict[tuple[Key, str], Groups] = field(default_factory=dict["tuple[Key, str]", "Groups"], repr=False)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """Its parent, the parent of that, and so on, as far as they are known."""
        above = self._by_urn.get((resource.stack, resource.parent))
        while above is not None:
            yield above
            above = self._by_urn.get((above.stack, above.parent))

    def groups(self, resource: Resource, key: Key) -> Groups:
        """The resources of all stacks that share its cluster, by what `key` says of them, in order; None is left out.

        A preview does not say which cluster that is; by convention a stack is called `<layer>-<environment>`, and an
        environment has one cluster.
        """
        place = environment(resource.stack)
        if (key, place) not in self._groups:
            found: Groups = {}
            for one in sorted(self.resources, key=lambda one: (one.stack, one.urn)):
                if environment(one.stack) == place and (group := key(one)) is not None:
                    found.setdefault(group, []).append(one)
            self._groups[key, place] = found
        return self._groups[key, place]

    @cached_property
    def _by_urn(self) -> dict[tuple[str, str], Resource]:
        return {(one.stack, one.urn): one for one in self.resources}


def environment(stack: str) -> str:
    """The part of a stack's name that says which cluster it is in: `dev` of `platform-dev`."""
    return stack.rpartition("-")[2]


def world(previews: Sequence[Preview]) -> World:
    """What the stacks would consist of, as far as the previews show it; what is only read is not theirs."""
    return World(tuple(one for preview in previews for one in _resources(preview)))


def _resources(preview: Preview) -> Iterator[Resource]:
    tags = _default_tags(preview)
    shown = [step for step in preview.steps if step.new is not None and step.operation not in GOING]
    # A replacement is announced in several steps; each tells the same new state.
    for step in {step.urn: step for step in shown}.values():
        new = step.new
        if new is not None and not new.external:
            yield Resource(preview.stack, step.urn, step.type, step.name, new.inputs, new.parent, tags)


def _default_tags(preview: Preview) -> frozenset[str]:
    """Keys that the AWS provider of the settings, or one that the program makes, adds to every resource."""
    configured = [preview.config.get(DEFAULT_TAGS)]
    declared = [step.new.inputs.get("defaultTags") for step in preview.steps if step.new and _is_aws(step.urn)]
    return frozenset(key for one in (*configured, *declared) for key in tag_keys(one))


def _is_aws(urn: str) -> bool:
    try:
        return Urn.parse(urn).type == "pulumi:providers:aws"
    except PreviewError:
        return False


def tag_keys(value: Any) -> Iterator[str]:
    """Keys of `{"tags": {…}}`, or of the JSON text of it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return
    tags = cast("dict[str, Any]", value).get("tags") if isinstance(value, Mapping) else None
    if isinstance(tags, Mapping):
        yield from cast("Mapping[str, Any]", tags)
