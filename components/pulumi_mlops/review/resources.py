"""Resources on either side of a change, as previews show them, and their surroundings."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pulumi_mlops.review import pods
from pulumi_mlops.review.json_data import JsonObject, document, mapping
from pulumi_mlops.review.pods import Pod
from pulumi_mlops.review.preview import Operation, Preview, State, Step
from pulumi_mlops.review.values import is_hidden

ENDS = frozenset(
    {
        Operation.DELETE,
        Operation.DELETE_REPLACED,
        Operation.DISCARD,
        Operation.DISCARD_REPLACED,
        Operation.REMOVE_PENDING_REPLACE,
    }
)
"""Steps after which the resource is gone or no longer managed, or is described by another step."""
GONE = frozenset({Operation.REMOVE_PENDING_REPLACE})
"""Steps before which the resource was gone already."""
DEFAULT_TAGS = "aws:defaultTags"
"""Setting of a stack whose tags the AWS provider puts on everything."""
REGION = "aws:region"
"""Setting of a stack that names the region of its AWS provider."""
AWS_PROVIDER = "pulumi:providers:aws"


@dataclass(frozen=True)
class Resource:
    """One resource on one side of a change."""

    stack: str
    urn: str
    type: str
    name: str
    inputs: JsonObject
    id: str = ""
    """The provider's id; empty before it is created."""
    parent: str = ""
    """URN of the parent; empty for the stack itself."""
    custom: bool = True
    """Whether a provider manages it; components are not custom."""
    default_tags: frozenset[str] = frozenset()
    """Keys of the tags that its provider adds."""

    @property
    def kind(self) -> str:
        """The kind of a Kubernetes object, custom ones included; empty for anything else."""
        return kind(self.type, self.inputs)

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """The pods that it starts: one for a workload, one for each step of a workflow."""
        return tuple(pods.started(self.type, self.inputs))


def kind(type_token: str, inputs: JsonObject) -> str:
    """The kind of a Kubernetes object, custom ones included; empty for anything else."""
    if not type_token.startswith("kubernetes:"):
        return ""
    return str(inputs.get("kind") or type_token.rpartition(":")[2])


def api_group(type_token: str, inputs: JsonObject) -> str:
    """The API group of a Kubernetes object, such as `argoproj.io`; empty for the core group and for anything else."""
    version = api_version(type_token, inputs)
    return version.partition("/")[0] if "/" in version else ""


def api_version(type_token: str, inputs: JsonObject) -> str:
    """The API version of a Kubernetes object, such as `apps/v1`, or `v1` of the core group."""
    return str(inputs.get("apiVersion") or type_token.partition(":")[2].rpartition(":")[0].removeprefix("core/"))


Key = Callable[[Resource], Hashable]
"""What resources are grouped by. Groups are kept by it: pass the same function for the same purpose."""
Groups = dict[Hashable, list[Resource]]


@dataclass(frozen=True)
class Resources:
    """All resources of the stacks that are reviewed together, as they would be after `up`."""

    all: Sequence[Resource] = field(default_factory=tuple[Resource, ...])
    _groups: dict[tuple[Key, str], Groups] = field(default_factory=dict["tuple[Key, str]", "Groups"], repr=False)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """Its parent, the parent of that, and so on, as far as they are known."""
        above = self._by_urn.get((resource.stack, resource.parent))
        while above is not None:
            yield above
            above = self._by_urn.get((above.stack, above.parent))

    def groups(self, resource: Resource, key: Key) -> Groups:
        """The resources of all stacks that share its cluster, by their key, in order; those without a key left out.

        A preview does not say which cluster that is; by convention a stack is called `<layer>-<environment>`, and an
        environment has one cluster.
        """
        cluster = environment(resource.stack)
        if (key, cluster) not in self._groups:
            groups: Groups = {}
            for one in sorted(self.all, key=lambda one: (one.stack, one.urn)):
                if environment(one.stack) == cluster and (group := key(one)) is not None:
                    groups.setdefault(group, []).append(one)
            self._groups[key, cluster] = groups
        return self._groups[key, cluster]

    @cached_property
    def _by_urn(self) -> dict[tuple[str, str], Resource]:
        return {(one.stack, one.urn): one for one in self.all}


@dataclass(frozen=True)
class Sides:
    """The managed resources of one stack before and after a change: no components, and nothing that is only read."""

    before: tuple[Resource, ...]
    after: tuple[Resource, ...]
    retained: tuple[Resource, ...]
    """Resources that leave the stack without being deleted."""
    hidden: int
    """How many resources stay the same and are not in the preview."""


def environment(stack: str) -> str:
    """The part of a stack's name that says which cluster it is in: `dev` of `platform-dev`."""
    return stack.rpartition("-")[2]


def after(previews: Sequence[Preview]) -> Resources:
    """The resources of all previews as they would be after `up`, components included."""
    return Resources(tuple(one for preview in previews for one in _after(preview)))


def sides(preview: Preview) -> Sides:
    """Both sides of a preview. The steps of one replacement count once, whichever of them are shown."""
    before: dict[tuple[str, str], Resource] = {}
    retained: dict[tuple[str, str], Resource] = {}
    for step in preview.steps:
        if step.old and step.old.custom and not step.old.external and step.operation not in GONE:
            resource = _resource(preview.stack, step, step.old)
            before[resource.urn, resource.id] = resource
            if step.operation in ENDS and step.old.retain_on_delete:
                retained[resource.urn, resource.id] = resource
    same = preview.summary.get(Operation.SAME, 0)
    shown = sum(step.operation is Operation.SAME for step in preview.steps)
    managed = tuple(one for one in _after(preview) if one.custom)
    return Sides(tuple(before.values()), managed, tuple(retained.values()), max(0, same - shown))


def default_region(preview: Preview) -> str:
    """The AWS region of the stack's settings, or else of the provider that its program makes; empty if not known."""
    made = {str(step.state.inputs.get("region") or "") for step in preview.steps if step.type == AWS_PROVIDER}
    found = str(preview.config.get(REGION) or (made.pop() if len(made) == 1 else ""))
    return "" if is_hidden(found) else found


def _after(preview: Preview) -> Iterator[Resource]:
    tags = _default_tags(preview)
    shown = [step for step in preview.steps if step.new is not None and step.operation not in ENDS]
    # A replacement is announced in several steps; each has the same new state.
    for step in {step.urn: step for step in shown}.values():
        if step.new is not None and not step.new.external:
            yield _resource(preview.stack, step, step.new, tags)


def _resource(stack: str, step: Step, state: State, tags: frozenset[str] = frozenset()) -> Resource:
    return Resource(
        stack, step.urn, step.type, step.name, state.inputs, state.id, state.parent, state.custom, default_tags=tags
    )


def _default_tags(preview: Preview) -> frozenset[str]:
    """Keys that the AWS provider of the settings, or one that the program makes, adds to every resource."""
    configured = [preview.config.get(DEFAULT_TAGS)]
    declared = [step.new.inputs.get("defaultTags") for step in preview.steps if step.new and step.type == AWS_PROVIDER]
    return frozenset(key for one in (*configured, *declared) for key in tag_keys(one))


def tag_keys(value: object) -> Iterator[str]:
    """Keys of `{"tags": {…}}`, or of a string of JSON with it."""
    if isinstance(value, str):
        value = document(value)
    yield from mapping(mapping(value).get("tags"))
