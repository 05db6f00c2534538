"""Resources as previews show them, with nothing wrong, and ways to spoil them."""

import copy
import json
from datetime import date
from typing import Any

from pulumi_mlops.review.preview import Operation, Preview, State, Step

TODAY = date(2026, 11, 26)
TAGS = {"environment": "dev", "managed-by": "pulumi-mlops"}

BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
DATABASE = "aws:rds/instance:Instance"
FILES = "aws:efs/fileSystem:FileSystem"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
CLUSTER = "aws:eks/cluster:Cluster"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
WORKFLOW = "kubernetes:argoproj.io/v1alpha1:WorkflowTemplate"
RELEASE = "kubernetes:helm.sh/v3:Release"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def trust(principal: Any, **more: Any) -> str:
    return policy({"Principal": principal, "Action": "sts:AssumeRole", **more})


CONTAINER: dict[str, Any] = {
    "name": "server",
    "image": "registry.example.org/server:1.4",
    "ports": [{"containerPort": 8000}],
    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8000}},
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
GOOD: dict[str, dict[str, Any]] = {
    BUCKET: {"bucket": "birds-data", "tags": TAGS},
    BLOCK: {
        "bucket": "birds-data",
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    BUCKET_POLICY: {
        "policy": json.dumps(
            {
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::123456789012:role/birds"},
                        "Action": "s3:GetObject",
                        "Resource": "arn:aws:s3:::birds-data/*",
                    },
                ]
            }
        )
    },
    GROUP: {
        "ingress": [
            {
                "protocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
                "cidrBlocks": ["0.0.0.0/0"],
                "ipv6CidrBlocks": ["::/0"],
            },
            {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["203.0.113.0/24"]},
        ],
        "tags": TAGS,
    },
    GROUP_RULE: {"type": "ingress", "protocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrBlocks": ["10.0.0.0/8"]},
    INGRESS_RULE: {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "203.0.113.7/32"},
    DATABASE: {
        "engine": "postgres",
        "engineVersion": "17",
        "storageEncrypted": True,
        "publiclyAccessible": False,
        "tags": TAGS,
    },
    FILES: {"encrypted": True, "tags": TAGS},
    TEMPLATE: {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}], "tags": TAGS},
    CLUSTER: {
        "version": "1.36",
        "vpcConfig": {"endpointPublicAccess": False, "endpointPrivateAccess": True},
        "encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:eu:1:key/1"}, "resources": ["secrets"]},
        "tags": TAGS,
    },
    ROLE: {"assumeRolePolicy": trust({"Service": "ec2.amazonaws.com"}), "tags": TAGS},
    POLICY: {"policy": policy({"Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::birds-data/*"]})},
    ATTACHMENT: {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
    STORAGE_CLASS: {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "fast"},
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"encrypted": "true"},
    },
    DEPLOYMENT: {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "birds", "namespace": "birds"},
        "spec": {
            "template": {
                "metadata": {"labels": {"app": "birds", "tier": "web"}},
                "spec": {"securityContext": {"runAsNonRoot": True}, "containers": [CONTAINER]},
            }
        },
    },
    SERVICE: {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "birds", "namespace": "birds"},
        "spec": {"selector": {"app": "birds"}},
    },
    CONFIG_MAP: {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "birds"},
        "data": {"LOG_LEVEL": "info"},
    },
    SECRET: {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "birds"},
        "stringData": "[secret]",
    },
    WORKFLOW: {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "train", "namespace": "birds"},
        "spec": {
            "securityContext": {"runAsNonRoot": True},
            "templates": [{"name": "all", "steps": []}, {"name": "fit", "container": CONTAINER}],
        },
    },
    RELEASE: {
        "chart": "traefik",
        "version": "33.2.1",
        "name": "traefik",
        "namespace": "gateway",
        "values": {"image": {"tag": "v3.2"}},
    },
}


def spoiled(type_: str, **changes: Any) -> dict[str, Any]:
    """The good inputs with other values at paths such as `spec__template__metadata`; None removes."""
    inputs = copy.deepcopy(GOOD[type_])
    for path, value in changes.items():
        owner: Any = inputs
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        for part in parents:
            owner = owner[part] if isinstance(part, int) else owner.setdefault(part, {})
        if value is None:
            owner.pop(last)
        else:
            owner[last] = value
    return inputs


POD = "spec__template__spec__"
FIRST = f"{POD}containers__0__"


def step(
    type_: str, inputs: dict[str, Any], name: str = "it", parent: str = "", stack: str = "birds-dev", **state: Any
) -> Step:
    urn = f"urn:pulumi:{stack}::birds::{type_}::{name}"
    return Step(Operation.CREATE, urn, new=State(inputs=inputs, parent=parent, custom=True, **state))


def preview(*steps: Step, stack: str = "birds-dev", **more: Any) -> Preview:
    return Preview(stack, steps, **more)
