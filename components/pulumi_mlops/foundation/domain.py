"""A domain and its certificate: a zone on Route 53, a certificate of ACM, and the records that prove it.

Does not own: the registration of the domain, the records of services (external-dns writes them).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops import _aws
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.foundation._names import duplicates

RECORD_TTL_SECONDS = 300
MAX_COMMON_NAME = 64
"""ACM's limit of the first name of a certificate it makes (RFC 5280's of a common name)."""
_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})+"


class DomainArgs(TypedDict):
    """Arguments of `Domain`."""

    domain_name: str
    """The domain, such as `ml.example.org`, without a final dot, at most 64 characters (ACM's limit of a
    certificate's first name), with `certificate_arn` 253. Plain: it decides which records there are."""
    zone_id: NotRequired[pulumi.Input[str] | None]
    """Id of a zone that exists and holds the domain; default: a public zone of the domain's name is created."""
    parent_zone_id: NotRequired[pulumi.Input[str] | None]
    """Id of the zone above, where the created zone is announced; default: somebody does that by hand. Not with
    `zone_id`. A zone that nobody announces is seen by nobody: the certificate waits for it, and `up` ends in an error
    after 75 minutes."""
    alternative_names: NotRequired[list[str] | None]
    """Further names in the certificate, in the same domain; default: `*.` and the domain. At most 9, with ACM's
    default quota. Another list makes another certificate, which takes the old one's place without a gap."""
    certificate_arn: NotRequired[pulumi.Input[str] | None]
    """ARN of a certificate that exists, in the load balancer's region; default: one is created. Then without
    `alternative_names`."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the zone; default true. When false, `destroy` deletes it with all records, those
    of others included, and a new one has other name servers."""
    tags: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Tags of the zone and of the certificate; default none."""


_domain = matches(f"(?=.{{1,253}}$){_DOMAIN}", 'a domain such as "ml.example.org", lower-case, without a final dot')
_name = matches(rf"(?=.{{1,253}}$)(\*\.)?{_DOMAIN}", 'a domain, or one behind "*." such as "*.ml.example.org"')

ARGUMENTS = {
    "domain_name": Argument(rule=_domain),
    "zone_id": Argument(rule=_aws.hosted_zone_id),
    "parent_zone_id": Argument(rule=_aws.hosted_zone_id),
    "alternative_names": Argument(rule=_name),
    "certificate_arn": Argument(rule=_aws.certificate_arn),
    "protect_data": Argument(default=True),
}


class Domain(pulumi.ComponentResource):
    """A zone and a valid certificate for the domain and every host in it.

    ```python
    from pulumi_mlops.foundation import Domain

    domain = Domain("birds", {"domain_name": "birds.example.org", "parent_zone_id": "Z0123456789ABCDEFGHIJ"})
    pulumi.export("zone_id", domain.zone_id)
    pulumi.export("certificate_arn", domain.certificate_arn)
    ```
    """

    zone_id: pulumi.Output[str]
    """Id of the zone."""
    name: pulumi.Output[str]
    """The domain."""
    name_servers: pulumi.Output[list[str]]
    """Name servers of the created zone, which the zone above has to name; empty for a zone that existed."""
    certificate_arn: pulumi.Output[str]
    """ARN of the certificate, known once it is valid."""

    def __init__(self, name: str, args: DomainArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(Domain, name, args, DomainArgs, ARGUMENTS, problems=_problems, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:Domain", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)

        needs: list[pulumi.Resource] = []
        if checked["zone_id"] is None:
            needs = self._create_zone()
        else:
            self.zone_id = pulumi.Output.from_input(checked["zone_id"])
            self.name_servers = pulumi.Output.from_input(list[str]())
        self.certificate_arn = (
            self._create_certificate(needs)
            if checked["certificate_arn"] is None
            else pulumi.Output.from_input(checked["certificate_arn"])
        )
        self.name = pulumi.Output.from_input(checked["domain_name"])
        self.register_outputs(
            {
                "zone_id": self.zone_id,
                "name": self.name,
                "name_servers": self.name_servers,
                "certificate_arn": self.certificate_arn,
            }
        )

    def _create_zone(self) -> list[pulumi.Resource]:
        """Sets the outputs of the zone and returns what makes it visible."""
        protected = self._args["protect_data"]
        zone = aws.route53.Zone(
            f"{self._name}-zone",
            name=self._args["domain_name"],
            force_destroy=not protected,
            tags=self._args["tags"],
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers.apply(list)
        if self._args["parent_zone_id"] is None:
            return []
        announcement = aws.route53.Record(
            f"{self._name}-name-servers",
            zone_id=self._args["parent_zone_id"],
            name=self._args["domain_name"],
            type="NS",
            ttl=RECORD_TTL_SECONDS,
            records=zone.name_servers,
            opts=self._child,
        )
        return [announcement]

    def _create_certificate(self, needs: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        domain = self._args["domain_name"]
        alternatives = self._args["alternative_names"]
        if alternatives is None:
            alternatives = [f"*.{domain}"]
        certificate = aws.acm.Certificate(
            f"{self._name}-certificate",
            domain_name=domain,
            subject_alternative_names=alternatives,
            validation_method="DNS",
            tags=self._args["tags"],
            opts=self._child,
        )
        records = [
            self._create_proof(host, certificate.domain_validation_options)
            for host in hosts_to_prove([domain, *alternatives])
        ]
        validation = aws.acm.CertificateValidation(
            f"{self._name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )
        return validation.certificate_arn

    def _create_proof(self, host: str, challenges: pulumi.Output[Any]) -> aws.route53.Record:
        record = challenges.apply(lambda known: proof(known, host))
        return aws.route53.Record(
            f"{self._name}-proof-{host}",
            zone_id=self.zone_id,
            name=record["name"],
            type=record["type"],
            ttl=RECORD_TTL_SECONDS,
            records=[record["value"]],
            # ACM asks for the same record for every certificate of a host in an account: another may have made it.
            allow_overwrite=True,
            opts=self._child,
        )


def hosts_to_prove(names: Sequence[str]) -> list[str]:
    """The hosts that ACM wants proof for, each once: a host and the wildcard below it share one record."""
    return list(dict.fromkeys(name.removeprefix("*.") for name in names))


def proof(challenges: Sequence[Any], host: str) -> dict[str, str]:
    """Name, type and value of the record that ACM looks for.

    The challenges are the SDK's, which types every field as optional, although ACM fills all of them.
    """
    for one in challenges:
        if one.domain_name.removeprefix("*.") == host:
            return {
                "name": one.resource_record_name,
                "type": one.resource_record_type,
                "value": one.resource_record_value,
            }
    raise pulumi.RunError(
        f"ACM names no validation record for {host}, only for {[one.domain_name for one in challenges]}"
    )


def _problems(args: DomainArgs) -> Iterator[str]:
    domain = args["domain_name"]
    alternatives = args["alternative_names"] or []
    if args["certificate_arn"] is None and len(domain) > MAX_COMMON_NAME:
        yield f"args.domain_name must be at most {MAX_COMMON_NAME} characters (ACM's limit), got {domain!r}"
    for one in alternatives:
        host = one.removeprefix("*.")
        if host != domain and not host.endswith(f".{domain}"):
            yield f"args.alternative_names must be in args.domain_name ({domain}), got {one!r}"
    for twice in duplicates([domain, *alternatives]):
        yield f'args.alternative_names has "{twice}", which the certificate has already'
    if args["certificate_arn"] is not None and args["alternative_names"] is not None:
        yield "args.alternative_names are for a certificate that is created: leave them out with args.certificate_arn"
    if args["zone_id"] is not None and args["parent_zone_id"] is not None:
        yield "args.parent_zone_id is for a zone that is created: leave it out with args.zone_id"
