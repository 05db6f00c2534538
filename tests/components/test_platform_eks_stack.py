"""The program of the stacks platform-dev and platform-prod, and the outputs that stand in for their foundation's."""

import json
from typing import Any

import pytest
from pulumi_mlops import conventions
from pulumi_mlops.foundation import endpoints
from pulumi_mlops.foundation.shared_files import DEFAULT_BASE_PATH, storage_class_parameters

from local import foundation_outputs, stack_files
from stacks import configuration, foundation, platform_eks, references, settings
from tests import stacks
from tests.conftest import Build, Secret

ENVIRONMENTS = ["dev", "prod"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_stands_in_for_the_foundation_has_what_the_foundation_exports(
    build: Build, configure: Any, environment: str
) -> None:
    real = stacks.tracked(build, f"foundation-{environment}").outputs["stack"]

    example = foundation_outputs.example(f"foundation-{environment}")

    assert example.keys() == real.keys()
    for name in ("region", "cluster_name", "object_store_endpoint", "domain_name", "secrets_prefix"):
        assert example[name] == real[name]
    for name in ("buckets", "repositories", "storage_class_parameters"):
        assert example[name].keys() == real[name].keys()
    assert len(example["private_subnet_ids"]) == len(real["private_subnet_ids"])
    assert {name for name, value in real.items() if isinstance(value, Secret)} == set(foundation_outputs.SECRETS)
    files = example["storage_class_parameters"]
    assert files == storage_class_parameters(files["fileSystemId"], DEFAULT_BASE_PATH)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_comes_from_the_foundation_of_the_same_environment(
    build: Build, configure: Any, environment: str
) -> None:

    graph = stacks.tracked(build, f"platform-{environment}")

    (reference,) = graph.of_kind("StackReference")
    assert reference.inputs["name"].endswith(f"/project/foundation-{environment}")
    example = foundation_outputs.example(f"foundation-{environment}")
    (component,) = graph.of_kind("EksPlatform")
    for name in platform_eks.FROM_FOUNDATION:
        assert component.inputs[name] == example[name]
    assert component.inputs["tags"] == {"environment": environment, "managed-by": conventions.PACKAGE}
    assert graph.outputs["stack"]["gateway_url"] == f"https://{example['domain_name']}"


def test_the_cluster_is_that_of_the_foundation_whatever_its_kubeconfig(build: Build, configure: Any) -> None:
    (provider,) = [one for one in stacks.tracked(build, "platform-dev") if one.type == "pulumi:providers:kubernetes"]
    assert provider.inputs["clusterIdentifier"].endswith(":cluster/mlops-dev")
    assert provider.inputs["kubeconfig"]
    assert "context" not in provider.inputs

    configure("platform-dev", kube_context="somewhere")
    (provider,) = [one for one in build(platform_eks.build) if one.type == "pulumi:providers:kubernetes"]
    assert provider.inputs["context"] == "somewhere"
    assert "kubeconfig" not in provider.inputs


@pytest.mark.parametrize("known", [{"region": "eu-central-1", "zone_id": None}, None])
def test_outputs_that_the_foundation_lacks_are_named(known: Any) -> None:
    with pytest.raises(configuration.SettingsError) as error:
        references.check("foundation-dev", known, ["vpc_id", "zone_id"])

    assert "stack foundation-dev has no output vpc_id, no output zone_id; bring it up first: `pulumi up" in str(
        error.value
    )


def test_outputs_that_the_foundation_has_on_request_are_named_with_their_setting() -> None:
    with pytest.raises(configuration.SettingsError) as error:
        references.check(
            "foundation-dev", {"vpc_id": "vpc-1"}, ["vpc_id", "queue"], {"queue": "pulumi-mlops:karpenter"}
        )
    assert (
        "has no output queue; set pulumi-mlops:karpenter in stacks/Pulumi.foundation-dev.yaml first: `pulumi up "
        "--stack foundation-dev`"
    ) in str(error.value)

    with pytest.raises(configuration.SettingsError, match="bring it up first: `pulumi up --stack foundation-dev`"):
        references.check("foundation-dev", {}, ["vpc_id", "queue"], {"queue": "pulumi-mlops:karpenter"})


def test_nodes_on_demand_may_join_the_cluster_where_the_foundation_is_told_so(build: Build) -> None:
    graph = stacks.tracked(build, "foundation-prod")

    (entry,) = graph.of_kind("AccessEntry")
    (role,) = [one for one in graph.of_kind("Role") if one.name == "mlops-prod-on-demand-nodes"]
    assert entry.inputs["type"] == "EC2_LINUX"
    assert role.urn in entry.dependencies
    assert graph.outputs["stack"]["karpenter_node_role"].startswith(role.name)
    assert "ec2.amazonaws.com" in role.inputs["assumeRolePolicy"]
    assert graph.outputs["stack"]["karpenter_queue"].startswith("mlops-prod-interruptions")

    assert not stacks.tracked(build, "foundation-dev").of_kind("AccessEntry")


def test_warnings_about_ending_nodes_reach_karpenter_and_nobody_else_writes_to_its_queue(
    build: Build, configure: Any
) -> None:
    graph = stacks.tracked(build, "foundation-prod")

    (queue,), (policy,) = graph.of_kind("Queue"), graph.of_kind("QueuePolicy")
    rules, targets = graph.of_kind("EventRule"), graph.of_kind("EventTarget")
    heard = {kind for one in rules for kind in json.loads(one.inputs["eventPattern"])["detail-type"]}
    assert heard == {
        "AWS Health Event",
        "EC2 Capacity Reservation Instance Interruption Warning",
        "EC2 Instance Rebalance Recommendation",
        "EC2 Instance State-change Notification",
        "EC2 Spot Instance Interruption Warning",
    }
    assert queue.inputs["sqsManagedSseEnabled"] is True
    assert len(targets) == len(rules) == len(heard)
    for target in targets:
        assert {queue.urn, policy.urn} <= target.dependencies
    send, plain = json.loads(policy.inputs["policy"])["Statement"]
    assert send["Principal"] == {"Service": "events.amazonaws.com"}
    assert len(send["Condition"]["ArnEquals"]["aws:SourceArn"]) == len(rules)
    assert plain["Effect"] == "Deny"

    release = stacks.tracked(build, "platform-prod")["karpenter-release"]
    assert release.inputs["values"]["settings"]["interruptionQueue"] == "mlops-prod-interruptions-example"


def test_without_nat_gateways_the_plan_names_the_endpoints_that_nodes_and_add_ons_lack(
    build: Build, configure: Any
) -> None:
    configure("foundation-prod", nat="none", interface_endpoints=list(endpoints.NODES))
    with pytest.raises(configuration.SettingsError) as error:
        build(foundation.build)
    lacking = "elasticloadbalancing (load_balancer_controller), rds (crossplane), secretsmanager (external_secrets)"
    assert str(error.value).endswith(f": {lacking}, sqs (karpenter), ssm (karpenter)")

    given = [*endpoints.NODES, "elasticloadbalancing", "rds", "secretsmanager"]
    configure("foundation-dev", nat="none", interface_endpoints=given)
    assert not build(foundation.build).of_kind("NatGateway"), "without Karpenter its services are not needed"


AUTO_MODE: Any = {"auto_mode": True, "node_groups": None}


def test_a_foundation_on_auto_mode_has_no_nodes_and_no_roles_for_what_eks_does(build: Build, configure: Any) -> None:
    before = stacks.tracked(build, "foundation-dev")
    configure("foundation-dev", **AUTO_MODE)
    graph = build(foundation.build)

    assert graph["mlops-dev-control-plane"].inputs["autoMode"] == {"enabled": True}
    outputs = graph.outputs["stack"]
    assert outputs["auto_mode"] is True
    assert "node_groups" not in outputs
    lost = before.outputs["stack"]["roles"].keys() - outputs["roles"].keys()
    assert lost == {"aws-load-balancer-controller"}
    assert "auto_mode" not in before.outputs["stack"]
    tracked = stack_files.settings("foundation-dev")
    example = foundation_outputs._outputs("eu-central-1", {**tracked, **AUTO_MODE})
    assert example.keys() == outputs.keys()
    assert example["auto_mode"] is True

    configure(
        "foundation-dev", **AUTO_MODE, nat="none", interface_endpoints=[*endpoints.NODES, "rds", "secretsmanager"]
    )
    assert not build(foundation.build).of_kind("NatGateway"), "EKS calls the load balancers' service from outside"


@pytest.mark.parametrize(
    ("chosen", "known", "complaint"),
    [
        (None, {"node_groups": []}, ""),
        (None, {"node_groups": [{}]}, ""),
        (True, {"auto_mode": True}, ""),
        (True, {}, ""),
        (None, {"auto_mode": True}, "must be true: the cluster of foundation-dev is one of EKS Auto Mode"),
        (True, {"node_groups": [{}]}, "must be false: the cluster of foundation-dev is not one of EKS Auto Mode"),
    ],
)
def test_the_platform_is_of_the_mode_that_the_cluster_of_its_foundation_has(
    configure: Any, chosen: bool | None, known: dict[str, Any], complaint: str
) -> None:
    configure("platform-dev", **({} if chosen is None else {"auto_mode": chosen}))
    problem = platform_eks.unlike(configuration.read(settings.PlatformEksSettings), "foundation-dev")

    assert problem(known).removeprefix("setting pulumi-mlops:auto_mode ") == complaint


class Asked(Exception):
    """What a stack asks of another, in the place of an answer."""


def test_a_platform_of_another_mode_than_its_cluster_is_refused(
    configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs(*args: Any, **options: Any) -> Any:
        raise Asked(options["problem"])

    configure("platform-dev", auto_mode=True)
    with monkeypatch.context() as patch:
        patch.setattr(references, "outputs", outputs)
        with pytest.raises(Asked) as asked:
            platform_eks.build()
    (problem,) = asked.value.args

    assert references.check("foundation-dev", {"auto_mode": True}, [], problem=problem)
    with pytest.raises(configuration.SettingsError, match="setting pulumi-mlops:auto_mode must be false"):
        references.check("foundation-dev", {"node_groups": [{}]}, [], problem=problem)


def test_production_is_larger_and_protected_where_dev_is_small(build: Build, configure: Any) -> None:
    dev = stacks.tracked(build, "platform-dev")
    prod = stacks.tracked(build, "platform-prod")

    assert not [one.name for one in dev if one.protect]
    assert [one.name for one in prod if one.protect] == ["mlflow-database-instance"]
    assert dev["mlflow-server"].inputs["spec"]["replicas"] == 1
    assert prod["mlflow-server"].inputs["spec"]["replicas"] == 3
    assert prod["mlflow-database-instance"].inputs["multiAz"] is True
    assert "Monitoring" in prod.kinds()
    assert "Monitoring" not in dev.kinds()
    assert prod["karpenter-node-class"].inputs["spec"]["role"] == "mlops-prod-on-demand-nodes-example"
    assert "Karpenter" not in dev.kinds()


def test_databases_by_manifest_are_called_as_the_foundation_lets_crossplane_call_them(
    build: Build, configure: Any
) -> None:
    configure("platform-dev", database_api={})
    made = next(one for one in build(platform_eks.build).of_kind("Composition"))
    subnets = made.inputs["spec"]["pipeline"][0]["input"]["resources"][0]
    called = next(patch["combine"]["string"]["fmt"] for patch in subnets["patches"] if "combine" in patch)
    policies = [one for one in stacks.tracked(build, "foundation-dev") if "crossplane-provider-aws-rds" in one.name]

    prefix = called.partition("%")[0]
    assert prefix == "mlops-dev-team-"
    assert any(f":subgrp:{prefix}*" in str(one.inputs.get("policy")) for one in policies)


def test_databases_by_manifest_are_there_only_on_request(build: Build, configure: Any) -> None:

    assert "DatabaseApi" not in stacks.tracked(build, "platform-dev").kinds()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"database_api": []}, "pulumi-mlops:database_api must be a mapping"),
        ({"login": None}, "setting pulumi-mlops:login is required: the identity provider"),
        ({"addons": {"kserve": {}}}, 'pulumi-mlops:addons is unknown; did you mean "add_ons"?'),
        ({"replicas": "many"}, "pulumi-mlops:replicas must be a whole number, got 'many'"),
    ],
)
def test_a_wrong_setting_is_named(build: Build, configure: Any, changes: Any, complaint: str) -> None:
    configure("platform-dev", **changes)

    with pytest.raises(configuration.SettingsError) as error:
        build(platform_eks.build)

    assert complaint in str(error.value)
