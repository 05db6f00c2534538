"""The Kubernetes objects of a workspace: limits, model store, artifact repository, credentials."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import ArgumentError
from pulumi_mlops._manifests import Manifest, gib, number

DEFAULT_CPU_CORES = 4
DEFAULT_MEMORY_GIB = 8
DEFAULT_STORAGE_GIB = 100
DEFAULT_MODELS_GIB = 20
DEFAULT_PODS = 50
CREDENTIAL_KEYS = (conventions.ACCESS_KEY_ID_KEY, conventions.SECRET_ACCESS_KEY_KEY)
CONTAINER_LIMITS: Manifest = {
    # For containers that say nothing; without a memory limit the quota would refuse them.
    "limits": [
        {
            "type": "Container",
            "defaultRequest": {"cpu": "50m", "memory": "64Mi"},
            "default": {"memory": "512Mi"},
        }
    ]
}
ARTIFACT_REPOSITORY = "object-store"
"""Key of the artifact repository in its ConfigMap; nobody but Argo Workflows sees it."""


class ObjectStoreAccess(StrEnum):
    """How the pipelines of a workspace prove who they are to the object store."""

    COPIED_SECRET = "COPIED_SECRET"  # noqa: S105 - the name of a choice
    """The platform's credentials are copied into the namespace."""
    EXISTING_SECRET = "EXISTING_SECRET"  # noqa: S105 - the name of a choice
    """A Secret of the namespace, made by somebody else, holds the credentials."""
    WORKLOAD_IDENTITY = "WORKLOAD_IDENTITY"
    """The service account is bound to a cloud role; there is no Secret."""


def quota(args: Mapping[str, Any]) -> Manifest:
    """Spec of the ResourceQuota. CPU limits are left out: containers have none."""
    memory = gib(args.get("memory_gib", DEFAULT_MEMORY_GIB))
    return {
        "hard": {
            "requests.cpu": number(args.get("cpu_cores", DEFAULT_CPU_CORES)),
            "requests.memory": memory,
            "limits.memory": memory,
            "requests.storage": gib(args.get("storage_gib", DEFAULT_STORAGE_GIB)),
            "pods": number(args.get("pods", DEFAULT_PODS)),
        }
    }


def models_claim(args: Mapping[str, Any]) -> Manifest:
    """Spec of the volume claim that pipelines write and endpoints read."""
    return {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": args.get("storage_class", conventions.SHARED_STORAGE_CLASS),
        "resources": {"requests": {"storage": gib(args.get("models_gib", DEFAULT_MODELS_GIB))}},
    }


def artifact_repository(args: Mapping[str, Any]) -> Manifest:
    """Argo Workflows' artifact repository; a path a workflow, so that logs of one run are found together."""
    endpoint = pulumi.Output.from_input(args.get("object_store_endpoint", conventions.OBJECT_STORE_ENDPOINT))
    access = args.get("object_store_access", ObjectStoreAccess.COPIED_SECRET)
    secret = args.get("object_store_secret", conventions.OBJECT_STORE_CREDENTIALS_SECRET)
    credentials: dict[str, Any] = {
        "accessKeySecret": {"name": secret, "key": conventions.ACCESS_KEY_ID_KEY},
        "secretKeySecret": {"name": secret, "key": conventions.SECRET_ACCESS_KEY_KEY},
    }
    return {
        "archiveLogs": True,
        "s3": {
            "endpoint": endpoint.apply(lambda url: url.partition("://")[2]),
            "insecure": endpoint.apply(lambda url: url.startswith("http://")),
            "region": args.get("object_store_region", conventions.OBJECT_STORE_REGION),
            "bucket": args.get("workflows_bucket", conventions.WORKFLOWS_BUCKET),
            "keyFormat": "{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}",
            **({"useSDKCreds": True} if access == ObjectStoreAccess.WORKLOAD_IDENTITY else credentials),
        },
    }


def credentials(data: Mapping[str, str] | None) -> dict[str, str]:
    """The two keys of the platform's Secret that a workspace gets; the values stay base64."""
    missing = [key for key in CREDENTIAL_KEYS if key not in (data or {})]
    if missing or not data:
        raise ArgumentError(
            f"Secret {conventions.OBJECT_STORE_NAMESPACE}/{conventions.OBJECT_STORE_CREDENTIALS_SECRET} has no key "
            f"{' and no key '.join(missing)}; deploy the platform's object store first"
        )
    return {key: data[key] for key in CREDENTIAL_KEYS}
