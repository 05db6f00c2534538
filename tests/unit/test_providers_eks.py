"""Decisions of the EKS stand-in: inputs and outputs of the published names, refusals, and what the children get."""

from typing import Any

import pulumi
import pulumi_eks
import pytest
from pulumi.errors import InputPropertiesError

from standins.plugins.eks import addon, cluster, node_group
from standins.plugins.eks.inputs import whole
from tests.conftest import UNKNOWN, Build, Graph

CLUSTER = {"vpcId": "vpc-1", "subnetIds": ["subnet-1"], "authenticationMode": "API", "skipDefaultNodeGroup": True}
NODES = {"cluster": {"subnetIds": ["subnet-1"]}, "nodeRoleArn": "arn:aws:iam::1:role/nodes", "clusterName": "main"}


def published(owner: type) -> set[str]:
    """The names of a generated class' properties, as the protocol has them."""
    properties = [value for value in vars(owner).values() if isinstance(value, property)]
    return {one.fget._pulumi_name for one in properties}  # pyright: ignore


@pytest.fixture(autouse=True)
def outputs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Outputs by component; the mock engine of `build` cannot look up the resources among them."""
    registered: dict[str, Any] = {}
    monkeypatch.setattr(
        pulumi.ComponentResource,
        "register_outputs",
        lambda component, values: registered.update({component._name: values}),
    )
    return registered


def make_cluster(build: Build, **inputs: Any) -> Graph:
    wanted = {**CLUSTER, **inputs}
    return build(lambda: cluster.Cluster("main", wanted, pulumi.ResourceOptions()), preview=True)


def make_nodes(build: Build, **inputs: Any) -> Graph:
    wanted = {**NODES, **inputs}
    return build(lambda: node_group.ManagedNodeGroup("nodes", wanted, pulumi.ResourceOptions()), preview=True)


def test_every_implemented_input_is_one_of_the_published_component():
    assert {*cluster.PLAIN, *cluster.OTHERS} < published(pulumi_eks.ClusterArgs)
    assert {*node_group.PLAIN, *node_group.OTHERS} < published(pulumi_eks.ManagedNodeGroupArgs)
    assert set(addon.IMPLEMENTED) == published(pulumi_eks.AddonArgs)


@pytest.mark.parametrize(
    ("implemented", "type_name"),
    [
        (cluster.ACCESS_ENTRY, "AccessEntryArgs"),
        (cluster.ACCESS_POLICY, "AccessPolicyAssociationArgs"),
        (cluster.ADDON_OPTIONS, "CoreDnsAddonOptionsArgs"),
        (cluster.ADDON_OPTIONS, "KubeProxyAddonOptionsArgs"),
        (cluster.CNI_OPTIONS, "VpcCniOptionsArgs"),
        (cluster.CREDENTIALS, "KubeconfigOptionsArgs"),
        (cluster.AUTO_MODE, "AutoModeOptionsArgs"),
    ],
)
def test_every_implemented_part_of_an_input_is_one_of_the_published_type(implemented: tuple[str, ...], type_name: str):
    assert set(implemented) <= published(getattr(pulumi_eks, type_name))


def test_the_outputs_are_those_of_the_published_components(build: Build, outputs: dict[str, Any]):
    make_cluster(build, createOidcProvider=True)
    # Empty without a default node group, and without a provider of the program's own.
    assert set(outputs["main"]) == published(pulumi_eks.Cluster) - {"defaultNodeGroup", "awsProvider"}
    assert set(outputs["main"]["core"]) <= published(pulumi_eks.outputs.CoreData)
    make_nodes(build)
    assert set(outputs["nodes"]) == published(pulumi_eks.ManagedNodeGroup)


def test_a_small_cluster_has_the_published_children(build: Build):
    graph = make_cluster(build)
    assert [one.name for one in graph.of_kind("Addon")] == ["main-kube-proxy", "main-vpc-cni"]
    assert graph["main-eksCluster"].inputs["bootstrapSelfManagedAddons"] is True
    assert graph["main-eksCluster"].inputs["accessConfig"]["authenticationMode"] == "API"
    assert graph["main-eksCluster"].ignore_changes == (
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "bootstrapSelfManagedAddons",
    )
    policies = [one.inputs["policyArn"] for one in graph.of_kind("RolePolicyAttachment")]
    assert policies == ["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"]
    assert len(graph.of_kind("SecurityGroup")) == 2
    assert len(graph.of_kind("SecurityGroupRule")) == 6
    assert "OpenIdConnectProvider" not in graph.kinds()


def test_what_is_switched_off_is_not_made(build: Build):
    graph = make_cluster(
        build,
        skipDefaultSecurityGroups=True,
        useDefaultVpcCni=True,
        kubeProxyAddonOptions={"enabled": False},
        corednsAddonOptions={"enabled": False},
    )
    assert not {"Addon", "SecurityGroup", "SecurityGroupRule"} & graph.kinds()
    assert "securityGroupIds" not in graph["main-eksCluster"].inputs["vpcConfig"]


def test_settings_of_the_cluster_reach_it(build: Build):
    graph = make_cluster(
        build,
        ipFamily="ipv6",
        kubernetesServiceIpAddressRange="172.20.0.0/16",
        upgradePolicy={"supportType": "STANDARD"},
        deletionProtection=True,
        bootstrapSelfManagedAddons=False,
        corednsAddonOptions={"enabled": True, "version": "v1.13.1", "configurationValues": {"replicaCount": 2.0}},
        tags={"team": "ml"},
        clusterTags={"tier": "production"},
        publicAccessCidrs=["10.0.0.0/8"],
    )
    made = graph["main-eksCluster"].inputs
    assert made["kubernetesNetworkConfig"] == {"ipFamily": "ipv6"}
    assert made["upgradePolicy"] == {"supportType": "STANDARD"}
    assert made["deletionProtection"] is True
    assert made["bootstrapSelfManagedAddons"] is False
    assert made["tags"] == {"Name": "main-eksCluster", "tier": "production", "team": "ml"}
    assert made["vpcConfig"]["publicAccessCidrs"] == ["10.0.0.0/8"]
    assert graph["main-coredns"].inputs["addonVersion"] == "v1.13.1"
    assert graph["main-coredns"].inputs["configurationValues"] == '{"replicaCount": 2}'


def test_auto_mode_is_enabled_whole_with_a_role_for_its_nodes(build: Build, outputs: dict[str, Any]):
    graph = make_cluster(build, autoMode={"enabled": True}, bootstrapSelfManagedAddons=True)
    made = graph["main-eksCluster"].inputs
    assert made["kubernetesNetworkConfig"] == UNKNOWN  # as are the others, while the role is not known
    assert made["computeConfig"] == made["storageConfig"] == UNKNOWN
    assert made["bootstrapSelfManagedAddons"] is False
    rights = {one.inputs["policyArn"].rpartition("/")[2] for one in graph.of_kind("RolePolicyAttachment")}
    assert rights == {"AmazonEKSClusterPolicy", *cluster.AUTO_MODE_POLICIES, *cluster.AUTO_NODE_POLICIES}
    waits = set(graph["main-eksCluster"].dependencies)
    assert waits >= {one.urn for one in graph.of_kind("RolePolicyAttachment")}
    assert graph["main-nodeRole"].parent == graph["main"].urn
    assert outputs["main"]["autoModeNodeRoleName"] != ""
    assert "SecurityGroup" not in graph.kinds()


def test_without_auto_mode_a_cluster_says_nothing_of_it(build: Build):
    for inputs in ({}, {"autoMode": {"enabled": False}}):
        made = make_cluster(build, **inputs)["main-eksCluster"].inputs
        assert not {"computeConfig", "storageConfig", "kubernetesNetworkConfig"} & made.keys()


def test_a_launch_template_is_made_for_the_settings_that_need_one(build: Build):
    assert "LaunchTemplate" not in make_nodes(build).kinds()
    made = make_nodes(build, diskSize=50, enableIMDSv2=True)["nodes-launchTemplate"].inputs
    assert made["blockDeviceMappings"] == [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 50}}]
    assert made["metadataOptions"]["httpTokens"] == "required"
    given = make_nodes(build, launchTemplate={"id": "lt-1", "version": "3"})
    assert "LaunchTemplate" not in given.kinds()
    assert given.of_kind("NodeGroup")[0].inputs["launchTemplate"]["id"] == "lt-1"


@pytest.mark.parametrize(
    ("wrong", "path", "sentence"),
    [
        ({"fargate": True}, "fargate", "fargate is not implemented"),
        ({"authenticationMode": "CONFIG_MAP"}, "authenticationMode", "must be API"),
        ({"skipDefaultNodeGroup": False}, "skipDefaultNodeGroup", "must be true"),
        ({"createInstanceRole": True}, "createInstanceRole", "not implemented"),
        ({"instanceRoles": ["a"]}, "instanceRoles", "must be empty"),
        ({"vpcId": None}, "vpcId", "must be given"),
        ({"privateSubnetIds": ["subnet-2"]}, "subnetIds", "excludes"),
        ({"endpointPublicAccess": False, "publicAccessCidrs": ["10.0.0.0/8"]}, "publicAccessCidrs", "needs"),
        ({"useDefaultVpcCni": True, "vpcCniOptions": {"addonVersion": "v1"}}, "vpcCniOptions", "of no use"),
        ({"autoMode": {"enabled": True, "createNodeRole": False}}, "autoMode", "must not be false"),
        ({"autoMode": {"enabled": True, "computeConfig": {}}}, "autoMode.computeConfig", "not implemented"),
        ({"vpcCniOptions": {"logLevel": "DEBUG"}}, "vpcCniOptions.logLevel", "not implemented"),
        ({"accessEntries": {"a": {"principalArn": "b", "x": 1}}}, "accessEntries.a.x", "not implemented"),
    ],
)
def test_a_cluster_that_cannot_be_built_is_refused_by_property(wrong: dict[str, Any], path: str, sentence: str):
    cluster.check(CLUSTER)
    with pytest.raises(InputPropertiesError) as refused:
        cluster.check({**CLUSTER, **wrong})
    (problem,) = refused.value.errors or []
    assert problem["property_path"] == path
    assert sentence in problem["reason"]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"kubeletExtraArgs": "--max-pods=50"}, "kubeletExtraArgs"),
        ({"gpu": True}, "gpu"),
        ({"nodeRoleArn": None}, "nodeRole"),
        ({"nodeRole": "role"}, "nodeRole"),
        ({"launchTemplate": {"id": "lt-1"}, "diskSize": 20}, "diskSize"),
        ({"nodeGroupName": "a", "nodeGroupNamePrefix": "a"}, "nodeGroupNamePrefix"),
        ({"cluster": None}, "cluster"),
    ],
)
def test_nodes_that_cannot_be_built_are_refused_by_property(wrong: dict[str, Any], path: str):
    node_group.check(NODES)
    with pytest.raises(InputPropertiesError) as refused:
        node_group.check({**NODES, **wrong})
    assert [problem["property_path"] for problem in refused.value.errors or []] == [path]


def test_an_addon_needs_a_name_and_a_cluster():
    addon.check({"addonName": "coredns", "cluster": "main"})
    with pytest.raises(InputPropertiesError):
        addon.check({"cluster": "main"})


@pytest.mark.parametrize(
    ("types", "image"),
    [
        (None, "AL2023_x86_64_STANDARD"),
        (["m7i.large"], "AL2023_x86_64_STANDARD"),
        (["g5.xlarge"], "AL2023_x86_64_STANDARD"),
        (["m7g.large"], "AL2023_ARM_64_STANDARD"),
        (["c7gn.xlarge"], "AL2023_ARM_64_STANDARD"),
        (["t4g.small"], "AL2023_ARM_64_STANDARD"),
    ],
)
def test_the_default_image_fits_the_processor(types: list[str] | None, image: str):
    assert node_group.ami_type(types) == image


def test_numbers_are_whole_again_and_tags_one_map():
    assert whole({"a": [1.0, 1.5, True, "1.0"]}) == {"a": [1, 1.5, True, "1.0"]}
    assert isinstance(whole(2.0), int)
    assert addon.one_map([{"a": "1"}, {"b": "2"}]) == addon.one_map({"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
