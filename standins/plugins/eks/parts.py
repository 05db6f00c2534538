"""What the components share: the service role, the nodes' security group, add-ons, and the kubeconfig."""

import hashlib
import json
from typing import Any

import pulumi
import pulumi_aws as aws

from standins.plugins.eks.inputs import Inputs, as_json, tagged

POLICIES = "arn:aws:iam::aws:policy/"
ANYWHERE = ["0.0.0.0/0"]
ALL = "-1"
"""Every protocol, in the words of a security group rule."""


class ServiceRole(pulumi.ComponentResource):
    """An IAM role for an AWS service with managed policies."""

    def __init__(
        self,
        name: str,
        service: str,
        policies: list[str],
        tags: Any,
        opts: pulumi.ResourceOptions,
        *,
        description: str | None = "Allows EKS to manage clusters on your behalf.",
    ) -> None:
        super().__init__("eks:index:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        statement = {
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Effect": "Allow",
            "Principal": {"Service": [service]},
        }
        self.role = aws.iam.Role(
            f"{name}-role",
            description=description,
            assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            tags=tags,
            opts=child,
        )
        self.attachments = [
            aws.iam.RolePolicyAttachment(
                # Eight digits of SHA-1 name the child in the published component; nothing is secured by them.
                f"{name}-{hashlib.sha1(arn.encode(), usedforsecurity=False).hexdigest()[:8]}",
                policy_arn=arn,
                role=self.role.name,
                opts=child,
            )
            for arn in (POLICIES + policy for policy in policies)
        ]
        self.register_outputs({"role": self.role})


def cluster_security_group(name: str, vpc: Any, tags: Any, opts: pulumi.ResourceOptions) -> aws.ec2.SecurityGroup:
    """The control plane's security group, which may reach everything."""
    group = aws.ec2.SecurityGroup(
        f"{name}-eksClusterSecurityGroup", vpc_id=vpc, revoke_rules_on_delete=True, tags=tags, opts=opts
    )
    _rule(
        f"{name}-eksClusterInternetEgressRule",
        "Allow internet access.",
        "egress",
        opts,
        security_group_id=group.id,
        cidr_blocks=ANYWHERE,
    )
    return group


def node_security_group(
    name: str, *, vpc: Any, cluster: aws.eks.Cluster, control: Any, tags: list[Any], opts: pulumi.ResourceOptions
) -> tuple[aws.ec2.SecurityGroup, aws.ec2.SecurityGroupRule]:
    """The nodes' security group, and the rule that lets them reach the API server."""
    owned = cluster.name.apply(lambda known: {f"kubernetes.io/cluster/{known}": "owned"})
    group = aws.ec2.SecurityGroup(
        f"{name}-nodeSecurityGroup",
        vpc_id=vpc,
        revoke_rules_on_delete=True,
        tags=tagged(f"{name}-nodeSecurityGroup", owned, *tags),
        opts=opts,
    )
    nodes = {"security_group_id": group.id}
    _rule(
        f"{name}-eksNodeIngressRule", "Allow nodes to communicate with each other", "ingress", opts, self=True, **nodes
    )
    _rule(
        f"{name}-eksNodeClusterIngressRule",
        "Allow worker Kubelets and pods to receive communication from the cluster control plane",
        "ingress",
        opts,
        ports=(1025, 65535),
        source_security_group_id=control,
        **nodes,
    )
    _rule(
        f"{name}-eksExtApiServerClusterIngressRule",
        "Allow pods running extension API servers on port 443 to receive communication from cluster control plane",
        "ingress",
        opts,
        ports=(443, 443),
        source_security_group_id=control,
        **nodes,
    )
    _rule(f"{name}-eksNodeInternetEgressRule", "Allow internet access.", "egress", opts, cidr_blocks=ANYWHERE, **nodes)
    ingress = _rule(
        f"{name}-eksClusterIngressRule",
        "Allow pods to communicate with the cluster API Server",
        "ingress",
        opts,
        ports=(443, 443),
        security_group_id=control,
        source_security_group_id=group.id,
    )
    return group, ingress


def _rule(
    name: str,
    description: str,
    direction: str,
    opts: pulumi.ResourceOptions,
    ports: tuple[int, int] | None = None,
    **settings: Any,
) -> aws.ec2.SecurityGroupRule:
    first, last = ports or (0, 0)
    return aws.ec2.SecurityGroupRule(
        name,
        description=description,
        type=direction,
        from_port=first,
        to_port=last,
        protocol="tcp" if ports else ALL,
        opts=opts,
        **settings,
    )


def default_addon(
    name: str, addon: str, *, cluster: aws.eks.Cluster, options: Inputs, tags: Any, opts: pulumi.ResourceOptions
) -> aws.eks.Addon:
    """An add-on that the Cluster component brings. Without a version EKS chooses its default one."""
    return aws.eks.Addon(
        name,
        cluster_name=cluster.name,
        addon_name=addon,
        addon_version=options.get("version"),
        preserve=True,
        resolve_conflicts_on_create=options.get("resolveConflictsOnCreate") or "OVERWRITE",
        resolve_conflicts_on_update=options.get("resolveConflictsOnUpdate") or "OVERWRITE",
        service_account_role_arn=options.get("serviceAccountRoleArn"),
        configuration_values=as_json(options.get("configurationValues")),
        tags=tags,
        opts=opts,
    )


class VpcCniAddon(pulumi.ComponentResource):
    """The network plugin's add-on, as a component of its own like the published one."""

    def __init__(
        self, name: str, cluster: aws.eks.Cluster, options: Inputs, tags: Any, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("eks:index:VpcCniAddon", name, None, opts)
        settings = {**options, "version": options.get("addonVersion")}
        child = pulumi.ResourceOptions(parent=self)
        default_addon(name, "vpc-cni", cluster=cluster, options=settings, tags=tags, opts=child)
        self.register_outputs({})


def kubeconfig(cluster: aws.eks.Cluster, credentials: Any, with_profile: bool) -> pulumi.Output[dict[str, Any]]:
    """Access to the cluster without a secret in it: the AWS CLI gets a token from the caller's own credentials."""

    def write(known: list[Any]) -> dict[str, Any]:
        name, endpoint, authority, arn, chosen = known
        words = ["--region", arn.split(":")[3], "eks", "get-token", "--cluster-name", name, "--output", "json"]
        chosen = chosen or {}
        words += ["--role", chosen["roleArn"]] if chosen.get("roleArn") else []
        words += ["--profile", chosen["profileName"]] if with_profile and chosen.get("profileName") else []
        version = "client.authentication.k8s.io/v1beta1"
        information = [{"name": "KUBERNETES_EXEC_INFO", "value": json.dumps({"apiVersion": version})}]
        execute = {"apiVersion": version, "command": "aws", "args": words, "env": information}
        server = {"server": endpoint, "certificate-authority-data": authority["data"]}
        return {
            "apiVersion": "v1",
            "clusters": [{"cluster": server, "name": "kubernetes"}],
            "contexts": [{"context": {"cluster": "kubernetes", "user": "aws"}, "name": "aws"}],
            "current-context": "aws",
            "kind": "Config",
            "users": [{"name": "aws", "user": {"exec": execute}}],
        }

    return pulumi.Output.all(
        cluster.name, cluster.endpoint, cluster.certificate_authority, cluster.arn, credentials
    ).apply(write)
