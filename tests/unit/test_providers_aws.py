"""The AWS provider stand-in: how values are translated and compared, what is refused, what replaces."""

import importlib
import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi import _types
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi_mlops.cli.adopt.kinds import KINDS as ADOPTED

from standins.plugins import paths, values
from standins.plugins.aws import account, eks, facts, provider, shapes, simulated
from standins.plugins.aws.difference import difference
from standins.plugins.aws.registry import TYPES
from standins.plugins.plugin import EngineLog, Refused

VPC = "aws:ec2/vpc:Vpc"
ROLE = "aws:iam/role:Role"


def check(token, olds=None, **inputs):
    stand_in = provider.Aws(EngineLog(""))
    request = wire.CheckRequest(
        type=token, name="thing", news=values.encode(inputs), olds=values.encode(olds or {}), randomSeed=b"seed"
    )
    return stand_in.Check(request, SimpleNamespace())


# Values


@pytest.mark.parametrize(
    ("api", "ours"),
    [("VpcId", "vpcId"), ("DBInstanceClass", "dbInstanceClass"), ("SSEAlgorithm", "sseAlgorithm"),
     ("resourcesVpcConfig", "resourcesVpcConfig"), ("ARN", "arn"), ("KMSMasterKeyID", "kmsMasterKeyId")],
)  # fmt: skip
def test_names_of_the_api_become_pulumis(api, ours):
    assert shapes.camel(api) == ours


def test_nested_values_take_the_apis_names_and_an_unknown_part_is_refused_by_its_path():
    members = account.shape("eks", "create_nodegroup").members
    given = {"minSize": 1, "maxSize": "3"}
    assert shapes.to_api(members["scalingConfig"], given, {}, "scalingConfig") == {"minSize": 1, "maxSize": 3}
    with pytest.raises(Refused, match=r"scalingConfig\.biggest is not implemented"):
        shapes.to_api(members["scalingConfig"], {"biggest": 1}, {}, "scalingConfig")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["a", "b"], ["b", "a"], True),
        (["a", "a"], ["a", "b"], False),
        ("443", 443, True),
        ("true", True, True),
        ('{"Action": ["s3:Get*"]}', '{ "Action": "s3:Get*" }', True),
        ('{"Action": "s3:Get*"}', '{"Action": "s3:Put*"}', False),
        ("", None, False),
    ],
)
def test_values_are_compared_as_aws_reads_them(one, other, same):
    assert shapes.equal(one, other) is same


def test_drift_keeps_the_programs_words_where_the_live_value_agrees():
    given = {"endpointPublicAccess": True, "subnetIds": ["a", "b"]}
    live = {"endpointPublicAccess": True, "subnetIds": ["b", "a"], "vpcId": "vpc-1"}
    assert shapes.drift(given, live) == given
    assert shapes.drift(given, {**live, "subnetIds": ["c"]})["subnetIds"] == ["c"]
    assert shapes.drift([{"id": "a"}], [{"id": "b", "more": 1}]) == [{"id": "b"}]


# Checks


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        ("aws:sns/topic:Topic", {}, "aws:sns/topic:Topic is not implemented by the AWS provider stand-in"),
        (VPC, {"cidrBlock": "10.0.0.0/16", "ipv4NetmaskLength": 16}, "property ipv4NetmaskLength is not implemented"),
        (ROLE, {}, "Missing required property 'assumeRolePolicy'"),
        ("aws:rds/instance:Instance", {"instanceClass": "db.t4g.small"}, "finalSnapshotIdentifier must be given"),
    ],
)
def test_what_cannot_be_honoured_is_a_check_failure_of_one_sentence(token, inputs, reason):
    (failure,) = check(token, **inputs).failures
    assert reason in failure.reason
    assert "\n" not in failure.reason


def test_names_are_generated_kept_and_honour_a_prefix():
    first = values.decode(check(ROLE, assumeRolePolicy="{}").inputs)
    assert re.fullmatch(r"thing-[0-9a-f]{7}", first["name"])
    assert values.decode(check(ROLE, olds=first, assumeRolePolicy="{}").inputs)["name"] == first["name"]
    prefixed = values.decode(check(ROLE, assumeRolePolicy="{}", namePrefix="app-").inputs)
    assert prefixed["name"].startswith("app-20")
    assert values.decode(check(ROLE, assumeRolePolicy="{}", name="mine").inputs)["name"] == "mine"
    bucket = values.decode(check("aws:s3/bucket:Bucket").inputs)
    assert bucket["bucket"] == bucket["bucket"].lower()
    alias = values.decode(check("aws:kms/alias:Alias", targetKeyId="k").inputs)
    assert alias["name"].startswith("alias/thing-")


# Differences


def diff(token, old, new, ignored=()):
    stand_in = provider.Aws(EngineLog(""))
    request = wire.DiffRequest(
        type=token, olds=values.encode({**old, "tagsAll": old.get("tags") or {}}), old_inputs=values.encode(old),
        news=values.encode(new), ignoreChanges=ignored,
    )  # fmt: skip
    return stand_in.Diff(request, SimpleNamespace())


def test_a_fixed_name_is_deleted_first_and_a_generated_one_is_not():
    trust = {"assumeRolePolicy": "{}"}
    fixed = diff(ROLE, {**trust, "name": "a", "path": "/x/"}, {**trust, "name": "a", "path": "/y/"})
    assert list(fixed.replaces) == ["path"]
    assert fixed.deleteBeforeReplace
    generated = {**trust, "name": "a-1", "__defaults": ["name"]}
    assert not diff(ROLE, {**generated, "path": "/x/"}, {**generated, "path": "/y/"}).deleteBeforeReplace


def test_defaults_and_values_that_aws_chose_are_no_change():
    some = wire.DiffResponse.DIFF_SOME
    assert diff(VPC, {"cidrBlock": "a"}, {"cidrBlock": "a", "enableDnsSupport": True}).changes != some
    assert diff(VPC, {"cidrBlock": "a"}, {"cidrBlock": "a", "enableDnsSupport": False}).changes == some
    cluster = "aws:eks/cluster:Cluster"
    assert diff(cluster, {"version": "1.34"}, {}).changes != some
    assert diff(VPC, {"cidrBlock": "a", "tags": {"a": "b"}}, {"cidrBlock": "a"}, ["tags"]).changes != some


def test_an_unknown_value_of_a_replacing_property_replaces():
    subnet = "aws:ec2/subnet:Subnet"
    found = diff(subnet, {"vpcId": "vpc-1"}, {"vpcId": values.UNKNOWN})
    assert list(found.replaces) == ["vpcId"]


# Configuration


def test_regions_endpoints_and_options_are_checked_in_one_sentence(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Refused, match="no AWS region"):
        account.parse({})
    with pytest.raises(Refused, match="'mars-1' is not an AWS region"):
        account.parse({"region": "mars-1"})
    with pytest.raises(Refused, match="provider option assumeRoles is not implemented"):
        account.parse({"region": "eu-central-1", "assumeRoles": '[{"roleArn": "x"}]'})
    options = account.parse({"region": "eu-central-1", "defaultTags": '{"tags": {"a": "b"}}'})
    one = account.Account(options, EngineLog(""))
    assert one.default_tags == {"a": "b"}
    for address in ("", "https://ec2.amazonaws.com", "http://127.evil.example:1"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(Refused, match="never calls AWS"):
            one.endpoint("ec2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    assert one.endpoint("ec2") == "http://127.0.0.1:5000"


def test_simulated_objects_need_a_directory_and_survive_in_it(monkeypatch, tmp_path):
    monkeypatch.delenv(simulated.PLACE, raising=False)
    with pytest.raises(Refused, match=simulated.PLACE):
        simulated.Store.from_environment()
    monkeypatch.setenv(simulated.PLACE, str(tmp_path))
    simulated.Store.from_environment().put("kind", "a", {"x": 1})
    assert simulated.Store.from_environment().get("kind", "a") == {"x": 1}
    simulated.Store.from_environment().put("kind", "a", None)
    assert simulated.Store.from_environment().all() == {}


# Against the installed SDK

FORCES = re.compile(r"forces? (a )?(new|replacement|recreation)", re.IGNORECASE)
ONLY_SOMETIMES = {("aws:ec2/vpcEndpoint:VpcEndpoint", "privateDnsEnabled")}
"""The SDK says so of endpoints alone that have no private DNS at all."""


def _sdk(token):
    module, title = re.fullmatch(r"aws:(\w+)/\w+:(\w+)", token).groups()
    one = getattr(importlib.import_module(f"pulumi_aws.{module}"), title)
    return one, vars(sys.modules[one.__module__])[f"{title}Args"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own modules, when they are imported
@pytest.mark.parametrize("token", sorted(TYPES))
def test_a_type_agrees_with_the_sdk_on_properties_outputs_and_what_replaces(token):
    resource, arguments = _sdk(token)
    kind = TYPES[token]
    names = _types.input_type_py_to_pulumi_names(arguments)
    outputs = {*_types.resource_py_to_pulumi_names(resource).values()}
    assert set(kind.properties) <= {*names.values()} | outputs
    assert set(kind.outputs) <= outputs
    for python, name in names.items():
        says = FORCES.search(getattr(arguments, python).fget.__doc__ or "")
        if says and name in kind.properties and (token, name) not in ONLY_SOMETIMES:
            assert (name,) in kind.facts.replaces, name


# Against the facts of the published provider


def replaced(token, old, new, **known):
    """The paths whose change replaces a resource of a type."""
    found = provider.difference(TYPES[token], old, new, [], known)
    return [".".join(map(str, change.path)) for change in found if change.replaces]


def test_every_type_and_each_of_its_properties_has_facts_that_can_be_planned_by():
    for token, kind in TYPES.items():
        undecided = [path for path in kind.facts.undecided if path[0] in kind.properties]
        assert undecided == [], f"{token}: whether {undecided} replaces cannot be said"
        assert set(kind.facts.required) <= set(kind.properties), token
        chosen = {path[0] for path in kind.facts.kept if len(path) == 1}
        assert not chosen & set(kind.absent), token
        assert all(value in facts.EMPTY for value in kind.absent.values()), token


def _sample(path, value):
    """Inputs with a value at a path; items of lists are the first."""
    made = value
    for part in reversed(path):
        made = [made] if part == "*" else {part: made}
    return made


@pytest.mark.parametrize("token", sorted(facts.tokens()))
def test_the_stand_in_and_the_double_plan_what_the_facts_say(token):
    if token not in TYPES:
        return  # nothing is claimed of a type that the stand-in refuses
    entry = json.loads(facts.FILE.read_text())["types"][token]
    kind = TYPES[token]
    for text in entry["replaces"]:
        path = paths.parse(text)
        if path[0] in kind.properties:
            assert replaced(token, _sample(path, "old"), _sample(path, "new")), text
    in_place = [
        name
        for name in kind.properties
        if name not in ("tags", *entry.get("replaces_if", {})) and (name,) not in kind.facts.replaces
    ]
    for name in in_place:
        assert not replaced(token, {name: "old"}, {name: "new"}), name
    for name in [*in_place, *(path[0] for path in kind.facts.replaces)]:
        if (name,) in kind.facts.kept and name in kind.properties:
            assert provider.difference(kind, {name: "old"}, {}, []) == [], name
    for name, value in kind.defaults.items():
        assert provider.difference(kind, {name: value}, {}, []) == [], name


@pytest.mark.parametrize(
    ("token", "old", "new", "expected"),
    [
        ("aws:eks/cluster:Cluster", {"encryptionConfig": {"resources": ["secrets"]}}, {}, ["encryptionConfig"]),
        ("aws:eks/cluster:Cluster", {}, {"encryptionConfig": {"resources": ["secrets"]}}, []),
        (
            "aws:eks/cluster:Cluster",
            {"accessConfig": {"bootstrapClusterCreatorAdminPermissions": True}},
            {"accessConfig": {"bootstrapClusterCreatorAdminPermissions": False}},
            ["accessConfig.bootstrapClusterCreatorAdminPermissions"],
        ),
        ("aws:eks/cluster:Cluster", {"kubernetesNetworkConfig": {"ipFamily": "ipv4"}}, {}, []),
        (
            "aws:eks/cluster:Cluster",
            {"computeConfig": {"enabled": True, "nodeRoleArn": "a"}},
            {"computeConfig": {"enabled": True, "nodeRoleArn": "b"}},
            ["computeConfig.nodeRoleArn"],
        ),
        ("aws:eks/cluster:Cluster", {}, {"computeConfig": {"enabled": True, "nodeRoleArn": "a"}}, []),
        ("aws:eks/cluster:Cluster", {"computeConfig": {"enabled": True, "nodeRoleArn": "a"}}, {}, []),
        (
            "aws:eks/nodeGroup:NodeGroup",
            {"launchTemplate": {"id": "lt-1", "version": "1"}},
            {"launchTemplate": {"id": "lt-2", "version": "1"}},
            ["launchTemplate.id"],
        ),
        (
            "aws:eks/nodeGroup:NodeGroup",
            {"launchTemplate": {"id": "lt-1", "version": "1"}},
            {"launchTemplate": {"id": "lt-1", "version": "2"}},
            [],
        ),
        ("aws:eks/nodeGroup:NodeGroup", {}, {"launchTemplate": {"id": "lt-1"}}, ["launchTemplate"]),
        ("aws:eks/nodeGroup:NodeGroup", {"launchTemplate": {"id": "lt-1"}}, {}, []),
        ("aws:ec2/vpc:Vpc", {"instanceTenancy": "dedicated"}, {"instanceTenancy": "default"}, []),
        ("aws:ec2/vpc:Vpc", {"instanceTenancy": "default"}, {"instanceTenancy": "dedicated"}, ["instanceTenancy"]),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"cidrIpv4": "10.0.0.0/8"},
            {"referencedSecurityGroupId": "sg-1"},
            ["cidrIpv4", "referencedSecurityGroupId"],
        ),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"cidrIpv4": "10.0.0.0/8"},
            {"cidrIpv4": "10.1.0.0/16"},
            [],
        ),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {"privateDnsEnabled": True}, {"privateDnsEnabled": False},
         ["privateDnsEnabled"]),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {"privateDnsEnabled": True, "vpcEndpointType": "Interface"},
         {"privateDnsEnabled": False, "vpcEndpointType": "Interface"}, []),
        ("aws:rds/instance:Instance", {"identifier": "a"}, {"identifier": "b"}, []),
        ("aws:rds/instance:Instance", {"kmsKeyId": "k", "storageEncrypted": True}, {"storageEncrypted": True}, []),
        ("aws:rds/instance:Instance", {"storageEncrypted": True}, {}, ["storageEncrypted"]),
        ("aws:route53/record:Record", {"type": "A"}, {"type": "CNAME"}, []),
        ("aws:secretsmanager/secretVersion:SecretVersion", {"secretString": "a"}, {"secretString": values.UNKNOWN},
         ["secretString"]),
    ],
)  # fmt: skip
def test_what_replaces_under_a_condition_or_in_a_part_is_planned_as_the_published_provider_does(
    token, old, new, expected
):
    assert replaced(token, old, new) == expected


def test_deletions_come_first_where_the_plugin_asks_for_it_and_nowhere_else():
    first = {token for token, kind in TYPES.items() if kind.delete_first(set(), {})}
    assert first == {
        "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:efs/mountTarget:MountTarget",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    }  # fmt: skip


def test_a_value_that_aws_chose_is_no_change_when_the_program_says_the_same():
    old, new = {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": False}
    assert provider.difference(TYPES[VPC], old, new, [], {"enableDnsHostnames": False}) == []
    assert provider.difference(TYPES[VPC], old, new, [], {"enableDnsHostnames": True})
    database = TYPES["aws:rds/instance:Instance"]
    known = {"engineVersionActual": "17.6", "allocatedStorage": 40}
    assert provider.difference(database, {"engineVersion": "17.6"}, {"engineVersion": "17"}, [], known) == []
    assert provider.difference(database, {"engineVersion": "17.6"}, {"engineVersion": "18"}, [], known)
    grown = {"allocatedStorage": 20, "maxAllocatedStorage": 100}
    assert provider.difference(database, grown, {**grown, "allocatedStorage": 30}, [], known) == []
    assert provider.difference(database, grown, {**grown, "allocatedStorage": 50}, [], known)


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 2}, "retentionInDays must be one of 0, 1, 3"),
        ("aws:rds/instance:Instance", {"instanceClass": "c", "skipFinalSnapshot": True, "backupRetentionPeriod": 36},
         "backupRetentionPeriod must be from 0 to 35, got 36"),
        ("aws:rds/instance:Instance", {"instanceClass": "c", "skipFinalSnapshot": True, "password": "p",
                                       "manageMasterUserPassword": True}, "exclude each other"),
        ("aws:route53/record:Record", {"name": "a", "type": "A", "zoneId": "Z"}, "one of aliases, records must"),
        ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeRoleArn": "r", "scalingConfig": {"maxSize": 0},
                                         "subnetIds": []}, "scalingConfig.maxSize must be at least 1, got 0"),
        ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeRoleArn": "r", "scalingConfig": {"maxSize": 1},
                                         "subnetIds": [], "nodeGroupNamePrefix": "x" * 38}, "must have 0 to 37"),
    ],
)  # fmt: skip
def test_limits_and_exclusions_are_refused_while_planning(token, inputs, reason):
    (failure,) = check(token, **inputs).failures
    assert reason in failure.reason


def test_what_adoption_holds_for_fixed_is_what_replaces():
    """A version is never lowered by AWS, and Secrets never get another key: an adopted cluster keeps what it has."""
    for kind in ADOPTED:
        known = facts.of(kind.token)
        for name in kind.fixed:
            assert (name,) in known.replaces or name in ("version", "encryptionConfig"), (kind.token, name)
        for name in kind.leads:
            fixed = [path for path in known.replaces if path[0] == name]
            assert fixed or name == "encryptionConfig" or (name,) not in known.kept, (kind.token, name)


class Answers:
    """An account whose API answers from a table: operation → answer."""

    region, number, default_tags = "eu-central-1", "123456789012", {}

    def __init__(self, **answers):
        self.answers = answers
        self.made = []

    def call(self, service, operation, **parameters):
        self.made.append((operation, parameters))
        return self.answers.get(operation, {})


def test_a_subnet_stays_while_the_control_plane_of_a_cluster_is_in_it():
    here = {"cluster": {"resourcesVpcConfig": {"subnetIds": ["subnet-1"]}}}
    one = Answers(list_clusters={"clusters": ["ml"]}, describe_cluster=here)
    with pytest.raises(Refused, match="DependencyViolation: the control plane of the cluster ml is in subnet subnet-1"):
        TYPES["aws:ec2/subnet:Subnet"].delete(one, "subnet-1", {})
    TYPES["aws:ec2/subnet:Subnet"].delete(one, "subnet-2", {})
    assert one.made[-1] == ("delete_subnet", {"SubnetId": "subnet-2"})


def test_a_record_of_another_type_takes_the_place_of_the_old_one():
    record = {"Name": "a.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "1.2.3.4"}]}
    zone = {"HostedZone": {"Name": "example.org."}}
    one = Answers(list_resource_record_sets={"ResourceRecordSets": [record]}, get_hosted_zone=zone)
    new = {"zoneId": "Z1", "name": "a", "type": "CNAME", "ttl": 60, "records": ["b.example.org"]}
    TYPES["aws:route53/record:Record"].update(one, "Z1_a.example.org_A", {"type": "A"}, new, {"type", "records"})
    changes = [
        (change["Action"], change["ResourceRecordSet"]["Type"])
        for operation, parameters in one.made
        if operation == "change_resource_record_sets"
        for change in parameters["ChangeBatch"]["Changes"]
    ]
    assert changes == [("DELETE", "A"), ("UPSERT", "CNAME")]


def test_a_policy_of_an_access_entry_gets_its_new_scope_by_being_associated_again(monkeypatch, tmp_path):
    monkeypatch.setenv(simulated.PLACE, str(tmp_path))
    one, kind = Answers(), TYPES["aws:eks/accessPolicyAssociation:AccessPolicyAssociation"]
    one.store = simulated.Store.from_environment()
    one.store.put("aws:eks/accessEntry:AccessEntry", "ml:role", {"values": {}, "tags": {}})
    given = {"clusterName": "ml", "principalArn": "role", "policyArn": "view", "accessScope": {"type": "cluster"}}
    kind.create(one, given)
    identifier = kind.create(one, {**given, "accessScope": {"type": "namespace", "namespaces": ["a"]}})
    assert one.store.get(kind.token, identifier)["values"]["accessScope"]["type"] == "namespace"
    kind.delete(one, identifier, {})
    assert one.store.get(kind.token, identifier) is None, "created first, a replacement ends without the association"


def test_a_name_that_the_plugin_accepts_and_the_service_does_not_fails_when_it_is_made():
    database = TYPES["aws:rds/instance:Instance"]
    database.check_name({"identifier": "a" * 63})
    with pytest.raises(Refused, match="has 64 characters, rds accepts at most 63"):
        database.check_name({"identifier": "a" * 64})


# Names that are generated, and changes


@pytest.mark.parametrize("refused", [False, True])
def test_a_generated_name_that_is_too_long_is_refused(refused):
    group = TYPES["aws:cloudwatch/logGroup:LogGroup"]
    most = group.facts.name["plugin_maximum"]
    logical = "n" * (most - len("-0123456") + int(refused))

    def named():
        return group.named({}, {}, logical, b"seed", None)

    if refused:
        with pytest.raises(Refused, match=rf"has more than {most} characters: give name"):
            named()
    else:
        assert len(named()["name"]) == most


def test_a_list_in_another_order_is_no_change():
    subnets = TYPES["aws:rds/subnetGroup:SubnetGroup"]

    def changed(new):
        return [change.path for change in difference(subnets, {"subnetIds": ["a", "b"]}, {"subnetIds": new}, [])]

    assert changed(["b", "a"]) == []
    assert changed(["b", "c"]) != []


AUTO: Any = {
    "computeConfig": {"enabled": True, "nodePools": ["system"], "nodeRoleArn": "arn:aws:iam::1:role/nodes"},
    "storageConfig": {"blockStorage": {"enabled": True}},
    "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
}


@pytest.mark.parametrize("missing", AUTO)
def test_a_part_of_auto_mode_without_the_others_is_refused(missing: str):
    eks._check_auto_mode(AUTO)
    eks._check_auto_mode({"kubernetesNetworkConfig": {"ipFamily": "ipv4"}})
    with pytest.raises(Refused, match="must all be true or all be false"):
        eks._check_auto_mode({key: value for key, value in AUTO.items() if key != missing})


def test_node_pools_of_auto_mode_without_a_role_are_refused():
    without = {**AUTO, "computeConfig": {"enabled": True, "nodePools": ["system"]}}
    with pytest.raises(Refused, match="go together"):
        eks._check_auto_mode(without)
