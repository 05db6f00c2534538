"""Karpenter: nodes for pods that find no place, and fewer nodes when they are gone. Not for clusters of EKS Auto Mode.

Owns its namespace, definitions, one NodePool with its EC2NodeClass and, at run time, the nodes. Does not own: the few
nodes that Karpenter itself runs on, the nodes' role, the queue of interruptions, the role behind its service account
(`WorkloadIdentity` with `statements`). On destroy the NodePool goes first, and its nodes with it.
"""

from collections.abc import Iterator
from typing import NotRequired

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _aws, conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import name_of, resources
from pulumi_mlops.contract.rules import at_least, matches, not_empty
from pulumi_mlops.platform._chart_values import mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    AddOnArgs,
    AwsEnvironment,
    CallerArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)
from pulumi_mlops.platform.add_ons._karpenter import node_class, node_pool, permissions

REPOSITORY = "oci://public.ecr.aws/karpenter"
CHART = Chart("karpenter", REPOSITORY, versions.KARPENTER)
DEFINITIONS = Chart("karpenter-crd", REPOSITORY, versions.KARPENTER)
NAMESPACE = "karpenter"
SERVICE_ACCOUNT = "karpenter"
"""Service account of the controller, which starts and ends instances; a role's trust names it."""
UPSTREAM_REGISTRY = "public.ecr.aws"
REPOSITORY_OF_IMAGE = "karpenter/controller"


class KarpenterArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `Karpenter`."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    node_role: pulumi.Input[str]
    """Name of the nodes' role (not its ARN); the cluster has an access entry for it."""
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Subnets of the nodes, at least one."""
    security_group_ids: list[pulumi.Input[str]]
    """Security groups of the nodes, at least one."""
    interruption_queue: NotRequired[pulumi.Input[str] | None]
    """Name of the SQS queue that tells of ending spot instances and maintenance; default none: nodes then end without
    being drained."""
    spot: NotRequired[bool]
    """Whether to use spot instances where they are available; default false. Plain: the requirement follows."""
    cpu_limit: NotRequired[int]
    """vCPUs of all nodes together, above which none is started; default 100, at least 1. It bounds the bill."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of the instances and volumes; default none."""


ARGUMENTS = {
    "cluster_name": Argument(rule=not_empty),
    "node_role": Argument(rule=matches(r"[\w+=,.@-]{1,64}", "the name of a role, not its ARN")),
    "subnet_ids": Argument(rule=_aws.subnet_id),
    "security_group_ids": Argument(rule=_aws.security_group_id),
    "interruption_queue": Argument(rule=matches(r"[\w-]{1,80}", "the name of an SQS queue")),
    "spot": Argument(default=False),
    "cpu_limit": Argument(default=100, rule=at_least(1, "vCPU")),
    "tags": Argument(default={}),
}


class Karpenter(pulumi.ComponentResource):
    """Nodes on demand for the whole cluster.

    ```python
    from pulumi_mlops.platform import Karpenter

    network = {"subnet_ids": ["subnet-0123456789abcdef0"], "security_group_ids": ["sg-0123456789abcdef0"]}
    nodes = Karpenter("karpenter", {"cluster_name": "mlops", "node_role": "mlops-node", **network})
    pulumi.export("node_pool", nodes.node_pool)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of Karpenter."""
    service_account: pulumi.Output[str]
    """Service account of the controller."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once the controller runs."""
    node_pool: pulumi.Output[str]
    """Name of the NodePool."""

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(Karpenter, name, args, KarpenterArgs, ARGUMENTS, problems=_problems)
        super().__init__("pulumi-mlops:index:Karpenter", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        called = checked["object_name"] or name
        self.namespace = installed.namespace
        nodes = k8s.apiextensions.CustomResource(
            f"{name}-node-class",
            api_version="karpenter.k8s.aws/v1",
            kind="EC2NodeClass",
            metadata={"name": called, "labels": conventions.labels("node-class", called)},
            spec=node_class(
                called,
                role=checked["node_role"],
                subnet_ids=checked["subnet_ids"],
                security_group_ids=checked["security_group_ids"],
                tags=checked["tags"],
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main]),
        )
        pool = k8s.apiextensions.CustomResource(
            f"{name}-node-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": called, "labels": conventions.labels("node-pool", called)},
            spec=node_pool(name_of(nodes), checked["spot"], checked["cpu_limit"]),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main, nodes]),
        )
        self.service_account = pulumi.Output.from_input(SERVICE_ACCOUNT)
        self.release = installed.release
        self.node_pool = name_of(pool)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "service_account": self.service_account,
                "release": self.release,
                "node_pool": self.node_pool,
            }
        )


def values(name: str, args: KarpenterArgs) -> HelmValues:
    """Values of the chart, whose own defaults keep the controller off the nodes that it makes."""
    replicas = args["replicas"]
    return {
        "fullnameOverride": name,
        "replicas": replicas,
        "podDisruptionBudget": {"name": name, "maxUnavailable": 1},
        "topologySpreadConstraints": spread({"app.kubernetes.io/instance": name, "app.kubernetes.io/name": CHART.name}),
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": args["service_account_annotations"],
        },
        # The cluster's DNS may be waiting for the very node that Karpenter is to start.
        "dnsPolicy": "Default",
        "controller": {
            "image": {"repository": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, REPOSITORY_OF_IMAGE)},
            "resources": resources("500m", "1Gi"),
        },
        "settings": {
            "clusterName": args["cluster_name"],
            **({"interruptionQueue": args["interruption_queue"]} if args["interruption_queue"] is not None else {}),
        },
    }


def statements(
    cluster_name: str,
    region: pulumi.Input[str],
    account_id: pulumi.Input[str],
    node_role_arn: pulumi.Input[str],
    queue_arn: pulumi.Input[str] | None = None,
    *,
    partition: str = "aws",
) -> list[Statement]:
    """What the controller's role must be allowed: instances that bear the cluster's tag, and nothing beyond.

    `cluster_name` is plain: it is part of the conditions' keys. `queue_arn` is that of `interruption_queue`.
    """
    return permissions(
        cluster_name, region, account_id, node_role_arn=node_role_arn, queue_arn=queue_arn, partition=partition
    )


def _of_environment(aws: AwsEnvironment) -> list[Statement]:
    if aws.node_role_arn is None:
        return []
    return statements(aws.cluster_name, aws.region, aws.account_id, aws.node_role_arn, aws.interruption_queue_arn)


ADD_ON = AddOn[KarpenterArgs](
    component=Karpenter,
    once_because=ONE_RELEASE,
    built_into_auto_mode=True,
    # Helm never updates the definitions inside a chart, so that upstream has a second chart with them as templates.
    before=(ChartRelease(chart=DEFINITIONS, role="definitions", suffix="-crd"),),
    main=ChartRelease(chart=CHART, values=values, skip_crds=True),
    namespace=NAMESPACE,
    images=(REPOSITORY_OF_IMAGE,),
    service_accounts={SERVICE_ACCOUNT: _of_environment},
    endpoints=("ec2", "eks", "sqs", "ssm"),
)


def _problems(args: KarpenterArgs) -> Iterator[str]:
    for field in ("subnet_ids", "security_group_ids"):
        if args[field] == []:
            yield f"args.{field} must not be empty, got []"
