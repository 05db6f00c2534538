"""Zones of Route 53 and whether public DNS finds them, and certificates that load balancers are given.

A certificate is proven by a record in its zone: nobody sees the record before the zone above names the zone's servers.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pulumi_mlops.cli.preflight import dns
from pulumi_mlops.cli.preflight.account import Account, Refused
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.json_data import JsonObject, mapping
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import at, is_hidden

DELEGATION, CERTIFICATES = "domain's delegation", "certificates"
ZONE, RECORD, CERTIFICATE = "aws:route53/zone:Zone", "aws:route53/record:Record", "aws:acm/certificate:Certificate"
NO_ZONE, NO_CERTIFICATE = "NoSuchHostedZone", "ResourceNotFoundException"
CERTIFICATE_ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
ARN = re.compile(r"arn:[a-z-]+:acm:(?P<region>[a-z0-9-]+):\d+:certificate/\S+")
WAITS = "the certificate cannot be proven: `up` waits 75 minutes for it and fails"


def delegation(planned: Planned, account: Account) -> Iterator[Result]:
    """The zone of each new certificate is one that public DNS finds, or will be when `up` has made it."""
    if not planned.new(CERTIFICATE):
        return
    made = {str(one.get("name")).rstrip(".") for one in _inputs(planned.new(ZONE))}
    announced = {
        str(one.get("name")).rstrip(".") for one in _inputs(planned.of(RECORD)) if str(one.get("type")) == "NS"
    }
    for domain in sorted(made):
        yield _made(account, domain, announced)
    ids = [one.get("zoneId") for one in _inputs(planned.new(RECORD)) if str(one.get("type")) != "NS"]
    for zone in sorted({one for one in ids if isinstance(one, str) and not is_hidden(one)}):
        yield _existing(account, zone)


def _made(account: Account, domain: str, announced: set[str]) -> Result:
    """About a zone that the stack would make: `announced` are the names with an NS record in the same stack."""
    zones = account.listed("route53", "ListHostedZones", "HostedZones")
    public = {one["Name"].rstrip("."): one["Id"].rpartition("/")[2] for one in zones if not _private(one)}
    if domain in public:
        return finding(
            DELEGATION,
            f"the account has a zone {domain} already, {public[domain]}",
            f"the stack would make a second one, which no resolver finds: {WAITS}",
            f"set zone_id to {public[domain]}",
        )
    if domain in announced:
        return ok(DELEGATION, f"{domain} is announced in the zone above")
    parts = domain.split(".")
    above = next((".".join(parts[n:]) for n in range(1, len(parts)) if ".".join(parts[n:]) in public), "")
    fix = (
        f"set parent_zone_id to {public[above]}, the zone {above}"
        if above
        else f"make the zone first: aws route53 create-hosted-zone --name {domain} --caller-reference first; have its "
        "name servers entered in the zone above; then set zone_id"
    )
    what = f"{domain} has no NS record in the zone above: the stack makes the zone and not the record"
    return finding(DELEGATION, what, f"unless somebody adds it while `up` runs, {WAITS}", fix)


def _existing(account: Account, zone: str) -> Result:
    """About a zone that is there, by its id."""
    try:
        found = account.ask("route53", "GetHostedZone", Id=zone)
    except Refused as refused:
        if refused.code != NO_ZONE:
            raise
        fix = "set zone_id to one of: aws route53 list-hosted-zones --query 'HostedZones[].[Id,Name]'"
        return finding(DELEGATION, f"the account has no zone {zone}", "`up` fails at the first record", fix)
    domain = found["HostedZone"]["Name"].rstrip(".")
    if _private(found["HostedZone"]):
        fix = "set zone_id to a public zone"
        return finding(
            DELEGATION, f"{zone}, {domain}, is a private zone", f"it does not answer outside its VPC: {WAITS}", fix
        )
    wanted = {one.rstrip(".").lower() for one in found["DelegationSet"]["NameServers"]}
    named = dns.name_servers(domain)
    if named & wanted:
        return ok(DELEGATION, f"{domain} is {zone}")
    what = f"public DNS finds {domain} at {', '.join(sorted(named))}" if named else f"public DNS does not find {domain}"
    fix = f"enter these as NS records of {domain} in the zone above: {', '.join(sorted(wanted))}"
    return finding(DELEGATION, f"{what}, and not at the servers of {zone}", WAITS, fix)


def certificates(planned: Planned, account: Account) -> Iterator[Result]:
    """Each certificate that a load balancer is given is issued, in force and in the load balancer's region."""
    services = [at(one.inputs, "metadata.annotations") for one in planned.resources if one.kind == "Service"]
    given = [mapping(one).get(CERTIFICATE_ANNOTATION) for one in services]
    for arn in sorted({one for one in given if isinstance(one, str) and not is_hidden(one)}):
        try:
            yield _certificate(account, arn, planned.region)
        except (NotChecked, Refused) as problem:
            yield not_checked(CERTIFICATES, f"{arn}: {problem}", problem.fix if isinstance(problem, NotChecked) else "")


def _certificate(account: Account, arn: str, region: str) -> Result:
    why = "the load balancer gets no listener for HTTPS: `up` succeeds, and no endpoint answers"
    fix = f"set certificate_arn to one of: aws acm list-certificates --region {region}"
    place = ARN.fullmatch(arn)
    if not place:
        return finding(CERTIFICATES, f"{arn} is not the ARN of a certificate of ACM", why, fix)
    if place["region"] != region:
        return finding(CERTIFICATES, f"{arn} is in {place['region']}, and the load balancer in {region}", why, fix)
    try:
        found = account.ask("acm", "DescribeCertificate", CertificateArn=arn)["Certificate"]
    except Refused as refused:
        if refused.code != NO_CERTIFICATE:
            raise
        return finding(CERTIFICATES, f"the account has no {arn}", why, fix)
    if (status := found.get("Status")) != "ISSUED":
        return finding(
            CERTIFICATES,
            f"{arn} is {status}",
            why,
            f"see why: aws acm describe-certificate --region {region} --certificate-arn {arn}",
        )
    ends: datetime | None = found.get("NotAfter")
    if ends and ends < datetime.now(UTC):
        return finding(CERTIFICATES, f"{arn} ended on {ends:%Y-%m-%d}", "clients refuse the connection", fix)
    return ok(CERTIFICATES, f"{found.get('DomainName')}, {arn}")


def _inputs(resources: list[Resource]) -> Iterator[JsonObject]:
    for one in resources:
        yield one.inputs


def _private(zone: object) -> bool:
    return bool(mapping(mapping(zone).get("Config")).get("PrivateZone"))
