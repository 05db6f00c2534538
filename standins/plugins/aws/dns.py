"""Route 53 zones and records, and ACM certificates with their validation."""

import time
from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Live, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.shapes import equal
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

ATTEMPTS, SECONDS = 20, 0.5
"""How often, and in which distance, an issued certificate is looked for."""


class Zone(Resource):
    """A hosted zone."""

    token = "aws:route53/zone:Zone"
    service = "route53"
    properties = properties("name comment vpcs forceDestroy~ tags")
    outputs = ("arn", "nameServers", "primaryNameServer", "zoneId")
    tagging = Tagging(
        "change_tags_for_resource", "change_tags_for_resource", "list_tags_for_resource",
        {"ResourceType": "hostedzone", "ResourceId": "{id}"}, "AddTags", "RemoveTagKeys", "ResourceTagSet.Tags",
    )  # fmt: skip
    read_call = Call("get_hosted_zone", "@", Id="{id}")

    def _operations(self) -> list[str]:
        return []

    def create(self, account: Account, inputs: Object) -> str:
        """Public, or private to the first VPC; the others join it."""
        vpcs = _vpcs(account, inputs)
        settings = {"Comment": inputs.get("comment", "Managed by Pulumi"), "PrivateZone": bool(vpcs)}
        more = {"VPC": vpcs[0]} if vpcs else {}
        answer = account.call(
            "route53", "create_hosted_zone", Name=inputs["name"], CallerReference=str(time.time_ns()),
            HostedZoneConfig=settings, **more,
        )  # fmt: skip
        identifier = str(answer["HostedZone"]["Id"]).rpartition("/")[2]
        for one in vpcs[1:]:
            account.call("route53", "associate_vpc_with_hosted_zone", HostedZoneId=identifier, VPC=one)
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        return identifier

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The zone and its servers."""
        zone, servers = found["HostedZone"], (found.get("DelegationSet") or {}).get("NameServers") or []
        return {
            "name": str(zone["Name"]).rstrip("."), "comment": zone["Config"].get("Comment", ""), "zoneId": identifier,
            "arn": f"arn:aws:route53:::hostedzone/{identifier}", "nameServers": servers,
            "primaryNameServer": servers[0] if servers else "",
        }  # fmt: skip

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The comment, and the VPCs of a private zone: new ones join before others leave."""
        if "vpcs" in changed:
            before, after = _vpcs(account, state), _vpcs(account, inputs)
            for operation, vpcs in (
                ("associate_vpc_with_hosted_zone", [one for one in after if one not in before]),
                ("disassociate_vpc_from_hosted_zone", [one for one in before if one not in after]),
            ):
                for one in vpcs:
                    account.call("route53", operation, HostedZoneId=identifier, VPC=one)
        if "comment" in changed:
            comment = inputs.get("comment", "Managed by Pulumi")
            account.call("route53", "update_hosted_zone_comment", Id=identifier, Comment=comment)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Empties it first with forceDestroy."""
        try:
            if state.get("forceDestroy"):
                for one in account.call("route53", "list_resource_record_sets", HostedZoneId=identifier)[
                    "ResourceRecordSets"
                ]:
                    if one["Type"] not in ("SOA", "NS"):
                        _change(account, identifier, "DELETE", one)
            account.call("route53", "delete_hosted_zone", Id=identifier)
        except Missing:
            return


def _vpcs(account: Account, inputs: Object) -> list[Object]:
    return [
        {"VPCId": one["vpcId"], "VPCRegion": one.get("vpcRegion", account.region)} for one in inputs.get("vpcs") or []
    ]


def _change(account: Account, zone: str, action: str, record: Object) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    account.call("route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)


class Record(Resource):
    """A record set: values, or an alias."""

    token = "aws:route53/record:Record"
    service = "route53"
    properties = properties("zoneId name type ttl records aliases allowOverwrite~")
    outputs = ("fqdn",)

    def _operations(self) -> list[str]:
        return []

    def wrong(self, inputs: Object) -> list[str]:
        """Parts of an alias that are not known."""
        known = {"name", "zoneId", "evaluateTargetHealth"}
        aliases = inputs.get("aliases")
        return [
            f"{self.token} property aliases.{key} is not implemented by the AWS provider stand-in"
            for one in (aliases if isinstance(aliases, list) else [])
            for key in one
            if key not in known
        ]

    @staticmethod
    def _full(account: Account, zone: str, name: str) -> str:
        origin = str(account.call("route53", "get_hosted_zone", Id=zone)["HostedZone"]["Name"]).rstrip(".")
        name = name.rstrip(".").lower()
        return name if name == origin or name.endswith(f".{origin}") else f"{name}.{origin}".lstrip(".")

    def _record(self, account: Account, inputs: Object) -> Object:
        record: Object = {
            "Name": self._full(account, inputs["zoneId"], inputs["name"]) + ".", "Type": inputs["type"],
        }  # fmt: skip
        if "aliases" in inputs:
            one = inputs["aliases"][0]
            record["AliasTarget"] = {
                "HostedZoneId": one["zoneId"], "DNSName": one["name"],
                "EvaluateTargetHealth": bool(one.get("evaluateTargetHealth")),
            }  # fmt: skip
        else:
            quoted = inputs["type"] == "TXT"
            values = [f'"{one}"' if quoted and not str(one).startswith('"') else str(one) for one in inputs["records"]]
            record |= {"TTL": int(inputs.get("ttl", 300)), "ResourceRecords": [{"Value": one} for one in values]}
        return record

    def create(self, account: Account, inputs: Object) -> str:
        """A new one must not be there, unless it may be overwritten."""
        record = self._record(account, inputs)
        action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
        _change(account, inputs["zoneId"], action, record)
        return f"{inputs['zoneId']}_{record['Name'].rstrip('.')}_{inputs['type']}"

    def _live(self, account: Account, identifier: str, state: Object) -> Object | None:
        """The record in its zone; the identifier keeps the type that the record was made with."""
        zone, _, rest = identifier.partition("_")
        name, _, kind = rest.rpartition("_")
        kind = state.get("type", kind)
        found = account.call("route53", "list_resource_record_sets", HostedZoneId=zone)["ResourceRecordSets"]
        return next(
            (one for one in found if str(one["Name"]).rstrip(".") == name and one["Type"] == kind), None
        )  # fmt: skip

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """The record as the program would give it."""
        try:
            one = self._live(account, identifier, state)
        except Missing:
            return None
        if one is None:
            return None
        full = str(one["Name"]).rstrip(".")
        values: Object = {
            "zoneId": identifier.partition("_")[0], "name": state.get("name", full), "type": one["Type"], "fqdn": full,
        }  # fmt: skip
        if "AliasTarget" in one:
            target = one["AliasTarget"]
            name = str(target["DNSName"]).rstrip(".")
            given = (state.get("aliases") or [{}])[0]
            values["aliases"] = [{
                "zoneId": target["HostedZoneId"], "evaluateTargetHealth": target["EvaluateTargetHealth"],
                "name": given["name"] if str(given.get("name", "")).rstrip(".") == name else name,
            }]  # fmt: skip
        else:
            values |= {"ttl": one.get("TTL"), "records": [
                str(item["Value"]).strip('"') if one["Type"] == "TXT" else item["Value"]
                for item in one["ResourceRecords"]
            ]}  # fmt: skip
        return Live(values)

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Writes it over; a record of another type is deleted."""
        if "type" in changed and (old := self._live(account, identifier, state)):
            _change(account, inputs["zoneId"], "DELETE", old)
        _change(account, inputs["zoneId"], "UPSERT", self._record(account, inputs))

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """The API wants all of it."""
        try:
            one = self._live(account, identifier, state)
            if one is not None:
                _change(account, identifier.partition("_")[0], "DELETE", one)
        except Missing:
            return


class Certificate(Resource):
    """A certificate that Amazon issues."""

    token = "aws:acm/certificate:Certificate"
    service = "acm"
    properties = properties("domainName subjectAlternativeNames validationMethod keyAlgorithm tags")
    outputs = ("arn", "domainValidationOptions", "status", "type")
    volatile = ()
    tagging = Tagging(
        "add_tags_to_certificate", "remove_tags_from_certificate", "list_tags_for_certificate",
        {"CertificateArn": "{id}"}, keys="Tags",
    )  # fmt: skip
    create_call = Call("request_certificate", "CertificateArn")
    read_call = Call("describe_certificate", "Certificate", CertificateArn="{id}")
    delete_call = Call("delete_certificate", CertificateArn="{id}")

    def removal(self, gone: list[str], old: Any) -> Any:
        """This API wants the tags themselves."""
        return [{"Key": key} for key in gone]

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the records that prove the domains, flat; the status is left out, because it changes by itself."""
        values = {
            key: found.get(api) for key, api in (("domainName", "DomainName"), ("keyAlgorithm", "KeyAlgorithm"))
        }  # fmt: skip
        names = [one for one in found.get("SubjectAlternativeNames") or [] if one != found["DomainName"]]
        options = [
            {"domainName": one["DomainName"],
             **{f"resourceRecord{part}": one["ResourceRecord"][part] for part in ("Name", "Type", "Value")}}
            for one in found.get("DomainValidationOptions") or []
            if one.get("ResourceRecord")
        ]  # fmt: skip
        given = state.get("subjectAlternativeNames") or []
        if equal([*given], names) or equal([*given], [*names, found["DomainName"]]):
            names = given
        method = next((one.get("ValidationMethod") for one in found.get("DomainValidationOptions") or []), None)
        values |= {"arn": identifier, "validationMethod": method, "type": found.get("Type")}
        return {**values, "subjectAlternativeNames": names, "domainValidationOptions": options}


class CertificateValidation(Resource):
    """That a certificate has been issued; nothing of its own in AWS."""

    token = "aws:acm/certificateValidation:CertificateValidation"
    service = "acm"
    properties = properties("certificateArn validationRecordFqdns")

    def _operations(self) -> list[str]:
        return []

    def create(self, account: Account, inputs: Object) -> str:
        """Waits until the certificate is issued; the local API issues at the second look."""
        for _ in range(ATTEMPTS):
            found = account.call("acm", "describe_certificate", CertificateArn=inputs["certificateArn"])["Certificate"]
            if found["Status"] == "ISSUED":
                return inputs["certificateArn"]
            time.sleep(SECONDS)
        raise Refused(f"the certificate is {found['Status']} after {ATTEMPTS * SECONDS:.0f}s")

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """Gone with the certificate."""
        try:
            account.call("acm", "describe_certificate", CertificateArn=identifier)
        except Missing:
            return None
        return Live({"certificateArn": identifier})

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Nothing to delete."""


KINDS = (Zone, Record, Certificate, CertificateValidation)
