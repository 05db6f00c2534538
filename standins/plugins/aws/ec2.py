"""Networks and machines: VPCs, subnets, gateways, addresses, flow logs, launch templates; tags as EC2 takes them."""

from typing import Any

from standins.plugins.aws.account import Account, Missing, shape
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.shapes import camel, to_api
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

TAGGING = Tagging(
    "create_tags",
    "delete_tags",
    "describe_tags",
    {"Resources": ["{id}"]},
    keys="Tags",
    answer="Tags[].{Key: Key, Value: Value}",
)


class Ec2(Resource):
    """What the types of this API have in common: tags by identifier, and ARNs that are put together."""

    service = "ec2"
    tagging = TAGGING
    arn_kind = ""

    def removal(self, gone: list[str], old: Any) -> Any:
        """This API wants the tags themselves."""
        return [{"Key": key} for key in gone]

    def read_tags(self, account: Account, identifier: str, state: Object) -> dict[str, str] | None:
        """Tags by a filter."""
        if not self.taggable:
            return None
        filters = [{"Name": "resource-id", "Values": [identifier]}]
        return TAGGING.live(account.call("ec2", "describe_tags", Filters=filters))

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The answer with the ARN, which most answers lack."""
        values = self.translated(found)
        if self.arn_kind:
            owner = values.setdefault("ownerId", account.number)
            values.setdefault("arn", f"arn:aws:ec2:{account.region}:{owner}:{self.arn_kind}/{identifier}")
        return values


class Vpc(Ec2):
    """A VPC."""

    token = "aws:ec2/vpc:Vpc"
    properties = properties("cidrBlock instanceTenancy enableDnsSupport enableDnsHostnames tags")
    outputs = ("arn", "defaultNetworkAclId", "defaultRouteTableId", "defaultSecurityGroupId", "dhcpOptionsId",
               "mainRouteTableId", "ownerId")  # fmt: skip
    arn_kind = "vpc"
    create_call = Call("create_vpc", "Vpc.VpcId")
    read_call = Call("describe_vpcs", "Vpcs[0]", VpcIds=["{id}"])
    delete_call = Call("delete_vpc", VpcId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the attributes and the defaults that come with a VPC."""
        values = super().shown(account, identifier, found, state)
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer = account.call("ec2", "describe_vpc_attribute", VpcId=identifier, Attribute=name)
            values[name] = answer[name[0].upper() + name[1:]]["Value"]
        here = [{"Name": "vpc-id", "Values": [identifier]}]
        groups = account.call("ec2", "describe_security_groups", Filters=here)["SecurityGroups"]
        tables = account.call("ec2", "describe_route_tables", Filters=here)["RouteTables"]
        acls = account.call("ec2", "describe_network_acls", Filters=here)["NetworkAcls"]
        main = next(
            (one["RouteTableId"] for one in tables if any(a.get("Main") for a in one.get("Associations", []))), None
        )
        group = next((one["GroupId"] for one in groups if one["GroupName"] == "default"), None)
        acl = next((one["NetworkAclId"] for one in acls if one.get("IsDefault")), None)
        return {**values, "mainRouteTableId": main, "defaultRouteTableId": main, "defaultSecurityGroupId": group,
                "defaultNetworkAclId": acl}  # fmt: skip

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """One attribute a call."""
        for name in sorted(changed, reverse=True):  # support before host names, which need it
            value = {"Value": inputs.get(name, self.defaults.get(name))}
            account.call("ec2", "modify_vpc_attribute", VpcId=identifier, **{name[0].upper() + name[1:]: value})


class Subnet(Ec2):
    """A subnet."""

    token = "aws:ec2/subnet:Subnet"
    properties = properties("vpcId cidrBlock availabilityZone availabilityZoneId mapPublicIpOnLaunch tags")
    outputs = ("arn", "ownerId")
    renames = {"SubnetArn": "arn"}
    create_call = Call("create_subnet", "Subnet.SubnetId")
    read_call = Call("describe_subnets", "Subnets[0]", SubnetIds=["{id}"])
    delete_call = Call("delete_subnet", SubnetId="{id}")

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The one attribute."""
        value = {"Value": inputs.get("mapPublicIpOnLaunch", False)}
        account.call("ec2", "modify_subnet_attribute", SubnetId=identifier, MapPublicIpOnLaunch=value)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Refused while the control plane of a cluster has its network interfaces there; the local API makes none.

        Raises:
            Refused: a cluster was made with this subnet. AWS answers so until the cluster is deleted.
        """
        for name in account.call("eks", "list_clusters")["clusters"]:
            found = account.call("eks", "describe_cluster", name=name)["cluster"]
            if identifier in found["resourcesVpcConfig"]["subnetIds"]:
                raise Refused(f"DependencyViolation: the control plane of the cluster {name} is in subnet {identifier}")
        super().delete(account, identifier, state)


class InternetGateway(Ec2):
    """An internet gateway, attached."""

    token = "aws:ec2/internetGateway:InternetGateway"
    properties = properties("vpcId tags")
    outputs = ("arn", "ownerId")
    arn_kind = "internet-gateway"
    create_call = Call("create_internet_gateway", "InternetGateway.InternetGatewayId")
    read_call = Call("describe_internet_gateways", "InternetGateways[0]", InternetGatewayIds=["{id}"])
    delete_call = Call("delete_internet_gateway", InternetGatewayId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the VPC that it is attached to."""
        values = super().shown(account, identifier, found, state)
        return {**values, "vpcId": next((one["VpcId"] for one in found.get("Attachments") or []), None)}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Moves it to another VPC."""
        live = self.read(account, identifier, state)
        if live and live.values["vpcId"]:
            account.call("ec2", "detach_internet_gateway", InternetGatewayId=identifier, VpcId=live.values["vpcId"])
        if inputs.get("vpcId"):
            account.call("ec2", "attach_internet_gateway", InternetGatewayId=identifier, VpcId=inputs["vpcId"])

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Detaches it first."""
        try:
            self.update(account, identifier, state, {}, {"vpcId"})
        except Missing:
            return
        super().delete(account, identifier, state)


class Eip(Ec2):
    """An elastic address."""

    token = "aws:ec2/eip:Eip"
    properties = properties("domain networkBorderGroup publicIpv4Pool tags")
    outputs = ("allocationId", "arn", "associationId", "privateIp", "publicDns", "publicIp")
    create_call = Call("allocate_address", "AllocationId")
    read_call = Call("describe_addresses", "Addresses[0]", AllocationIds=["{id}"])
    delete_call = Call("release_address", AllocationId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its name in DNS and its ARN."""
        values = super().shown(account, identifier, found, state)
        address = str(found["PublicIp"]).replace(".", "-")
        return {**values, "publicDns": f"ec2-{address}.{account.region}.compute.amazonaws.com",
                "arn": f"arn:aws:ec2:{account.region}:{account.number}:elastic-ip/{identifier}"}  # fmt: skip


class NatGateway(Ec2):
    """A zonal NAT gateway."""

    token = "aws:ec2/natGateway:NatGateway"
    properties = properties("subnetId allocationId connectivityType privateIp tags")
    outputs = ("associationId", "networkInterfaceId", "publicIp")
    create_call = Call("create_nat_gateway", "NatGateway.NatGatewayId")
    read_call = Call("describe_nat_gateways", "NatGateways[?State != 'deleted'] | [0]", NatGatewayIds=["{id}"])
    delete_call = Call("delete_nat_gateway", NatGatewayId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its first address."""
        address = next(iter(found.get("NatGatewayAddresses") or []), {})
        return {**self.translated(found), **{camel(key): value for key, value in address.items()}}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """With its network interface, which the local API leaves and AWS does not."""
        super().delete(account, identifier, state)
        try:
            account.call("ec2", "delete_network_interface", NetworkInterfaceId=state.get("networkInterfaceId"))
        except Refused:
            return


class FlowLog(Ec2):
    """A flow log of a VPC or subnet."""

    token = "aws:ec2/flowLog:FlowLog"
    properties = properties(
        "vpcId subnetId eniId trafficType logDestination logDestinationType iamRoleArn logFormat "
        "maxAggregationInterval tags"
    )
    outputs = ("arn",)
    renames = {"DeliverLogsPermissionArn": "iamRoleArn"}
    arn_kind = "vpc-flow-log"
    create_call = Call("create_flow_logs", "FlowLogIds[0]")
    read_call = Call("describe_flow_logs", "FlowLogs[0]", FlowLogIds=["{id}"])
    delete_call = Call("delete_flow_logs", FlowLogIds=["{id}"])

    def create(self, account: Account, inputs: Object) -> str:
        """The API names what it watches by kind and identifier."""
        subject = next((key for key in ("vpcId", "subnetId", "eniId") if key in inputs), None)
        if subject is None:
            raise Refused("one of vpcId, subnetId and eniId must be given")
        kind = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}[subject]
        given = self.parameters("create_flow_logs", {**self.defaults, **inputs})
        answer = account.call("ec2", "create_flow_logs", ResourceIds=[inputs[subject]], ResourceType=kind, **given)
        if answer.get("Unsuccessful"):
            raise Refused(str(answer["Unsuccessful"][0]["Error"]["Message"]))
        identifier = answer["FlowLogIds"][0]
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        return identifier

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With what it watches."""
        watched = str(found.get("ResourceId"))
        key = {"vpc": "vpcId", "subnet": "subnetId", "eni": "eniId"}[watched.partition("-")[0]]
        return {**super().shown(account, identifier, found, state), key: watched}


class LaunchTemplate(Ec2):
    """A launch template; a change makes a new version of it."""

    token = "aws:ec2/launchTemplate:LaunchTemplate"
    content = (
        "blockDeviceMappings metadataOptions monitoring tagSpecifications userData imageId instanceType keyName "
        "vpcSecurityGroupIds networkInterfaces ebsOptimized iamInstanceProfile instanceMarketOptions placement "
        "instanceInitiatedShutdownBehavior disableApiTermination"
    )
    properties = properties(f"name namePrefix description updateDefaultVersion~ tags {content}")
    outputs = ("arn", "latestVersion", "defaultVersion")
    volatile = ("latestVersion",)
    renames = {"SecurityGroupIds": "vpcSecurityGroupIds", "LaunchTemplateName": "name", "Groups": "securityGroups"}
    arn_kind = "launch-template"
    read_call = Call("describe_launch_templates", "LaunchTemplates[0]", LaunchTemplateIds=["{id}"])
    delete_call = Call("delete_launch_template", LaunchTemplateId="{id}")

    def wrong(self, inputs: Object) -> list[str]:
        """Parts that the API does not know."""
        self._data(inputs)
        return []

    def _data(self, inputs: Object) -> Object:
        members = shape("ec2", "create_launch_template").members["LaunchTemplateData"]
        given = {key: value for key, value in inputs.items() if key in self.content.split()}
        return to_api(members, given, self.renames, "")

    def create(self, account: Account, inputs: Object) -> str:
        """The first version."""
        answer = account.call(
            "ec2", "create_launch_template",
            LaunchTemplateName=inputs["name"], VersionDescription=inputs.get("description", ""),
            LaunchTemplateData=self._data(inputs),
        )  # fmt: skip
        identifier = answer["LaunchTemplate"]["LaunchTemplateId"]
        self.tag(account, identifier, inputs, {}, self.all_tags(account, inputs))
        return identifier

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """A new version, and perhaps the default one."""
        if changed - {"updateDefaultVersion"}:
            kept = {name: state[name] for (name, *rest) in self.facts.kept if not rest and name in state}
            answer = account.call(
                "ec2", "create_launch_template_version",
                LaunchTemplateId=identifier, VersionDescription=inputs.get("description", ""),
                LaunchTemplateData=self._data({**kept, **inputs}),
            )  # fmt: skip
            latest = answer["LaunchTemplateVersion"]["VersionNumber"]
        else:
            latest = state["latestVersion"]
        if inputs.get("updateDefaultVersion"):
            account.call(
                "ec2", "modify_launch_template", LaunchTemplateId=identifier, DefaultVersion=str(latest)
            )  # fmt: skip

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the content of the latest version."""
        values = super().shown(account, identifier, found, state)
        versions = account.call("ec2", "describe_launch_template_versions", LaunchTemplateId=identifier)
        latest = max(versions["LaunchTemplateVersions"], key=lambda one: one["VersionNumber"])
        values |= self.translated(latest.get("LaunchTemplateData") or {})
        values["latestVersion"] = latest["VersionNumber"]
        values["defaultVersion"] = int(found.get("DefaultVersionNumber") or 1)
        return values


KINDS = (Vpc, Subnet, InternetGateway, Eip, NatGateway, FlowLog, LaunchTemplate)
