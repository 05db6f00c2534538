"""What a workspace takes from its platform: defaults of arguments, what steps have to know, and an IAM role."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import ArgumentError, Arguments
from pulumi_mlops.platform_outputs import PlatformOutputs
from pulumi_mlops.workspace._arguments import ARGUMENTS, ObjectStoreAccess, WorkspaceArgs

if TYPE_CHECKING:
    from pulumi_mlops.foundation import WorkloadIdentity


def arguments(platform: PlatformOutputs) -> Arguments:
    """The table of arguments with the platform's values as defaults."""
    on_eks = "cluster_name" in platform
    defaults = {
        "storage_class": platform["storage_class"],
        "object_store_endpoint": platform["object_store_endpoint"],
        "object_store_region": platform["region"],
        "workflows_bucket": platform["buckets"][conventions.WORKFLOWS_BUCKET],
        "object_store_access": ObjectStoreAccess.WORKLOAD_IDENTITY if on_eks else ObjectStoreAccess.COPIED_SECRET,
    }
    return {**ARGUMENTS, **{name: replace(ARGUMENTS[name], default=value) for name, value in defaults.items()}}


def step_environment(args: WorkspaceArgs, platform: PlatformOutputs) -> dict[str, pulumi.Input[str]]:
    """Environment of every step of the workspace's pipelines: content of the ConfigMap that they read."""
    return {
        "MLFLOW_TRACKING_URI": platform["mlflow_url"],
        "AWS_REGION": args["object_store_region"],
        "AWS_ENDPOINT_URL_S3": args["object_store_endpoint"],
    }


def needs_role(args: WorkspaceArgs, platform: PlatformOutputs) -> bool:
    """Whether the workspace makes its service account's role: on EKS, unless the account is bound to another one."""
    by_identity = args["object_store_access"] == ObjectStoreAccess.WORKLOAD_IDENTITY
    return by_identity and "cluster_name" in platform and not args["service_account_annotations"]


def problems(args: WorkspaceArgs, platform: PlatformOutputs) -> Iterator[str]:
    """What would leave the role without its directory."""
    if needs_role(args, platform) and not isinstance(args["namespace"], str | None):
        yield (
            "args.namespace must be a plain string where the workspace makes an IAM role, whose statements name its "
            "directory; leave it out to use the component's name"
        )


def create_role(
    name: str, args: WorkspaceArgs, namespace: pulumi.Output[str], platform: PlatformOutputs, parent: pulumi.Resource
) -> "WorkloadIdentity":
    """The role of the pipelines' service account: for the directory of the namespace in both buckets.

    It reads the one with the data, and reads and writes the one with the logs of workflows.

    Raises:
        ArgumentError: the SDK for AWS is not installed.
    """
    directory = args["namespace"] if isinstance(args["namespace"], str) else name
    try:
        from pulumi_mlops.foundation import WorkloadIdentity, permissions  # noqa: PLC0415 - only on AWS
    except ModuleNotFoundError as error:
        if error.name != "pulumi_aws":
            raise
        raise ArgumentError(
            f'Workspace "{name}"',
            f"the platform is on EKS ({platform.get('cluster_name')}), where the workspace gets an IAM role, which "
            "requires the extra aws: pip install 'pulumi-mlops[aws]'",
        ) from error
    buckets = platform["buckets"]
    return WorkloadIdentity(
        f"{name}-identity",
        {
            "cluster_name": platform.get("cluster_name", ""),
            "namespace": namespace,
            "service_account": conventions.PIPELINE_SERVICE_ACCOUNT,
            "statements": [
                *permissions.read_only(f"arn:aws:s3:::{buckets[conventions.DATA_BUCKET]}", directory),
                *permissions.read_write(f"arn:aws:s3:::{buckets[conventions.WORKFLOWS_BUCKET]}", directory),
            ],
        },
        pulumi.ResourceOptions(parent=parent),
    )
