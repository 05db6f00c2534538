"""Who last wrote a field of an object, by the record that the API server keeps of it (`metadata.managedFields`)."""

import json
from collections.abc import Iterator, Mapping

from kubernetes import client
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping
from pulumi_mlops.review.property_paths import Path


def read(api: client.ApiClient, api_version: str, kind: str, name: str, namespace: str) -> JsonObject:
    """The object as the cluster has it, an empty one where it has none; cluster-wide with an empty namespace."""
    try:
        resource = DynamicClient(api).resources.get(api_version=api_version, kind=kind)
        return mapping(resource.get(name=name, namespace=namespace or None).to_dict())
    except (DynamicApiError, ResourceNotFoundError):
        return {}


def others(live: JsonObject, path: Path, own: str) -> list[str]:
    """The field managers besides `own` that own the field at the path or something in it, the latest first."""
    entries = [mapping(one) for one in items(mapping(live.get("metadata")).get("managedFields"))]
    owning = [one for one in entries if one.get("manager") != own and _has(one.get("fieldsV1"), path, live)]
    latest = sorted(owning, key=lambda one: str(one.get("time")), reverse=True)
    return list(dict.fromkeys(str(one.get("manager")) for one in latest))


def _has(fields: Json, path: Path, value: Json) -> bool:
    """Whether a set of fields has the one at the path; `value` is what the fields are of."""
    if not path:
        return True
    owned = mapping(fields)
    first, *rest = path
    if isinstance(first, int):
        listed = items(value)
        item = listed[first] if first < len(listed) else None
        return any(_has(owned[key], tuple(rest), item) for key in _keys(owned, item))
    key = f"f:{first}"
    # A field without fields of its own is owned as a whole: an atomic list, or an object without a schema.
    return key in owned and (not owned[key] or _has(owned[key], tuple(rest), mapping(value).get(first)))


def _keys(owned: Mapping[str, Json], item: Json) -> Iterator[str]:
    """The names in a set of fields of an element of a list: by its keys, or by its value."""
    for key in owned:
        if key.startswith("k:"):
            if all(mapping(item).get(name) == value for name, value in mapping(json.loads(key[2:])).items()):
                yield key
        elif key.startswith("v:") and json.loads(key[2:]) == item:
            yield key
