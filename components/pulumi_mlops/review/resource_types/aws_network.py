"""Networks, load balancers, DNS and certificates."""

from pulumi_mlops.review.cost import pricing
from pulumi_mlops.review.cost.billing import FREE, by_use, priced
from pulumi_mlops.review.resource_types.facts import is_off
from pulumi_mlops.review.resource_types.resource_type import OpenIf, ResourceType
from pulumi_mlops.review.resource_types.security_groups import group, ingress_rule

OPEN_GROUP, OPEN_RULE = (
    OpenIf("security-group-public", condition(allowed=False)) for condition in (group, ingress_rule)
)
LOAD_BALANCER = ResourceType(
    address="load balancer",
    published_if=is_off("internal", ": the load balancer faces the internet"),
    billing=priced(pricing.load_balancer, "more than the assumed traffic of a load balancer"),
    tagged=True,
)

TYPES: dict[str, ResourceType] = {
    "aws:acm/certificate:Certificate": ResourceType(address="certificate", billing=FREE, tagged=True),  # public ones
    "aws:acm/certificateValidation:CertificateValidation": ResourceType(billing=FREE),
    "aws:alb/loadBalancer:LoadBalancer": LOAD_BALANCER,
    "aws:apigatewayv2/api:Api": ResourceType(address="gateway"),
    "aws:cloudfront/distribution:Distribution": ResourceType(address="distribution"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ResourceType(
        open_if=OPEN_GROUP, published_if=group(allowed=True), billing=FREE
    ),
    "aws:ec2/eip:Eip": ResourceType(address="public address", billing=priced(pricing.address), tagged=True),
    "aws:ec2/flowLog:FlowLog": ResourceType(billing=by_use("delivery of flow logs")),
    "aws:ec2/internetGateway:InternetGateway": ResourceType(stops="its VPC loses the internet", billing=FREE),
    "aws:ec2/natGateway:NatGateway": ResourceType(
        stops="its subnets lose the internet, and their public address changes",
        billing=priced(pricing.nat_gateway),
        tagged=True,
    ),
    "aws:ec2/route:Route": ResourceType(stops="its subnets lose a way out", billing=FREE),
    "aws:ec2/routeTable:RouteTable": ResourceType(billing=FREE),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceType(billing=FREE),
    "aws:ec2/securityGroup:SecurityGroup": ResourceType(
        open_if=OPEN_GROUP, published_if=group(allowed=True), billing=FREE, tagged=True
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": ResourceType(
        open_if=OPEN_RULE, published_if=ingress_rule(allowed=True), billing=FREE
    ),
    "aws:ec2/subnet:Subnet": ResourceType(stops="what is in it loses its network", billing=FREE, tagged=True),
    "aws:ec2/tag:Tag": ResourceType(billing=FREE),
    "aws:ec2/vpc:Vpc": ResourceType(stops="everything in it loses its network", billing=FREE, tagged=True),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ResourceType(
        billing=priced(pricing.endpoint, "traffic through interface endpoints"), tagged=True
    ),
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": ResourceType(billing=FREE),
    "aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation": ResourceType(
        billing=priced(pricing.endpoint_zone, "traffic through interface endpoints")
    ),
    "aws:elb/loadBalancer:LoadBalancer": ResourceType(
        address="load balancer", published_if=is_off("internal", ": the load balancer faces the internet")
    ),
    "aws:lb/loadBalancer:LoadBalancer": LOAD_BALANCER,
    "aws:route53/record:Record": ResourceType(address="DNS record", billing=FREE),
    "aws:route53/zone:Zone": ResourceType(address="DNS zone", billing=priced(pricing.zone, "DNS queries"), tagged=True),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ResourceType(billing=FREE),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ResourceType(
        open_if=OPEN_RULE, published_if=ingress_rule(allowed=True), billing=FREE
    ),
}
