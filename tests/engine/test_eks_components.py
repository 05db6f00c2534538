"""Remote components of pulumi-eks under the real engine; their AWS resources are made by a test double."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pytest
from aws_double import NO_VERSION
from pulumi_cli import Failed, PulumiEnv, Stack

from standins.plugins import installation

pytestmark = pytest.mark.engine

(EKS,) = [one for one in installation.CLOUD if one.name == "eks"]
AWS = installation.Resource("aws", "test double of the AWS provider", "pulumi-aws", "tests.engine.aws_double")
CLUSTER = {
    "vpc_id": "vpc-1",
    "private_subnet_ids": ["subnet-1", "subnet-2"],
    "authentication_mode": "API",
    "skip_default_node_group": True,
}


@pytest.fixture
def eks_env(pulumi_env: PulumiEnv, pulumi_home: Path) -> PulumiEnv:
    """The session's plugins, with the test double in the place of the AWS provider."""
    home = pulumi_env.directory / "home"
    (home / "plugins").mkdir(parents=True)
    for plugin in (pulumi_home / "plugins").iterdir():
        if plugin.is_dir() and not plugin.name.startswith(("resource-aws-", "resource-eks-")):
            shutil.copytree(plugin, home / "plugins" / plugin.name, copy_function=os.link)
    for plugin in (AWS, EKS):
        installation._write(home / "plugins" / plugin.directory, f"pulumi-resource-{plugin.name}", plugin.module)
    return replace(pulumi_env, environment={**pulumi_env.environment, "PULUMI_HOME": str(home)})


def program(version: str = "1.36", nodes: int = 2, addon: str = "v1.64.0", **settings: Any):
    def run() -> None:
        role = aws.iam.Role("nodes", assume_role_policy="{}")
        admin = aws.iam.Role("admin", assume_role_policy="{}")
        key = aws.iam.Role("key", assume_role_policy="{}").arn
        entry = {
            "principal_arn": admin.arn,
            "access_policies": {
                "all": {
                    "policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                    "access_scope": {"type": "cluster"},
                }
            },
        }
        cluster = eks.Cluster(
            "main",
            version=version,
            tags={"team": "ml"},
            access_entries={"admin": entry},
            create_oidc_provider=True,
            encryption_config_key_arn=key,
            enabled_cluster_log_types=["api", "audit"],
            endpoint_private_access=True,
            endpoint_public_access=False,
            kube_proxy_addon_options={"version": "v1.36.0-eksbuild.1"},
            vpc_cni_options={"addon_version": "v1.20.0", "configuration_values": {"env": {"WARM_IP_TARGET": 2}}},
            kubernetes_service_ip_address_range="172.20.0.0/16",
            **{**CLUSTER, **settings},
        )
        group = eks.ManagedNodeGroup(
            "workers",
            cluster=cluster,
            node_role=role,
            instance_types=["m7g.large"],
            scaling_config={"desired_size": nodes, "min_size": 1, "max_size": 9},
            labels={"pool": "workers"},
            taints=[{"key": "dedicated", "value": "ml", "effect": "NO_SCHEDULE"}],
            disk_size=50,
            enable_imd_sv2=True,
        )
        eks.ManagedNodeGroup(
            "more", cluster=cluster.core, node_role_arn=role.arn, subnet_ids=["subnet-1"], ignore_scaling_changes=True,
            scaling_config={"desired_size": nodes, "min_size": 1, "max_size": 9},
        )  # fmt: skip
        eks.Addon(
            "ebs",
            cluster=cluster,
            addon_name="aws-ebs-csi-driver",
            addon_version=addon,
            configuration_values={"controller": {"replicaCount": 2}},
            opts=pulumi.ResourceOptions(depends_on=[group]),
        )
        names = [name for name, value in vars(eks.Cluster).items() if isinstance(value, property)]
        for name in names:
            output = getattr(cluster, name)
            if name not in ("core", "aws_provider"):
                pulumi.export(name, output)
        pulumi.export("subnets", cluster.core.subnet_ids)
        pulumi.export("name", cluster.eks_cluster.name)
        pulumi.export("group", group.node_group.node_group_name)
        pulumi.export("size", group.node_group.scaling_config.desired_size)

    return run


def resources(stack: Stack) -> dict[str, dict[str, Any]]:
    """The state's resources by the end of their URN: types from the outermost, then the name."""
    found = json.loads(stack.state())["checkpoint"]["latest"]["resources"]
    return {one["urn"].partition("::engine-tests::")[2]: one for one in found}


def two_clusters() -> None:
    elsewhere = aws.Provider("elsewhere", region="eu-west-1")
    group = aws.ec2.SecurityGroup("given", vpc_id="vpc-1")
    role = aws.iam.Role("given", assume_role_policy="{}")
    one = eks.Cluster("one", service_role=role, cluster_security_group=group, **CLUSTER)
    other = {**CLUSTER, "private_subnet_ids": None, "subnet_ids": ["subnet-3"], "skip_default_security_groups": True}
    two = eks.Cluster("two", **other, opts=pulumi.ResourceOptions(providers={"aws": elsewhere}))
    pulumi.export("one", one.cluster_security_group_id)
    pulumi.export("given", group.id)
    pulumi.export("two", two.cluster_security_group_id)
    pulumi.export("nodes", two.node_security_group_id)
    pulumi.export("subnets", two.core.subnet_ids)
    pulumi.export("region", two.aws_provider.region)


def test_a_cluster_with_nodes_and_addon_is_previewed_built_changed_in_place_and_destroyed(eks_env: PulumiEnv):
    stack = eks_env.stack(program())
    planned = stack.preview()
    assert "error" not in planned.text
    assert "warning" not in planned.text

    made = stack.up()
    assert made.changes == planned.changes
    assert "warning" not in made.text
    assert made.outputs["name"].startswith("main-eksCluster-")
    assert made.outputs["subnets"] == ["subnet-1", "subnet-2"]
    assert made.outputs["size"] == 2
    assert made.outputs["oidc_provider_url"] == f"https://{made.outputs['oidc_issuer']}"
    assert json.loads(made.outputs["kubeconfig_json"]) == made.outputs["kubeconfig"]
    execute = made.outputs["kubeconfig"]["users"][0]["user"]["exec"]
    assert execute["command"] == "aws"
    assert execute["args"][2:6] == ["eks", "get-token", "--cluster-name", made.outputs["name"]]

    state = resources(stack)
    cluster = state["eks:index:Cluster$aws:eks/cluster:Cluster::main-eksCluster"]["inputs"]
    assert cluster["version"] == "1.36"
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["encryptionConfig"]["resources"] == ["secrets"]
    assert cluster["tags"] == {"Name": "main-eksCluster", "team": "ml"}
    nodes = state["eks:index:ManagedNodeGroup$aws:eks/nodeGroup:NodeGroup::workers"]["inputs"]
    assert nodes["amiType"] == "AL2023_ARM_64_STANDARD"
    assert nodes["clusterName"] == made.outputs["name"]
    assert nodes["nodeRoleArn"].endswith(state["aws:iam/role:Role::nodes"]["id"])
    assert nodes["subnetIds"] == ["subnet-1", "subnet-2"]
    assert nodes["launchTemplate"]["version"] == "1"
    addon = state["eks:index:Cluster$eks:index:Addon$aws:eks/addon:Addon::ebs"]["inputs"]
    assert json.loads(addon["configurationValues"]) == {"controller": {"replicaCount": 2}}
    assert addon["clusterName"] == made.outputs["name"]

    assert stack.up().changed == {}

    changed = stack.up(program(version="1.37", nodes=3, addon="v1.65.0"))
    assert changed.changed == {"update": 3}
    assert changed.diff("main-eksCluster") == {"version": "update"}
    assert changed.diff("workers") == {"scalingConfig.desiredSize": "update"}
    assert changed.diff("ebs") == {"addonVersion": "update"}

    assert set(stack.destroy().changed) == {"delete"}


def test_two_clusters_at_once_each_keep_their_provider_role_and_security_group(eks_env: PulumiEnv):
    stack = eks_env.stack(two_clusters)
    outputs = stack.up().outputs
    assert outputs["one"] == outputs["given"]
    assert outputs["two"] == outputs["nodes"]
    assert outputs["two"].startswith("sg-of-two-eksCluster-")
    assert outputs["subnets"] == ["subnet-3"]
    assert outputs["region"] == "eu-west-1"
    providers = {
        urn.rpartition("::")[2]: one["provider"] for urn, one in resources(stack).items() if ":eks/cluster:" in urn
    }
    assert "::default_" in providers["one-eksCluster"]
    assert "::elsewhere::" in providers["two-eksCluster"]
    assert stack.up().changed == {}


def test_what_is_not_implemented_is_refused_by_name_without_a_traceback(eks_env: PulumiEnv):
    def refused() -> None:
        eks.Cluster("main", gpu=True, **CLUSTER)

    with pytest.raises(Failed, match="gpu is not implemented by the eks:index:Cluster stand-in") as failed:
        eks_env.stack(refused).preview()
    assert "Traceback" not in str(failed.value)


def test_a_resource_that_cannot_be_made_is_named_once(eks_env: PulumiEnv):
    def failing() -> None:
        eks.Cluster("main", version=NO_VERSION, **CLUSTER)

    with pytest.raises(Failed, match=f"unsupported Kubernetes version {NO_VERSION}") as failed:
        eks_env.stack(failing).up()
    print(failed.value)
    assert "Traceback" not in str(failed.value)


def test_the_stand_in_is_announced_and_only_for_stacks_on_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(installation.CHOICE, "stand-in")
    line = f"stand-in: EKS components {EKS.version} (published plugin not wanted"
    assert any(one.startswith(line) for one in installation.install(tmp_path, cloud=True))
    assert not any("EKS" in one for one in installation.install(tmp_path))


def test_the_plugin_ends_when_it_is_told_to():
    code = "from standins.plugins.eks.provider import main; main()"
    plugin = subprocess.Popen([sys.executable, "-c", code, "127.0.0.1:1"], stdout=subprocess.PIPE)
    assert plugin.stdout is not None
    assert int(plugin.stdout.readline()) > 0
    plugin.send_signal(signal.SIGTERM)
    assert plugin.wait(30) == 0
    plugin.stdout.close()
