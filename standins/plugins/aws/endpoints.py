"""Endpoints of AWS services inside a VPC, and the tables and subnets that have them."""

from typing import Any, ClassVar

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, properties
from standins.plugins.aws.ec2 import Ec2
from standins.plugins.values import Object


class VpcEndpoint(Ec2):
    """A gateway or interface endpoint."""

    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    properties = properties(
        "vpcId serviceName vpcEndpointType policy privateDnsEnabled routeTableIds subnetIds securityGroupIds "
        "ipAddressType autoAccept~ tags"
    )
    outputs = ("arn", "cidrBlocks", "dnsEntries", "networkInterfaceIds", "ownerId", "prefixListId", "state")
    renames = {"PolicyDocument": "policy"}
    unread = frozenset({"securityGroupIds"})  # the local API keeps groups without their names
    arn_kind = "vpc-endpoint"
    create_call = Call("create_vpc_endpoint", "VpcEndpoint.VpcEndpointId")
    read_call = Call("describe_vpc_endpoints", "VpcEndpoints[?State != 'deleted'] | [0]", VpcEndpointIds=["{id}"])
    delete_call = Call("delete_vpc_endpoints", VpcEndpointIds=["{id}"])

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Lists are changed by what comes and what goes."""
        given: Object = {}
        for name, part in (
            ("routeTableIds", "RouteTableIds"), ("subnetIds", "SubnetIds"), ("securityGroupIds", "SecurityGroupIds")
        ):  # fmt: skip
            if name in changed:
                before, after = state.get(name) or [], inputs.get(name) or []
                given[f"Add{part}"] = [one for one in after if one not in before]
                given[f"Remove{part}"] = [one for one in before if one not in after]
        rest = changed - {"routeTableIds", "subnetIds", "securityGroupIds", "autoAccept"}
        given |= self.parameters("modify_vpc_endpoint", {key: inputs[key] for key in rest if key in inputs})
        if any(given.values()):
            given = {key: value for key, value in given.items() if value != []}
            account.call("ec2", "modify_vpc_endpoint", VpcEndpointId=identifier, **given)


class _EndpointAssociation(Ec2):
    """One element of a list of an endpoint, as a resource of its own: its property, and the API's name of the list."""

    tagging = None
    read_call = Call("describe_vpc_endpoints", "VpcEndpoints[?State != 'deleted'] | [0]", VpcEndpointIds=["{endpoint}"])
    write_call = "modify_vpc_endpoint"
    element: ClassVar[str]
    listing: ClassVar[str]

    def parameters(self, operation: str, inputs: Object) -> Object:
        """The endpoint, and what is to be added."""
        return {"VpcEndpointId": inputs.get("vpcEndpointId"), f"Add{self.listing}": [inputs.get(self.element)]}

    def create(self, account: Account, inputs: Object) -> str:
        """Adds the element."""
        account.call("ec2", "modify_vpc_endpoint", **self.parameters("modify_vpc_endpoint", inputs))
        return f"{inputs['vpcEndpointId']}/{inputs[self.element]}"

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """The endpoint stands in the identifier."""
        return {"endpoint": identifier.partition("/")[0], **super().known(account, identifier, state)}

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The element, while the endpoint has it."""
        endpoint, _, element = identifier.partition("/")
        if element not in found.get(self.listing, []):
            raise Missing(identifier)
        return {"vpcEndpointId": endpoint, self.element: element}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Takes the element away."""
        endpoint, _, element = identifier.partition("/")
        try:
            account.call("ec2", "modify_vpc_endpoint", VpcEndpointId=endpoint, **{f"Remove{self.listing}": [element]})
        except Missing:
            return


class VpcEndpointRouteTableAssociation(_EndpointAssociation):
    """A route table that leads to a gateway endpoint."""

    token = "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation"
    properties = properties("vpcEndpointId routeTableId")
    element = "routeTableId"
    listing = "RouteTableIds"


class VpcEndpointSubnetAssociation(_EndpointAssociation):
    """A subnet that has a network interface of an interface endpoint."""

    token = "aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation"
    properties = properties("vpcEndpointId subnetId")
    element = "subnetId"
    listing = "SubnetIds"


KINDS = (VpcEndpoint, VpcEndpointRouteTableAssociation, VpcEndpointSubnetAssociation)
