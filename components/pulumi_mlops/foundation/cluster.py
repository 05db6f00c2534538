"""An EKS cluster with its nodes, add-ons, access, logs and the key of its Secrets.

Creates what AWS runs. Does not own: the network (give its ids), storage classes and everything else inside the
cluster, which is the platform's. A cluster that exists is used by its kubeconfig, without this component.
"""

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from pulumi_mlops._args import check_args, inputs
from pulumi_mlops._rules import object_name
from pulumi_mlops.foundation import _cluster_args, _managed_addons, _node_groups
from pulumi_mlops.foundation._cluster_args import ClusterArgs

LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
KEY_DELETION_DAYS = 30  # the longest that KMS offers: with the key, every Secret in backups of the cluster is lost


class Cluster(pulumi.ComponentResource):
    """An EKS cluster of private nodes in the partition `aws`; Secrets are encrypted, all control-plane logs kept.

    ```python
    from pulumi_mlops.foundation import Cluster, Network

    network = Network("dev", {"region": "eu-central-1", "zones": ["eu-central-1a", "eu-central-1b"]})
    nodes = [{"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 6}]
    network_ids = {"vpc_id": network.vpc_id, "private_subnet_ids": network.private_subnet_ids}
    cluster = Cluster("dev", {**network_ids, "node_groups": nodes})
    pulumi.export("kubeconfig", cluster.kubeconfig)
    ```
    """

    name: pulumi.Output[str]
    """Name of the cluster; resources that use it wait for the cluster."""
    arn: pulumi.Output[str]
    """ARN of the cluster."""
    kubeconfig: pulumi.Output[str]
    """Secret: kubeconfig as JSON. It holds no credentials: the AWS CLI gets a token for whoever runs it."""
    oidc_provider_arn: pulumi.Output[str]
    """ARN of the IAM OIDC provider, for roles that service accounts take by IRSA."""
    oidc_issuer: pulumi.Output[str]
    """Issuer of the service accounts' tokens, without `https://`."""
    node_security_group_id: pulumi.Output[str]
    """Security group of every node, hence of every pod, and of the API server's network interfaces: EKS's own
    cluster security group. It is what a database or file system admits."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            Cluster,
            name,
            args,
            ClusterArgs,
            _cluster_args.ARGUMENTS,
            problems=lambda checked: _cluster_args.problems(name, checked),
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:Cluster", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._tags = checked["tags"]
        cluster_name = name if checked["cluster_name"] is None else checked["cluster_name"]

        cluster = self._create_control_plane(cluster_name, self._create_key(cluster_name))
        self.name = cluster.urn.apply(lambda _: cluster_name)  # known in a preview, and yet it waits for the cluster
        self._create_nodes(cluster)

        self.arn = cluster.eks_cluster.apply(lambda known: known.arn)
        self.kubeconfig = pulumi.Output.secret(cluster.kubeconfig_json)
        self.oidc_provider_arn = cluster.oidc_provider_arn
        self.oidc_issuer = cluster.oidc_issuer
        self.node_security_group_id = cluster.node_security_group_id
        self.register_outputs(
            {
                "name": self.name,
                "arn": self.arn,
                "kubeconfig": self.kubeconfig,
                "oidc_provider_arn": self.oidc_provider_arn,
                "oidc_issuer": self.oidc_issuer,
                "node_security_group_id": self.node_security_group_id,
            }
        )

    def _create_key(self, cluster_name: str) -> aws.kms.Key:
        kept = pulumi.ResourceOptions(parent=self, protect=self._args["protect"])
        key = aws.kms.Key(
            f"{self._name}-secrets",
            description=f"Secrets of the EKS cluster {cluster_name}",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            tags={"Name": f"{self._name}-secrets", **self._tags},
            opts=kept,
        )
        aws.kms.Alias(
            f"{self._name}-secrets-alias",
            name=f"alias/eks/{cluster_name}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key

    def _create_control_plane(self, cluster_name: str, key: aws.kms.Key) -> eks.Cluster:
        # EKS makes the log group itself where there is none, and then keeps the logs for ever.
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-control-plane-logs",
            name=f"/aws/eks/{cluster_name}/cluster",
            retention_in_days=self._args["log_days"],
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        public = self._args["public_access_cidrs"]
        return eks.Cluster(
            f"{self._name}-control-plane",
            name=cluster_name,
            version=self._args["kubernetes_version"],
            upgrade_policy={"support_type": "EXTENDED" if self._args["extended_support"] else "STANDARD"},
            vpc_id=self._args["vpc_id"],
            private_subnet_ids=self._args["private_subnet_ids"],
            public_subnet_ids=self._args["public_subnet_ids"],
            endpoint_private_access=True,
            endpoint_public_access=bool(public),
            public_access_cidrs=public or None,
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(self._args["administrators"], self._tags),
            encryption_config_key_arn=key.arn,
            enabled_cluster_log_types=LOGS,
            create_oidc_provider=True,
            auto_mode={"enabled": True} if self._args["auto_mode"] else None,
            skip_default_node_group=True,
            skip_default_security_groups=True,  # managed nodes are in EKS's own group; another would only confuse
            create_instance_role=False,
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,  # in pulumi-eks's words: leave vpc-cni alone, it is one of our add-ons
            kube_proxy_addon_options={"enabled": False},
            coredns_addon_options={"enabled": False},
            deletion_protection=self._args["protect"],
            tags=self._tags,
            opts=pulumi.ResourceOptions(
                parent=self, protect=self._args["protect"], depends_on=[logs], transforms=[keep_subnets]
            ),
        )

    def _create_nodes(self, cluster: eks.Cluster) -> None:
        """Add-ons and nodes, in the order in which they become ready."""
        auto_mode = self._args["auto_mode"]
        versions = _managed_addons.versions_of(self._args["addon_versions"], auto_mode=auto_mode)

        def addons(wanted: bool, needs: list[pulumi.Resource]) -> list[pulumi.Resource]:
            opts = pulumi.ResourceOptions(parent=self, depends_on=needs)
            return [
                _managed_addons.create_addon(self._name, addon, version, self.name, tags=self._tags, opts=opts)
                for addon, version in versions.items()
                if (addon in _managed_addons.BEFORE_NODES) is wanted
            ]

        if auto_mode:
            addons(False, [cluster])
            return
        first = addons(True, [cluster])
        role, rights = _node_groups.create_role(self._name, self._tags, self)
        settings = _node_groups.Settings(
            role.arn, self._args["kubernetes_version"], self._args["private_subnet_ids"], self._tags
        )
        groups: list[pulumi.Resource] = [
            _node_groups.create_node_group(
                cluster,
                f"{self._name}-{group['name']}",
                group,
                settings,
                pulumi.ResourceOptions(parent=self, depends_on=[*rights, *first]),
            )
            for group in self._args["node_groups"]
        ]
        addons(False, groups)


def keep_subnets(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Leaves the control plane in the subnets that it was created in: EKS refuses subnets in any other zone.

    pulumi-eks has no argument for it, so this changes the options of the cluster resource inside the component.
    """
    if resource.type_ != "aws:eks/cluster:Cluster":
        return None
    kept = pulumi.ResourceOptions(ignore_changes=["vpcConfig.subnetIds"])
    return pulumi.ResourceTransformResult(resource.props, pulumi.ResourceOptions.merge(resource.opts, kept))


def access_entries(administrators: list[str], tags: dict[str, pulumi.Input[str]]) -> dict[str, eks.AccessEntryArgs]:
    """Access entries that make each an administrator of the whole cluster, by the account and path of its ARN."""
    everything = eks.AccessPolicyAssociationArgs(
        policy_arn=ADMINISTRATOR, access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster")
    )
    return {
        arn.partition(":iam::")[2]: eks.AccessEntryArgs(
            principal_arn=arn, access_policies={"administrator": everything}, tags=tags
        )
        for arn in administrators
    }
