"""What is left in a cluster that a stack did not make and that its controllers still have to delete.

Asks the API server and changes nothing in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pulumi_mlops.cli.cluster import Cluster, Refused
from pulumi_mlops.cli.leftovers.kinds import VOLUMES, Manifest, Step, Watched
from pulumi_mlops.cli.state import StateResource
from pulumi_mlops.cli.urns import PROVIDER, type_of
from pulumi_mlops.cli.values import items, mapping

PAGE = "500"  # objects an answer, as kubectl has it
KUBERNETES = "kubernetes:"
RELEASE = "kubernetes:helm.sh/v3:Release"
RELEASE_NAME, RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


@dataclass(frozen=True)
class Identity:
    """An object, whatever the version of its kind."""

    group: str
    kind: str
    namespace: str
    """Empty outside namespaces."""
    name: str


@dataclass(frozen=True)
class Leftover:
    """An object that has to be deleted first."""

    step: Step
    resource: str
    """Its kind as kubectl takes it."""
    identity: Identity
    goes: bool = False
    """Whether it is being deleted already."""
    owners: frozenset[Identity] = frozenset()
    release: tuple[str, str] = ("", "")
    """Namespace and name of the Helm release that it belongs to."""
    place: str = ""
    """The namespace that it goes with."""


@dataclass(frozen=True)
class Own:
    """What a stack deletes itself."""

    objects: frozenset[Identity]
    releases: frozenset[tuple[str, str]]
    charts: frozenset[str]

    @property
    def namespaces(self) -> set[str]:
        """Those that the stack made: what is in them and needs no controller goes with them."""
        return {one.name for one in self.objects if one.kind == "Namespace"}


def own(resources: Sequence[StateResource]) -> Own:
    """What the resources of a state tell about the cluster."""
    ours = [one for one in resources if one.get("custom") and type_of(one["urn"]).startswith(KUBERNETES)]
    releases = [one for one in ours if type_of(one["urn"]) == RELEASE]
    charts = {str(mapping(one.get("inputs")).get("chart")).rstrip("/").rpartition("/")[2] for one in releases}
    return Own(
        frozenset(_of_state(one) for one in ours if type_of(one["urn"]) != RELEASE),
        frozenset((_placed(one["id"])) for one in releases),
        frozenset(charts),
    )


def is_cluster(resource: StateResource) -> bool:
    """Whether it is how a stack reaches Kubernetes."""
    return type_of(resource["urn"]) == f"{PROVIDER}{KUBERNETES.rstrip(':')}"


def find(cluster: Cluster, ours: Own, steps: Sequence[Step]) -> list[Leftover]:
    """The leftovers, in the order of deletion.

    Raises:
        Refused: the server refused to answer.
        Unanswered: it did not answer.
    """
    served = _served(cluster)
    found: dict[Identity, Leftover] = {}
    for step in steps:
        for watched in step.kinds:
            for path, resource, kind in _places(watched, served):
                for manifest in _listed(cluster, path):
                    if watched.counts(manifest):
                        one = _leftover(step, resource, kind, manifest)
                        found.setdefault(one.identity, one)
    return remaining(list(found.values()), ours)


def remaining(found: Sequence[Leftover], ours: Own) -> list[Leftover]:
    """Without what the stack deletes itself, and what goes with something that is listed."""
    known = ours.objects | {one.identity for one in found}
    return [
        one
        for one in found
        if one.identity not in ours.objects
        and one.release not in ours.releases
        and not one.owners & (known - {one.identity})
        and one.place not in ours.namespaces
    ]


def has_controller(steps: Sequence[Step], charts: frozenset[str]) -> bool:
    """Whether one of the charts brings a controller that somebody's objects may wait for."""
    return any(one.chart in charts for step in steps for one in step.kinds if one.chart)


def watched_by(steps: Sequence[Step], charts: frozenset[str]) -> list[Step]:
    """The steps with the kinds alone whose controllers are among the charts."""
    return [
        Step(step.title, tuple(one for one in step.kinds if not one.chart or one.chart in charts), step.on_aws)
        for step in steps
    ]


def _served(cluster: Cluster) -> dict[str, tuple[str, Manifest]]:
    """`<plural>.<group>` of every kind that the server knows → its collection's address and description."""
    found: dict[str, tuple[str, Manifest]] = {}
    groups = cluster.get("/apis")["groups"]
    versions = [one["groupVersion"] for group in groups for one in group["versions"]]
    for version, base in [("", "/api/v1"), *((one, f"/apis/{one}") for one in versions)]:
        try:
            listed = cluster.get(base).get("resources", [])
        except Refused as error:
            if error.status not in (404, 503):  # gone since, or an extension whose own server is down
                raise
            continue
        group = version.partition("/")[0]
        for one in listed:
            if "/" not in one["name"] and "list" in one["verbs"]:
                name = f"{one['name']}.{group}" if group else one["name"]
                found.setdefault(name, (f"{base}/{one['name']}", {**one, "group": group}))
    return found


def _places(watched: Watched, served: Mapping[str, tuple[str, Manifest]]) -> Iterator[tuple[str, str, Manifest]]:
    for resource, (path, kind) in served.items():
        if resource == watched.resource or (watched.category and watched.category in kind.get("categories", ())):
            yield path, resource, kind


def _listed(cluster: Cluster, path: str) -> Iterator[Manifest]:
    query = {"limit": PAGE}
    while True:
        answer = cluster.get(path, query)
        yield from items(answer.get("items"))
        if not (more := answer["metadata"].get("continue")):
            return
        query = {"limit": PAGE, "continue": more}


def _leftover(step: Step, resource: str, kind: Manifest, manifest: Manifest) -> Leftover:
    meta = manifest["metadata"]
    notes = mapping(meta.get("annotations"))
    identity = Identity(kind["group"], kind["kind"], meta.get("namespace", ""), meta["name"])
    place = ""
    if resource == VOLUMES:
        claim = manifest["spec"]["claimRef"]
        place = claim["namespace"]
        if mapping(manifest.get("status")).get("phase") == "Bound":  # else its claim is gone, and it goes by itself
            resource, identity = "persistentvolumeclaims", Identity("", "PersistentVolumeClaim", place, claim["name"])
    return Leftover(
        step,
        resource,
        identity,
        goes="deletionTimestamp" in meta or resource == VOLUMES,
        owners=frozenset(_owners(manifest)),
        release=(notes.get(RELEASE_NAMESPACE, ""), notes.get(RELEASE_NAME, "")),
        place=place,
    )


def _owners(manifest: Manifest) -> Iterator[Identity]:
    namespace = manifest["metadata"].get("namespace", "")
    for one in items(manifest["metadata"].get("ownerReferences")):
        group = _group(one["apiVersion"])
        yield from (Identity(group, one["kind"], place, one["name"]) for place in {namespace, ""})
    # Crossplane's claims are in a namespace and own what is in none, which no owner reference can say.
    claim = mapping(mapping(manifest.get("spec")).get("claimRef"))
    if "apiVersion" in claim and "kind" in claim:
        yield Identity(_group(claim["apiVersion"]), claim["kind"], claim.get("namespace", ""), claim.get("name", ""))


def _of_state(resource: StateResource) -> Identity:
    _, version, kind = type_of(resource["urn"]).split(":")
    group = _group(version)
    return Identity("" if group == "core" else group, kind, *_placed(resource["id"]))


def _placed(identifier: str) -> tuple[str, str]:
    """Namespace and name in an identifier of Pulumi."""
    namespace, _, name = identifier.rpartition("/")
    return namespace, name


def _group(version: str) -> str:
    return version.rpartition("/")[0]
