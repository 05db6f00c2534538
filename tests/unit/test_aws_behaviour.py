"""What the AWS stand-in refuses, defers and rounds as AWS does, against moto in this process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from standins.plugins.aws import account, simulated
from standins.plugins.aws.account import Account
from standins.plugins.aws.registry import TYPES
from standins.plugins.plugin import EngineLog, Refused

DATABASE = TYPES["aws:rds/instance:Instance"]
SETTINGS = TYPES["aws:rds/parameterGroup:ParameterGroup"]
CLUSTER = TYPES["aws:eks/cluster:Cluster"]
SUBNET = TYPES["aws:ec2/subnet:Subnet"]
ZONE = TYPES["aws:route53/zone:Zone"]
SCANS = TYPES["aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"]
ROTATION = TYPES["aws:secretsmanager/secretRotation:SecretRotation"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def aws(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Account:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv(simulated.PLACE, str(tmp_path))
    return Account(account.parse({"region": "eu-central-1"}), EngineLog(""))


@pytest.fixture
def subnets(aws: Account) -> dict[str, str]:
    """Subnets of one VPC by name; the first letter is the zone's."""
    vpc = TYPES["aws:ec2/vpc:Vpc"].create(aws, {"cidrBlock": "10.0.0.0/16"})
    return {
        name: SUBNET.create(
            aws, {"vpcId": vpc, "cidrBlock": f"10.0.{index}.0/24", "availabilityZone": f"eu-central-1{name[0]}"}
        )
        for index, name in enumerate(("a", "b", "a2", "c"))
    }


class Database:
    """An instance, the inputs that it was given and the state that is known of it."""

    def __init__(self, aws: Account, name: str) -> None:
        self.aws = aws
        group = SETTINGS.create(aws, {"name": f"{name}-17", "family": "postgres17"})
        self.inputs: dict[str, Any] = {
            "identifier": name, "engine": "postgres", "engineVersion": "17.6", "instanceClass": "db.t4g.small",
            "allocatedStorage": 20, "username": "app", "manageMasterUserPassword": True, "skipFinalSnapshot": True,
            "parameterGroupName": group, "applyImmediately": True,
        }  # fmt: skip
        self.id = DATABASE.create(aws, self.inputs)

    def live(self, name: str) -> Any:
        found = DATABASE.read(self.aws, self.id, self.inputs)
        assert found
        return found.values[name]

    def update(self, **changes: Any) -> None:
        state = DATABASE.read(self.aws, self.id, self.inputs)
        assert state
        new = {**self.inputs, **changes}
        changed = {key for key, value in changes.items() if value != self.inputs.get(key)}
        DATABASE.update(self.aws, self.id, {**self.inputs, **state.values}, new, changed)
        self.inputs = new


@pytest.fixture
def database(aws: Account, request: pytest.FixtureRequest) -> Iterator[Database]:
    made = Database(aws, f"db-{abs(hash(request.node.name)) % 10**6}")
    yield made
    state = DATABASE.read(aws, made.id, made.inputs)
    assert state
    DATABASE.delete(aws, made.id, {**made.inputs, **state.values})
    assert DATABASE.read(aws, made.id, made.inputs) is None
    assert aws.store.all() == {}, "nothing is kept of what is gone"


def test_two_databases_are_told_apart(aws: Account, database: Database) -> None:
    other = Database(aws, "other")
    assert other.id != database.id
    other.update(allocatedStorage=50)
    assert (other.live("allocatedStorage"), database.live("allocatedStorage")) == (50, 20)
    DATABASE.delete(aws, other.id, other.inputs)
    assert database.live("identifier") == database.inputs["identifier"]


def test_another_identifier_renames_a_database_that_keeps_its_id(database: Database) -> None:
    database.update(identifier="sales")
    assert database.live("endpoint").startswith("sales.")
    imported = DATABASE.read(database.aws, "sales", {})
    assert imported
    assert imported.values["__id"] == database.id
    assert DATABASE.read(database.aws, "nobody", {}) is None


def test_a_volume_grows_by_a_tenth_at_least_and_never_shrinks(database: Database) -> None:
    database.update(allocatedStorage=21)
    assert database.live("allocatedStorage") == 22
    with pytest.raises(Refused, match="allocatedStorage cannot shrink: the instance has 22 GiB, got 20"):
        database.update(allocatedStorage=20)
    database.update(allocatedStorage=40)
    assert database.live("allocatedStorage") == 40


def test_changes_wait_for_the_window_unless_they_are_to_be_applied_immediately(database: Database) -> None:
    database.update(instanceClass="db.m7g.large", applyImmediately=False, deletionProtection=True)
    assert database.live("instanceClass") == "db.t4g.small"
    assert database.live("deletionProtection") is True, "this never waits"
    database.inputs["instanceClass"] = "db.t4g.small"  # as a refresh does
    database.update(instanceClass="db.m7g.large", applyImmediately=True, deletionProtection=False)
    assert database.live("instanceClass") == "db.m7g.large"


def test_a_major_version_is_allowed_has_its_own_parameter_group_and_lets_go_of_the_old_one(database: Database) -> None:
    old = database.inputs["parameterGroupName"]
    new = SETTINGS.create(database.aws, {"name": f"{old}-18", "family": "postgres18"})
    with pytest.raises(Refused, match="it needs allowMajorVersionUpgrade"):
        database.update(engineVersion="18.1")
    with pytest.raises(Refused, match=f"parameter group {old} is of the family postgres17, .* needs postgres18"):
        database.update(engineVersion="18.1", allowMajorVersionUpgrade=True)
    wanted = {"engineVersion": "18.1", "allowMajorVersionUpgrade": True, "parameterGroupName": new}
    before = dict(database.inputs)
    database.update(**wanted, applyImmediately=False)
    with pytest.raises(Refused, match=f"InvalidDBParameterGroupState: parameter group {old} is still that of instance"):
        SETTINGS.delete(database.aws, old, {})
    database.inputs = before
    database.update(**wanted)
    assert database.live("engineVersionActual") == "18.1"
    SETTINGS.delete(database.aws, old, {})


def test_deleting_the_rotation_ends_that_of_a_password_which_rds_manages(database: Database) -> None:
    secret = database.live("masterUserSecrets")[0]["secretArn"]
    rules = {"secretId": secret, "rotationRules": {"automaticallyAfterDays": 30}}

    def enabled() -> bool:
        found = ROTATION.read(database.aws, secret, {})
        assert found
        return found.values["rotationEnabled"]

    ROTATION.create(database.aws, rules)
    assert enabled()
    ROTATION.delete(database.aws, secret, {})
    assert not enabled()
    ROTATION.create(database.aws, rules)
    assert enabled()
    ROTATION.delete(database.aws, secret, {})


@pytest.fixture
def change_cluster(aws: Account, subnets: dict[str, str]) -> Iterator[Callable[..., None]]:
    inputs = {
        "name": "ml", "version": "1.35", "roleArn": "arn:aws:iam::123456789012:role/x",
        "accessConfig": {"authenticationMode": "API"}, "vpcConfig": {"subnetIds": [subnets["a"], subnets["b"]]},
    }  # fmt: skip
    CLUSTER.create(aws, inputs)

    def change(**changes: Any) -> None:
        CLUSTER.update(aws, "ml", inputs, {**inputs, **changes}, set(changes))

    yield change
    CLUSTER.delete(aws, "ml", {})


def test_a_cluster_keeps_the_zones_that_it_was_created_in(
    aws: Account, subnets: dict[str, str], change_cluster: Callable[..., None]
) -> None:
    change_cluster(vpcConfig={"subnetIds": [subnets["a2"], subnets["b"]]})
    for names in (["a2", "b", "c"], ["b"]):
        with pytest.raises(Refused, match="created in eu-central-1a, eu-central-1b, and accepts subnets"):
            change_cluster(vpcConfig={"subnetIds": [subnets[name] for name in names]})
    with pytest.raises(Refused, match="DependencyViolation: the control plane of the cluster ml is in subnet"):
        SUBNET.delete(aws, subnets["b"], {})
    SUBNET.delete(aws, subnets["a"], {})


def test_a_cluster_is_upgraded_minor_by_minor_and_never_back(change_cluster: Callable[..., None]) -> None:
    change_cluster(version="1.36")
    for version in ("1.37", "1.34"):
        with pytest.raises(Refused, match=f"one minor version at a time, got {version}"):
            change_cluster(version=version)
    with pytest.raises(Refused, match="authenticationMode API cannot become CONFIG_MAP again"):
        change_cluster(accessConfig={"authenticationMode": "CONFIG_MAP"})


def test_a_private_zone_is_joined_by_another_vpc_before_the_first_one_leaves(aws: Account) -> None:
    first, second = (TYPES["aws:ec2/vpc:Vpc"].create(aws, {"cidrBlock": f"10.{n}.0.0/16"}) for n in (1, 2))
    zone = ZONE.create(aws, {"name": "in.example.org", "vpcs": [{"vpcId": first}]})
    ZONE.update(aws, zone, {"vpcs": [{"vpcId": first}]}, {"vpcs": [{"vpcId": second}]}, {"vpcs"})
    assert [one["VPCId"] for one in aws.client("route53").get_hosted_zone(Id=zone)["VPCs"]] == [second]


def test_a_registry_has_one_scanning_configuration_which_is_empty_when_it_has_been_deleted(aws: Account) -> None:
    every = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}

    def live() -> Any:
        found = SCANS.read(aws, identifier, {})
        assert found
        return found.values

    identifier = SCANS.create(aws, {"scanType": "BASIC", "rules": [every]})
    assert identifier == aws.number
    assert live() == {"scanType": "BASIC", "rules": [every], "registryId": aws.number}
    enhanced = {"scanType": "ENHANCED", "rules": [{**every, "scanFrequency": "CONTINUOUS_SCAN"}]}
    SCANS.update(aws, identifier, {}, enhanced, {"scanType", "rules"})
    SCANS.update(aws, identifier, {}, {**enhanced, "rules": []}, {"rules"})
    assert (live()["scanType"], live()["rules"]) == ("ENHANCED", []), "it is written whole"
    SCANS.delete(aws, identifier, {})
    assert live() == {"scanType": "BASIC", "rules": [], "registryId": aws.number}
