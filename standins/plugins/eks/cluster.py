"""`eks:index:Cluster`: the control plane, its role, security groups, add-ons, access entries and OIDC provider."""

from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from standins.plugins.eks import parts
from standins.plugins.eks.inputs import Inputs, Problems, as_json, given, tagged

ADDON_OPTIONS = ("configurationValues", "enabled", "resolveConflictsOnCreate", "resolveConflictsOnUpdate", "version")
CNI_OPTIONS = ("addonVersion", "configurationValues", "resolveConflictsOnCreate", "resolveConflictsOnUpdate",
               "serviceAccountRoleArn")  # fmt: skip
ACCESS_ENTRY = ("accessPolicies", "kubernetesGroups", "principalArn", "tags", "type", "username")
ACCESS_POLICY = ("accessScope", "policyArn")
CREDENTIALS = ("profileName", "roleArn")
AUTO_MODE = ("createNodeRole", "enabled")
AUTO_MODE_POLICIES = ("AmazonEKSComputePolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSLoadBalancingPolicy",
                      "AmazonEKSNetworkingPolicy")  # fmt: skip
AUTO_NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
PLAIN = ("accessEntries", "authenticationMode", "autoMode", "corednsAddonOptions", "createInstanceRole",
         "createOidcProvider", "kubeProxyAddonOptions", "skipDefaultNodeGroup", "skipDefaultSecurityGroups",
         "useDefaultVpcCni", "vpcCniOptions")  # fmt: skip
"""Inputs that decide which resources exist."""
OTHERS = ("bootstrapSelfManagedAddons", "clusterSecurityGroup", "clusterSecurityGroupTags", "clusterTags",
          "deletionProtection", "enabledClusterLogTypes", "encryptionConfigKeyArn", "endpointPrivateAccess",
          "endpointPublicAccess", "instanceRole", "instanceRoles", "ipFamily", "kubernetesServiceIpAddressRange",
          "name", "nodeSecurityGroupTags", "privateSubnetIds", "providerCredentialOpts", "publicAccessCidrs",
          "publicSubnetIds", "serviceRole", "subnetIds", "tags", "upgradePolicy", "version", "vpcId")  # fmt: skip
OIDC_THUMBPRINT = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"
"""Root certificate of EKS' OIDC issuers; the published plugin reads it from the issuer, which needs the internet."""


def check(inputs: Inputs) -> None:
    """Refuses what cannot be built.

    Raises:
        InputPropertiesError: with one sentence a property.
    """
    problems = Problems("eks:index:Cluster")
    problems.refuse_others(inputs, (*PLAIN, *OTHERS))
    problems.need_plain(inputs, PLAIN)
    problems.need(inputs, ("vpcId",))
    problems.end()
    if inputs.get("authenticationMode") != "API":
        problems.add(
            "authenticationMode",
            f"authenticationMode must be API in the eks:index:Cluster stand-in, got "
            f"{inputs.get('authenticationMode')!r}: the aws-auth ConfigMap is not implemented",
        )
    if inputs.get("skipDefaultNodeGroup") is not True:
        problems.add(
            "skipDefaultNodeGroup",
            "skipDefaultNodeGroup must be true in the eks:index:Cluster stand-in: use ManagedNodeGroup for nodes",
        )
    if inputs.get("createInstanceRole"):
        problems.add("createInstanceRole", "createInstanceRole is not implemented by the eks:index:Cluster stand-in")
    if inputs.get("instanceRoles"):
        problems.add("instanceRoles", "instanceRoles must be empty: access entries take their place with API access")
    if inputs.get("subnetIds") is not None and {"publicSubnetIds", "privateSubnetIds"} & set(given(inputs)):
        problems.add("subnetIds", "subnetIds excludes publicSubnetIds and privateSubnetIds: give one or the others")
    if inputs.get("endpointPublicAccess") is False and inputs.get("publicAccessCidrs"):
        problems.add("publicAccessCidrs", "publicAccessCidrs needs endpointPublicAccess to be true")
    if inputs.get("useDefaultVpcCni") and inputs.get("vpcCniOptions"):
        problems.add("vpcCniOptions", "vpcCniOptions is of no use with useDefaultVpcCni: leave one of them out")
    if given(inputs.get("autoMode")).get("createNodeRole") is False:
        problems.add("autoMode", "autoMode.createNodeRole must not be false in the eks:index:Cluster stand-in")
    for option, keys in (
        ("autoMode", AUTO_MODE),
        ("corednsAddonOptions", ADDON_OPTIONS),
        ("kubeProxyAddonOptions", ADDON_OPTIONS),
        ("vpcCniOptions", CNI_OPTIONS),
        ("providerCredentialOpts", CREDENTIALS),
    ):
        if isinstance(inputs.get(option), dict):
            problems.refuse_others(inputs[option], keys, f"{option}.")
    for key, entry in given(inputs.get("accessEntries")).items():
        problems.refuse_others(entry, ACCESS_ENTRY, f"accessEntries.{key}.")
        for policy, association in given(entry.get("accessPolicies")).items():
            if isinstance(association, dict):
                path = f"accessEntries.{key}.accessPolicies.{policy}."
                problems.refuse_others(association, ACCESS_POLICY, path)
    problems.end()


class Cluster(pulumi.ComponentResource):
    """An EKS cluster without nodes."""

    def __init__(self, name: str, inputs: Inputs, opts: pulumi.ResourceOptions) -> None:
        check(inputs)
        super().__init__("eks:index:Cluster", name, None, opts)
        self._name = name
        self._inputs = inputs
        self._child = pulumi.ResourceOptions(parent=self)
        tags = inputs.get("tags")

        self._auto_mode = bool(given(inputs.get("autoMode")).get("enabled"))
        role = inputs.get("serviceRole")
        attachments: list[pulumi.Resource] = []
        if role is None:
            service = parts.ServiceRole(
                f"{name}-eksRole",
                "eks.amazonaws.com",
                ["AmazonEKSClusterPolicy", *(AUTO_MODE_POLICIES if self._auto_mode else ())],
                tags,
                self._child,
            )
            role, attachments = service.role, [*service.attachments]
        nodes_role = self._create_node_role(tags) if self._auto_mode else None
        if nodes_role is not None:
            attachments = [*attachments, *nodes_role.attachments]
        control = inputs.get("clusterSecurityGroup")
        skip_groups = bool(inputs.get("skipDefaultSecurityGroups", self._auto_mode))
        if control is None and not skip_groups:
            group_tags = tagged(f"{name}-eksClusterSecurityGroup", inputs.get("clusterSecurityGroupTags"), tags)
            control = parts.cluster_security_group(name, inputs["vpcId"], group_tags, self._child)
        control_id = None if control is None else pulumi.Output.from_input(control).apply(lambda group: group.id)

        cluster = self._create_cluster(role, control_id, attachments, self._auto_mode_config(nodes_role))
        self._create_addons(cluster, self._create_access(cluster))
        kubeconfig = parts.kubeconfig(cluster, inputs.get("providerCredentialOpts"), with_profile=False)
        provider = kubernetes.Provider(
            f"{name}-eks-k8s",
            kubeconfig=as_json(parts.kubeconfig(cluster, inputs.get("providerCredentialOpts"), with_profile=True)),
            opts=self._child,
        )
        nodes, ingress = None, None
        if not skip_groups:
            node_tags = [tags, inputs.get("nodeSecurityGroupTags")]
            nodes, ingress = parts.node_security_group(
                name, vpc=inputs["vpcId"], cluster=cluster, control=control_id, tags=node_tags, opts=self._child
            )
        issuer = cluster.identities.apply(lambda known: known[0].oidcs[0].issuer)
        oidc = self._create_oidc_provider(issuer) if inputs.get("createOidcProvider") else None

        own_group = cluster.vpc_config.apply(lambda known: known.cluster_security_group_id)
        instance_role = inputs.get("instanceRole")
        aws_provider = self.get_provider("aws:eks/cluster:Cluster")
        shared = {
            "awsProvider": aws_provider,
            "clusterSecurityGroup": control,
            "instanceRoles": [] if instance_role is None else [instance_role],
            "kubeconfig": kubeconfig,
        }
        core = {
            **shared,
            "accessEntries": list(given(inputs.get("accessEntries")).values()),
            "cluster": cluster,
            "clusterIamRole": role,
            "encryptionConfig": self._encryption(),
            "endpoint": cluster.endpoint,
            "nodeGroupOptions": {},
            "nodeSecurityGroupTags": inputs.get("nodeSecurityGroupTags"),
            "oidcProvider": oidc,
            "privateSubnetIds": inputs.get("privateSubnetIds"),
            "provider": provider,
            "publicSubnetIds": inputs.get("publicSubnetIds"),
            "storageClasses": {},
            "subnetIds": self._subnets(),
            "tags": tags,
            "vpcId": inputs["vpcId"],
        }
        self.outputs = given(
            {
                **shared,
                "autoModeNodeRoleName": "" if nodes_role is None else nodes_role.role.name,
                "clusterIngressRuleId": "" if ingress is None else ingress.id,
                "clusterSecurityGroupId": own_group if control_id is None else control_id,
                "core": given(core),
                "defaultNodeGroupAsgName": "",
                "eksCluster": cluster,
                "eksClusterIngressRule": ingress,
                "fargateProfileId": "",
                "fargateProfileStatus": "",
                "kubeconfigJson": as_json(kubeconfig),
                "nodeSecurityGroup": nodes,
                "nodeSecurityGroupId": own_group if nodes is None else nodes.id,
                "oidcIssuer": issuer.apply(lambda known: known.removeprefix("https://")),
                "oidcProviderArn": "" if oidc is None else oidc.arn,
                "oidcProviderUrl": issuer,
            }
        )
        self.register_outputs(self.outputs)

    def _subnets(self) -> Any:
        if self._inputs.get("subnetIds") is not None:
            return self._inputs["subnetIds"]
        sides = [self._inputs.get(side) or [] for side in ("publicSubnetIds", "privateSubnetIds")]
        return pulumi.Output.all(*sides).apply(lambda known: [*known[0], *known[1]])

    def _encryption(self) -> Any:
        key = self._inputs.get("encryptionConfigKeyArn")
        return None if key is None else {"provider": {"keyArn": key}, "resources": ["secrets"]}

    def _network(self) -> Any:
        block, family = (self._inputs.get(key) for key in ("kubernetesServiceIpAddressRange", "ipFamily"))
        if block is None and family is None and not self._auto_mode:
            return None
        balancing = {"enabled": True} if self._auto_mode else None
        return pulumi.Output.all(block, family).apply(
            lambda known: given(
                {
                    "ipFamily": known[1] or "ipv4",
                    "serviceIpv4Cidr": None if known[1] == "ipv6" else known[0],
                    "elasticLoadBalancing": balancing,
                }
            )
        )

    def _create_node_role(self, tags: Any) -> parts.ServiceRole:
        return parts.ServiceRole(
            f"{self._name}-nodeRole",
            "ec2.amazonaws.com",
            list(AUTO_NODE_POLICIES),
            tags,
            self._child,
            description=None,
        )

    def _auto_mode_config(self, nodes: parts.ServiceRole | None) -> dict[str, Any]:
        """The three parts of Auto Mode, known or unknown together: the AWS provider wants all of them or none."""
        if nodes is None:
            return {"kubernetes_network_config": self._network()}
        pools = ["general-purpose", "system"]
        both = pulumi.Output.all(nodes.role.arn, self._network())
        return {
            "compute_config": both.apply(lambda known: {"enabled": True, "nodePools": pools, "nodeRoleArn": known[0]}),
            "storage_config": both.apply(lambda _: {"blockStorage": {"enabled": True}}),
            "kubernetes_network_config": both.apply(lambda known: known[1]),
        }

    def _create_cluster(
        self, role: Any, control: Any, attachments: list[pulumi.Resource], auto_mode: dict[str, Any]
    ) -> aws.eks.Cluster:
        inputs = self._inputs
        network = {
            "securityGroupIds": None if control is None else [control],
            "subnetIds": self._subnets(),
            "endpointPrivateAccess": inputs.get("endpointPrivateAccess"),
            "endpointPublicAccess": inputs.get("endpointPublicAccess"),
            "publicAccessCidrs": inputs.get("publicAccessCidrs"),
        }
        bootstrap = False if self._auto_mode else inputs.get("bootstrapSelfManagedAddons")
        return aws.eks.Cluster(
            f"{self._name}-eksCluster",
            name=inputs.get("name"),
            role_arn=pulumi.Output.from_input(role).apply(lambda known: known.arn),
            bootstrap_self_managed_addons=True if bootstrap is None else bootstrap,
            vpc_config=given(network),  # pyright: ignore
            version=inputs.get("version"),
            enabled_cluster_log_types=inputs.get("enabledClusterLogTypes"),
            encryption_config=self._encryption(),
            **auto_mode,
            access_config={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},  # pyright: ignore
            upgrade_policy=inputs.get("upgradePolicy"),
            deletion_protection=inputs.get("deletionProtection"),
            tags=tagged(f"{self._name}-eksCluster", inputs.get("clusterTags"), inputs.get("tags")),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=attachments,
                # Both matter at creation alone and would otherwise replace clusters that older versions made.
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
            ),
        )

    def _create_access(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        entries = dict(given(self._inputs.get("accessEntries")))
        role = self._inputs.get("instanceRole")
        if role is not None:
            arn = pulumi.Output.from_input(role).apply(lambda known: known.arn)
            entries = {"defaultNodeGroupInstanceRole": {"principalArn": arn, "type": "EC2_LINUX"}, **entries}
        created: list[pulumi.Resource] = []
        for key, entry in entries.items():
            access = aws.eks.AccessEntry(
                f"{self._name}-{key}",
                cluster_name=cluster.name,
                principal_arn=entry["principalArn"],
                kubernetes_groups=entry.get("kubernetesGroups"),
                type=entry.get("type"),
                user_name=entry.get("username"),
                tags=entry.get("tags"),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster]),
            )
            created.append(access)
            for policy, association in given(entry.get("accessPolicies")).items():
                wanted = pulumi.Output.from_input(association)
                aws.eks.AccessPolicyAssociation(
                    f"{self._name}-{key}-{policy}",
                    cluster_name=cluster.name,
                    principal_arn=entry["principalArn"],
                    policy_arn=wanted["policyArn"],
                    access_scope=wanted["accessScope"],
                    opts=pulumi.ResourceOptions(parent=access, depends_on=[access]),
                )
        return created

    def _create_addons(self, cluster: aws.eks.Cluster, access: list[pulumi.Resource]) -> None:
        tags = self._inputs.get("tags")
        common = {"cluster": cluster, "tags": tags, "opts": self._child}
        proxy = self._inputs.get("kubeProxyAddonOptions") or {}
        if proxy.get("enabled") is not False:
            parts.default_addon(f"{self._name}-kube-proxy", "kube-proxy", options=proxy, **common)
        names = self._inputs.get("corednsAddonOptions") or {}
        # Without nodes its pods would wait, so the published component makes it only when it is asked for.
        if names.get("enabled") is True or names.get("configurationValues"):
            parts.default_addon(f"{self._name}-coredns", "coredns", options=names, **common)
        if not self._inputs.get("useDefaultVpcCni"):
            cni = self._inputs.get("vpcCniOptions") or {}
            options = pulumi.ResourceOptions(parent=self, depends_on=access)
            parts.VpcCniAddon(f"{self._name}-vpc-cni", cluster, cni, tags, options)

    def _create_oidc_provider(self, issuer: pulumi.Output[str]) -> aws.iam.OpenIdConnectProvider:
        return aws.iam.OpenIdConnectProvider(
            f"{self._name}-oidcProvider",
            client_id_lists=["sts.amazonaws.com"],
            url=issuer,
            thumbprint_lists=[OIDC_THUMBPRINT],
            opts=self._child,
        )
