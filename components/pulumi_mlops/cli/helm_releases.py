"""Helm releases that an interrupted run left half done, and what lets the next run of the stack continue.

The Kubernetes provider installs a release by `helm install` and changes it by `helm upgrade`. Both refuse one that an
interrupted run left behind: the name is in use, or another operation is in progress. What is repaired is what the
stack's state names: releases that it has, and those whose creation it has recorded as begun.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pulumi_mlops.cli.helm import Helm, on_cluster
from pulumi_mlops.cli.state import StateResource
from pulumi_mlops.cli.urns import type_of
from pulumi_mlops.cli.values import items, mapping, plain

RELEASE = "kubernetes:helm.sh/v3:Release"
CREATING = "creating"
PENDING = "pending-"
"""How the statuses of operations begin that helm has not recorded the end of."""
STANDING = ("deployed", "superseded", "failed")
"""Statuses of revisions that a release can be rolled back to, the best first."""


class Backend(Protocol):
    """The states of a project's stacks."""

    def export(self, stack: str, *, secrets: bool = False) -> dict[str, Any]:
        """A stack's state, as `pulumi stack export` prints it."""
        ...

    def restore(self, stack: str, state: Mapping[str, object]) -> None:
        """Writes a state, without the operations that it has recorded as begun."""
        ...

    def refresh(self, stack: str, urns: Sequence[str]) -> None:
        """Reads some resources of a stack anew."""
        ...


@dataclass(frozen=True)
class Release:
    """A Helm release that a stack's state names."""

    urn: str
    namespace: str
    name: str
    provider: str
    """URN of the provider that reaches its cluster."""
    known: bool
    """Whether the state has it; otherwise a run was interrupted while it created it."""

    def __str__(self) -> str:
        return f"Helm release {self.namespace}/{self.name}"


class Remedy(StrEnum):
    """What is done about a release."""

    UNINSTALL = "uninstall"
    ROLL_BACK = "roll back"
    ADOPT = "adopt"
    FORGET = "forget"


@dataclass(frozen=True)
class Repair:
    """A release, and its remedy."""

    release: Release
    status: str
    """The status that helm reports; empty where helm does not know the release."""
    remedy: Remedy
    revision: int = 0
    """That it is rolled back to."""

    def line(self, *, done: bool) -> str:
        """What was or would be done, and why, in one line."""
        status = self.status or "gone"
        found = f"{self.release} {f'was {status}: it has been' if done else f'is {status}: it would be'}"
        match self.remedy:
            case Remedy.ADOPT:
                return f"{found} added to the state, which did not have it yet"
            case Remedy.ROLL_BACK:
                return f"{found} rolled back to revision {self.revision}"
            case Remedy.UNINSTALL:
                return f"{found} uninstalled, so that it can be installed anew"
            case Remedy.FORGET:
                return f"{found} taken out of the state, which still had it"


def continue_interrupted(
    stack: str,
    backend: Backend,
    helm: Callable[[], str],
    environment: Mapping[str, str] | None,
    say: Callable[[str], None],
) -> None:
    """Repairs the releases of a stack in its cluster and in its state, and says what it did.

    Args:
        stack: its name.
        backend: where its state is.
        helm: finds the helm program, where there is a release to ask about.
        environment: of helm; its KUBECONFIG leads to the cluster where the stack's provider names none. None: this
            process's.
        say: takes one line for each release.

    Raises:
        CommandError: a run of the stack is under way, or helm or Pulumi failed.
    """
    named = releases(backend.export(stack))
    if not named:
        return
    with _helms(backend.export(stack, secrets=True), named, helm(), environment) as helms:
        repairs = [repair for cluster, some in helms for repair in _of_cluster(cluster, some)]
        if repairs:
            backend.refresh(stack, [named[0].provider])  # reads nothing, and is refused while a run holds the stack
        for cluster, some in helms:
            for repair in (one for one in repairs if one.release in some):
                _apply(cluster, repair)
                say(repair.line(done=True))
    state = backend.export(stack)
    repaired = state_after(state, repairs)
    # Writing a state drops every operation that it has recorded as begun, also of other kinds, which `up` warns of.
    if repaired != state and (any(map(_adopts, repairs)) or not repaired["deployment"]["pending_operations"]):
        backend.restore(stack, repaired)
    # An update compares with the state: as long as that has a release as it was, nothing is to be done about it.
    if changed := [one.release.urn for one in repairs if one.release.known or _adopts(one)]:
        backend.refresh(stack, changed)


def find(stack: str, backend: Backend, helm: Callable[[], str], environment: Mapping[str, str] | None) -> list[Repair]:
    """What `continue_interrupted` would repair; changes nothing, raises as that does."""
    named = releases(backend.export(stack))
    if not named:
        return []
    with _helms(backend.export(stack, secrets=True), named, helm(), environment) as helms:
        return [repair for cluster, some in helms for repair in _of_cluster(cluster, some)]


def releases(state: Mapping[str, object]) -> list[Release]:
    """The Helm releases that a state names."""
    deployment = mapping(state.get("deployment"))
    known = [one for one in items(deployment.get("resources")) if _is_release(one) and not one.get("delete")]
    urns = {one["urn"] for one in known}
    begun = [one for one in _creations(deployment) if one["urn"] not in urns]
    return [_release(one, known=one["urn"] in urns) for one in (*known, *{one["urn"]: one for one in begun}.values())]


def decide(release: Release, status: str, revisions: Callable[[], Sequence[tuple[int, str]]]) -> Repair | None:
    """The repair that a release requires, if any.

    Args:
        release: the release.
        status: what helm reports; empty where helm does not know the release.
        revisions: asks for its revisions, the oldest first.
    """
    if release.known and status in STANDING:
        return None
    if not status:
        return Repair(release, status, Remedy.FORGET) if release.known else None
    if status.startswith(PENDING):
        *earlier, _ = revisions()
        for good in STANDING:
            if found := [revision for revision, was in earlier if was == good]:
                return Repair(release, status, Remedy.ROLL_BACK, found[-1])
    elif status == "deployed":
        return Repair(release, status, Remedy.ADOPT)
    return Repair(release, status, Remedy.UNINSTALL)


def state_after(state: Mapping[str, object], repairs: Sequence[Repair]) -> dict[str, Any]:
    """The state without recorded creations of releases; of these it has as resources what is there now."""
    deployment = mapping(state.get("deployment"))
    adopted = {one.release.urn: one.release for one in repairs if _adopts(one)}
    begun = {one["urn"]: one for one in _creations(deployment) if one["urn"] in adopted}
    made = [
        {**one, "id": f"{adopted[urn].namespace}/{adopted[urn].name}", "outputs": one.get("inputs")}
        for urn, one in begun.items()
    ]
    operations = items(deployment.get("pending_operations"))
    left = [one for one in operations if not _is_creation(one)]
    if len(left) == len(operations):
        return dict(state)
    resources = [*items(deployment.get("resources")), *made]
    return {**state, "deployment": {**deployment, "resources": resources, "pending_operations": left}}


def _adopts(repair: Repair) -> bool:
    """Whether the state has to learn of the release."""
    return repair.remedy in (Remedy.ADOPT, Remedy.ROLL_BACK) and not repair.release.known


def _creations(deployment: Mapping[str, object]) -> list[StateResource]:
    """Releases whose creation was begun, as the state would have recorded them."""
    return [one["resource"] for one in items(deployment.get("pending_operations")) if _is_creation(one)]


def _is_creation(operation: Mapping[str, object]) -> bool:
    return operation.get("type") == CREATING and _is_release(mapping(operation.get("resource")))


def _is_release(resource: Mapping[str, object]) -> bool:
    return type_of(str(resource["urn"])) == RELEASE


def _release(resource: StateResource, *, known: bool) -> Release:
    inputs = mapping(resource.get("inputs"))
    namespace, _, name = str(resource.get("id") or "").rpartition("/")
    return Release(
        urn=resource["urn"],
        namespace=namespace or str(inputs.get("namespace") or "default"),
        name=name or str(inputs.get("name")),
        provider=str(resource.get("provider") or "").rpartition("::")[0],
        known=known,
    )


def _of_cluster(helm: Helm, named: Sequence[Release]) -> list[Repair]:
    """What has to be repaired of the releases of one cluster."""
    statuses = helm.statuses()
    found = [
        decide(
            one,
            statuses.get((one.namespace, one.name), ""),
            lambda one=one: helm.revisions(one.namespace, one.name),
        )
        for one in named
    ]
    return [one for one in found if one]


def _apply(helm: Helm, repair: Repair) -> None:
    release = repair.release
    if repair.remedy == Remedy.ROLL_BACK:
        helm.roll_back(release.namespace, release.name, repair.revision)
    elif repair.remedy == Remedy.UNINSTALL:
        # Hooks of a release that was never whole can wait for ever for what is missing.
        helm.uninstall(release.namespace, release.name, hooks=not repair.status.startswith(PENDING))


@contextmanager
def _helms(
    shown: Mapping[str, object], named: Sequence[Release], helm: str, environment: Mapping[str, str] | None
) -> Generator[list[tuple[Helm, list[Release]]]]:
    """Helm for each cluster of the stack, as its providers reach them, with the releases that are in it."""
    resources = items(mapping(shown.get("deployment")).get("resources"))
    providers = {one["urn"]: mapping(one.get("inputs")) for one in resources}
    with ExitStack() as stack:
        found: list[tuple[Helm, list[Release]]] = []
        for urn in dict.fromkeys(one.provider for one in named):
            options = {key: plain(value) for key, value in providers.get(urn, {}).items()}
            cluster = on_cluster(helm, environment, options.get("kubeconfig"), options.get("context"))
            found.append((stack.enter_context(cluster), [one for one in named if one.provider == urn]))
        yield found
