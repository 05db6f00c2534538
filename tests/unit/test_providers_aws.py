"""The AWS provider stand-in: how values are translated and compared, what is refused, what replaces."""

import importlib
import re
import sys
from types import SimpleNamespace

import pytest
from pulumi import _types
from pulumi.runtime.proto import provider_pb2 as wire

from standins.plugins import values
from standins.plugins.aws import account, provider, shapes, simulated
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
            assert kind.properties[name].replaces, name
