"""Karpenter's nodes, and the permissions by which it makes and ends them."""

from collections.abc import Callable, Mapping, Sequence

import pulumi

from pulumi_mlops._manifests import Manifest
from pulumi_mlops._text import formatted
from pulumi_mlops.platform._statements import ConditionValues, Statement, statement

IMAGE_ALIAS = "al2023@latest"
"""Amazon Linux 2023 for the cluster's own Kubernetes version; nodes older than a newer image are replaced by and by."""
VOLUME_SIZE = "100Gi"
EXPIRE_AFTER = "720h"
"""Nodes are replaced after 30 days, so that none misses the system's updates for longer."""

TAG_KEYS = ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
"""Tags that are put on an instance after it has started."""


def node_class(
    name: str,
    *,
    role: pulumi.Input[str],
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]],
    security_group_ids: Sequence[pulumi.Input[str]],
    tags: Mapping[str, pulumi.Input[str]],
) -> Manifest:
    """Spec of an EC2NodeClass: private, encrypted, without the old form of instance metadata."""
    return {
        "role": role,
        "amiSelectorTerms": [{"alias": IMAGE_ALIAS}],
        "subnetSelectorTerms": pulumi.Output.from_input(subnet_ids).apply(lambda known: [{"id": one} for one in known]),
        "securityGroupSelectorTerms": [{"id": one} for one in security_group_ids],
        "associatePublicIPAddress": False,
        # One hop: pods get the role of their service account, not the node's.
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {
                    "volumeSize": VOLUME_SIZE,
                    "volumeType": "gp3",
                    "encrypted": True,
                    "deleteOnTermination": True,
                },
            }
        ],
        "tags": {**tags, "Name": f"{name}-node"},
    }


def node_pool(node_class_name: pulumi.Input[str], spot: bool, cpu_limit: int) -> Manifest:
    """Spec of a NodePool: ordinary Linux nodes of recent generations."""

    def one_of(key: str, allowed: list[str], operator: str = "In") -> Manifest:
        return {"key": key, "operator": operator, "values": allowed}

    return {
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": node_class_name},
                "requirements": [
                    one_of("kubernetes.io/os", ["linux"]),
                    one_of("kubernetes.io/arch", ["amd64"]),
                    one_of("karpenter.sh/capacity-type", ["spot", "on-demand"] if spot else ["on-demand"]),
                    one_of("karpenter.k8s.aws/instance-category", ["c", "m", "r"]),
                    one_of("karpenter.k8s.aws/instance-generation", ["4"], "Gt"),
                ],
                "expireAfter": EXPIRE_AFTER,
            }
        },
        "limits": {"cpu": str(cpu_limit)},
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": "5m",  # between two training runs a node is not worth ending
            "budgets": [{"nodes": "10%"}],
        },
    }


def permissions(
    cluster: str,
    region: pulumi.Input[str],
    account: pulumi.Input[str],
    *,
    node_role_arn: pulumi.Input[str],
    queue_arn: pulumi.Input[str] | None,
    partition: str,
) -> list[Statement]:
    """Statements of the controller's role; see `karpenter.statements`."""

    def of(service: str, what: str, owner: str = "*") -> pulumi.Input[str]:
        return formatted("arn:" + partition + ":" + service + ":{0}:" + owner + ":" + what, region)

    def owned(kind: str, selected: str) -> dict[str, dict[str, ConditionValues]]:
        return {
            "StringEquals": {f"aws:{kind}Tag/kubernetes.io/cluster/{cluster}": "owned"},
            "StringLike": {f"aws:{kind}Tag/karpenter.sh/{selected}": "*"},
        }

    def here(kind: str) -> dict[str, ConditionValues]:
        return {
            f"aws:{kind}Tag/kubernetes.io/cluster/{cluster}": "owned",
            f"aws:{kind}Tag/topology.kubernetes.io/region": region,
        }

    request, resource = owned("Request", "nodepool"), owned("Resource", "nodepool")
    templates = of("ec2", "launch-template/*")
    made = [
        of("ec2", f"{kind}/*")
        for kind in ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
    ]
    used = [of("ec2", f"{kind}/*", "") for kind in ("image", "snapshot")] + [
        of("ec2", f"{kind}/*") for kind in ("security-group", "subnet", "capacity-reservation", "placement-group")
    ]
    launch = ["ec2:RunInstances", "ec2:CreateFleet"]
    made_by = ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]
    found = [
        statement(launch, used),
        statement(launch, [templates], conditions=resource),
        statement([*launch, "ec2:CreateLaunchTemplate"], made, conditions=request),
        statement(
            ["ec2:CreateTags"],
            made,
            conditions={**request, "StringEquals": {**request["StringEquals"], "ec2:CreateAction": made_by}},
        ),
        statement(
            ["ec2:CreateTags"],
            [of("ec2", "instance/*")],
            conditions={**resource, "ForAllValues:StringEquals": {"aws:TagKeys": TAG_KEYS}},
        ),
        statement(
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [of("ec2", "instance/*"), templates],
            conditions=resource,
        ),
        statement(
            [
                f"ec2:Describe{what}"
                for what in (
                    *("AvailabilityZones", "CapacityReservations", "Images", "Instances", "InstanceStatus"),
                    *("InstanceTypeOfferings", "InstanceTypes", "LaunchTemplates", "PlacementGroups"),
                    *("SecurityGroups", "SpotPriceHistory", "Subnets"),
                )
            ],
            ["*"],
            conditions={"StringEquals": {"aws:RequestedRegion": region}},
            reason="EC2 knows no resource for reading; the condition bounds it to the region",
        ),
        statement(["ssm:GetParameter"], [of("ssm", "parameter/aws/service/*", "")]),
        statement(["pricing:GetProducts"], ["*"], reason="prices have no resource"),
        statement(
            ["iam:PassRole"],
            [node_role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        *_instance_profiles(formatted("arn:" + partition + ":iam::{0}:instance-profile/*", account), here),
        statement(
            ["eks:DescribeCluster"],
            [formatted("arn:" + partition + ":eks:{0}:{1}:cluster/{2}", region, account, cluster)],
        ),
    ]
    if queue_arn is not None:
        actions = ["DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage"]
        found.append(statement([f"sqs:{action}" for action in actions], [queue_arn]))
    return found


def _instance_profiles(
    profiles: pulumi.Input[str], here: Callable[[str], dict[str, ConditionValues]]
) -> list[Statement]:
    """The profiles that give the nodes their role: made for a node class of this cluster, read and deleted."""
    node_class_of_request = {"aws:RequestTag/karpenter.k8s.aws/ec2nodeclass": "*"}
    node_class_of_resource = {"aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass": "*"}
    return [
        statement(
            ["iam:CreateInstanceProfile"],
            [profiles],
            conditions={"StringEquals": here("Request"), "StringLike": node_class_of_request},
        ),
        statement(
            ["iam:TagInstanceProfile"],
            [profiles],
            conditions={
                "StringEquals": {**here("Resource"), **here("Request")},
                "StringLike": {**node_class_of_resource, **node_class_of_request},
            },
        ),
        statement(
            ["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"],
            [profiles],
            conditions={"StringEquals": here("Resource"), "StringLike": node_class_of_resource},
        ),
        statement(["iam:GetInstanceProfile"], [profiles]),
        statement(["iam:ListInstanceProfiles"], ["*"], reason="IAM knows no resource for listing instance profiles"),
    ]
