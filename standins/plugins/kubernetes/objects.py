"""Create, update, read and delete of one Kubernetes object, as the engine asks for it.

Does not own: the wire protocol (`provider`), what counts as ready (`readiness`), Helm releases (`helm`).
"""

import time
from collections.abc import Iterable

from standins.plugins.diff import Change, changes
from standins.plugins.kubernetes import manifests, waits
from standins.plugins.kubernetes.client import ApiError, Client, NotServed, Unreachable
from standins.plugins.kubernetes.cluster import Cluster, Task
from standins.plugins.kubernetes.immutable import delete_first, replacing_paths
from standins.plugins.kubernetes.names import (
    Kind,
    annotations,
    field_manager,
    identifier,
    kind_from_manifest,
    metadata,
    parse_identifier,
)
from standins.plugins.kubernetes.ownership import BY_HAND, conflicts, explain_conflict, without_ignored
from standins.plugins.paths import parse
from standins.plugins.plugin import NotReady, Refused
from standins.plugins.values import Object

UNDECLARED = "field not declared in schema"
"""What the server says of a field that the kind does not have; the published provider's preview passes over it."""
NEW_KIND_SECONDS = 15.0
"""How long a create waits for a kind whose CustomResourceDefinition may be on its way."""


def label(kind: Kind, manifest: Object) -> str:
    """How messages name an object: `Deployment shop/web`."""
    meta = metadata(manifest)
    return f"{kind.kind} {identifier(meta.get('namespace'), meta.get('name', ''))}"


def difference(
    cluster: Cluster, kind: Kind, old: Object, new: Object, ignored: Iterable[str]
) -> tuple[list[Change], bool]:
    """What changed, and whether a replacement must delete first."""
    namespace = cluster.namespace_for(kind)
    before, after = (_canonical(manifests.plain(side), namespace) for side in (old, new))
    replacing = replacing_paths(
        kind, before, after,
        mutable_config_map=cluster.options.mutable_config_map, mutable_secret=cluster.options.mutable_secret,
    )  # fmt: skip
    found = changes(before, after, replacing, [parse(path) for path in ignored])
    return found, delete_first(before, after)


def _canonical(manifest: Object, namespace: str | None) -> Object:
    return manifests.with_namespace(manifest, None if namespace is None else "default")


def create(task: Task, kind: Kind, inputs: Object) -> tuple[str, Object]:
    """Makes the object and waits for it; at a preview, asks the server what it would make.

    Raises:
        Refused: it exists already, or the server refused it.
        NotReady: it was made but did not become ready.
    """
    if task.preview and not task.cluster.can_preview(kind, inputs):
        return "", inputs
    client = task.cluster.connected()
    manifest = _prepared(task, kind, inputs)
    manager = field_manager(task.urn, {}, manifest)
    meta = metadata(manifest)
    force = (
        task.preview or task.cluster.options.patch_force or annotations(manifest).get("pulumi.com/patchForce") == "true"
    )
    try:
        if (
            not task.preview
            and not task.cluster.options.upsert
            and client.get(kind, meta.get("namespace"), meta["name"])
        ):
            raise Refused(
                f"{label(kind, manifest)} already exists and is not in this stack: import it with the import_ "
                "resource option, give another metadata.name, or delete it"
            )
        live = client.apply(kind, manifest, manager, force=force, dry_run=task.preview)
    except ApiError as error:
        if task.preview and (error.status in (404, 409) or _cannot_dry_run(error)):
            return "", inputs  # its namespace may come in the same update
        raise Refused(_refusal(kind, manifest, error, "created")) from error
    except Unreachable as error:
        raise Refused(str(error)) from error
    if task.preview:
        live.pop("status", None)
        return "", manifests.state(live, inputs, kind, manager)
    place = identifier(metadata(live).get("namespace"), metadata(live)["name"])
    live = _awaited(task, kind, manifest, inputs, live, manager=manager)
    return place, manifests.state(live, inputs, kind, manager)


def update(task: Task, kind: Kind, state: Object, inputs: Object, ignored: Iterable[str]) -> Object:
    """Applies the new inputs over the live object and waits for it; at a preview, asks the server for the outcome.

    Raises:
        Refused: the object has gone, other managers own the fields, or the server refused.
        NotReady: it was changed but did not become ready.
    """
    if task.preview and not task.cluster.can_preview(kind, inputs):
        return inputs
    client = task.cluster.connected()
    manifest = _prepared(task, kind, inputs)
    manager = field_manager(task.urn, state, manifest)
    namespace, name = parse_identifier(task.place)
    force = task.cluster.options.patch_force or annotations(manifest).get("pulumi.com/patchForce") == "true"
    try:
        live = client.get(kind, namespace, name)
        if live is None:
            raise Refused(
                f"{label(kind, manifest)} is in this stack but no longer in the cluster: run `pulumi refresh`, then "
                "the command again"
            )
        wanted = without_ignored(manifest, live, ignored, manager)
        live = _applied_over(client, kind, wanted, manager, force=force, dry_run=task.preview)
    except ApiError as error:
        if task.preview and _cannot_dry_run(error):
            return inputs
        raise Refused(_refusal(kind, manifest, error, "updated")) from error
    except Unreachable as error:
        raise Refused(str(error)) from error
    if task.preview:
        return manifests.state(live, inputs, kind, manager)
    live = _awaited(task, kind, manifest, inputs, live, manager=manager)
    return manifests.state(live, inputs, kind, manager)


def read(task: Task, kind: Kind, state: Object, inputs: Object) -> tuple[Object, Object] | None:
    """State and inputs of the live object; None when there is none.

    Raises:
        Refused: no cluster answered.
    """
    if task.cluster.client is None and task.cluster.options.delete_unreachable:
        return None
    namespace, name = parse_identifier(task.place)
    try:
        live = task.cluster.connected().get(kind, namespace, name)
    except NotServed:
        return None
    except (ApiError, Unreachable) as error:
        raise Refused(f"{kind.kind} {task.place} could not be read: {error}") from error
    if live is None:
        return None
    live.setdefault("apiVersion", kind.api_version)
    live.setdefault("kind", kind.kind)
    found = manifests.live_inputs(live, inputs) if inputs else manifests.imported_inputs(live)
    return manifests.state(live, found, kind, field_manager(task.urn, state, manifests.plain(found))), found


def delete(task: Task, kind: Kind, state: Object) -> None:
    """Deletes the object, by default after everything it owns, and waits until it is gone.

    Raises:
        Refused: the server refused, or the object was still there in the end.
    """
    if task.cluster.client is None and task.cluster.options.delete_unreachable:
        return
    client, (namespace, name) = task.cluster.connected(), parse_identifier(task.place)
    manifest = manifests.plain(state)
    if "kind" in manifest:
        kind = kind_from_manifest(manifest)
    policy = str(annotations(manifest).get("pulumi.com/deletionPropagationPolicy", "foreground")).capitalize()
    limit = waits.timeout(manifest, task.timeout, waits.GONE_SECONDS)
    try:
        client.delete(kind, namespace, name, policy)
        waits.until_gone(task, kind, namespace, name, limit)
    except NotServed:
        return
    except (ApiError, Unreachable) as error:
        raise Refused(f"{kind.kind} {task.place} could not be deleted: {error}") from error


def _applied_over(client: Client, kind: Kind, wanted: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
    """Applies over the live object; what people set by hand with kubectl is taken back."""
    try:
        return client.apply(kind, wanted, manager, force=force, dry_run=dry_run)
    except ApiError as error:
        owners = conflicts(error)
        if not owners or not set(owners) <= BY_HAND:
            raise
        return client.apply(kind, wanted, manager, force=True, dry_run=dry_run)


def _prepared(task: Task, kind: Kind, inputs: Object) -> Object:
    """The manifest in the form that the server wants, once it serves the kind."""
    give_up = time.monotonic() + (0 if task.preview else min(NEW_KIND_SECONDS, task.timeout or NEW_KIND_SECONDS))
    while True:
        try:
            namespaced = task.cluster.connected().resource(kind).get("namespaced")
            break
        except NotServed as error:
            if time.monotonic() > give_up:
                raise Refused(f"{label(kind, manifests.plain(inputs))}: {error}") from error
            time.sleep(0.5)
        except (ApiError, Unreachable) as error:
            raise Refused(str(error)) from error
    manifest = manifests.plain(inputs)
    manifest.update(apiVersion=kind.api_version, kind=kind.kind)
    if not namespaced:
        return manifests.with_namespace(manifest, None)
    return manifests.with_namespace(manifest, metadata(manifest).get("namespace") or "default")


def _awaited(task: Task, kind: Kind, manifest: Object, inputs: Object, live: Object, *, manager: str) -> Object:
    place = identifier(metadata(live).get("namespace"), metadata(live)["name"])
    try:
        return waits.until_ready(task, kind, manifest, live)
    except waits.GaveUp as error:
        raise NotReady(str(error), place, manifests.state(error.live, inputs, kind, manager)) from error
    except (ApiError, Unreachable, NotServed) as error:
        message = f"{label(kind, manifest)} was applied, but whether it is ready could not be read: {error}"
        raise NotReady(message, place, manifests.state(live, inputs, kind, manager)) from error


def _cannot_dry_run(error: ApiError) -> bool:
    """Whether a preview passes all the same: this user or a webhook cannot rehearse, or a field does not exist."""
    return error.status == 403 or (error.status == 400 and "dry run" in error.message) or UNDECLARED in error.message


def _refusal(kind: Kind, manifest: Object, error: ApiError, what: str) -> str:
    if conflicts(error):
        return explain_conflict(label(kind, manifest), error)
    return f"{label(kind, manifest)} could not be {what}: {error.message}"
