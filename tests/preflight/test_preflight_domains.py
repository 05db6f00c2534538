"""Zones, their delegation and certificates, from moto's account and a name server of this machine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from name_server import name_server
from pulumi_mlops.cli.preflight import dns
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import domains
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Outcome, Result
from pulumi_mlops.review.preview import Step
from simulated_account import REGION, SimulatedAws, new, planned

from tests.review import recorded

DOMAIN = "ml.example.org"
CERTIFICATE = new(domains.CERTIFICATE, domainName=DOMAIN)
ARN = f"arn:aws:acm:{REGION}:123456789012:certificate/1"
Found = Callable[..., set[str]]


def delegation(account: Account, *steps: Step) -> Result:
    (result,) = domains.delegation(planned(CERTIFICATE, *steps), account)
    return result


def zone(aws: SimulatedAws, name: str, private: bool = False) -> tuple[str, list[str]]:
    """Id and name servers of a zone that is made."""
    settings: dict[str, Any] = {"HostedZoneConfig": {"PrivateZone": True}} if private else {}
    if private:
        vpc = aws.session.client("ec2", region_name=REGION).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        settings["VPC"] = {"VPCRegion": REGION, "VPCId": vpc}
    client = aws.session.client("route53", region_name=REGION)
    made = client.create_hosted_zone(Name=name, CallerReference=name, **settings)
    return made["HostedZone"]["Id"].rpartition("/")[2], made.get("DelegationSet", {}).get("NameServers", [])


def proof(zone_id: str) -> Step:
    return new(domains.RECORD, "proof", name=f"_1.{DOMAIN}", type="CNAME", zoneId=zone_id)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Name servers of each domain, as public DNS finds them."""
    known: dict[str, list[str]] = {}
    monkeypatch.setattr(dns, "name_servers", lambda domain: set(known.get(domain, ())))
    return known


def test_a_zone_that_nobody_announces_is_a_finding(account: Account) -> None:
    result = delegation(account, new(domains.ZONE, name=DOMAIN))

    assert result.outcome is Outcome.FINDING
    assert result.what.startswith("ml.example.org has no NS record in the zone above")
    assert result.fix.startswith("make the zone first: aws route53 create-hosted-zone --name ml.example.org ")


def test_a_zone_above_in_the_account_is_proposed(aws: SimulatedAws, account: Account) -> None:
    above, _ = zone(aws, "example.org")

    assert (
        delegation(account, new(domains.ZONE, name=DOMAIN)).fix
        == f"set parent_zone_id to {above}, the zone example.org"
    )


def test_a_zone_that_the_stack_announces_itself_is_fine(account: Account) -> None:
    announced = new(domains.RECORD, name=DOMAIN, type="NS", zoneId="Z1")

    assert delegation(account, new(domains.ZONE, name=DOMAIN), announced).outcome is Outcome.OK


def test_a_second_zone_of_the_same_name_is_a_finding(aws: SimulatedAws, account: Account) -> None:
    there, _ = zone(aws, DOMAIN)

    result = delegation(account, new(domains.ZONE, name=DOMAIN))

    assert (result.outcome, result.fix) == (Outcome.FINDING, f"set zone_id to {there}")


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([], "public DNS does not find ml.example.org, and not at the servers of "),
        (
            ["ns.elsewhere.example"],
            "public DNS finds ml.example.org at ns.elsewhere.example, and not at the servers of ",
        ),
    ],
)
def test_a_zone_that_the_world_does_not_find_is_a_finding(
    aws: SimulatedAws, account: Account, servers: dict[str, list[str]], others: list[str], words: str
) -> None:
    there, own = zone(aws, DOMAIN)
    servers[DOMAIN] = others

    result = delegation(account, proof(there))

    assert (result.outcome, result.what) == (Outcome.FINDING, f"{words}{there}")
    assert result.fix.endswith(", ".join(sorted(one.rstrip(".") for one in own)))

    servers[DOMAIN] = [own[0].rstrip("."), "ns.elsewhere.example"]
    assert delegation(account, proof(there)).outcome is Outcome.OK


def test_a_zone_that_is_not_there_or_private_is_a_finding(aws: SimulatedAws, account: Account) -> None:
    assert delegation(account, proof("Z0123456789ABCDEFGHIJ")).what == "the account has no zone Z0123456789ABCDEFGHIJ"

    private, _ = zone(aws, DOMAIN, private=True)
    assert delegation(account, proof(private)).what == f"{private}, ml.example.org, is a private zone"


def test_without_a_new_certificate_no_zone_is_asked(account: Account) -> None:
    assert list(domains.delegation(planned(new(domains.ZONE, name=DOMAIN)), account)) == []


def test_name_servers_are_read_as_they_are_announced() -> None:
    with name_server({"a.example": ["NS1.b.example", "ns2.b.example"], "empty.example": []}) as server:
        assert dns.name_servers("a.example", server) == {"ns1.b.example", "ns2.b.example"}
        assert dns.name_servers("empty.example", server) == set()
        assert dns.name_servers("nowhere.example", server) == set()


def test_a_resolver_that_fails_is_not_checked() -> None:
    with name_server({}, refuses=True) as server, pytest.raises(NotChecked, match="cannot be asked for"):
        dns.name_servers("a.example", server)


def certificate(account: Account, arn: str = ARN) -> Result:
    metadata = {"annotations": {domains.CERTIFICATE_ANNOTATION: arn}}
    (result,) = domains.certificates(planned(new("kubernetes:core/v1:Service", metadata=metadata)), account)
    return result


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("arn:aws:iam::123456789012:server-certificate/a", "is not the ARN of a certificate of ACM"),
        (ARN.replace(REGION, "us-east-1"), f"is in us-east-1, and the load balancer in {REGION}"),
        (ARN, "the account has no arn:"),
    ],
)
def test_a_certificate_that_is_not_here_is_a_finding(account: Account, arn: str, words: str) -> None:
    result = certificate(account, arn)

    assert result.outcome is Outcome.FINDING
    assert words in result.what


@pytest.mark.parametrize(
    ("described", "outcome", "words"),
    [
        ({"Status": "PENDING_VALIDATION"}, Outcome.FINDING, f"{ARN} is PENDING_VALIDATION"),
        ({"Status": "ISSUED", "NotAfter": datetime(2024, 1, 2, tzinfo=UTC)}, Outcome.FINDING, "ended on 2024-01-02"),
        ({"Status": "ISSUED", "NotAfter": datetime.now(UTC) + timedelta(days=30)}, Outcome.OK, DOMAIN),
    ],
)
def test_a_certificate_must_be_issued_and_in_force(
    aws: SimulatedAws, account: Account, described: dict[str, Any], outcome: Outcome, words: str
) -> None:
    aws.answer("acm", "DescribeCertificate", {"Certificate": {"DomainName": DOMAIN, **described}})

    result = certificate(account)

    assert result.outcome is outcome
    assert words in result.what


def test_the_recorded_stacks_are_read(aws: SimulatedAws, account: Account) -> None:
    (zone_of,) = domains.delegation(Planned(recorded.preview("new-foundation-prod")), account)
    (load_balancers,) = domains.certificates(Planned(recorded.preview("new-platform-prod")), account)

    assert "ml.example.org has no NS record in the zone above" in zone_of.what
    assert load_balancers.what.startswith("the account has no arn:aws:acm:eu-central-1:")
