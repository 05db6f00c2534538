from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import Domain
from pulumi_mlops.foundation.domain import hosts_to_prove, proof
from syrupy.assertion import SnapshotAssertion

from tests.aws import takes_tags
from tests.conftest import UNKNOWN, Build, Graph, unknown

CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b-2c3d"
ARGS: dict[str, Any] = {"domain_name": "birds.example.org"}
FULL: dict[str, Any] = {
    **ARGS,
    "parent_zone_id": "Z0PARENT",
    "alternative_names": ["*.birds.example.org", "*.models.birds.example.org"],
    "protect_data": False,
    "tags": {"team": "birds"},
}


def domain(build: Build, args: dict[str, Any] = ARGS, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: Domain("birds", {**args, **changes}), preview=preview)  # type: ignore[typeddict-item]


def test_the_smallest_domain_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert domain(build).contract() == snapshot


def test_the_fullest_domain_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert domain(build, FULL).contract() == snapshot


def test_the_certificate_is_proven_by_records_in_the_zone(build: Build) -> None:
    graph = domain(build, FULL)

    certificate = graph["birds-certificate"].inputs
    assert certificate["domainName"] == "birds.example.org"
    assert certificate["validationMethod"] == "DNS"
    for host in ("birds.example.org", "models.birds.example.org"):
        record = graph[f"birds-proof-{host}"].inputs
        assert record["zoneId"] == "Z0NEW"
        assert (record["name"], record["type"]) == (f"_proof.{host}.", "CNAME")
        assert record["records"] == [f"_{host.replace('.', '-')}.acm-validations.aws."]
    assert graph["birds-validation"].inputs["validationRecordFqdns"] == [
        "_proof.birds.example.org.",
        "_proof.models.birds.example.org.",
    ]


def test_the_certificate_is_known_once_it_is_valid(build: Build) -> None:
    outputs = domain(build).outputs_of("birds")
    assert outputs["certificate_arn"] == "arn:aws:acm:eu-central-1:123456789012:certificate/birds-certificate"

    def program() -> None:
        listener = Domain("birds", ARGS).certificate_arn  # type: ignore[arg-type]
        Domain("after", {"domain_name": "after.org", "zone_id": "Z1", "certificate_arn": listener})

    graph = build(program)
    assert graph["birds-validation"].urn in graph["after"].dependencies


def test_a_host_and_its_wildcard_share_one_record(build: Build) -> None:
    assert hosts_to_prove(["a.org", "*.a.org", "b.a.org", "*.b.a.org"]) == ["a.org", "b.a.org"]
    assert len(domain(build).of_kind("Record")) == 1


def test_every_host_is_covered_by_default(build: Build) -> None:
    assert domain(build)["birds-certificate"].inputs["subjectAlternativeNames"] == ["*.birds.example.org"]


def test_a_zone_below_another_announces_itself_before_the_certificate_waits(build: Build) -> None:
    graph = domain(build, FULL)
    record = graph["birds-name-servers"].inputs
    assert record["zoneId"] == "Z0PARENT"
    assert (record["name"], record["type"]) == ("birds.example.org", "NS")
    assert record["records"] == ["ns-1.example.net", "ns-2.example.net"]
    assert graph["birds-name-servers"].urn in graph["birds-validation"].dependencies


def test_a_new_zone_says_its_name_servers(build: Build) -> None:
    outputs = domain(build).outputs_of("birds")
    assert outputs["zone_id"] == "Z0NEW"
    assert outputs["name"] == "birds.example.org"
    assert outputs["name_servers"] == ["ns-1.example.net", "ns-2.example.net"]


def test_a_zone_that_exists_is_used(build: Build) -> None:
    graph = domain(build, zone_id="Z0OLD")
    assert not graph.of_kind("Zone")
    assert graph["birds-proof-birds.example.org"].inputs["zoneId"] == "Z0OLD"
    assert graph.outputs_of("birds")["zone_id"] == "Z0OLD"
    assert graph.outputs_of("birds")["name_servers"] == []


def test_a_certificate_that_exists_is_used(build: Build) -> None:
    graph = domain(build, zone_id="Z0OLD", certificate_arn=CERTIFICATE)
    assert [one.name for one in graph] == ["birds"]
    assert graph.outputs_of("birds")["certificate_arn"] == CERTIFICATE


def test_a_zone_and_a_certificate_that_are_not_known_yet_are_no_obstacle(build: Build) -> None:
    def program() -> None:
        Domain("birds", {"domain_name": "birds.example.org", "zone_id": unknown("zone")})
        Domain("cats", {"domain_name": "cats.example.org", "certificate_arn": unknown("certificate")})

    graph = build(program, preview=True)
    assert graph["birds-proof-birds.example.org"].inputs["zoneId"] == UNKNOWN
    assert graph.outputs_of("birds")["certificate_arn"] == UNKNOWN
    assert build(program)["birds-validation"]


def test_acm_that_asks_for_no_record_of_a_host_is_an_error_with_its_name(build: Build) -> None:
    with pytest.raises(pulumi.RunError, match=r"ACM names no validation record for birds\.example\.org"):
        proof([], "birds.example.org")


def test_the_zone_is_protected_unless_told_otherwise(build: Build) -> None:
    assert domain(build)["birds-zone"].protect
    assert domain(build)["birds-zone"].inputs["forceDestroy"] is False
    assert not domain(build, FULL)["birds-zone"].protect
    assert domain(build, FULL)["birds-zone"].inputs["forceDestroy"] is True


def test_every_resource_that_takes_tags_has_them(build: Build) -> None:
    found = [one for one in domain(build, FULL) if one.type.startswith("aws:") and takes_tags(one.type)]
    assert {one.kind for one in found} == {"Zone", "Certificate"}
    assert all(one.inputs["tags"] == {"team": "birds"} for one in found)


def test_two_domains_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: [Domain(name, FULL) for name in ("one", "two")])  # type: ignore[arg-type]
    assert len({one.urn for one in graph}) == len(graph.registrations)


LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"domain_name": "org"}, "args.domain_name must be a domain"),
        ({"domain_name": "birds.example.org."}, "args.domain_name must be a domain"),
        ({"domain_name": "*.example.org"}, "args.domain_name must be a domain"),
        ({"domain_name": "Birds.example.org"}, "args.domain_name must be a domain"),
        ({"domain_name": f"a{LONGEST}"}, "args.domain_name must be a domain"),
        ({"domain_name": f"{'a' * 61}.org"}, "args.domain_name must be at most 64 characters"),
        ({"zone_id": "birds"}, "args.zone_id must be the id of a Route 53 hosted zone"),
        ({"parent_zone_id": "/hostedzone/Z1"}, "args.parent_zone_id must be the id of a Route 53 hosted zone"),
        ({"zone_id": "Z1", "parent_zone_id": "Z2"}, "args.parent_zone_id is for a zone that is created"),
        ({"alternative_names": ["*.cats.org"]}, "args.alternative_names must be in args.domain_name"),
        ({"alternative_names": ["notbirds.example.org"]}, "args.alternative_names must be in args.domain_name"),
        ({"alternative_names": ["a.*.birds.example.org"]}, "args.alternative_names[0] must be a domain, or one behind"),
        ({"alternative_names": ["birds.example.org"]}, "which the certificate has already"),
        ({"certificate_arn": "0a1b"}, "args.certificate_arn must be the ARN of an ACM certificate"),
        (
            {"certificate_arn": CERTIFICATE, "alternative_names": ["a.birds.example.org"]},
            "args.alternative_names are for a certificate that is created",
        ),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Domain "birds": ') as error:
        domain(build, **changes)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"domain_name": LONGEST, "certificate_arn": CERTIFICATE},
        {"domain_name": f"{'a' * 60}.org", "alternative_names": []},
        {"alternative_names": ["a.b.birds.example.org"]},
    ],
)
def test_right_arguments_on_the_edge_are_taken(build: Build, changes: dict[str, Any]) -> None:
    assert domain(build, **changes)["birds-zone"]
