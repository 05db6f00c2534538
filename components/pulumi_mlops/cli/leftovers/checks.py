"""What prevents a stack from being destroyed: by its state, the project's other stacks, and the cluster.

Does not own the order of deletion within the stack, which is Pulumi's.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pulumi_mlops.cli.cluster import Cluster, Unanswered
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.leftovers import rendering, survey
from pulumi_mlops.cli.leftovers.afterwards import Place
from pulumi_mlops.cli.leftovers.kinds import STEPS
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.project import short
from pulumi_mlops.cli.state import StateResource
from pulumi_mlops.cli.urns import OURS, REFERENCE, is_ours, is_stack, name_of, type_of
from pulumi_mlops.cli.values import mapping, plain

Resources = Sequence[StateResource]
CLUSTER = "aws:eks/cluster:Cluster"
GUIDE = "docs/aws.md, Taking it down"


class Backend(Protocol):
    """What the Pulumi CLI knows of the project's stacks."""

    def stacks(self) -> list[str]:
        """Their names."""
        ...

    def resources(self, stack: str, *, secrets: bool = False) -> list[StateResource]:
        """What is in the state of one."""
        ...


@dataclass(frozen=True)
class Obstacle:
    """A reason not to destroy a stack."""

    reason: str
    """A clause, and a list of what it is about."""
    advice: str
    """What to do about it."""


def obstacles(stack: str, resources: Resources, backend: Backend, *, keep_data: bool) -> Iterator[Obstacle]:
    """What prevents the destroy, the cheapest check first.

    Args:
        stack: the stack's name.
        resources: those in its state.
        backend: where the states of the project's stacks are.
        keep_data: whether protected resources, and those that they need, are to stay.

    Raises:
        CommandError: the stack has no component of this library, or the cluster has to be asked and cannot be.
    """
    require_ours(stack, resources)
    if not keep_data and (protected := protected_of(resources)):
        names = "".join(f"\n  - {name_of(urn)} ({type_of(urn)})" for urn in protected)
        yield Obstacle(
            f"stack {stack} protects resources that hold data:{names}",
            f"`pulumi-mlops destroy {stack} --keep-data` deletes all but these and what they need; to delete them "
            "as well, end their protection (protect_data: false in the stack's settings), "
            f"`pulumi up --stack {stack}`, then `pulumi-mlops destroy {stack}`",
        )
    yield from _dependents(stack, backend, keep_data=keep_data)
    for provider in filter(survey.is_cluster, resources):
        yield from _in_cluster(stack, _of_provider(resources, provider["urn"]), provider["urn"], backend)
    if not keep_data and any(type_of(one["urn"]) == CLUSTER for one in resources):
        yield from _on_aws(stack, resources, backend)


def require_ours(stack: str, resources: Resources) -> None:
    """Raises CommandError where the stack has resources and none of them is of this library."""
    real = [one["urn"] for one in resources if one.get("custom") and not type_of(one["urn"]).startswith("pulumi:")]
    if real and not any(map(is_ours, real)):
        raise CommandError(
            f"stack {stack} has no component of pulumi-mlops, such as {name_of(real[0])} ({type_of(real[0])}), which "
            f"is in none: this command cannot tell what may be deleted with it; "
            f"`pulumi destroy --stack {stack}` deletes it unchecked"
        )


def protected_of(resources: Resources) -> list[str]:
    """URNs of the protected resources of a state that exist outside it; components only group others."""
    return [one["urn"] for one in resources if one.get("protect") and one.get("custom")]


def _dependents(stack: str, backend: Backend, *, keep_data: bool) -> Iterator[Obstacle]:
    """Stacks of the project that read this one's outputs and still have something."""
    for other in backend.stacks():
        if short(other) == short(stack):
            continue
        resources = backend.resources(other)
        if any(_refers_to(one, stack) for one in resources) and (left := _standing(resources, keep_data=keep_data)):
            yield Obstacle(
                f"stack {short(other)}, which depends on {stack}, still has {_plural(len(left), 'resource')}, such as "
                f"{', '.join(map(name_of, left[:3]))}",
                f"Run `pulumi-mlops destroy {short(other)}` first",
            )


def _refers_to(resource: StateResource, stack: str) -> bool:
    """Whether it is a reference to the stack in this project, however its name is written."""
    if type_of(resource["urn"]) != REFERENCE:
        return False
    name = str(mapping(resource.get("inputs")).get("name") or resource.get("id") or "")
    project = resource["urn"].split("::")[1]
    parts = name.split("/")
    return parts[-1] == short(stack) and (len(parts) < 3 or parts[-2] == project)


def _standing(resources: Resources, *, keep_data: bool) -> list[str]:
    """URNs of what must be deleted first; where data and its network are kept, only what is in the cluster."""
    beginnings = (survey.KUBERNETES,) if keep_data else (survey.KUBERNETES, "aws:")
    return [one["urn"] for one in resources if not is_stack(one["urn"]) and type_of(one["urn"]).startswith(beginnings)]


def _in_cluster(stack: str, resources: Resources, provider: str, backend: Backend) -> Iterator[Obstacle]:
    """Objects of others whose controllers are deleted with the stack.

    A stack without an object in the cluster, such as after a refresh that found the cluster gone, is not checked.
    """
    ours = survey.own(resources)
    if not survey.has_controller(STEPS, ours.charts):
        return
    try:
        cluster = _cluster_of(stack, provider, backend)
        found = survey.find(cluster, ours, survey.watched_by(STEPS, ours.charts))
    except Unanswered as problem:
        raise CommandError(
            f"the cluster cannot be asked what others still have in it: {problem}\n"
            "If it exists, run this where its API server can be reached, as one of its administrators. "
            f"If it is gone, `PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh --stack {stack}` removes its objects "
            f"from the state; `pulumi-mlops destroy {stack}` then deletes the rest ({GUIDE})"
        ) from None
    if found:
        yield Obstacle(
            f"stack {stack} removes the controllers that have to delete {_count(found)}. "
            "Without them these objects are never deleted, or leave resources on AWS:\n"
            f"{rendering.listing(found)}",
            f"Then run `pulumi-mlops destroy {stack}` again. Objects of a team's stack are deleted by destroying that "
            f"stack ({GUIDE})",
        )


def places(stack: str, resources: Resources, backend: Backend) -> list[Place]:
    """The clusters in which the stack has charts of this library, to be asked once it is gone."""
    found: list[Place] = []
    for provider in filter(survey.is_cluster, resources):
        charts = survey.own(_of_provider(resources, provider["urn"])).charts
        if survey.has_controller(STEPS, charts):
            with contextlib.suppress(Unanswered):  # an unusable kubeconfig: the destroy itself fails on it
                found.append(Place(_cluster_of(stack, provider["urn"], backend), charts))
    return found


def _cluster_of(stack: str, provider: str, backend: Backend) -> Cluster:
    """The cluster of one provider of a stack, by the provider's own kubeconfig."""
    shown = next(one for one in backend.resources(stack, secrets=True) if one["urn"] == provider)
    options = {key: plain(value) for key, value in mapping(shown.get("inputs")).items()}
    return Cluster(options.get("kubeconfig"), options.get("context"))


def _on_aws(stack: str, resources: Resources, backend: Backend) -> Iterator[Obstacle]:
    """Objects, in a cluster that is deleted with the stack, whose resources on AWS would stay.

    A cluster that does not answer prevents nothing: the stack has no objects in it, and it may be half deleted.
    """
    for kubeconfig in _kubeconfigs(backend.resources(stack, secrets=True)):
        try:
            found = survey.find(
                Cluster(kubeconfig, None), survey.own(resources), [step for step in STEPS if step.on_aws]
            )
        except Unanswered as problem:
            say(f"the cluster could not be asked for load balancers and volumes that would stay on AWS: {problem}")
            say(f"they keep the network from being deleted, and cost money: {GUIDE}, says how to find them")
            continue
        if found:
            yield Obstacle(
                f"the cluster is deleted with stack {stack} and has {_count(found)}, which would leave resources on "
                f"AWS:\n{rendering.listing(found)}",
                f"Then run `pulumi-mlops destroy {stack}` again. If a command does not end, its controller is "
                f"gone: {GUIDE}, When a destroy is stuck",
            )


def _kubeconfigs(shown: Resources) -> list[str]:
    """How to reach the clusters that the stack makes: by the library's component, else by the stack's own output."""
    clusters = [one for one in shown if type_of(one["urn"]) == f"{OURS}Cluster"]
    for some in (clusters, [one for one in shown if is_stack(one["urn"])]):
        found = [plain(mapping(one.get("outputs")).get("kubeconfig")) for one in some]
        if texts := [value if isinstance(value, str) else json.dumps(value) for value in found if value]:
            return texts
    return []


def _of_provider(resources: Resources, provider: str) -> list[StateResource]:
    """The resources that a provider manages."""
    return [one for one in resources if str(one.get("provider") or "").startswith(f"{provider}::")]


def _count(found: Sequence[object]) -> str:
    return f"{_plural(len(found), 'object')} that it did not make"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
