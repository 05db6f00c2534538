"""Manifests on their way in and out: what a program wrote, what the server has, and what Pulumi keeps of both."""

import base64
import binascii
from copy import deepcopy
from typing import Any

from standins.plugins.diff import same
from standins.plugins.kubernetes.names import Kind, annotations, metadata
from standins.plugins.paths import Path
from standins.plugins.plugin import Refused
from standins.plugins.values import UNKNOWN, Object, is_secret, mark_like, reveal, secret

INTERNAL = ("__inputs", "__initialApiVersion", "__fieldManager")
"""What the provider keeps in the state beside the live object, under the published provider's names."""

SERVER_OWNED = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
UNDERSCORED = (
    "x_kubernetes_embedded_resource", "x_kubernetes_int_or_string", "x_kubernetes_list_map_keys",
    "x_kubernetes_list_type", "x_kubernetes_map_type", "x_kubernetes_preserve_unknown_fields",
    "x_kubernetes_validations",
)  # fmt: skip
"""Schema keywords that an SDK cannot spell with dashes."""

ANNOTATIONS = (
    "autonamed", "deletionPropagationPolicy", "patchFieldManager", "patchForce", "skipAwait", "timeoutSeconds",
    "waitFor",
)  # fmt: skip
_MERGE_KEYS = (("name",), ("containerPort", "protocol"), ("port", "protocol"), ("type",), ("key",), ("uid",), ("ip",))


def plain(inputs: Object) -> Object:
    """The manifest to send: no secret marks, no server-owned metadata, schema keywords with dashes."""
    manifest = _dashed(reveal(inputs))
    meta = manifest.get("metadata")
    if isinstance(meta, dict):
        manifest["metadata"] = {key: value for key, value in meta.items() if key not in SERVER_OWNED}
    return manifest


def _dashed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_server_key(key): _dashed(item) for key, item in value.items()}
    return [_dashed(item) for item in value] if isinstance(value, list) else value


def _server_key(key: str) -> str:
    return key.replace("_", "-") if key in UNDERSCORED else key


def check_annotations(inputs: Object) -> None:
    """Refuses the `pulumi.com/` annotations that this provider would not honour.

    Raises:
        Refused: naming the annotation.
    """
    for key in annotations(inputs):
        prefix, _, name = key.partition("/")
        if prefix == "pulumi.com" and name not in ANNOTATIONS:
            raise Refused(
                f"annotation {key} is not implemented by the Kubernetes provider stand-in: leave it out, or use the "
                "published plugin"
            )


def with_secrets(manifest: Object, inputs: Object) -> Object:
    """The manifest with secret marks: those of the inputs, and always a Secret's data."""
    marked = mark_like(manifest, inputs)
    if manifest.get("kind") != "Secret" or manifest.get("apiVersion") != "v1":
        return marked
    return {key: secret(value) if key in ("data", "stringData") else value for key, value in marked.items()}


def with_namespace(manifest: Object, namespace: str | None) -> Object:
    """The manifest with its namespace filled in, or without one where `namespace` is None (outside namespaces)."""
    meta = manifest.get("metadata", {})
    if not isinstance(meta, dict):
        return manifest
    if namespace is None:
        meta = {key: value for key, value in meta.items() if key != "namespace"}
    elif not meta.get("namespace"):
        meta = {**meta, "namespace": namespace}
    return {**manifest, "metadata": meta}


def state(live: Object, inputs: Object, kind: Kind, manager: str) -> Object:
    """What the engine keeps: the live object, and the inputs it came from."""
    outputs = {key: value for key, value in live.items() if key not in INTERNAL}
    outputs["metadata"] = {key: value for key, value in metadata(live).items() if key != "managedFields"}
    kept = {key: value for key, value in inputs.items() if key not in INTERNAL}
    return {
        **with_secrets(outputs, kept),
        "__inputs": with_secrets(kept, kept),
        "__initialApiVersion": kind.api_version,
        "__fieldManager": manager,
    }


def live_inputs(live: Object, inputs: Object) -> Object:
    """The inputs as the cluster has them now: the shape that the program wrote, with the values of the live object.

    A value that the server only writes differently (`1` for `1000m`) stays as written: no drift.
    """
    shaped = _prune(live, {key: value for key, value in inputs.items() if key != "stringData"}, ())
    if "stringData" in inputs:
        shaped["stringData"] = _string_data(live.get("data") or {}, reveal(inputs["stringData"]))
    return with_secrets(shaped, inputs)


def _string_data(data: Object, written: Object) -> Object:
    found = {}
    for key in written:
        try:
            found[key] = base64.b64decode(data[key]).decode()
        except (KeyError, ValueError, binascii.Error):
            continue
    return found


def _prune(live: Any, shape: Any, path: Path) -> Any:
    if is_secret(shape):
        shape = reveal(shape)
    if isinstance(live, dict) and isinstance(shape, dict):
        found = {key: _server_key(key) for key in shape}
        return {
            key: _prune(live[there], shape[key], (*path, key)) if there in live else shape[key]
            for key, there in found.items()
            if there in live or _is_empty(shape[key])
        }
    if isinstance(live, list) and isinstance(shape, list):
        return _prune_list(live, shape, path)
    return shape if shape == UNKNOWN or same(live, shape, path) else deepcopy(live)


def _is_empty(value: Any) -> bool:
    """Whether the server drops the value when it stores the object, which is no drift."""
    value = reveal(value)
    return value is None or value in ({}, [], "")


def _prune_list(live: list[Any], shape: list[Any], path: Path) -> list[Any]:
    """Elements in the order written; those of a keyed list that others added are not the program's."""
    for keys in _MERGE_KEYS:
        named = [_key(item, keys) for item in shape]
        if None not in named and len(set(named)) == len(named):
            found = {_key(item, keys): item for item in live}
            return [
                _prune(found[name], item, (*path, index))
                for index, (name, item) in enumerate(zip(named, shape, strict=True))
                if name in found
            ]
    if len(live) != len(shape):
        return deepcopy(live)
    return [_prune(item, wanted, (*path, index)) for index, (item, wanted) in enumerate(zip(live, shape, strict=True))]


def _key(item: Any, keys: tuple[str, ...]) -> tuple[Any, ...] | None:
    if not isinstance(item, dict) or keys[0] not in item:
        return None
    return tuple(item.get(key, "TCP" if key == "protocol" else None) for key in keys)


def imported_inputs(live: Object) -> Object:
    """Inputs for an object that Pulumi has not seen before: everything that a program could have written."""
    inputs = {key: deepcopy(value) for key, value in live.items() if key != "status"}
    meta = {key: value for key, value in metadata(live).items() if key not in SERVER_OWNED}
    drop = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")
    if "annotations" in meta:
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key not in drop}
    inputs["metadata"] = meta
    return with_secrets(inputs, inputs)
