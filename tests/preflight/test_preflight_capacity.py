"""Quotas, zones, instance types and versions: what an account has against what a stack needs."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import kubernetes_versions, quotas, zones
from pulumi_mlops.cli.preflight.results import NotChecked, Outcome
from simulated_account import REGION, SimulatedAws, kept, new, planned

EIP, VPC, NAT = "aws:ec2/eip:Eip", "aws:ec2/vpc:Vpc", "aws:ec2/natGateway:NatGateway"
FAR = datetime.now() + timedelta(days=400)


def quota(value: float) -> dict[str, Any]:
    return {"Quota": {"Value": value}}


def group(name: str = "nodes", *, least: int = 2, most: int = 4, types: tuple[str, ...] = ("m7i.large",), **more: Any):
    sizes = {"minSize": least, "desiredSize": least, "maxSize": most}
    return new(zones.NODE_GROUP, name, instanceTypes=list(types), scalingConfig=sizes, **more)


def subnet(zone: str):
    return new(zones.SUBNET, zone, availabilityZone=zone)


def test_addresses_beyond_the_quota_are_a_finding_with_the_request_for_more(
    aws: SimulatedAws, account: Account
) -> None:
    aws.answer("service-quotas", "GetServiceQuota", quota(5))
    for _ in range(3):
        aws.session.client("ec2", REGION).allocate_address(Domain="vpc")

    (found,) = quotas.counted(planned(*(new(EIP, f"nat-{number}") for number in range(3))), account)

    assert (found.check, found.outcome) == ("Elastic IPs", Outcome.FINDING)
    assert found.what == "3 more are needed, 3 of 5 are in use"
    assert found.fix == (
        "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 "
        "--desired-value 6 --region eu-central-1"
    )


@pytest.mark.parametrize(
    ("token", "name"),
    [(VPC, "VPCs"), ("aws:ec2/internetGateway:InternetGateway", "internet gateways"), (zones.CLUSTER, "EKS clusters")],
)
def test_whatever_has_a_quota_of_its_own_is_compared_with_it(
    aws: SimulatedAws, account: Account, token: str, name: str
) -> None:
    aws.answer("service-quotas", "GetServiceQuota", quota(2))

    (found,) = quotas.counted(planned(*(new(token, f"more-{number}") for number in range(3))), account)

    assert (found.check, found.outcome) == (name, Outcome.FINDING)
    assert found.what.startswith("3 more are needed")


def test_what_the_stack_has_already_is_not_needed_again(aws: SimulatedAws, account: Account) -> None:
    aws.answer("service-quotas", "GetServiceQuota", quota(5))

    (found,) = quotas.counted(planned(new(VPC, "new"), kept(VPC, "old")), account)

    # 1 in use: the default VPC of the account.
    assert (found.outcome, found.what) == (Outcome.OK, "1 more, 1 of 5 in use")


def test_a_quota_that_nobody_has_changed_is_the_default(aws: SimulatedAws, account: Account) -> None:
    aws.refuse("service-quotas", "GetServiceQuota", "NoSuchResourceException")
    aws.answer("service-quotas", "GetAWSDefaultServiceQuota", quota(1))

    (found,) = quotas.counted(planned(new(VPC)), account)

    assert (found.outcome, found.what) == (Outcome.FINDING, "1 more are needed, 1 of 1 are in use")


def test_a_quota_that_may_not_be_read_is_not_checked_and_says_what_to_allow(
    aws: SimulatedAws, account: Account
) -> None:
    aws.refuse("service-quotas", "GetServiceQuota", "AccessDeniedException")

    (found,) = quotas.counted(planned(new(VPC)), account)

    assert (found.check, found.outcome) == ("VPCs", Outcome.NOT_CHECKED)
    assert found.what.endswith("may not call servicequotas:GetServiceQuota")
    assert found.fix == "allow servicequotas:GetServiceQuota in a policy of the caller"


@pytest.mark.parametrize(
    ("limit", "outcome", "what"),
    [
        (8, Outcome.OK, "4 at the start, 8 at most; 8 of 8 are free"),
        (7, Outcome.FINDING, "the nodes need 4 at the start and 8 at most, and 7 of 7 are free"),
        (3, Outcome.FINDING, "the nodes need 4, and 3 of 3 are free"),
    ],
)
def test_vcpus_count_the_nodes_at_the_start_and_at_most(
    aws: SimulatedAws, account: Account, limit: int, outcome: Outcome, what: str
) -> None:
    aws.answer("service-quotas", "GetServiceQuota", quota(limit))

    (found,) = quotas.vcpus(planned(group(capacityType="ON_DEMAND")), account)

    assert (found.outcome, found.what) == (outcome, what)
    assert "L-1216C47A" in found.fix or outcome is Outcome.OK


def test_a_spot_group_has_its_own_quota_and_counts_its_largest_type(aws: SimulatedAws, account: Account) -> None:
    asked: list[str] = []
    aws.answer("service-quotas", "GetServiceQuota", lambda call: asked.append(call["QuotaCode"]) or quota(100))

    (found,) = quotas.vcpus(planned(group(capacityType="SPOT", types=("m7i.large", "m7i.xlarge"))), account)

    assert asked == ["L-34B43A08"]
    assert found.what == "8 at the start, 16 at most; 100 of 100 are free"


def test_instances_that_run_use_the_quota_up(aws: SimulatedAws, account: Account) -> None:
    aws.answer("service-quotas", "GetServiceQuota", quota(8))
    ec2 = aws.session.client("ec2", REGION)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.run_instances(ImageId=image, InstanceType="c5.xlarge", MinCount=1, MaxCount=1)
    ec2.run_instances(ImageId=image, InstanceType="g4dn.xlarge", MinCount=1, MaxCount=1)  # of another quota

    (found,) = quotas.vcpus(planned(group(least=3)), account)

    assert (found.outcome, found.what) == (Outcome.FINDING, "the nodes need 6, and 4 of 8 are free")


@pytest.mark.parametrize(
    ("instance_type", "family"),
    [
        ("m7i.large", quotas.STANDARD),
        ("im4gn.large", quotas.STANDARD),
        ("g5.xlarge", quotas.G),
        ("p5.48xlarge", quotas.P),
        ("inf2.xlarge", quotas.INF),
        ("trn1.2xlarge", quotas.TRN),
        ("x2idn.16xlarge", "x"),
        ("mac2.metal", "mac"),
    ],
)
def test_a_type_is_of_the_family_whose_quota_it_shares(instance_type: str, family: str) -> None:
    assert quotas.family(instance_type) == family


def test_types_whose_quota_is_not_known_are_not_checked(aws: SimulatedAws, account: Account) -> None:
    (found,) = quotas.vcpus(planned(group(types=("x2idn.16xlarge",))), account)

    assert found.outcome is Outcome.NOT_CHECKED
    assert found.check == "vCPUs on demand, types x"


def test_a_node_group_whose_size_is_not_known_is_not_checked(aws: SimulatedAws, account: Account) -> None:
    unknown = new(zones.NODE_GROUP, "nodes", instanceTypes=["m7i.large"], scalingConfig="[secret]")

    with pytest.raises(NotChecked, match="the size of node group nodes is not in the preview"):
        list(quotas.vcpus(planned(unknown), account))


def test_nat_gateways_are_counted_in_each_zone(aws: SimulatedAws, account: Account) -> None:
    ec2 = aws.session.client("ec2", REGION)
    for one in ec2.describe_subnets()["Subnets"]:
        if one["AvailabilityZone"] == "eu-central-1a":
            ec2.create_nat_gateway(SubnetId=one["SubnetId"])
    aws.answer("service-quotas", "GetServiceQuota", quota(1))
    places = [subnet("eu-central-1a"), subnet("eu-central-1b")]

    (each,) = quotas.nat_gateways(planned(new(NAT, "a"), new(NAT, "b"), *places), account)
    (single,) = quotas.nat_gateways(planned(new(NAT, "a"), *places), account)

    assert (each.outcome, each.what) == (Outcome.FINDING, "eu-central-1a: 1 are allowed and in use")
    assert single.outcome is Outcome.OK


def test_zones_of_the_region_are_fine(aws: SimulatedAws, account: Account) -> None:
    (found,) = zones.zones(planned(subnet("eu-central-1b"), subnet("eu-central-1a")), account)

    assert (found.outcome, found.what) == (Outcome.OK, "eu-central-1a, eu-central-1b")


def test_a_zone_that_the_region_lacks_is_a_finding_with_those_it_has(aws: SimulatedAws, account: Account) -> None:
    (found,) = zones.zones(planned(subnet("eu-central-1a"), subnet("eu-central-1d")), account)

    assert (found.outcome, found.what) == (Outcome.FINDING, "eu-central-1 has no zone eu-central-1d")
    assert found.fix.endswith("eu-central-1a, eu-central-1b, eu-central-1c")


@pytest.mark.parametrize(
    ("zone", "what"),
    [
        ({"ZoneType": "local-zone"}, "us-east-1-bos-1a is a local-zone"),
        ({"ZoneType": "availability-zone", "State": "impaired"}, "us-east-1-bos-1a is impaired"),
        ({"ZoneType": "availability-zone", "ZoneId": "use1-az3"}, "us-east-1-bos-1a is use1-az3 in this account"),
    ],
)
def test_zones_that_cannot_hold_a_cluster_are_findings(
    aws: SimulatedAws, account: Account, zone: dict[str, str], what: str
) -> None:
    listed = {"ZoneName": "us-east-1-bos-1a", "State": "available", **zone}
    aws.answer("ec2", "DescribeAvailabilityZones", {"AvailabilityZones": [listed]})

    (found,) = zones.zones(planned(subnet("us-east-1-bos-1a"), new(zones.CLUSTER)), account)

    assert (found.outcome, found.what) == (Outcome.FINDING, what)


def test_a_group_needs_one_type_in_every_zone(aws: SimulatedAws, account: Account) -> None:
    offers = [("m7i.large", "eu-central-1a"), ("m6i.large", "eu-central-1b")]
    listed = [{"InstanceType": kind, "Location": zone, "LocationType": "availability-zone"} for kind, zone in offers]
    aws.answer("ec2", "DescribeInstanceTypeOfferings", {"InstanceTypeOfferings": listed})
    places = [subnet("eu-central-1a"), subnet("eu-central-1b")]

    (both,) = zones.instance_types(planned(group(types=("m7i.large", "m6i.large")), *places), account)
    (one,) = zones.instance_types(planned(group(types=("m7i.large",)), *places), account)

    assert both.outcome is Outcome.OK
    assert (one.outcome, one.what) == (Outcome.FINDING, "node group nodes: m7i.large cannot be had in eu-central-1b")
    assert "--filters Name=location,Values=eu-central-1b " in one.fix


def test_a_type_that_there_is_not_is_a_finding(aws: SimulatedAws, account: Account) -> None:
    (found,) = zones.instance_types(planned(group(types=("m7i.lagre",)), subnet("eu-central-1a")), account)

    assert found.what == "node group nodes: m7i.lagre cannot be had in eu-central-1a"


def version(name: str, status: str = "STANDARD_SUPPORT", ends: datetime = FAR) -> dict[str, Any]:
    return {"clusterVersion": name, "versionStatus": status, "endOfStandardSupportDate": ends}


@pytest.mark.parametrize(
    ("offered", "outcome", "what"),
    [
        ([version("1.35"), version("1.36")], Outcome.OK, f"1.36, in standard support until {FAR.date()}"),
        ([version("1.9"), version("1.35")], Outcome.FINDING, "EKS in eu-central-1 offers 1.9, 1.35, not 1.36"),
        ([version("1.36", "UNSUPPORTED"), version("1.37")], Outcome.FINDING, "offers 1.37, not 1.36"),
        ([version("1.36", "EXTENDED_SUPPORT", datetime(2026, 1, 2))], Outcome.FINDING, "1.36 has been in extended "),
        ([version("1.36", ends=datetime.now() + timedelta(days=30))], Outcome.FINDING, "standard support of 1.36 ends"),
    ],
)
def test_the_version_of_a_cluster_must_be_offered_and_supported(
    aws: SimulatedAws, account: Account, offered: list[dict[str, Any]], outcome: Outcome, what: str
) -> None:
    aws.answer("eks", "DescribeClusterVersions", {"clusterVersions": offered})
    cluster = new(zones.CLUSTER, version="1.36", upgradePolicy={"supportType": "STANDARD"})

    (found,) = kubernetes_versions.versions(planned(cluster), account)

    assert found.outcome is outcome
    assert what in found.what


def test_extended_support_that_the_cluster_asks_for_is_fine(aws: SimulatedAws, account: Account) -> None:
    aws.answer("eks", "DescribeClusterVersions", {"clusterVersions": [version("1.33", "EXTENDED_SUPPORT")]})
    cluster = new(zones.CLUSTER, version="1.33", upgradePolicy={"supportType": "EXTENDED"})

    (found,) = kubernetes_versions.versions(planned(cluster), account)

    assert (found.outcome, "costs more" in found.what) == (Outcome.OK, True)


def test_an_add_on_must_be_offered_in_its_version(aws: SimulatedAws, account: Account) -> None:
    asked: list[dict[str, str]] = []

    def versions(call: Any) -> Any:
        asked.append(dict(call))
        return {"addons": [{"addonName": call["addonName"], "addonVersions": [{"addonVersion": "v1.2-eksbuild.9"}]}]}

    aws.answer("eks", "DescribeAddonVersions", versions)
    cluster = new(zones.CLUSTER, version="1.36")
    fine = new(kubernetes_versions.ADD_ON, "fine", addonName="coredns", addonVersion="v1.2-eksbuild.9")
    old = new(kubernetes_versions.ADD_ON, "old", addonName="vpc-cni", addonVersion="v1.2-eksbuild.1")

    (found,) = kubernetes_versions.add_ons(planned(cluster, fine, old), account)

    assert asked[0] == {"addonName": "coredns", "kubernetesVersion": "1.36"}
    assert found.what == "EKS 1.36 in eu-central-1 has vpc-cni in v1.2-eksbuild.9, not in v1.2-eksbuild.1"
    assert found.fix == "set the version in addon_versions: {vpc-cni: v1.2-eksbuild.9}"
