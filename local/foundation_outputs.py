"""What a foundation stack would export, made up from its settings: for plans of what stands on it, without an account.

Identifiers are examples of the form that AWS gives; names, region and domain are those of the stack's own settings.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pulumi_mlops import conventions

from local import stack_files
from local.progress import StepFailed
from stacks import existing

ACCOUNT = "123456789012"  # AWS's own example of an account
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
"""How a state marks a secret."""
SECRETS = ("kubeconfig",)
REGION = "aws:region"
NEEDED = (REGION, *(f"{stack_files.PREFIX}{key}" for key in ("environment", "zones", "domain_name")))


def example(stack: str) -> dict[str, Any]:
    """Outputs of the foundation stack of this name, as plain values.

    Raises:
        StepFailed: the stack has no settings file, or not in it what the outputs are made of.
    """
    if stack not in stack_files.names():
        raise StepFailed(f"there is no stacks/Pulumi.{stack}.yaml, from which the outputs of {stack} could be made up")
    config = stack_files.config(stack)
    missing = [key for key in NEEDED if not config.get(key)]
    if missing:
        raise StepFailed(f"stacks/Pulumi.{stack}.yaml must set {', '.join(missing)}: the outputs are made up from it")
    return _outputs(config[REGION], stack_files.settings(stack))


def _outputs(region: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    name = f"mlops-{settings['environment']}"
    arn, cluster, group = _cluster(region, name, settings)
    buckets = (conventions.DATA_BUCKET, conventions.MLFLOW_BUCKET, conventions.WORKFLOWS_BUCKET)
    registry = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
    repositories = ("ml-pipeline", "ml-server")
    subnets = settings.get("private_subnet_ids") or {}
    return {
        "region": region,
        "cluster_name": cluster,
        "cluster_arn": arn,
        **({"node_groups": existing.rooms(groups)} if (groups := settings.get("node_groups")) else {}),
        **({"auto_mode": True} if settings.get("auto_mode") else {}),
        "kubeconfig": kubeconfig(cluster, f"https://{cluster}.invalid"),
        "vpc_id": settings.get("vpc_id") or f"vpc-{_hex(name)}",
        "private_subnet_ids": [subnets.get(zone) or f"subnet-{_hex(name + zone)}" for zone in settings["zones"]],
        "client_security_group_id": group,
        "object_store_endpoint": f"https://s3.{region}.amazonaws.com",
        "buckets": {use: f"{name}-{use}-example" for use in buckets} | dict(settings.get("existing_buckets") or {}),
        "storage_class_parameters": {
            "provisioningMode": "efs-ap",
            "fileSystemId": f"fs-{_hex(name)}",
            "directoryPerms": "0700",
            "uid": "10001",
            "gid": "10001",
            "basePath": "/volumes",
        },
        "image_registry": registry,
        "repositories": {one: f"{registry}/{name}/{one}" for one in repositories},
        "domain_name": settings["domain_name"],
        "zone_id": settings.get("zone_id") or f"Z{_hex(name).upper()}",
        "name_servers": [f"ns-{number}.awsdns-{number:02}.com" for number in range(1, 5)],
        "certificate_arn": settings.get("certificate_arn")
        or f"arn:aws:acm:{region}:{ACCOUNT}:certificate/{_hex(name)}",
        "secrets_prefix": f"{name}/",
        "roles": {},
        **(_for_karpenter(name) if settings.get("karpenter") else {}),
    }


def _for_karpenter(name: str) -> dict[str, str]:
    return {
        "karpenter_node_role": f"{name}-on-demand-nodes-example",
        "karpenter_queue": f"{name}-interruptions-example",
    }


def _cluster(region: str, name: str, settings: Mapping[str, Any]) -> tuple[str, str, str]:
    """ARN, name and security group of the cluster, which may exist."""
    if there := settings.get("existing_cluster"):
        return there["arn"], there["arn"].rpartition("/")[2], there["node_security_group_id"]
    cluster = settings.get("cluster_name") or name
    return f"arn:aws:eks:{region}:{ACCOUNT}:cluster/{cluster}", cluster, f"sg-{_hex(name)}"


def kubeconfig(cluster: str, server: str) -> str:
    """A kubeconfig that leads to the server, without credentials."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": cluster,
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "clusters": [{"name": cluster, "cluster": {"server": server}}],
            "users": [{"name": cluster, "user": {}}],
        }
    )


def resource(project: str, stack: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The one resource in the state of a stack that has these outputs and nothing else."""
    kind = "pulumi:pulumi:Stack"
    found = {
        name: {**SECRET, "plaintext": json.dumps(value)} if name in SECRETS else value
        for name, value in outputs.items()
    }
    urn = f"urn:pulumi:{stack}::{project}::{kind}::{project}-{stack}"
    return {"urn": urn, "type": kind, "custom": False, "outputs": found}


def _hex(text: str) -> str:
    """17 hexadecimal digits, as the identifiers of EC2 have."""
    return hashlib.sha256(text.encode()).hexdigest()[:17]
