"""Managed add-ons of a cluster, and the roles that the storage drivers among them take.

They are `aws.eks.Addon` and no `eks.Addon`: the latter's tags are of a shape that AWS does not know, and it has no
field for Pod Identity.
"""

import json
from collections.abc import Iterator, Mapping

import pulumi
import pulumi_aws as aws

from pulumi_mlops import versions

ADDONS: dict[str, str] = {
    "vpc-cni": versions.EKS_VPC_CNI,
    "kube-proxy": versions.EKS_KUBE_PROXY,
    "eks-pod-identity-agent": versions.EKS_POD_IDENTITY_AGENT,
    "coredns": versions.EKS_COREDNS,
    "aws-ebs-csi-driver": versions.EKS_EBS_CSI_DRIVER,
    "aws-efs-csi-driver": versions.EKS_EFS_CSI_DRIVER,
    "metrics-server": versions.EKS_METRICS_SERVER,
}
BUILT_INTO_AUTO_MODE = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver")
"""What EKS Auto Mode has in its nodes' image or in the control plane. Its nodes refuse a second one."""
BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""What a node needs to become ready; the others need a node to become ready themselves."""

STORAGE_POLICIES = {
    "aws-ebs-csi-driver": "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2",
    "aws-efs-csi-driver": "arn:aws:iam::aws:policy/service-role/AmazonEFSCSIDriverPolicy",
}
"""AWS's own. That of EBS is the second one: with the first, a controller may change any volume of the account."""
CONTROLLERS = {"aws-ebs-csi-driver": "ebs-csi-controller-sa", "aws-efs-csi-driver": "efs-csi-controller-sa"}
"""Service accounts of the drivers' controllers, in SYSTEM_NAMESPACE."""
SYSTEM_NAMESPACE = "kube-system"


def create_addon(
    name: str,
    addon: str,
    version: str,
    cluster_name: pulumi.Output[str],
    *,
    tags: dict[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> aws.eks.Addon:
    """One add-on of the cluster whose component is called `name`, with the role that it needs."""
    associations: list[aws.eks.AddonPodIdentityAssociationArgsDict] = []
    if addon in CONTROLLERS:
        role = _create_role(name, addon, cluster_name, tags, pulumi.ResourceOptions(parent=opts.parent))
        associations.append({"service_account": CONTROLLERS[addon], "role_arn": role})
    return aws.eks.Addon(
        f"{name}-{addon}-addon",
        cluster_name=cluster_name,
        addon_name=addon,
        addon_version=version,
        configuration_values=_configuration(addon, tags),
        pod_identity_associations=associations,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        tags=tags,
        opts=opts,
    )


def _create_role(
    name: str,
    addon: str,
    cluster_name: pulumi.Output[str],
    tags: dict[str, pulumi.Input[str]],
    child: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    role = aws.iam.Role(
        f"{name}-{addon}-role",
        description=f"Controller of {addon} in the cluster {name}",
        assume_role_policy=cluster_name.apply(lambda known: json.dumps(trust(known, CONTROLLERS[addon]))),
        tags=tags,
        opts=child,
    )
    right = aws.iam.RolePolicyAttachment(
        f"{name}-{addon}-right", role=role.name, policy_arn=STORAGE_POLICIES[addon], opts=child
    )
    return pulumi.Output.all(role.arn, right.id).apply(lambda known: known[0])  # a role without rights is of no use yet


def _configuration(addon: str, tags: Mapping[str, pulumi.Input[str]]) -> pulumi.Input[str] | None:
    if addon == "vpc-cni":
        return json.dumps({"enableNetworkPolicy": "true"})  # without it NetworkPolicies are accepted and do nothing
    if addon == "aws-ebs-csi-driver" and tags:
        return pulumi.Output.json_dumps({"controller": {"extraVolumeTags": dict(tags)}})
    return None


def trust(cluster_name: str, service_account: str) -> dict[str, object]:
    """Only EKS may take the role, and only for one service account of one cluster."""
    tags = {
        "eks-cluster-name": cluster_name,
        "kubernetes-namespace": SYSTEM_NAMESPACE,
        "kubernetes-service-account": service_account,
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def versions_of(addon_versions: Mapping[str, str], *, auto_mode: bool) -> dict[str, str]:
    """The version of every add-on that is installed, where these versions are given."""
    built_in = BUILT_INTO_AUTO_MODE if auto_mode else ()
    return {addon: version for addon, version in {**ADDONS, **addon_versions}.items() if addon not in built_in}


def problems(kubernetes_version: str, addon_versions: Mapping[str, str], *, auto_mode: bool) -> Iterator[str]:
    """What is wrong with the add-ons' versions, one line each."""
    for addon, version in addon_versions.items():
        if addon not in ADDONS:
            yield f'args.addon_versions must name one of {", ".join(sorted(ADDONS))}, got "{addon}"'
        elif auto_mode and addon in BUILT_INTO_AUTO_MODE:
            yield f"args.addon_versions must not name {addon} with auto_mode: EKS has it built in, and updates it"
        elif not version.startswith("v"):
            yield f'args.addon_versions.{addon} must be an add-on\'s version such as "{ADDONS[addon]}", got "{version}"'
    proxy = versions_of(addon_versions, auto_mode=False)["kube-proxy"]
    if not auto_mode and not proxy.startswith(f"v{kubernetes_version}."):
        yield (
            f'args.addon_versions.kube-proxy must be of Kubernetes {kubernetes_version}, got "{proxy}": see `aws eks '
            f"describe-addon-versions --addon-name kube-proxy --kubernetes-version {kubernetes_version}`"
        )
