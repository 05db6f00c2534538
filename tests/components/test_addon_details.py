"""What is special about each infrastructure add-on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions
from pulumi_mlops.platform import CertManager, ExternalDns, ExternalSecrets, Karpenter, LoadBalancerController
from pulumi_mlops.platform.add_ons import (
    cert_manager,
    external_dns,
    external_secrets,
    karpenter,
    load_balancer_controller,
)

from maintenance import upstream
from tests.components.addons import ADDONS, ZONE, filled
from tests.conftest import Build, unknown

LEAST = {addon.component: addon.least for addon in ADDONS}
DNS = LEAST[ExternalDns]
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"

NODE_ROLE = "arn:aws:iam::123456789012:role/mlops-node"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:mlops-interruptions"

Permission = tuple[str, str, str]


def permissions(statements: list[dict[str, Any]]) -> set[Permission]:
    """Each (action, resource, conditions) on its own, however they are grouped."""
    return {
        (action, resource, json.dumps(one.get("conditions", {}), sort_keys=True))
        for one in statements
        for action in one["actions"]
        for resource in one["resources"]
    }


ALL_STATEMENTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "cert-manager": lambda: cert_manager.statements([ZONE]),
    "external-dns": lambda: external_dns.statements([ZONE]),
    "external-secrets": lambda: external_secrets.statements("eu-central-1", "123456789012", kms_key_arns=[KEY]),
    "karpenter": lambda: karpenter.statements("mlops", "eu-central-1", "123456789012", NODE_ROLE, QUEUE),
    "load-balancer-controller": load_balancer_controller.statements,
}


@pytest.mark.parametrize("make", ALL_STATEMENTS.values(), ids=ALL_STATEMENTS)
def test_a_bare_star_has_a_reason_and_no_action_is_one(make: Callable[[], list[dict[str, Any]]]) -> None:
    for one in make():
        assert one["actions"]
        assert not [action for action in one["actions"] if "*" in action]
        assert ("*" in one["resources"]) == bool(one.get("reason"))
        assert set(one) <= {"actions", "resources", "conditions", "reason"}
        values = [value for keys in one.get("conditions", {}).values() for value in keys.values()]
        assert all(isinstance(value, list) for value in values)


@pytest.mark.parametrize("make", ALL_STATEMENTS.values(), ids=ALL_STATEMENTS)
def test_a_role_has_room_for_it_inline(make: Callable[[], list[dict[str, Any]]]) -> None:
    """IAM allows 10240 characters for all inline policies of a role."""
    assert len(json.dumps(make(), separators=(",", ":"))) < 10_240


def test_what_is_known_later_can_be_part_of_a_statement(build: Build) -> None:
    seen: list[str] = []

    def program() -> None:
        (first, *_) = external_dns.statements([unknown("zone")])
        first["resources"][0].apply(seen.append)

    build(program)

    assert seen == ["arn:aws:route53:::hostedzone/zone-id"]


def test_the_load_balancer_controller_may_do_what_upstream_asks_for_and_nothing_else() -> None:
    asked_for = upstream.content(upstream.POLICY, "aws-load-balancer-controller")

    assert permissions(load_balancer_controller.statements()) == permissions(asked_for)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_other_partitions_have_their_own_arns(partition: str) -> None:
    found = [
        *load_balancer_controller.statements(partition=partition),
        *cert_manager.statements([ZONE], partition=partition),
        *external_dns.statements([ZONE], partition=partition),
        *external_secrets.statements("cn-north-1", "123456789012", partition=partition),
    ]
    arns = [resource for one in found for resource in one["resources"] if resource != "*"]

    assert arns
    assert all(arn.startswith(f"arn:{partition}:") for arn in arns)


def test_records_are_changed_in_the_given_zones_only() -> None:
    for make in (cert_manager.statements, external_dns.statements):
        changed = [resource for action, resource, _ in permissions(make([ZONE])) if "ChangeResource" in action]
        assert changed == [f"arn:aws:route53:::hostedzone/{ZONE}"]


def test_cert_manager_changes_no_record_but_its_challenges() -> None:
    (one,) = [s for s in cert_manager.statements([ZONE]) if s["actions"] == ["route53:ChangeResourceRecordSets"]]

    assert one["conditions"] == {
        "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]},
        "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.*"]},
    }


def test_external_secrets_reads_by_prefix_and_decrypts_for_secrets_manager_only() -> None:
    plain = external_secrets.statements("eu-central-1", "123456789012", ["team/", "rds!"])
    encrypted = external_secrets.statements("eu-central-1", "123456789012", kms_key_arns=[KEY])

    assert [resource for one in plain for resource in one["resources"]] == [
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:team/*",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!*",
    ]
    assert encrypted[-1] == {
        "actions": ["kms:Decrypt"],
        "resources": [KEY],
        "conditions": {"StringEquals": {"kms:ViaService": ["secretsmanager.eu-central-1.amazonaws.com"]}},
    }


def test_an_issuer_is_made_on_request_after_the_release(build: Build) -> None:
    asked = {"acme_email": "platform@example.org", "region": "eu-central-1"}
    graph = build(lambda: CertManager("one", asked))

    assert graph["one-issuer"].inputs["spec"]["acme"]["solvers"] == [{"dns01": {"route53": {"region": "eu-central-1"}}}]
    assert graph["one-release"].urn in graph["one-issuer"].dependencies
    assert graph.outputs_of("one")["issuer"] == "one-public"
    assert not build(lambda: CertManager("one", {})).of_kind("ClusterIssuer")


def test_the_secret_store_has_the_name_that_others_expect_and_no_keys(build: Build) -> None:
    graph = build(lambda: ExternalSecrets("one", {"region": "eu-central-1"}))

    assert graph["one-store"].inputs["metadata"]["name"] == conventions.SECRET_STORE == "aws-secrets-manager"
    assert graph["one-store"].inputs["spec"] == {
        "provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1"}}
    }
    assert graph["one-release"].urn in graph["one-store"].dependencies


def test_definitions_survive_unless_told_otherwise() -> None:
    keep = {"helm.sh/resource-policy": "keep"}

    assert cert_manager.values("one", filled(CertManager, {}))["crds"]["keep"] is True
    assert cert_manager.values("one", filled(CertManager, {"keep_definitions": False}))["crds"]["keep"] is False
    assert (
        external_secrets.values("one", filled(ExternalSecrets, {"region": "eu-central-1"}))["crds"]["annotations"]
        == keep
    )
    assert (
        external_secrets.values("one", filled(ExternalSecrets, {"region": "eu-central-1", "keep_definitions": False}))[
            "crds"
        ]["annotations"]
        == {}
    )


@pytest.mark.parametrize(("replicas", "webhooks"), [(1, 1), (2, 3), (10, 3)])
def test_cert_managers_budgets_never_block_a_drain(replicas: int, webhooks: int) -> None:
    values = cert_manager.values("one", filled(CertManager, {"replicas": replicas}))

    assert values["webhook"]["replicaCount"] == webhooks
    for part in (values, values["webhook"], values["cainjector"]):
        assert part["podDisruptionBudget"]["enabled"] == (part["replicaCount"] > 1)


def test_replicas_of_external_secrets_elect_a_leader_and_have_a_budget() -> None:
    values = external_secrets.values("one", filled(ExternalSecrets, {"region": "eu-central-1"}))

    assert values["leaderElect"] is True
    assert values["replicaCount"] == values["webhook"]["replicaCount"] == 2
    assert values["podDisruptionBudget"] == {"enabled": True, "minAvailable": 1}
    assert values["certController"]["podDisruptionBudget"]["enabled"] is False


def test_the_load_balancer_controller_stands_in_nobodys_way() -> None:
    values = load_balancer_controller.values("one", filled(LoadBalancerController, LEAST[LoadBalancerController]))

    assert values["enableServiceMutatorWebhook"] is False
    assert values["enableCertManager"] is True
    assert values["controllerConfig"]["featureGates"] == {"ALBGatewayAPI": False, "NLBGatewayAPI": False}
    assert values["podDisruptionBudget"] == {"maxUnavailable": 1}
    single = load_balancer_controller.values(
        "one", filled(LoadBalancerController, {**LEAST[LoadBalancerController], "replicas": 1})
    )
    assert single["podDisruptionBudget"] == {}


def test_records_go_with_their_objects_unless_told_otherwise() -> None:
    assert external_dns.values("one", filled(ExternalDns, DNS))["policy"] == "sync"
    assert external_dns.values("one", filled(ExternalDns, {**DNS, "keep_records": True}))["policy"] == "upsert-only"
    assert external_dns.values("one", filled(ExternalDns, DNS))["txtOwnerId"] == "mlops"


def test_sources_are_spelt_as_external_dns_spells_them() -> None:
    assert external_dns.values("one", filled(ExternalDns, DNS))["sources"] == [
        "service",
        "ingress",
        "gateway-httproute",
    ]
    everything = [source.value for source in external_dns.DnsSource]
    assert (
        external_dns.values("one", filled(ExternalDns, {**DNS, "sources": everything}))["sources"][-1]
        == "istio-virtualservice"
    )


def test_zones_are_filtered_when_given() -> None:
    assert external_dns.values("one", filled(ExternalDns, DNS))["extraArgs"] == {}
    assert external_dns.values("one", filled(ExternalDns, {**DNS, "zone_ids": [ZONE]}))["extraArgs"] == {
        "zone-id-filter": [ZONE]
    }


def test_karpenter_ends_and_tags_nothing_but_the_clusters_own_instances() -> None:
    tag = "kubernetes.io/cluster/mlops"
    changing = {"ec2:TerminateInstances", "ec2:DeleteLaunchTemplate", "ec2:CreateTags", "ec2:CreateLaunchTemplate"}
    bounded = [s for s in ALL_STATEMENTS["karpenter"]() if changing & set(s["actions"])]

    assert changing == {action for one in bounded for action in one["actions"] if action in changing}
    for one in bounded:
        equals = one["conditions"]["StringEquals"]
        assert ["owned"] in (equals.get(f"aws:RequestTag/{tag}"), equals.get(f"aws:ResourceTag/{tag}"))


def test_karpenter_passes_the_nodes_role_alone_and_reads_its_queue_alone() -> None:
    found = {(action, resource) for action, resource, _ in permissions(ALL_STATEMENTS["karpenter"]())}

    assert [resource for action, resource in found if action == "iam:PassRole"] == [NODE_ROLE]
    assert {resource for action, resource in found if action.startswith("sqs:")} == {QUEUE}
    without = karpenter.statements("mlops", "eu-central-1", "123456789012", NODE_ROLE)
    assert not [action for action, _, _ in permissions(without) if action.startswith("sqs:")]


def test_karpenters_definitions_come_first_and_its_nodes_last(build: Build) -> None:
    graph = build(lambda: Karpenter("one", LEAST[Karpenter]))

    assert graph["one-definitions"].urn in graph["one-release"].dependencies
    assert graph["one-release"].inputs["skipCrds"] is True
    for nodes in ("one-node-class", "one-node-pool"):
        assert graph["one-release"].urn in graph[nodes].dependencies
    assert graph["one-node-class"].urn in graph["one-node-pool"].dependencies


def test_karpenters_nodes_are_encrypted_private_and_bounded(build: Build) -> None:
    graph = build(lambda: Karpenter("one", {**LEAST[Karpenter], "cpu_limit": 7}))

    nodes, pool = graph["one-node-class"].inputs["spec"], graph["one-node-pool"].inputs["spec"]
    assert nodes["metadataOptions"]["httpTokens"] == "required"
    assert all(one["ebs"]["encrypted"] for one in nodes["blockDeviceMappings"])
    assert nodes["associatePublicIPAddress"] is False
    assert pool["limits"] == {"cpu": "7"}


@pytest.mark.parametrize(("spot", "kinds"), [(False, ["on-demand"]), (True, ["spot", "on-demand"])])
def test_spot_instances_are_used_on_request(build: Build, spot: bool, kinds: list[str]) -> None:
    graph = build(lambda: Karpenter("one", {**LEAST[Karpenter], "spot": spot}))

    requirements = graph["one-node-pool"].inputs["spec"]["template"]["spec"]["requirements"]
    assert [one["values"] for one in requirements if one["key"] == "karpenter.sh/capacity-type"] == [kinds]


@pytest.mark.parametrize(
    ("component", "changes", "complaint"),
    [
        (Karpenter, {"node_role": NODE_ROLE}, "args.node_role must be the name of a role, not its ARN"),
        (Karpenter, {"subnet_ids": []}, "args.subnet_ids must not be empty"),
        (Karpenter, {"subnet_ids": ["sub"]}, "args.subnet_ids[0] must be the id of a subnet"),
        (Karpenter, {"security_group_ids": []}, "args.security_group_ids must not be empty"),
        (Karpenter, {"security_group_ids": ["sg-x"]}, "args.security_group_ids[0] must be the id of a security"),
        (Karpenter, {"cpu_limit": 0}, "args.cpu_limit must be at least 1 vCPU, got 0"),
        (Karpenter, {"interruption_queue": "https://q"}, "args.interruption_queue must be the name of an SQS queue"),
        (CertManager, {"acme_email": "a@b.org"}, "args.region is required where args.acme_email is given"),
        (CertManager, {"region": "eu-central-1"}, "args.region requires args.acme_email"),
        (CertManager, {"acme_email": "nobody", "region": "eu-central-1"}, "args.acme_email must be an e-mail address"),
        (CertManager, {"acme_server": "http://a"}, "args.acme_server must be a URL that begins with https://"),
        (CertManager, {"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        (CertManager, {"replicas": 11}, "args.replicas must be between 1 and 10 replicas, got 11"),
        (ExternalSecrets, {"region": "Frankfurt"}, "args.region must be the name of an AWS region"),
        (ExternalSecrets, {"region": None}, "args.region is required"),
        (ExternalSecrets, {"secret_store": "a b"}, "args.secret_store must be a DNS label"),
        (ExternalDns, {"domain_filters": []}, "args.domain_filters must not be empty"),
        (ExternalDns, {"domain_filters": ["example.org."]}, "args.domain_filters[0] must be a domain name"),
        (ExternalDns, {"domain_filters": ["org_"]}, "args.domain_filters[0] must be a domain name"),
        (ExternalDns, {"zone_ids": ["example.org"]}, "args.zone_ids[0] must be the id of a Route 53 hosted zone"),
        (ExternalDns, {"zone_ids": []}, "args.zone_ids must not be empty"),
        (ExternalDns, {"sources": ["pods"]}, "args.sources[0] must be one of"),
        (ExternalDns, {"cluster_name": ""}, "args.cluster_name must not be empty"),
        (LoadBalancerController, {"vpc_id": "vpc-1"}, "args.vpc_id must be the id of a VPC"),
        (LoadBalancerController, {"vpc_id": None}, "args.vpc_id is required"),
        (LoadBalancerController, {"memory": "much"}, "args.memory must be a Kubernetes quantity"),
    ],
)
def test_wrong_arguments_cost_one_line(build: Build, component: Any, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: component("one", {**LEAST[component], **changes}))

    assert complaint in str(error.value)


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "ap-southeast-4", "cn-northwest-1"])
def test_regions_of_every_form_are_allowed(build: Build, region: str) -> None:
    assert build(lambda: ExternalSecrets("one", {"region": region})).of_kind("Release")
