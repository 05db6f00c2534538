"""What single resources cost, reckoned by hand with the prices of eu-central-1 and 730 hours."""

from decimal import Decimal
from typing import Any

import pytest
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.preview import MASKED, UNKNOWN, Operation, Step

from tests.cost_previews import made, node_group, preview, state, urn

GROUP, TEMPLATE = "aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate"
CLUSTER, DATABASE = "aws:eks/cluster:Cluster", "aws:rds/instance:Instance"
ENDPOINT, BALANCER = "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:lb/loadBalancer:LoadBalancer"
OFF = Decimal("0.05")


def of(type_token: str, **inputs: Any) -> Estimate:
    return estimate(preview(made(type_token, **inputs)))


def costs(type_token: str, amount: str, least: str | None = None, most: str | None = None, **inputs: Any) -> None:
    found = of(type_token, **inputs)
    assert found.after == Decimal(amount)
    assert found.low == Decimal(least or amount) * (1 - OFF)
    assert found.high == Decimal(most or amount) * (1 + OFF)
    assert not found.at_least


def has_no_price(reason: str, type_token: str, amount: str = "0", **inputs: Any) -> None:
    found = of(type_token, **inputs)
    assert found.after == Decimal(amount)
    assert found.at_least
    assert [line for line in found.not_counted if reason in line and line.endswith("(1 resource)")]


def test_things_with_one_price() -> None:
    costs("aws:ec2/eip:Eip", "3.65")  # 0.005 × 730
    costs("aws:route53/zone:Zone", "0.5")
    costs("aws:secretsmanager/secret:Secret", "0.4")
    costs("aws:kms/key:Key", "1")
    costs("aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation", "8.76")  # 0.012 × 730


def test_a_rotated_key_costs_up_to_three() -> None:
    costs("aws:kms/key:Key", "1", "1", "3", enableKeyRotation=True)


def test_things_whose_use_is_assumed() -> None:
    costs("aws:s3/bucket:Bucket", "0.245", "0", "2.45")
    costs("aws:efs/fileSystem:FileSystem", "3.6", "0", "36")
    costs("aws:ecr/repository:Repository", "0.5", "0", "5")
    costs("aws:ec2/natGateway:NatGateway", "43.16", "37.96", "89.96")  # 0.052 × 730, and 0.052 × 100 GiB


def test_a_file_system_in_one_zone_has_no_price() -> None:
    has_no_price("file systems in one zone", "aws:efs/fileSystem:FileSystem", availabilityZoneName="eu-central-1a")


def test_a_control_plane_in_standard_support() -> None:
    costs(CLUSTER, "73", version="1.36")
    costs(CLUSTER, "73", version="1.31", upgradePolicy={"supportType": "STANDARD"})


def test_a_control_plane_in_extended_support() -> None:
    costs(CLUSTER, "438", version="1.31")  # that ended the day before the table's
    costs(CLUSTER, "438", version="1.30", upgradePolicy={"supportType": "EXTENDED"})


@pytest.mark.parametrize("inputs", [{}, {"version": UNKNOWN}, {"version": "1.99"}])
def test_a_control_plane_of_unknown_age_has_both_in_its_band(inputs: dict[str, Any]) -> None:
    costs(CLUSTER, "73", "73", "438", **inputs)


def test_what_eks_auto_mode_adds_has_no_price() -> None:
    has_no_price("EKS Auto Mode", CLUSTER, version="1.36", computeConfig={"enabled": True})
    costs(CLUSTER, "73", version="1.36", computeConfig={"enabled": False})


def test_nodes_on_demand_and_their_default_disks() -> None:
    # machines 0.12075 × 730 = 88.1475 each, disks 20 GiB × 0.0952 = 1.904 each; 2 of 2 to 5
    costs(GROUP, "180.103", "180.103", "450.2575", **node_group())


def test_spot_nodes_cost_a_share_and_up_to_all_of_it() -> None:
    # 2 × (88.1475 × 0.45 + 1.904); 2 × (88.1475 × 0.25 + 1.904); 5 × (88.1475 + 1.904)
    costs(GROUP, "83.14075", "47.88175", "450.2575", **node_group(spot=True))


def test_the_desired_number_is_counted_and_the_smallest_allowed_for() -> None:
    costs(GROUP, "270.1545", "0", "450.2575", **node_group(sizes=(0, 3, 5)))


def test_a_group_without_a_type_has_the_one_that_eks_takes() -> None:
    # t3.medium 0.048 × 730 = 35.04
    costs(GROUP, "73.888", "73.888", "184.72", **node_group(types=()))


def test_disks_of_nodes_are_those_of_their_launch_template() -> None:
    disks = [{"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 50}}]
    template = made(TEMPLATE, "t", blockDeviceMappings=disks)
    group = made(GROUP, "g", **node_group(launchTemplate={"id": UNKNOWN, "version": UNKNOWN}))
    found = estimate(preview(template, group))
    assert found.after == 2 * (Decimal("88.1475") + Decimal("4.76"))
    assert not found.at_least


def test_of_several_new_templates_the_largest_counts() -> None:
    small, large = (made(TEMPLATE, str(gib), blockDeviceMappings=[{"ebs": {"volumeSize": gib}}]) for gib in (30, 100))
    group = made(GROUP, "g", **node_group(launchTemplate={"id": UNKNOWN}))
    assert estimate(preview(small, large, group)).after == 2 * (Decimal("88.1475") + Decimal("9.52"))


def test_machines_stand_where_the_template_is_not_shown() -> None:
    reason = "a launch template that the preview does not show"
    has_no_price(reason, GROUP, "176.295", **node_group(launchTemplate={"id": "lt-1"}))


def test_a_template_that_exists_is_found_by_its_id() -> None:
    there = {gib: state({"blockDeviceMappings": [{"ebs": {"volumeSize": gib}}]}, id=f"lt-{gib}") for gib in (30, 100)}
    templates = [Step(Operation.SAME, urn(TEMPLATE, str(gib)), one, one) for gib, one in there.items()]
    group = made(GROUP, "g", **node_group(launchTemplate={"id": "lt-30"}))
    assert estimate(preview(*templates, group)).after == 2 * (Decimal("88.1475") + Decimal("2.856"))
    new = made(GROUP, "g", **node_group(launchTemplate={"id": UNKNOWN}))
    assert estimate(preview(*templates, new)).at_least, "a new group does not take a template that exists by chance"
    other = made(GROUP, "g", **node_group(launchTemplate={"id": "lt-1"}))
    assert estimate(preview(made(TEMPLATE, "t"), other)).at_least, "nor an old one a template that is new"


def test_disks_of_another_type_have_no_price() -> None:
    template = made(TEMPLATE, "t", blockDeviceMappings=[{"ebs": {"volumeType": "io2", "volumeSize": 50}}])
    found = estimate(preview(template, made(GROUP, "g", **node_group(launchTemplate={"id": UNKNOWN}))))
    assert found.after == Decimal("176.295")
    assert f"{GROUP}: the table has no price of disks of type io2 (1 resource)" in found.not_counted


@pytest.mark.parametrize(
    ("reason", "inputs"),
    [
        ("no price of machines of type x9.large in eu-central-1", node_group(types=("x9.large",))),
        ("desiredSize is known only after apply", node_group(sizes=(1, UNKNOWN, 3))),
        ("maxSize is not given", node_group(sizes=(1, 1, None))),
        ("minSize is not a number", node_group(sizes=("few", 1, 2))),
        ("minSize must be a number of 0 or more", node_group(sizes=(-1, 1, 2))),
        ("minSize must be a number of 0 or more", node_group(sizes=("NaN", 1, 2))),
        ("instanceTypes is known only after apply", node_group(types=(UNKNOWN,))),
        ("instanceTypes is in its launch template", node_group(types=(), launchTemplate={"id": "lt-1"})),
        ("scalingConfig is known only after apply", {**node_group(), "scalingConfig": UNKNOWN}),
        ("capacity capacity", {**node_group(), "capacityType": "CAPACITY"}),
    ],
)
def test_a_group_of_which_too_little_is_known_has_no_price(reason: str, inputs: dict[str, Any]) -> None:
    has_no_price(reason, GROUP, **inputs)


def database(**more: Any) -> dict[str, Any]:
    return {
        "engine": "postgres",
        "instanceClass": "db.t4g.small",
        "storageType": "gp3",
        "allocatedStorage": 20,
        **more,
    }


def test_a_database_and_its_storage() -> None:
    costs(DATABASE, "29.9325", **database())  # 0.149 / 4 × 730 = 27.1925, 20 × 0.137 = 2.74


def test_a_database_in_two_zones_costs_twice() -> None:
    costs(DATABASE, "59.865", **database(multiAz=True))


def test_a_password_that_rds_manages_is_a_secret() -> None:
    costs(DATABASE, "30.3325", **database(manageMasterUserPassword=True))


def test_storage_that_grows_is_in_the_band() -> None:
    costs(DATABASE, "29.9325", "29.9325", "40.8925", **database(maxAllocatedStorage=100))
    costs(DATABASE, "29.9325", **database(maxAllocatedStorage=20))


@pytest.mark.parametrize(
    ("reason", "amount", "inputs"),
    [
        ("no price of the engine mysql", "0", database(engine="mysql")),
        ("no price of databases of class db.x9.large", "0", database(instanceClass="db.x9.large")),
        ("instanceClass is secret", "0", database(instanceClass=MASKED)),
        ("multiAz is known only after apply", "0", database(multiAz=UNKNOWN)),
        ("no price of database storage io2", "27.1925", database(storageType="io2")),
        ("allocatedStorage is known only after apply", "27.1925", database(allocatedStorage=UNKNOWN)),
    ],
)
def test_a_database_of_another_kind_has_no_price(reason: str, amount: str, inputs: dict[str, Any]) -> None:
    has_no_price(reason, DATABASE, amount, **inputs)


def test_interface_endpoints_cost_by_zone_and_gateway_endpoints_nothing() -> None:
    costs(ENDPOINT, "17.52", vpcEndpointType="Interface", subnetIds=["a", "b"])
    costs(ENDPOINT, "0", vpcEndpointType="Gateway")
    costs(ENDPOINT, "0")
    has_no_price("endpoints of type GatewayLoadBalancer", ENDPOINT, vpcEndpointType="GatewayLoadBalancer")
    has_no_price("subnetIds is known only after apply", ENDPOINT, vpcEndpointType="Interface", subnetIds=UNKNOWN)


def test_traffic_through_endpoints_is_named_where_there_is_any() -> None:
    words = "traffic through interface endpoints (1 resource)"
    assert words in of(ENDPOINT, vpcEndpointType="Interface", subnetIds=["a"]).not_counted
    assert words not in of(ENDPOINT, vpcEndpointType="Gateway").not_counted


def test_load_balancers() -> None:
    # 0.027 × 730 = 19.71; a unit 0.008 × 730 = 5.84 or 0.006 × 730 = 4.38; an address 3.65
    costs(BALANCER, "32.85", "27.01", "85.41", subnets=["a", "b"])
    costs(BALANCER, "24.09", "19.71", "63.51", loadBalancerType="network", internal=True, subnets=["a"])
    has_no_price("load balancers of type gateway", BALANCER, loadBalancerType="gateway")


def test_volumes() -> None:
    costs("aws:ebs/volume:Volume", "9.52", type="gp3", size=100)
    costs("aws:ebs/volume:Volume", "11.9", size=100)  # gp2 where no type is given
    has_no_price("volumes of type io2", "aws:ebs/volume:Volume", type="io2", size=100)


MACHINE = "aws:ec2/instance:Instance"


def test_a_machine_with_its_disks_and_its_address() -> None:
    root, data = {"volumeSize": 50, "volumeType": "gp3"}, {"deviceName": "/dev/sdb", "volumeSize": 10}
    # 0.12075 × 730, and 50 × 0.0952
    costs(MACHINE, "92.9075", instanceType="m7i.large", rootBlockDevice=root)
    # and 10 × 0.119, and 0.005 × 730
    more = {"ebsBlockDevices": [data], "associatePublicIpAddress": True}
    costs(MACHINE, "97.7475", instanceType="m7i.large", rootBlockDevice=root, **more)


@pytest.mark.parametrize(
    ("reason", "amount", "inputs"),
    [
        ("the size of its root disk is that of its image", "88.1475", {}),
        ("no price of volumes of type io2", "88.1475", {"rootBlockDevice": {"volumeType": "io2", "volumeSize": 8}}),
        ("machines of type x9.large", "0", {"instanceType": "x9.large"}),
        ("instanceType is known only after apply", "0", {"instanceType": UNKNOWN}),
        ("single spot machines", "0", {"instanceMarketOptions": {"marketType": "spot"}}),
        ("machines with tenancy dedicated", "0", {"tenancy": "dedicated"}),
    ],
)
def test_what_is_not_known_of_a_machine_is_named(reason: str, amount: str, inputs: dict[str, Any]) -> None:
    has_no_price(reason, MACHINE, amount, **{"instanceType": "m7i.large", **inputs})


def test_each_resource_has_the_prices_of_its_own_region() -> None:
    costs("aws:ec2/natGateway:NatGateway", "37.35", "32.85", "77.85", region="us-east-1")


def test_a_name_in_a_reason_cannot_become_a_link() -> None:
    found = of(DATABASE, **database(engine="https://x.y @all"))
    assert not [line for line in found.not_counted if "x.y" in line or "@" in line]
    assert found.at_least


def test_the_urn_of_a_resource_is_no_part_of_the_sentences() -> None:
    found = of(DATABASE, **database(engine="mysql"))
    assert not [line for line in found.not_counted if urn(DATABASE) in line]
