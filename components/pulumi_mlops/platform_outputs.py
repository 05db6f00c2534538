"""What a platform tells its teams: where its object store, MLflow and the network of databases are.

The platform's stack exports it once, as the output `teams`. A team's stack names that stack in one line of its own
configuration, `pulumi-mlops:platform`, and its components take from it what their arguments leave out. Without the line
the values are those of a platform inside the cluster, under the names of `conventions`.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import ArgumentError

OUTPUT = "teams"
"""Output of the platform's stack."""
SETTING = "platform"
"""Setting `pulumi-mlops:platform` of a team's stack: `<organization>/<project>/<stack>` of the platform."""

TEAM_BUCKETS = (conventions.DATA_BUCKET, conventions.WORKFLOWS_BUCKET)
"""Uses of the buckets that teams reach themselves."""

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
"""Function of the engine. A StackReference gives the same values too late to decide which resources there are."""


class DatabaseNetwork(TypedDict):
    """Where databases on AWS may be."""

    vpc_id: str
    subnet_ids: list[str]
    """Private subnets in at least two zones."""
    client_security_group_id: str
    """Security group of the pods that connect."""
    secret_store: str
    """ClusterSecretStore that copies a database's password into a namespace."""
    instance_classes: NotRequired[dict[str, str]]
    """Size that may be asked for → instance class; without it the library's."""
    default_size: NotRequired[str]
    """The size where none is asked for: the order of `instance_classes` is lost between stacks."""


class DatabaseApi(TypedDict):
    """How databases are asked for by manifest."""

    group: str
    """API group of the kinds."""
    provider: str
    """Value of the label `provider`."""


class PlatformOutputs(TypedDict):
    """The output `teams`."""

    region: str
    """Region of the object store, and of everything else on AWS."""
    object_store_endpoint: str
    """URL of the S3 API."""
    buckets: dict[str, str]
    """Use (`data`, `workflows`) → name of the bucket."""
    mlflow_url: str
    """MLflow's tracking URI inside the cluster."""
    storage_class: str
    """Storage class of volumes that many pods share."""
    cluster_name: NotRequired[str]
    """Name of the EKS cluster, where a workspace's service account gets an IAM role of its own; without it the object
    store's credentials are copied into the workspace."""
    public_gateway: NotRequired[bool]
    """Whether the gateway faces the internet; without it, which older platforms leave out, it does on EKS."""
    database: NotRequired[DatabaseNetwork]
    """Where databases on AWS may be; without it they are in the cluster."""
    database_api: NotRequired[DatabaseApi]
    """How databases are asked for by manifest, where they can be."""


DATABASE_API = DatabaseApi(group=conventions.DATABASE_GROUP, provider="local")
"""Where no platform says otherwise."""
IN_CLUSTER = PlatformOutputs(
    region=conventions.OBJECT_STORE_REGION,
    object_store_endpoint=conventions.OBJECT_STORE_ENDPOINT,
    buckets={use: use for use in TEAM_BUCKETS},
    mlflow_url=conventions.MLFLOW_URL,
    storage_class=conventions.SHARED_STORAGE_CLASS,
)
"""The platform that `Platform` makes, in the same cluster as the team."""


def read(component: str, name: str) -> PlatformOutputs:
    """The outputs of the platform that the stack's configuration names, else those of one in the cluster.

    Args:
        component: class of the component that asks, for the message of an error.
        name: its name.

    Raises:
        ArgumentError: the setting names no stack that can be read, or one that exports nothing for teams.
    """
    stack = pulumi.Config(conventions.PACKAGE).get(SETTING)
    if not stack:
        return IN_CLUSTER
    owner = f'{component} "{name}"'
    where = f"the setting {conventions.PACKAGE}:{SETTING} names stack {stack}"
    if stack.count("/") != 2:
        raise ArgumentError(
            owner,
            f"{where}, but must have the form <organization>/<project>/<stack>, such as "
            f"organization/{conventions.PACKAGE}/platform-dev; without Pulumi Cloud the organization is `organization`",
        )
    try:
        answer: Mapping[str, object] = pulumi.runtime.invoke(READ_OUTPUTS, {"name": stack}).value
    except Exception as error:
        reason = str(error).rpartition("returned an error: ")[2]
        raise ArgumentError(
            owner,
            f"{where}, which cannot be read ({reason}); it must be in the backend of this stack, whose stacks "
            "`pulumi stack ls --all` shows",
        ) from error
    outputs = cast("Mapping[str, object]", answer.get("outputs") or {})
    found = cast("Mapping[str, object]", outputs.get(OUTPUT) or {})
    missing = sorted(PlatformOutputs.__required_keys__ - set(found))
    if missing:
        raise ArgumentError(
            owner,
            f"{where}, whose output `{OUTPUT}` lacks {', '.join(missing)}: bring that platform up with this version of "
            f"the library first, by `pulumi up --stack {stack}`",
        )
    return cast("PlatformOutputs", found)
