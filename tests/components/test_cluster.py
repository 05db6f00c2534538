import json
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_mlops import ArgumentError, versions
from pulumi_mlops.foundation import Cluster, TaintEffect, _images, _managed_addons
from pulumi_mlops.foundation import cluster as cluster_module
from pulumi_mlops.foundation.cluster import keep_subnets
from syrupy.assertion import SnapshotAssertion

from local.paths import ROOT
from tests.conftest import UNKNOWN, Build, Graph, Secret, unknown

GROUP: dict[str, Any] = {"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 6}
GPUS: dict[str, Any] = {
    "name": "gpus",
    "instance_types": ["g5.xlarge", "g6.xlarge"],
    "min_size": 0,
    "max_size": 4,
    "desired_size": 1,
    "spot": True,
    "labels": {"accelerator": "nvidia"},
    "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": TaintEffect.NO_SCHEDULE}],
    "disk_gib": 200,
    "subnet_ids": ["subnet-1"],
    "pod_metadata_reason": "the driver's installer reads the machine's type",
}
ADMINISTRATOR = "arn:aws:iam::123456789012:role/teams/platform"
ARGS: dict[str, Any] = {
    "vpc_id": "vpc-1",
    "private_subnet_ids": ["subnet-1", "subnet-2"],
    "node_groups": [GROUP],
}
FULL: dict[str, Any] = {
    **ARGS,
    "public_subnet_ids": ["subnet-3", "subnet-4"],
    "node_groups": [GROUP, GPUS],
    "cluster_name": "mlops-dev",
    "kubernetes_version": "1.35",
    "addon_versions": {"kube-proxy": "v1.35.3-eksbuild.21", "coredns": "v1.13.2-eksbuild.21"},
    "administrators": [ADMINISTRATOR],
    "public_access_cidrs": ["203.0.113.0/24"],
    "log_days": 365,
    "extended_support": True,
    "protect": False,
    "tags": {"team": "platform", "environment": "dev"},
}
UNTAGGED = {"Alias", "RolePolicyAttachment"}
"""Kinds of resources that AWS gives no tags."""


def cluster(build: Build, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: Cluster("dev", {**ARGS, **changes}), preview=preview)  # type: ignore[typeddict-item]


def control_plane(build: Build, **changes: Any) -> dict[str, Any]:
    return cluster(build, **changes)["dev-control-plane"].inputs


def group(**changes: Any) -> list[dict[str, Any]]:
    return [{**GROUP, **changes}]


def test_the_smallest_cluster_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert cluster(build, preview=True).contract() == snapshot


def test_the_fullest_cluster_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert cluster(build, preview=True, **FULL).contract() == snapshot


def test_every_resource_is_a_child_and_carries_the_tags(build: Build) -> None:
    graph = cluster(build, **FULL)

    for one in graph:
        if one.name == "dev":
            continue
        assert one.parent == graph["dev"].urn
        assert one.name.startswith("dev-")
        if one.kind not in UNTAGGED:
            assert one.inputs["tags"].items() >= FULL["tags"].items(), one.name
    machine = graph["dev-general-machine"].inputs["tagSpecifications"]
    assert [one["resourceType"] for one in machine] == ["instance", "volume", "network-interface"]
    assert all(one["tags"].items() >= FULL["tags"].items() for one in machine)
    assert (
        graph["dev-control-plane"].inputs["accessEntries"]["123456789012:role/teams/platform"]["tags"] == FULL["tags"]
    )
    volumes = json.loads(graph["dev-aws-ebs-csi-driver-addon"].inputs["configurationValues"])
    assert volumes["controller"]["extraVolumeTags"] == FULL["tags"]


def test_the_cluster_and_the_key_are_protected_unless_told_otherwise(build: Build) -> None:
    kept, given_up = cluster(build), cluster(build, protect=False)

    assert {one.name for one in kept if one.protect} == {"dev-control-plane", "dev-secrets"}
    assert {one.name for one in given_up if one.protect} == set()
    assert kept["dev-control-plane"].inputs["deletionProtection"] is True
    assert given_up["dev-control-plane"].inputs["deletionProtection"] is False


def test_the_internet_does_not_reach_the_api_server_unless_told_so(build: Build) -> None:
    inputs = control_plane(build)
    assert (inputs["endpointPublicAccess"], inputs["endpointPrivateAccess"]) == (False, True)
    assert "publicAccessCidrs" not in inputs

    inputs = control_plane(build, public_access_cidrs=["203.0.113.0/24"])
    assert (inputs["endpointPublicAccess"], inputs["publicAccessCidrs"]) == (True, ["203.0.113.0/24"])

    reason = {"public_access_cidrs": ["0.0.0.0/0"], "public_access_reason": "runners without a fixed address"}
    assert control_plane(build, **reason)["publicAccessCidrs"] == ["0.0.0.0/0"]


def test_access_is_by_entries_alone(build: Build) -> None:
    inputs = control_plane(build, administrators=[ADMINISTRATOR])

    assert inputs["authenticationMode"] == "API"
    (entry,) = inputs["accessEntries"].values()
    assert entry["principalArn"] == ADMINISTRATOR
    (policy,) = entry["accessPolicies"].values()
    assert policy["policyArn"].endswith("cluster-access-policy/AmazonEKSClusterAdminPolicy")
    assert policy["accessScope"] == {"type": "cluster"}
    assert not {"roleMappings", "userMappings", "instanceRoles"} & inputs.keys()
    assert control_plane(build)["accessEntries"] == {}


def test_another_administrator_changes_no_other_entry(build: Build) -> None:
    others = [ADMINISTRATOR.replace("platform", "security"), ADMINISTRATOR.replace("teams/platform", "teams-platform")]
    one = control_plane(build, administrators=[ADMINISTRATOR])["accessEntries"]
    three = control_plane(build, administrators=[others[0], ADMINISTRATOR, others[1]])["accessEntries"]

    assert len(three) == 3
    assert one.items() <= three.items()


def test_secrets_are_encrypted_with_a_key_that_turns(build: Build) -> None:
    graph = cluster(build, preview=True)

    assert graph["dev-control-plane"].inputs["encryptionConfigKeyArn"] == UNKNOWN
    assert graph["dev-secrets"].urn in graph["dev-control-plane"].dependencies
    assert graph["dev-secrets"].inputs["enableKeyRotation"] is True
    assert graph["dev-secrets-alias"].inputs["name"] == "alias/eks/dev"


def test_all_logs_are_kept_for_ninety_days_unless_told_otherwise(build: Build) -> None:
    graph = cluster(build)
    logs = graph["dev-control-plane-logs"]

    assert logs.inputs["name"] == "/aws/eks/dev/cluster"
    assert logs.inputs["retentionInDays"] == 90
    assert logs.urn in graph["dev-control-plane"].dependencies
    wanted = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
    assert graph["dev-control-plane"].inputs["enabledClusterLogTypes"] == wanted
    assert cluster(build, log_days=7)["dev-control-plane-logs"].inputs["retentionInDays"] == 7


def test_every_addon_is_managed_at_its_pinned_version(build: Build) -> None:
    graph = cluster(build)
    found = {one.inputs["addonName"]: one.inputs["addonVersion"] for one in graph.of_kind("Addon")}

    assert found == _managed_addons.ADDONS
    assert set(found.values()) <= {pin.version for pin in versions.PINS}
    assert found["kube-proxy"].startswith(f"v{versions.EKS_KUBERNETES}.")
    inputs = graph["dev-control-plane"].inputs
    assert inputs["bootstrapSelfManagedAddons"] is False
    assert inputs["useDefaultVpcCni"] is True
    assert inputs["kubeProxyAddonOptions"] == inputs["corednsAddonOptions"] == {"enabled": False}


def test_network_policies_are_enforced(build: Build) -> None:
    values = json.loads(cluster(build)["dev-vpc-cni-addon"].inputs["configurationValues"])

    assert values == {"enableNetworkPolicy": "true"}


def test_nodes_come_after_what_they_need_and_before_what_needs_them(build: Build) -> None:
    graph = cluster(build)
    nodes = graph["dev-general-nodes"]

    for one in graph.of_kind("Addon"):
        if one.inputs["addonName"] in _managed_addons.BEFORE_NODES:
            assert one.urn in nodes.dependencies
            assert nodes.urn not in one.dependencies
        else:
            assert nodes.urn in one.dependencies
        assert graph["dev-control-plane"].urn in one.dependencies
    assert {one.urn for one in graph.of_kind("RolePolicyAttachment") if "-nodes-" in one.name} <= nodes.dependencies


@pytest.mark.parametrize("driver", ["aws-ebs-csi-driver", "aws-efs-csi-driver"])
def test_a_storage_driver_takes_its_role_by_pod_identity(build: Build, driver: str) -> None:
    graph = cluster(build, cluster_name="mlops")
    account = f"{driver.split('-')[1]}-csi-controller-sa"

    (association,) = cluster(build, preview=True)[f"dev-{driver}-addon"].inputs["podIdentityAssociations"]
    assert association == {"serviceAccount": account, "roleArn": UNKNOWN}
    assert graph[f"dev-{driver}-right"].inputs["policyArn"] == _managed_addons.STORAGE_POLICIES[driver]
    (statement,) = json.loads(graph[f"dev-{driver}-role"].inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "mlops",
        "aws:RequestTag/kubernetes-namespace": "kube-system",
        "aws:RequestTag/kubernetes-service-account": account,
    }


def test_no_pod_and_no_old_client_gets_a_nodes_credentials(build: Build) -> None:
    metadata = cluster(build)["dev-general-machine"].inputs["metadataOptions"]

    assert (metadata["httpTokens"], metadata["httpPutResponseHopLimit"]) == ("required", 1)
    graph = cluster(build, node_groups=group(pod_metadata_reason="an agent that knows no Pod Identity"))
    assert graph["dev-general-machine"].inputs["metadataOptions"]["httpPutResponseHopLimit"] == 2


def test_volumes_of_nodes_are_encrypted_gp3(build: Build) -> None:
    (device,) = cluster(build)["dev-general-machine"].inputs["blockDeviceMappings"]

    assert device["ebs"] == {
        "volumeType": "gp3",
        "volumeSize": 50,
        "encrypted": "true",
        "deleteOnTermination": "true",
    }


def test_a_node_group_is_as_told(build: Build) -> None:
    graph = cluster(build, node_groups=[GROUP, GPUS])
    general, gpus = graph["dev-general-nodes"].inputs, graph["dev-gpus-nodes"].inputs

    assert general["scalingConfig"] == {"minSize": 2, "desiredSize": 2, "maxSize": 6}
    assert gpus["scalingConfig"] == {"minSize": 0, "desiredSize": 1, "maxSize": 4}
    assert (general["capacityType"], gpus["capacityType"]) == ("ON_DEMAND", "SPOT")
    assert (general["subnetIds"], gpus["subnetIds"]) == (["subnet-1", "subnet-2"], ["subnet-1"])
    assert gpus["taints"] == [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}]
    assert gpus["labels"] == {"accelerator": "nvidia"}
    assert general["version"] == versions.EKS_KUBERNETES
    (disk,) = graph["dev-gpus-machine"].inputs["blockDeviceMappings"]
    assert (disk["deviceName"], disk["ebs"]["volumeSize"]) == ("/dev/xvdb", 200)
    assert graph["dev-general-machine"].inputs["blockDeviceMappings"][0]["deviceName"] == "/dev/xvda"


def test_the_autoscaler_has_the_last_word_on_the_number_of_nodes(build: Build) -> None:
    assert cluster(build)["dev-general-nodes"].inputs["ignoreScalingChanges"] is True


@pytest.mark.parametrize(
    ("types", "image"),
    [
        (["m7i.large", "c6a.2xlarge", "t3.medium", "u-6tb1.metal"], None),
        (["m7i.large", "c6a.2xlarge", "t3.medium", "i4i.metal"], "AL2023_x86_64_STANDARD"),
        (["m7g.large", "c7gn.xlarge", "t4g.small", "a1.large"], "AL2023_ARM_64_STANDARD"),
        (["g5.xlarge", "g4dn.xlarge", "p4de.24xlarge"], "BOTTLEROCKET_x86_64_NVIDIA"),
        (["g5g.xlarge", "g5g.2xlarge"], "BOTTLEROCKET_ARM_64_NVIDIA"),
        (["g5g.xlarge", "g5.xlarge"], None),
        (["m7i.large", "m7g.large"], None),
        (["m7i.large", "g5.xlarge"], None),
        (["inf2.xlarge"], None),
        (["trn1.2xlarge"], None),
    ],
)
def test_machines_get_the_image_of_their_kind(types: list[str], image: str | None) -> None:
    assert _images.image_of(types) == image


def test_the_guides_group_with_gpus_is_a_group(build: Build) -> None:
    guide = (ROOT / "docs" / "aws.md").read_text().partition("## GPUs")[2]
    (setting,) = yaml.safe_load(guide.partition("```yaml")[2].partition("```")[0]).values()

    inputs = cluster(build, node_groups=[GROUP, *setting])["dev-gpus-nodes"].inputs

    assert inputs["amiType"] == "BOTTLEROCKET_x86_64_NVIDIA"
    assert inputs["taints"] == [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}]


def test_the_outputs_name_what_others_need(build: Build) -> None:
    outputs = cluster(build, cluster_name="mlops").outputs_of("dev")

    assert outputs["name"] == "mlops"
    assert outputs["arn"].startswith("arn:aws:eks:eu-central-1:123456789012:cluster/")
    assert isinstance(outputs["kubeconfig"], Secret)
    assert outputs["oidc_provider_arn"].endswith(outputs["oidc_issuer"])
    assert outputs["node_security_group_id"] == "sg-dev-control-plane"


def test_the_name_is_known_in_a_preview_and_waits_for_the_cluster(build: Build) -> None:
    graph = cluster(build, preview=True)

    assert graph.outputs_of("dev")["name"] == "dev"
    assert graph.outputs_of("dev")["arn"] == UNKNOWN
    assert graph["dev-vpc-cni-addon"].inputs["clusterName"] == "dev"
    assert graph["dev-control-plane"].urn in graph["dev-vpc-cni-addon"].dependencies


def test_a_network_that_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    ids = {"vpc_id": unknown("vpc"), "private_subnet_ids": [unknown("one"), unknown("two")]}
    later = unknown("all").apply(lambda known: [known])

    for changes in (ids, {**ids, "private_subnet_ids": later}):
        assert cluster(build, preview=True, **changes).of_kind("ManagedNodeGroup")


def test_two_clusters_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (Cluster("one", {**ARGS}), Cluster("two", {**ARGS})))  # type: ignore[typeddict-item]

    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_older_versions_have_their_own_proxy(build: Build) -> None:
    proxy = {"kube-proxy": "v1.35.3-eksbuild.21"}
    graph = cluster(build, kubernetes_version="1.35", addon_versions=proxy)

    assert graph["dev-control-plane"].inputs["version"] == "1.35"
    assert graph["dev-general-nodes"].inputs["version"] == "1.35"
    assert graph["dev-kube-proxy-addon"].inputs["addonVersion"] == proxy["kube-proxy"]


def test_a_version_does_not_outlive_standard_support_unless_told_so(build: Build) -> None:
    assert control_plane(build)["upgradePolicy"] == {"supportType": "STANDARD"}
    assert control_plane(build, extended_support=True)["upgradePolicy"] == {"supportType": "EXTENDED"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"private_subnet_ids": ["subnet-1"]}, "args.private_subnet_ids must be in two zones at least, got 1"),
        ({"cluster_name": "-dev"}, "args.cluster_name must be a name of an EKS cluster: 1 to 100"),
        ({"cluster_name": "d" * 101}, "args.cluster_name must be a name of an EKS cluster: 1 to 100"),
        ({"kubernetes_version": "1.36.3"}, 'args.kubernetes_version must be a minor of Kubernetes such as "1.36"'),
        ({"kubernetes_version": "1.31"}, 'EKS to have, 1.32, 1.33, 1.34, 1.35, 1.36, got "1.31"'),
        ({"kubernetes_version": "1.37"}, "args.kubernetes_version must be a minor that this version of the library"),
        ({"kubernetes_version": "1.35"}, "args.addon_versions.kube-proxy must be of Kubernetes 1.35"),
        ({"addon_versions": {"core-dns": "v1"}}, "args.addon_versions must name one of aws-ebs-csi-driver"),
        ({"addon_versions": {"coredns": "1.14.3"}}, "args.addon_versions.coredns must be an add-on's version such as"),
        (
            {"administrators": ["arn:aws:iam::123456789012:root"]},
            "args.administrators[0] must be the ARN of an IAM role",
        ),
        ({"administrators": ["arn:aws:sts::123456789012:assumed-role/x/y"]}, "args.administrators[0] must be the ARN"),
        ({"administrators": [ADMINISTRATOR] * 2}, "args.administrators must name each once"),
        ({"public_access_cidrs": ["0.0.0.0/0"]}, 'must not open the API server to "0.0.0.0/0" without'),
        ({"public_access_cidrs": ["128.0.0.0/1"]}, 'must not open the API server to "128.0.0.0/1" without'),
        ({"public_access_cidrs": ["10.0.0.0/8"]}, "args.public_access_cidrs[0] must be public addresses"),
        ({"public_access_cidrs": ["203.0.113.1/24"]}, "args.public_access_cidrs[0] must be a block of IPv4 addresses"),
        (
            {"public_access_cidrs": ["203.0.113.1"]},
            'must be a block of addresses, such as "203.0.113.1/32" for the one',
        ),
        ({"public_access_reason": ""}, "args.public_access_reason must not be empty"),
        ({"log_days": 0}, "args.log_days must be one of 1, 3, 5, 7"),
        ({"node_groups": []}, "args.node_groups must not be empty"),
        ({"node_groups": [GROUP, GROUP]}, 'args.node_groups must have different names, got "general" 2 times'),
        ({"node_groups": [GPUS]}, "args.node_groups must have one group without taints"),
        ({"node_groups": group(name="General")}, "args.node_groups[0].name must be at most 40 lower-case letters"),
        ({"node_groups": group(instance_types=[])}, "args.node_groups[0].instance_types must not be empty"),
        ({"node_groups": group(instance_types=["m7i"])}, "args.node_groups[0].instance_types[0] must be a type of EC2"),
        (
            {"node_groups": group(instance_types=["m7i.large", "m7g.large"])},
            "args.node_groups[0].instance_types must have one image in common (x86 or ARM, with or ",
        ),
        (
            {"node_groups": group(instance_types=["m7i.large", "inf2.xlarge"])},
            "args.node_groups[0].instance_types must not have inf2.xlarge: that is AWS Neuron, whose device ",
        ),
        ({"node_groups": group(min_size=7)}, "must have min_size ≤ desired_size ≤ max_size, got 7, 7 and 6"),
        ({"node_groups": group(desired_size=1)}, "must have min_size ≤ desired_size ≤ max_size, got 2, 1 and 6"),
        ({"node_groups": group(desired_size=7)}, "must have min_size ≤ desired_size ≤ max_size, got 2, 7 and 6"),
        ({"node_groups": group(min_size=-1)}, "args.node_groups[0].min_size must be at least 0 nodes, got -1"),
        ({"node_groups": group(max_size=451)}, "args.node_groups[0].max_size must be at most 450 nodes, got 451"),
        ({"node_groups": group(disk_gib=10)}, "args.node_groups[0].disk_gib must be at least 20 GiB, got 10"),
        ({"node_groups": group(pod_metadata_reason="")}, "args.node_groups[0].pod_metadata_reason must not be empty"),
        (
            {"node_groups": [GROUP, {**GPUS, "taints": [{"key": "gpu", "effect": "NoSchedule"}]}]},
            "args.node_groups[1].taints[0].effect must be one of 'NO_SCHEDULE'",
        ),
        ({"node_groups": group(subnet_ids=[])}, "args.node_groups[0].subnet_ids must not be empty"),
        ({"node_groups": group(instance_type="m7i.large")}, 'did you mean "instance_types"?'),
        ({"vpc_id": None}, "args.vpc_id is required"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Cluster "dev"') as error:
        cluster(build, **changes)

    assert complaint in str(error.value)


@pytest.mark.parametrize(("length", "fits"), [(38, True), (39, False)])
def test_a_node_group_has_a_name_that_eks_accepts_with_what_pulumi_appends(
    build: Build, length: int, fits: bool
) -> None:
    groups = group(name="g" * length)
    if fits:
        graph = build(lambda: Cluster("mlops-prod", {**ARGS, "node_groups": groups}))  # type: ignore[typeddict-item]
        (made,) = (one for one in graph if one.type == "eks:index:ManagedNodeGroup")
        assert len(made.name) + len("-1a2b3c4") == 63
        return
    with pytest.raises(ArgumentError, match=r"node_groups\[0\]\.name must have at most 38 characters in a cluster"):
        build(lambda: Cluster("mlops-prod", {**ARGS, "node_groups": groups}))  # type: ignore[typeddict-item]


def test_the_control_plane_is_told_to_stay_where_it_is(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mocks of the engine run no transforms, and those of a remote component are not in its inputs."""
    made: list[pulumi.ResourceOptions] = []
    create = cluster_module.eks.Cluster

    def recorded(*args: Any, opts: pulumi.ResourceOptions, **inputs: Any) -> Any:
        made.append(opts)
        return create(*args, opts=opts, **inputs)

    monkeypatch.setattr(cluster_module.eks, "Cluster", recorded)
    cluster(build)

    (options,) = made
    assert options.transforms == [keep_subnets]


def test_the_control_plane_stays_in_the_subnets_that_it_was_created_in() -> None:
    def kept(kind: str) -> Any:
        opts = pulumi.ResourceOptions(ignore_changes=["version"])
        resource = pulumi.ResourceTransformArgs(custom=True, type_=kind, name="c", props={"name": "c"}, opts=opts)
        return keep_subnets(resource)

    found = kept("aws:eks/cluster:Cluster")
    assert (found.props, found.opts.ignore_changes) == ({"name": "c"}, ["version", "vpcConfig.subnetIds"])
    assert kept("aws:eks/nodeGroup:NodeGroup") is None, "nodes follow their subnets"


@pytest.mark.parametrize("name", ["d" * 100, "Dev_1", "9"])
def test_names_that_eks_takes_are_fine(build: Build, name: str) -> None:
    assert control_plane(build, cluster_name=name)["name"] == name


AUTO_MODE = {"auto_mode": True, "node_groups": []}


def test_auto_mode_is_switched_on_whole_and_has_no_nodes_of_ours(build: Build) -> None:
    graph = cluster(build, preview=True, **AUTO_MODE)

    assert graph["dev-control-plane"].inputs["autoMode"] == {"enabled": True}
    assert not {"ManagedNodeGroup", "LaunchTemplate"} & graph.kinds()
    assert {one.inputs["addonName"] for one in graph.of_kind("Addon")} == {"aws-efs-csi-driver", "metrics-server"}
    for one in graph.of_kind("Addon"):
        assert graph["dev-control-plane"].urn in one.dependencies, one.name
    assert "autoMode" not in control_plane(build)


def test_auto_mode_needs_no_node_groups_and_no_versions_of_what_it_has_built_in(build: Build) -> None:
    without = {key: value for key, value in ARGS.items() if key != "node_groups"}
    graph = build(lambda: Cluster("dev", {**without, "auto_mode": True, "kubernetes_version": "1.35"}))
    assert graph["dev-control-plane"].inputs["version"] == "1.35"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"auto_mode": True}, "args.node_groups must be left out with auto_mode"),
        (
            {**AUTO_MODE, "addon_versions": {"coredns": "v1.13.2-eksbuild.21"}},
            "args.addon_versions must not name coredns with auto_mode",
        ),
        ({"node_groups": []}, "args.node_groups must not be empty"),
    ],
)
def test_what_auto_mode_does_itself_is_refused(build: Build, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        cluster(build, **changes)
