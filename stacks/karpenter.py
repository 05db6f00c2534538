"""What Karpenter needs of an environment on AWS: a role for the nodes that it starts, and one for itself."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_mlops.foundation import Cluster, WorkloadIdentity, WorkloadIdentityArgs
from pulumi_mlops.platform import karpenter

from stacks.existing import ExistingCluster

NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy")
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def create(
    name: str, region: str, cluster: Cluster | ExistingCluster, cluster_name: str, common: Any
) -> pulumi.Output[str]:
    """Creates both roles, and returns the name of the nodes' once they may join the cluster.

    `cluster_name` is plain: it is part of the keys of conditions.
    """
    role = aws.iam.Role(
        f"{name}-on-demand-nodes",
        description=f"Nodes that Karpenter starts for {name}",
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [TRUST]}),
        **common,
    )
    rights = [
        aws.iam.RolePolicyAttachment(
            f"{name}-on-demand-nodes-{policy}", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}"
        )
        for policy in NODE_POLICIES
    ]
    entry = aws.eks.AccessEntry(
        f"{name}-on-demand-nodes",
        cluster_name=cluster.name,
        principal_arn=role.arn,
        type="EC2_LINUX",
        **common,
    )
    account_id = cluster.arn.apply(lambda arn: arn.split(":")[4])
    statements: Any = karpenter.statements(cluster_name, region, account_id, role.arn)
    WorkloadIdentity(
        f"{name}-{karpenter.SERVICE_ACCOUNT}",
        WorkloadIdentityArgs(
            cluster_name=cluster.name,
            namespace=karpenter.NAMESPACE,
            service_account=karpenter.SERVICE_ACCOUNT,
            statements=statements,
            **common,
        ),
    )
    return pulumi.Output.all(role.name, entry.id, *(one.id for one in rights)).apply(lambda known: known[0])
