"""What Karpenter needs of an environment on AWS: a role for the nodes that it starts, and a queue.

The queue tells it which instances end soon, so that their pods are moved before they do.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_mlops.foundation import Cluster

from stacks.existing import ExistingCluster

NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy")
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


EVENTS = {
    "spot-interruption": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state-change": ("aws.ec2", "EC2 Instance State-change Notification"),
    "capacity-reservation": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
    "health": ("aws.health", "AWS Health Event"),
}
"""What the queue hears of: source and kind of the events (Karpenter's page on disruption)."""
RETENTION_SECONDS = 300
"""A spot instance ends two minutes after its warning: what is older helps nobody."""


@dataclass(frozen=True)
class ForKarpenter:
    """What the platform is told."""

    node_role: pulumi.Output[str]
    """Name of the nodes' role, known once they may join the cluster."""
    node_role_arn: pulumi.Output[str]
    queue: pulumi.Output[str]
    """Name of the queue, known once events reach it."""
    queue_arn: pulumi.Output[str]


def create(name: str, cluster: Cluster | ExistingCluster, common: Any) -> ForKarpenter:
    """Creates the nodes' role and the queue."""
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
    queue, ready = _queue(name, common)
    return ForKarpenter(
        node_role=pulumi.Output.all(role.name, entry.id, *(one.id for one in rights)).apply(lambda known: known[0]),
        node_role_arn=role.arn,
        queue=pulumi.Output.all(queue.name, *(one.id for one in ready)).apply(lambda known: known[0]),
        queue_arn=queue.arn,
    )


def _queue(name: str, common: Any) -> tuple[aws.sqs.Queue, list[aws.cloudwatch.EventTarget]]:
    """The queue, and what sends it events."""
    queue = aws.sqs.Queue(
        f"{name}-interruptions",
        message_retention_seconds=RETENTION_SECONDS,
        sqs_managed_sse_enabled=True,
        **common,
    )
    rules = {
        event: aws.cloudwatch.EventRule(
            f"{name}-{event}", event_pattern=json.dumps({"source": [source], "detail-type": [kind]}), **common
        )
        for event, (source, kind) in EVENTS.items()
    }
    policy = aws.sqs.QueuePolicy(
        f"{name}-interruptions",
        queue_url=queue.url,
        policy=pulumi.Output.all(queue.arn, *(rule.arn for rule in rules.values())).apply(
            lambda known: _from_rules(known[0], known[1:])
        ),
    )
    return queue, [
        aws.cloudwatch.EventTarget(
            f"{name}-{event}", rule=rule.name, arn=queue.arn, opts=pulumi.ResourceOptions(depends_on=[policy])
        )
        for event, rule in rules.items()
    ]


def _from_rules(queue: str, rules: list[str]) -> str:
    """The policy by which these rules, and nobody else's, send to the queue, and nobody without TLS."""
    send = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    plain = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [send, plain]})
