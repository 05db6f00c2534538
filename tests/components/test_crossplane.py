from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import Crossplane, _crossplane_packages
from pulumi_mlops.platform.add_ons import crossplane
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import CROSSPLANE_FULL
from tests.conftest import Build, unknown

FAMILY = "crossplane-provider-family-aws"
CONFIG = "crossplane-provider-config"


def program(name: str = "crossplane", **changes: Any) -> Crossplane:
    return Crossplane(name, {**changes})  # type: ignore[typeddict-item]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**CROSSPLANE_FULL)).contract() == snapshot


def test_packages_bear_the_names_that_crossplane_gives_to_dependencies(build: Build) -> None:
    graph = build(program)

    names = {one.inputs["metadata"]["name"] for one in graph.of_kind("Provider")}
    assert names == {
        "crossplane-contrib-provider-family-aws",
        *(f"crossplane-contrib-provider-aws-{service}" for service in ("ec2", "iam", "rds", "s3")),
    }
    for one in [*graph.of_kind("Provider"), *graph.of_kind("Function")]:
        reference = one.inputs["spec"]["package"]
        organisation, package = reference.removeprefix("xpkg.crossplane.io/").partition(":")[0].split("/")
        assert one.inputs["metadata"]["name"] == f"{organisation}-{package}"


def test_every_provider_is_of_the_family_s_version(build: Build) -> None:
    tags = {one.inputs["spec"]["package"].rpartition(":")[2] for one in build(program).of_kind("Provider")}

    assert tags == {f"v{versions.CROSSPLANE_AWS}"}


def test_release_family_providers_and_configuration_come_in_this_order_and_go_in_the_reverse(build: Build) -> None:
    graph = build(program)

    assert graph["crossplane-release"].urn in graph[FAMILY].dependencies
    for service in crossplane.SERVICE_ACCOUNTS:
        provider = graph[f"crossplane-provider-aws-{service}"]
        assert {graph[FAMILY].urn, graph["crossplane-activation"].urn} <= provider.dependencies
        assert provider.urn in graph[CONFIG].dependencies
    assert graph[FAMILY].urn in graph[CONFIG].dependencies


def test_a_package_counts_as_there_once_it_is_healthy(build: Build) -> None:
    graph = build(program)

    for one in [*graph.of_kind("Provider"), *graph.of_kind("Function")]:
        assert one.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Healthy"}


def test_service_accounts_are_those_that_a_trust_names(build: Build) -> None:
    graph = build(program)

    for service, account in crossplane.SERVICE_ACCOUNTS.items():
        provider = graph[f"crossplane-provider-aws-{service}"].inputs
        runtime = graph[f"crossplane-provider-aws-{service}-runtime"].inputs
        assert provider["spec"]["runtimeConfigRef"]["name"] == runtime["metadata"]["name"]
        assert runtime["spec"]["serviceAccountTemplate"]["metadata"]["name"] == account
    accounts = [
        one.inputs["spec"]["serviceAccountTemplate"]["metadata"]["name"]
        for one in graph.of_kind("DeploymentRuntimeConfig")
    ]
    assert len(set(accounts)) == len(accounts) == 6


def test_only_kinds_that_are_permitted_exist(build: Build) -> None:
    graph = build(lambda: program(services=["rds"], activations=["clusters.rds.aws.m.upbound.io"]))

    assert graph["crossplane-release"].inputs["values"]["provider"] == {"defaultActivations": []}
    assert graph["crossplane-activation"].inputs["spec"]["activate"] == [
        *_crossplane_packages.ACTIVATIONS["rds"],
        "clusters.rds.aws.m.upbound.io",
    ]
    for service, kinds in _crossplane_packages.ACTIVATIONS.items():
        assert all(kind.endswith(f".{service}.aws.m.upbound.io") for kind in kinds)


def test_credentials_are_the_pods_own(build: Build) -> None:
    assert build(program)[CONFIG].inputs["spec"] == {"credentials": {"source": "PodIdentity"}}


def test_outside_aws_there_are_functions_and_nothing_else(build: Build) -> None:
    graph = build(lambda: program(services=[]))

    assert not graph.kinds() & {"Provider", "ClusterProviderConfig", "ManagedResourceActivationPolicy"}
    assert len(graph.of_kind("Function")) == 2
    assert graph.outputs_of("crossplane")["provider_config"] == ""


def test_a_mirror_rewrites_packages_and_leaves_their_names(build: Build) -> None:
    graph = build(lambda: program(image_mirror="mirror.example.org"))

    assert graph["crossplane-mirror"].inputs["spec"] == {
        "matchImages": [{"type": "Prefix", "prefix": "xpkg.crossplane.io"}],
        "rewriteImage": {"prefix": "mirror.example.org"},
    }
    assert graph["crossplane-mirror"].urn in graph[FAMILY].dependencies
    assert graph[FAMILY].inputs["spec"]["package"].startswith("xpkg.crossplane.io/")
    assert graph["crossplane-release"].inputs["values"]["image"] == {
        "repository": "mirror.example.org/crossplane/crossplane"
    }


def test_two_replicas_survive_a_drain_and_one_does_not_block_it(build: Build) -> None:
    graph = build(program)

    selectors = [one.inputs["spec"]["selector"]["matchLabels"] for one in graph.of_kind("PodDisruptionBudget")]
    assert selectors == [
        {"app": "crossplane", "release": "crossplane"},
        {"app": "crossplane-rbac-manager", "release": "crossplane"},
    ]
    assert not build(lambda: program(replicas=1)).of_kind("PodDisruptionBudget")


def test_pods_of_packages_obey_the_restricted_security_standard(build: Build) -> None:
    for one in build(program).of_kind("DeploymentRuntimeConfig"):
        pod = one.inputs["spec"]["deploymentTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["name"] == "package-runtime"
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_the_outputs_say_when_composing_is_possible(build: Build) -> None:
    assert build(program).outputs_of("crossplane") == {
        "namespace": conventions.CROSSPLANE_NAMESPACE,
        "release": "crossplane",
        "functions": ["crossplane-contrib-function-patch-and-transform", "crossplane-contrib-function-auto-ready"],
        "provider_config": "default",
    }
    assert build(program, preview=True).outputs_of("crossplane")["release"] == "<unknown>"


PERMISSIONS: dict[str, list[dict[str, Any]]] = {
    "s3": crossplane.s3_statements("team-"),
    "rds": crossplane.rds_statements("111122223333", "eu-central-1", "team-"),
    "ec2": crossplane.ec2_statements("111122223333", "eu-central-1", "vpc-1"),
    "iam": crossplane.iam_statements("111122223333", "/tenants/", "arn:aws:iam::111122223333:policy/boundary"),
}


@pytest.mark.parametrize("service", PERMISSIONS)
def test_permissions_name_what_they_reach_or_say_why_not(service: str) -> None:
    assert set(PERMISSIONS) == set(crossplane.SERVICE_ACCOUNTS)
    for statement in PERMISSIONS[service]:
        assert set(statement) <= {"actions", "resources", "conditions", "reason"}
        assert not [action for action in statement["actions"] if "*" in action]
        assert "*" not in statement["resources"] or len(statement["reason"]) >= 10


def test_nothing_of_a_neighbour_is_reached() -> None:
    assert [one["resources"] for one in PERMISSIONS["s3"]] == [["arn:aws:s3:::team-*"]]
    assert not [
        action
        for one in PERMISSIONS["s3"]
        for action in one["actions"]
        if "Object" in action and action != "s3:GetBucketObjectLockConfiguration"
    ]
    instances = PERMISSIONS["rds"][0]["resources"]
    assert "arn:aws:rds:eu-central-1:111122223333:db:team-*" in instances
    for one in PERMISSIONS["ec2"]:
        if "ec2:DeleteSecurityGroup" in one["actions"]:
            assert one["conditions"] == {"StringLike": {"aws:ResourceTag/crossplane-providerconfig": ["*"]}}
    for one in PERMISSIONS["iam"]:
        if {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"} & set(one["actions"]):
            assert one["conditions"]["StringEquals"]["iam:PermissionsBoundary"]
        assert "iam:DeleteRolePermissionsBoundary" not in one["actions"]


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image_mirror=unknown("r")), preview=True)

    assert {"Release", "Provider", "ClusterProviderConfig", "ImageConfig"} <= graph.kinds()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"services": ["sqs"]}, "args.services[0] must be one of ec2, iam, rds, s3, got 'sqs'"),
        ({"activations": ["Buckets"]}, "args.activations[0] must be a definition such as"),
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"provider_memory": "much"}, "args.provider_memory must be a Kubernetes quantity"),
        ({"namespace": "No"}, "args.namespace must be a DNS label"),
        ({"service": []}, 'did you mean "services"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Crossplane "crossplane"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("activation", ["*.rds.aws.m.upbound.io", "instances.rds.aws.upbound.io"])
def test_definitions_may_be_named_one_by_one_or_by_group(build: Build, activation: str) -> None:
    assert build(lambda: program(activations=[activation])).of_kind("ManagedResourceActivationPolicy")
