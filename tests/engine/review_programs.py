"""Small programs, each before and after a change, whose previews are recorded for tests/review."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi_mlops import Metric, ModelEndpoint, SourceType, Task, TrainingPipeline

from tests.review.hostile import EVIL, NAMES
from tests.review.recorded import CHART

Program = Any


class Part(pulumi.ComponentResource):
    """A component of a team's own."""

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"example:index:{kind}", name, None, opts)


def database(*, encrypted: bool) -> Program:
    """A database, and a bucket beside it."""

    def run() -> None:
        orders = Part("Orders", "orders")
        child = pulumi.ResourceOptions(parent=orders)
        aws.rds.Instance(
            "orders", identifier="orders", engine="postgres", engine_version="17.6", instance_class="db.t4g.small",
            allocated_storage=20, storage_encrypted=encrypted, username="app", manage_master_user_password=True,
            skip_final_snapshot=True, opts=child,
        )  # fmt: skip
        aws.s3.Bucket("exports", bucket="orders-exports", tags={"encrypted": str(encrypted).lower()}, opts=child)

    return run


def nodes(*, most: int, kind: str, everyone: bool = False) -> Program:
    """A cluster with one group of nodes, and a security group."""

    def run() -> None:
        platform = Part("Nodes", "general")
        child = pulumi.ResourceOptions(parent=platform)
        who = {"Service": "ec2.amazonaws.com", **({"AWS": "*"} if everyone else {})}
        trust = {"Statement": [{"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}]}
        role = aws.iam.Role("nodes", name="nodes", assume_role_policy=json.dumps(trust), opts=child)
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        subnet = aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone="eu-central-1a")
        aws.ec2.SecurityGroup(
            "nodes", name="nodes", vpc_id=vpc.id, description="nodes",
            ingress=[{"protocol": "tcp", "from_port": 443, "to_port": 443,
                      "cidr_blocks": ["0.0.0.0/0" if everyone else "10.0.0.0/16"]}],
            opts=child,
        )  # fmt: skip
        cluster = aws.eks.Cluster(
            "ml", name="ml", version="1.34", role_arn=role.arn,
            vpc_config={"subnet_ids": [subnet.id], "endpoint_private_access": True},
            encryption_config={"provider": {"key_arn": aws.kms.Key("ml").arn}, "resources": ["secrets"]},
        )  # fmt: skip
        for name, types in (("fixed", ["m7i.large"]), ("general", [kind])):
            aws.eks.NodeGroup(
                name, node_group_name=name, cluster_name=cluster.name, node_role_arn=role.arn, subnet_ids=[subnet.id],
                instance_types=types, scaling_config={"min_size": 1, "max_size": most, "desired_size": 1}, opts=child,
            )  # fmt: skip

    return run


def endpoint(namespace: str, tag: str) -> Program:
    """A team's endpoint."""

    def run() -> None:
        pulumi.runtime.register_stack_transformation(_without_waiting)
        team = k8s.core.v1.Namespace("team", metadata={"name": namespace})
        place = team.metadata["name"]
        ModelEndpoint("penguins", {"namespace": place, "image": f"registry.example.org/ml-server:{tag}"})

    return run


def pipeline(namespace: str, *, columns: list[str], target: str) -> Program:
    """A team's training pipeline."""

    def run() -> None:
        team = k8s.core.v1.Namespace("team", metadata={"name": namespace})
        TrainingPipeline(
            "penguins",
            {
                "namespace": team.metadata["name"],
                "image": "registry.example.org/ml-pipeline:1.0",
                "task": Task.CLASSIFICATION,
                "schedule": "0 3 * * *",
                "source": {"type": SourceType.S3, "bucket": "data", "key": "penguins.csv"},
                "target": target,
                "features": {"numeric": columns, "categorical": ["sex"]},
                "evaluation": {"metric": Metric.ACCURACY, "threshold": 0.9},
            },
        )

    return run


def _without_waiting(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """No pod ever runs in these tests."""
    if args.type_ not in ("kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"):
        return None
    metadata = {**args.props["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}
    return pulumi.ResourceTransformationResult({**args.props, "metadata": metadata}, args.opts)


def secrets(namespace: str, value: str) -> Program:
    """Secrets as inputs: marked, in a Secret, deep in an object, and as a part of a text."""

    def run() -> None:
        team = k8s.core.v1.Namespace("team", metadata={"name": namespace})
        place = team.metadata["name"]
        hidden = pulumi.Output.secret(value)
        k8s.core.v1.Secret("login", metadata={"name": "login", "namespace": place}, string_data={"password": hidden})
        k8s.core.v1.ConfigMap(
            "settings",
            metadata={"name": "settings", "namespace": place},
            data={"plain": "stays", "uri": pulumi.Output.concat("postgres://app:", hidden, "@db/app")},
        )

    return run


def fleet(count: int) -> Program:
    """So many resources, a hundred in each component."""

    def run() -> None:
        for number in range(count):
            if number % 100 == 0:
                part = Part("Fleet", f"fleet-{number // 100:02}")
            opts = pulumi.ResourceOptions(parent=part)
            random.RandomInteger(f"number-{number:04}", min=1, max=number + 1, opts=opts)

    return run


def release(*, replicas: int, token: str) -> Program:
    """A release of the chart of tests/review, whose values hold a secret."""

    def run() -> None:
        k8s.helm.v3.Release(
            "web",
            chart=str(CHART),
            name="web",
            namespace="web",
            create_namespace=True,
            skip_await=True,
            values={"replicas": replicas, "login": {"token": pulumi.Output.secret(token)}, "debug": replicas > 1},
        )

    return run


def names(value: str) -> Program:
    """Names and values that would like to be Markdown, HTML or a terminal's commands."""

    def run() -> None:
        for name in NAMES:
            owner = Part("Evil", name)
            random.RandomInteger(
                f"{name} number",
                min=1,
                max=9,
                keepers={name: value, "plain": EVIL + value},
                opts=pulumi.ResourceOptions(parent=owner),
            )

    return run


def owners(*, after: bool) -> Program:
    """A component that is renamed, a resource that changes its parent, one that goes and one that is protected."""

    def run() -> None:
        aliases = [pulumi.Alias(name="old")] if after else None
        renamed = Part("Shop", "new" if after else "old", pulumi.ResourceOptions(aliases=aliases))
        random.RandomInteger("inside", min=1, max=9, opts=pulumi.ResourceOptions(parent=renamed))
        first, second = Part("Team", "first"), Part("Team", "second")
        moved = [pulumi.Alias(parent=first)] if after else None
        random.RandomInteger(
            "moves",
            min=1,
            max=3 if after else 2,
            opts=pulumi.ResourceOptions(parent=second if after else first, aliases=moved),
        )
        random.RandomInteger("guarded", min=1, max=9, opts=pulumi.ResourceOptions(protect=not after))
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(name="early")] if after else None)
        random.RandomInteger("late" if after else "early", min=1, max=3 if after else 2, opts=former)
        if not after:
            random.RandomInteger("gone", min=1, max=9, opts=pulumi.ResourceOptions(parent=first))

    return run


def failing() -> None:
    """Makes a part, and then cannot go on."""
    random.RandomInteger("before", min=1, max=9)
    raise pulumi.RunError('ModelEndpoint "churn": args.replicas must be from 1 to 100, got 0')
