"""Route tables, their routes, and the subnets that follow them."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, properties
from standins.plugins.aws.ec2 import Ec2
from standins.plugins.values import Object


class RouteTable(Ec2):
    """A route table; its routes are resources of their own."""

    token = "aws:ec2/routeTable:RouteTable"
    properties = properties("vpcId tags")
    outputs = ("arn", "ownerId")
    arn_kind = "route-table"
    create_call = Call("create_route_table", "RouteTable.RouteTableId")
    read_call = Call("describe_route_tables", "RouteTables[0]", RouteTableIds=["{id}"])
    delete_call = Call("delete_route_table", RouteTableId="{id}")


class Route(Ec2):
    """One route."""

    token = "aws:ec2/route:Route"
    properties = properties(
        "routeTableId destinationCidrBlock destinationIpv6CidrBlock gatewayId natGatewayId vpcPeeringConnectionId "
        "transitGatewayId networkInterfaceId egressOnlyGatewayId"
    )
    outputs = ("origin", "state", "instanceId", "instanceOwnerId")
    renames = {"EgressOnlyInternetGatewayId": "egressOnlyGatewayId"}
    tagging = None
    create_call = Call("create_route")
    read_call = Call("describe_route_tables", "RouteTables[0].Routes", RouteTableIds=["{routeTableId}"])

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The table and the destination."""
        return f"{inputs['routeTableId']}_{_destination(inputs)}"

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """An imported route is known by its identifier alone."""
        return {"routeTableId": identifier.partition("_")[0], **super().known(account, identifier, state)}

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The route among those of its table."""
        wanted = identifier.partition("_")[2]
        values = next((v for one in found if _destination(v := self.translated(one)) == wanted), None)
        if values is None:
            raise Missing(identifier)
        targets = [key for key in self.properties if key.endswith("Id") and key != "routeTableId"]
        return {**dict.fromkeys(targets), **values, "routeTableId": identifier.partition("_")[0]}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Another target."""
        account.call("ec2", "replace_route", **self.parameters("replace_route", inputs))

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """By table and destination."""
        table, _, destination = identifier.partition("_")
        key = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
        try:
            account.call("ec2", "delete_route", RouteTableId=table, **{key: destination})
        except Missing:
            return


def _destination(values: Object) -> str:
    return values.get("destinationCidrBlock") or values.get("destinationIpv6CidrBlock") or ""


class RouteTableAssociation(Ec2):
    """A subnet's route table."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    properties = properties("routeTableId subnetId gatewayId")
    tagging = None
    create_call = Call("associate_route_table", "AssociationId")
    read_call = Call("describe_route_tables", "RouteTables[].Associations[]")
    delete_call = Call("disassociate_route_table", AssociationId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The association among all: by its identifier, imported by `subnet/table`, after a change by its subnet."""
        subnet, separator, table = identifier.partition("/")
        for one in found:
            here = (one.get("SubnetId"), one.get("RouteTableId"))
            changed = not separator and here == (state.get("subnetId"), state.get("routeTableId"))
            if one.get("RouteTableAssociationId") == identifier or here == (subnet, table) or changed:
                return {**self.translated(one), "__id": one["RouteTableAssociationId"]}
        raise Missing(identifier)

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Another table, by an association with another identifier, as AWS has it."""
        current = self.read(account, identifier, state)
        if current is None:
            raise Missing(identifier)
        wanted = {"AssociationId": current.values["__id"], "RouteTableId": inputs["routeTableId"]}
        account.call("ec2", "replace_route_table_association", **wanted)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Under the identifier that it has now."""
        current = self.read(account, identifier, state)
        if current is not None:
            super().delete(account, current.values["__id"], state)


KINDS = (RouteTable, Route, RouteTableAssociation)
