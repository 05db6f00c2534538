"""Security groups, with rules inside them or as resources of their own."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, properties
from standins.plugins.aws.ec2 import Ec2
from standins.plugins.aws.shapes import equal
from standins.plugins.values import Object

RULE = (
    "protocol", "fromPort", "toPort", "cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups", "self",
    "description",
)  # fmt: skip
DIRECTIONS = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}


def permission(rule: Object, group: str) -> Object:
    """A rule inside a group as the API takes it."""
    more = {"Description": rule["description"]} if rule.get("description") else {}
    groups = [*(rule.get("securityGroups") or []), *([group] if rule.get("self") else [])]
    protocol = str(rule["protocol"])
    found: Object = {"IpProtocol": "-1" if protocol == "all" else protocol}
    if found["IpProtocol"] != "-1":
        found |= {"FromPort": int(rule["fromPort"]), "ToPort": int(rule["toPort"])}
    for key, part, name, values in (
        ("IpRanges", "CidrIp", "cidrBlocks", None),
        ("Ipv6Ranges", "CidrIpv6", "ipv6CidrBlocks", None),
        ("PrefixListIds", "PrefixListId", "prefixListIds", None),
        ("UserIdGroupPairs", "GroupId", "", groups),
    ):
        items = values if values is not None else rule.get(name) or []
        if items:
            found[key] = [{part: item, **more} for item in items]
    return found


def rules(permissions: list[Object], group: str) -> list[Object]:
    """What the API has, as rules inside a group."""
    found = []
    for one in permissions:
        pairs = [pair["GroupId"] for pair in one.get("UserIdGroupPairs", [])]
        parts = [*one.get("IpRanges", []), *one.get("Ipv6Ranges", []), *one.get("UserIdGroupPairs", [])]
        rule = {
            "protocol": one["IpProtocol"],
            "fromPort": one.get("FromPort", 0),
            "toPort": one.get("ToPort", 0),
            "cidrBlocks": [item["CidrIp"] for item in one.get("IpRanges", [])],
            "ipv6CidrBlocks": [item["CidrIpv6"] for item in one.get("Ipv6Ranges", [])],
            "prefixListIds": [item["PrefixListId"] for item in one.get("PrefixListIds", [])],
            "securityGroups": [item for item in pairs if item != group],
            "self": group in pairs,
            "description": next((item["Description"] for item in parts if item.get("Description")), ""),
        }
        found.append({key: value for key, value in rule.items() if value not in ([], "", False)})
    return found


class SecurityGroup(Ec2):
    """A security group; the API's own rule, everything out, is taken away as the published provider does."""

    token = "aws:ec2/securityGroup:SecurityGroup"
    properties = properties("name namePrefix vpcId description ingress egress revokeRulesOnDelete~ tags")
    outputs = ("arn", "ownerId")
    renames = {"GroupName": "name"}
    arn_kind = "security-group"
    create_call = Call("create_security_group", "GroupId")
    read_call = Call("describe_security_groups", "SecurityGroups[0]", GroupIds=["{id}"])
    delete_call = Call("delete_security_group", GroupId="{id}")

    def wrong(self, inputs: Object) -> list[str]:
        """Parts of rules that are not known."""
        return [
            f"{self.token} property {direction}.{key} is not implemented by the AWS provider stand-in"
            for direction in DIRECTIONS
            for rule in inputs.get(direction) or []
            if isinstance(rule, dict)
            for key in rule
            if key not in RULE
        ]

    def create(self, account: Account, inputs: Object) -> str:
        """Makes the group, empties it, and writes the rules."""
        identifier = account.call(
            "ec2", "create_security_group", **self.parameters("create_security_group", {**self.defaults, **inputs})
        )["GroupId"]
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        self._write(account, identifier, {"egress": [], **inputs})
        return identifier

    def _write(self, account: Account, identifier: str, inputs: Object) -> None:
        """Brings the rules to the given ones, direction by direction; what is not given stays."""
        group = account.call("ec2", "describe_security_groups", GroupIds=[identifier])["SecurityGroups"][0]
        for direction, part in DIRECTIONS.items():
            if direction not in inputs:
                continue
            live = group[part]
            wanted = [permission(rule, identifier) for rule in inputs[direction] or []]
            gone = [one for one in live if not any(_alike(one, other) for other in wanted)]
            fresh = [one for one in wanted if not any(_alike(one, other) for other in live)]
            if gone:
                account.call("ec2", f"revoke_security_group_{direction}", GroupId=identifier, IpPermissions=gone)
            if fresh:
                account.call("ec2", f"authorize_security_group_{direction}", GroupId=identifier, IpPermissions=fresh)

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Only rules can change."""
        self._write(account, identifier, {key: inputs.get(key) for key in changed & {*DIRECTIONS}})

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the rules in the program's form, if it gave any."""
        values = super().shown(account, identifier, found, state)
        for direction, part in DIRECTIONS.items():
            values.pop(direction, None)
            values[direction] = rules(found.get(part) or [], identifier)
            if direction not in state:
                del values[direction]
        return values


def _alike(one: Object, other: Object) -> bool:
    """Whether two permissions are the same, apart from what the API adds."""

    def core(permission: Object) -> Object:
        found = {key: value for key, value in permission.items() if value not in ([], None)}
        for key in ("UserIdGroupPairs",):
            if key in found:
                found[key] = [{k: v for k, v in pair.items() if k in ("GroupId", "Description")} for pair in found[key]]
        return found

    return equal(core(one), core(other))


class DefaultSecurityGroup(SecurityGroup):
    """A VPC's default group, taken over: it has the rules that the program gives, and none without; never deleted."""

    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    properties = properties("vpcId ingress egress revokeRulesOnDelete~ tags")
    outputs = ("arn", "ownerId", "description", "name")
    absent = {"ingress": [], "egress": []}

    def create(self, account: Account, inputs: Object) -> str:
        """Finds the group and empties it."""
        filters = [{"Name": "group-name", "Values": ["default"]}]
        if "vpcId" in inputs:
            filters.append({"Name": "vpc-id", "Values": [inputs["vpcId"]]})
        groups = account.call("ec2", "describe_security_groups", Filters=filters)["SecurityGroups"]
        if not groups:
            raise Missing(f"{inputs.get('vpcId', 'the region')} has no default security group")
        identifier = groups[0]["GroupId"]
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        self._write(account, identifier, {**self.defaults, **inputs})
        return identifier

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Only rules can change."""
        self._write(account, identifier, {key: inputs.get(key) for key in changed & {*DIRECTIONS}})

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """It goes with its VPC."""


class SecurityGroupIngressRule(Ec2):
    """One rule, inwards."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    direction = "ingress"
    properties = properties(
        "securityGroupId ipProtocol cidrIpv4 cidrIpv6 prefixListId referencedSecurityGroupId fromPort toPort "
        "description tags"
    )
    outputs = ("arn", "securityGroupRuleId")
    renames = {"GroupId": "securityGroupId", "SecurityGroupRuleArn": "arn"}
    read_call = Call("describe_security_group_rules", "SecurityGroupRules[0]", SecurityGroupRuleIds=["{id}"])

    def create(self, account: Account, inputs: Object) -> str:
        """One permission with one source."""
        protocol = "-1" if inputs["ipProtocol"] == "all" else str(inputs["ipProtocol"])
        one: Object = {"IpProtocol": protocol}
        one |= {api: int(inputs[key]) for key, api in (("fromPort", "FromPort"), ("toPort", "ToPort")) if key in inputs}
        more = {"Description": inputs["description"]} if inputs.get("description") else {}
        for key, part, name in (
            ("cidrIpv4", "IpRanges", "CidrIp"), ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            ("prefixListId", "PrefixListIds", "PrefixListId"),
            ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):  # fmt: skip
            if key in inputs:
                one[part] = [{name: inputs[key], **more}]
        answer = account.call(
            "ec2", f"authorize_security_group_{self.direction}", GroupId=inputs["securityGroupId"], IpPermissions=[one]
        )
        identifier = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        return identifier

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The rule with its other group, and without the ports of a rule on all protocols."""
        values = self.translated(found)
        values["referencedSecurityGroupId"] = (found.get("ReferencedGroupInfo") or {}).get("GroupId")
        if found.get("IpProtocol") == "-1":
            values.pop("fromPort", None)
            values.pop("toPort", None)
        values["arn"] = f"arn:aws:ec2:{account.region}:{account.number}:security-group-rule/{identifier}"
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The rule as a whole."""
        rule = {
            "IpProtocol": str(inputs["ipProtocol"]),
            "FromPort": inputs.get("fromPort", -1),
            "ToPort": inputs.get("toPort", -1),
        }
        for key, name in (
            ("cidrIpv4", "CidrIpv4"), ("cidrIpv6", "CidrIpv6"), ("prefixListId", "PrefixListId"),
            ("referencedSecurityGroupId", "ReferencedGroupId"), ("description", "Description"),
        ):  # fmt: skip
            if key in inputs:
                rule[name] = inputs[key]
        account.call(
            "ec2", "modify_security_group_rules", GroupId=inputs["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": identifier, "SecurityGroupRule": rule}],
        )  # fmt: skip

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """By its identifier."""
        try:
            account.call(
                "ec2", f"revoke_security_group_{self.direction}", GroupId=state["securityGroupId"],
                SecurityGroupRuleIds=[identifier],
            )  # fmt: skip
        except Missing:
            return


class SecurityGroupEgressRule(SecurityGroupIngressRule):
    """One rule, outwards."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    direction = "egress"


KINDS = (SecurityGroup, DefaultSecurityGroup, SecurityGroupIngressRule, SecurityGroupEgressRule)
