"""The Kubernetes objects of a workspace: limits, model store, artifact repository, credentials."""

from collections.abc import Mapping

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import ArgumentError
from pulumi_mlops._manifests import Manifest, gib, number
from pulumi_mlops.workspace._arguments import ObjectStoreAccess, WorkspaceArgs

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


def quota(args: WorkspaceArgs) -> Manifest:
    """Spec of the ResourceQuota. CPU limits are left out: containers have none."""
    memory = gib(args["memory_gib"])
    return {
        "hard": {
            "requests.cpu": number(args["cpu_cores"]),
            "requests.memory": memory,
            "limits.memory": memory,
            "requests.storage": gib(args["storage_gib"]),
            "pods": number(args["pods"]),
        }
    }


def models_claim(args: WorkspaceArgs) -> Manifest:
    """Spec of the volume claim that pipelines write and endpoints read."""
    return {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": args["storage_class"],
        "resources": {"requests": {"storage": gib(args["models_gib"])}},
    }


def artifact_repository(args: WorkspaceArgs) -> Manifest:
    """Argo Workflows' artifact repository; a path a workflow, so that logs of one run are found together."""
    endpoint = pulumi.Output.from_input(args["object_store_endpoint"])
    access = args["object_store_access"]
    secret = args["object_store_secret"]
    credentials: dict[str, object] = {
        "accessKeySecret": {"name": secret, "key": conventions.ACCESS_KEY_ID_KEY},
        "secretKeySecret": {"name": secret, "key": conventions.SECRET_ACCESS_KEY_KEY},
    }
    return {
        "archiveLogs": True,
        "s3": {
            "endpoint": endpoint.apply(lambda url: url.partition("://")[2]),
            "insecure": endpoint.apply(lambda url: url.startswith("http://")),
            "region": args["object_store_region"],
            "bucket": args["workflows_bucket"],
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
