"""Clusters, machines, functions, events, identities and keys."""

from collections.abc import Iterator

from pulumi_mlops.review.cost import pricing
from pulumi_mlops.review.cost.billing import FREE, Billing, by_use, priced
from pulumi_mlops.review.cost.nodes import node_group
from pulumi_mlops.review.json_data import is_false, items
from pulumi_mlops.review.resource_types.facts import (
    Fact,
    Holds,
    Inputs,
    Unknown,
    allows_everybody,
    any_of,
    each_off,
    is_one_of,
)
from pulumi_mlops.review.resource_types.resource_type import OpenIf, ResourceType, Version
from pulumi_mlops.review.resource_types.security_groups import covers_internet
from pulumi_mlops.review.values import at, is_hidden

OPEN_POLICY = OpenIf("resource-policy-public", allows_everybody("policy"))
UNENCRYPTED = ": what is stored there is not encrypted"
EVERYBODY = ("0.0.0.0/0",)
"""Who reaches a public API server of EKS whose settings name no CIDR blocks."""
GENERATED = ResourceType(
    data="generated secret", stops="what was given the old one is locked out, or cannot decrypt", billing=FREE
)
CALLER_CONDITIONS = ("sourceArn", "sourceAccount", "principalOrgId")
"""Inputs of a Lambda permission that bound who may use it."""


def public_api_server(inputs: Inputs) -> Iterator[Fact]:
    """The internet reaches the API server; EKS opens an endpoint whose settings leave it out."""
    access = at(inputs, "vpcConfig.endpointPublicAccess")
    if is_hidden(access):
        yield Unknown("vpcConfig.endpointPublicAccess")
        return
    if is_false(access):
        return
    blocks = at(inputs, "vpcConfig.publicAccessCidrs")
    for block in items(blocks) or EVERYBODY:
        if is_hidden(block):
            yield Unknown("vpcConfig.publicAccessCidrs")
        elif covers_internet(str(block)):
            yield Holds("vpcConfig", f"lets {block} reach the API server")


def unencrypted_secrets(inputs: Inputs) -> Iterator[Fact]:
    """No key of the account encrypts the cluster's Secrets."""
    encrypted = at(inputs, "encryptionConfig.resources")
    if is_hidden(encrypted):
        yield Unknown("encryptionConfig")
    elif "secrets" not in items(encrypted):
        yield Holds("encryptionConfig", "does not name secrets: no key of yours encrypts the Secrets in etcd")


def open_function(inputs: Inputs) -> Iterator[Fact]:
    """Everybody may call the function."""
    principal = inputs.get("principal")
    if is_hidden(principal):
        yield Unknown("principal")
    elif principal == "*" and not any(inputs.get(key) for key in CALLER_CONDITIONS):
        yield Holds("principal", "is *, so everybody may call the function")


TYPES: dict[str, ResourceType] = {
    "aws:autoscaling/group:Group": ResourceType(stops="its machines are terminated"),
    "aws:cloudwatch/eventBus:EventBus": ResourceType(billing=by_use("events")),
    "aws:cloudwatch/eventPermission:EventPermission": ResourceType(billing=FREE),
    "aws:cloudwatch/eventRule:EventRule": ResourceType(billing=FREE),  # events of AWS's own services
    "aws:cloudwatch/eventTarget:EventTarget": ResourceType(billing=FREE),
    "aws:cognito/userPool:UserPool": ResourceType(data="user pool"),
    "aws:ec2/instance:Instance": ResourceType(
        data="machine with its disks",
        unencrypted_if=any_of(
            each_off("rootBlockDevice", "encrypted", UNENCRYPTED), each_off("ebsBlockDevices", "encrypted", UNENCRYPTED)
        ),
        billing=priced(pricing.machine, "other systems than Linux"),
        tagged=True,
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": ResourceType(
        unencrypted_if=each_off("blockDeviceMappings", "encrypted", UNENCRYPTED, inside="ebs"),
        billing=FREE,  # its machines are those of the node groups
        tagged=True,
    ),
    "aws:eks/accessEntry:AccessEntry": ResourceType(billing=FREE),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ResourceType(billing=FREE),
    "aws:eks/addon:Addon": ResourceType(
        stops="the cluster loses what it provides, such as the network of pods, DNS or volumes",
        billing=FREE,  # those of AWS itself
        tagged=True,
    ),
    "aws:eks/cluster:Cluster": ResourceType(
        data="Kubernetes cluster",
        open_if=OpenIf("eks-public", public_api_server),
        unencrypted_if=unencrypted_secrets,
        version=Version("version", 2, one_by_one=True),
        billing=priced(pricing.cluster),
        tagged=True,
    ),
    "aws:eks/fargateProfile:FargateProfile": ResourceType(stops="its pods are evicted"),
    "aws:eks/nodeGroup:NodeGroup": ResourceType(
        stops="the pods on its nodes are evicted",
        billing=Billing(node_group, "nodes that another autoscaler adds"),
        tagged=True,
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ResourceType(billing=FREE),
    "aws:ecs/service:Service": ResourceType(stops="its tasks are stopped"),
    "aws:iam/instanceProfile:InstanceProfile": ResourceType(billing=FREE),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ResourceType(billing=FREE),
    "aws:iam/policy:Policy": ResourceType(billing=FREE, tagged=True),
    "aws:iam/role:Role": ResourceType(billing=FREE, tagged=True),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(billing=FREE),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(billing=FREE),
    "aws:kms/alias:Alias": ResourceType(billing=FREE),
    "aws:kms/key:Key": ResourceType(
        data="key",
        open_if=OPEN_POLICY,
        disabled_if=is_one_of("isEnabled", (False,), ", so nothing that it encrypted can be read"),
        billing=priced(pricing.key, "requests to keys"),
        tagged=True,
    ),
    "aws:kms/keyPolicy:KeyPolicy": ResourceType(open_if=OPEN_POLICY),
    "aws:lambda/functionUrl:FunctionUrl": ResourceType(
        open_if=OpenIf(
            "resource-policy-public",
            is_one_of("authorizationType", ("NONE",), ", so everybody who has the URL may call the function"),
        ),
    ),
    "aws:lambda/permission:Permission": ResourceType(open_if=OpenIf("resource-policy-public", open_function)),
    "aws:secretsmanager/secret:Secret": ResourceType(
        data="secret",
        open_if=OPEN_POLICY,
        billing=priced(pricing.secret, "requests for secrets"),
        tagged=True,
    ),
    "aws:sagemaker/endpoint:Endpoint": ResourceType(address="model endpoint"),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:secretsmanager/secretRotation:SecretRotation": ResourceType(
        billing=FREE  # of a secret that RDS rotates itself, without a function
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": ResourceType(billing=FREE),
    "aws:ssm/parameter:Parameter": ResourceType(data="parameter"),
    "random:index/randomBytes:RandomBytes": GENERATED,
    "random:index/randomPassword:RandomPassword": GENERATED,
    "tls:index/privateKey:PrivateKey": GENERATED,
}
