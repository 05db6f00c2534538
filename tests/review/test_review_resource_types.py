"""What holds for every type in the table of resource types: a fact is read once, for rules, dangers and costs."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_mlops.review import rules
from pulumi_mlops.review.cost.billing import priced
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.cost.lines import fixed
from pulumi_mlops.review.dangers import DangerKind, dangers
from pulumi_mlops.review.preview import UNKNOWN, Step
from pulumi_mlops.review.resource_types import KINDS, TYPES, describe
from pulumi_mlops.review.resource_types.facts import Holds, is_off, is_on, is_one_of
from pulumi_mlops.review.resource_types.resource_type import OpenIf, ResourceType, Version
from syrupy.assertion import SnapshotAssertion

from tests.review.steps import preview, step

TODAY = date(2026, 11, 29)


def policy(principal: Any, **more: Any) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "x:Get", "Resource": "*", **more}
    return {"policy": json.dumps({"Statement": [statement]})}


BLOCKED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
ENTRY = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["10.0.0.0/8"]}
GROUP = ({"ingress": [ENTRY]}, {"ingress": [ENTRY, {**ENTRY, "cidrBlocks": ["0.0.0.0/0"]}]})
RULE = ({"type": "ingress", **ENTRY}, {"type": "ingress", **ENTRY, "ipv6CidrBlocks": ["::/0"]})
INGRESS = (
    {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/8"},
    {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
)
DATABASE = ({"publiclyAccessible": False}, {"publiclyAccessible": True})
POLICY = (policy({"AWS": "arn:aws:iam::123456789012:role/a"}), policy("*"))
DOMAIN = (
    {"accessPolicies": POLICY[1]["policy"], "vpcOptions": {"subnetIds": ["a"]}},
    {"accessPolicies": POLICY[1]["policy"]},
)
ACL = ({"acl": "private"}, {"acl": "public-read"})
BLOCK = (BLOCKED, {**BLOCKED, "blockPublicPolicy": False})

OPENED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "aws:backup/vaultPolicy:VaultPolicy": POLICY,
    "aws:docdb/clusterInstance:ClusterInstance": DATABASE,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": GROUP,
    "aws:ec2/securityGroup:SecurityGroup": GROUP,
    "aws:ec2/securityGroupRule:SecurityGroupRule": RULE,
    "aws:ecr/repositoryPolicy:RepositoryPolicy": POLICY,
    "aws:efs/fileSystemPolicy:FileSystemPolicy": POLICY,
    "aws:eks/cluster:Cluster": ({"vpcConfig": {"endpointPublicAccess": False}}, {"vpcConfig": {}}),
    "aws:kms/key:Key": POLICY,
    "aws:kms/keyPolicy:KeyPolicy": POLICY,
    "aws:lambda/functionUrl:FunctionUrl": ({"authorizationType": "AWS_IAM"}, {"authorizationType": "NONE"}),
    "aws:lambda/permission:Permission": ({"principal": "*", "sourceArn": "arn:a"}, {"principal": "*"}),
    "aws:neptune/clusterInstance:ClusterInstance": DATABASE,
    "aws:rds/clusterInstance:ClusterInstance": DATABASE,
    "aws:rds/instance:Instance": DATABASE,
    "aws:elasticsearch/domain:Domain": DOMAIN,
    "aws:opensearch/domain:Domain": DOMAIN,
    "aws:redshift/cluster:Cluster": ({"publiclyAccessible": False}, {}),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": BLOCK,
    "aws:s3/bucket:Bucket": ACL,
    "aws:s3/bucketAcl:BucketAcl": ACL,
    "aws:s3/bucketAclV2:BucketAclV2": ACL,
    "aws:s3/bucketPolicy:BucketPolicy": POLICY,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": BLOCK,
    "aws:s3/bucketV2:BucketV2": ACL,
    "aws:secretsmanager/secret:Secret": POLICY,
    "aws:secretsmanager/secretPolicy:SecretPolicy": POLICY,
    "aws:sns/topic:Topic": POLICY,
    "aws:sns/topicPolicy:TopicPolicy": POLICY,
    "aws:sqs/queue:Queue": POLICY,
    "aws:sqs/queuePolicy:QueuePolicy": POLICY,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": INGRESS,
}
"""Type with an `open_if` → inputs that are closed, and inputs that are open."""


def exposed(*steps: Step) -> bool:
    return DangerKind.EXPOSURE in {one.kind for one in dangers([preview(*steps)])}


def broken(*steps: Step) -> set[str]:
    return {one.rule for one in rules.check([preview(*steps)], today=TODAY)}


def test_every_type_that_can_be_open_has_an_example() -> None:
    assert set(OPENED) == {token for token, one in TYPES.items() if one.open_if}
    assert not any(one.open_if for one in KINDS.values())


def test_every_rule_that_the_table_names_exists() -> None:
    assert {one.open_if.rule for one in TYPES.values() if one.open_if} <= {rule.id for rule in rules.all_rules(TODAY)}


@pytest.mark.parametrize("token", OPENED)
def test_a_change_that_opens_it_is_a_danger_and_a_broken_rule(token: str) -> None:
    closed, opened = OPENED[token]
    open_if = TYPES[token].open_if
    assert open_if
    for change in (step("update", token, old=closed, new=opened), step("create", token, new=opened)):
        assert exposed(change)
        assert open_if.rule in broken(change)
    already = step("update", token, old=opened, new={**opened, "description": "x"})
    assert not exposed(already)
    assert open_if.rule in broken(already)
    for change in (step("update", token, old=opened, new=closed), step("create", token, new=closed)):
        assert not exposed(change)
        assert open_if.rule not in broken(change)


PUBLISHED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "aws:lb/loadBalancer:LoadBalancer": ({"internal": True}, {}),
    "aws:alb/loadBalancer:LoadBalancer": ({"internal": True}, {"internal": False}),
    "aws:elb/loadBalancer:LoadBalancer": ({"internal": True}, {}),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"},
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"},
    ),
    "kubernetes:core/v1:Service": ({"spec": {"type": "ClusterIP"}}, {"spec": {"type": "LoadBalancer"}}),
}


@pytest.mark.parametrize("token", PUBLISHED)
def test_what_faces_the_internet_on_purpose_is_a_danger_and_breaks_no_rule(token: str) -> None:
    tags = {"tags": {"environment": "dev", "managed-by": "x"}} if token.startswith("aws:") else {}
    private, public = ({**tags, **inputs} for inputs in PUBLISHED[token])
    assert exposed(step("update", token, old=private, new=public))
    assert not exposed(step("update", token, old=public, new=private))
    assert broken(step("create", token, new=public)) == set()


def test_a_port_that_moves_within_the_list_of_entries_does_not_open() -> None:
    web = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["0.0.0.0/0"]}
    token = "aws:ec2/securityGroup:SecurityGroup"
    assert not exposed(step("update", token, old={"ingress": [web]}, new={"ingress": [ENTRY, web]}))


WORDS = st.sampled_from(
    ["*", "0.0.0.0/0", "::/0", "10.0.0.0/8", "tcp", "-1", "ingress", "public-read", "NONE", "true", UNKNOWN, "[secret]"]
)
KEYS = st.sampled_from(
    [
        *("ingress", "cidrBlocks", "cidrIpv4", "protocol", "fromPort", "toPort", "type", "acl", "policy", "principal"),
        *("publiclyAccessible", "vpcConfig", "endpointPublicAccess", "publicAccessCidrs", "authorizationType"),
        *("accessPolicies", "vpcOptions"),
        *BLOCKED,
    ]
)
VALUES = st.recursive(
    WORDS | st.booleans() | st.none() | st.integers(-1, 70_000) | st.just(POLICY[1]["policy"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
INPUTS = st.dictionaries(KEYS, VALUES, max_size=6)


@settings(max_examples=200)
@given(st.sampled_from(sorted(OPENED)), INPUTS, INPUTS)
def test_dangers_and_rules_read_the_same_facts(token: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Whatever the inputs are: a change opens what is open after it and was not before."""
    described = describe(token, new)
    assert described.open_if
    opened, before = (
        {fact.key for fact in described.open_if.condition(side) if isinstance(fact, Holds)} for side in (new, old)
    )
    change = step("update", token, old=old, new=new)
    assert (described.open_if.rule in broken(change)) is bool(opened)
    said = [one.message for one in dangers([preview(change)]) if one.message.startswith("becomes public")]
    assert bool(said) is bool(opened - before)


@pytest.mark.parametrize("token", sorted(token for token, one in TYPES.items() if one.unencrypted_if))
def test_what_is_no_longer_encrypted_is_a_danger_and_a_broken_rule(token: str) -> None:
    encrypted = {
        **dict.fromkeys(("encrypted", "storageEncrypted", "atRestEncryptionEnabled"), True),
        "encryptionConfig": {"resources": ["secrets"]},
        "encryptAtRest": {"enabled": True},
        "blockDeviceMappings": [{"ebs": {"encrypted": True}}],
        "rootBlockDevice": {"encrypted": True},
    }
    plain = {"blockDeviceMappings": [{"ebs": {}}], "rootBlockDevice": {}}
    change = step("update", token, old=encrypted, new=plain)
    assert any("no longer encrypted" in one.message for one in dangers([preview(change)]))
    assert "encryption" in broken(change)
    assert not any("no longer encrypted" in one.message for one in dangers([preview(step("create", token, new=plain))]))
    assert "encryption" not in broken(step("update", token, old=plain, new=encrypted))


STORE = "aws:example/store:Store"
ENTRY_OF_STORE = ResourceType(
    data="store",
    open_if=OpenIf("resource-policy-public", is_on("public", ", so everybody reads it")),
    unencrypted_if=is_off("encrypted", ": what is stored there is not encrypted"),
    not_backed_up_if=is_one_of("backupDays", (0,), ", so there are no backups"),
    version=Version("engineVersion", 1),
    billing=priced(lambda one, prices, region: iter([fixed("store", 1, Decimal(7))])),
    tagged=True,
)
"""An entry of resource_types for a type that AWS does not have."""


def test_to_add_a_type_is_to_add_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"public": False, "encrypted": True, "backupDays": 7, "engineVersion": "2.1"}
    bad = {"public": True, "encrypted": False, "backupDays": 0, "engineVersion": "3.0"}
    changed = preview(step("update", STORE, old=good, new=bad), config={"aws:region": "eu-central-1"})
    assert (rules.check([changed]), dangers([changed]), estimate(changed).after) == ([], (), 0)

    monkeypatch.setitem(TYPES, STORE, ENTRY_OF_STORE)
    assert {one.rule for one in rules.check([changed])} == {"resource-policy-public", "encryption", "required-tags"}
    assert [one.message for one in dangers([changed])] == [
        "is no longer encrypted: encrypted is false: what is stored there is not encrypted",
        "loses its backups: backupDays is 0, so there are no backups",
        "becomes public: public is true, so everybody reads it",
        "goes from engineVersion 2.1 to 3.0, and cannot go back",
    ]
    (gone,) = dangers([preview(step("delete", STORE, old=good))])
    assert gone.message == "is a store and is deleted: what it holds is lost"
    assert estimate(changed).after == 7


def test_the_table_of_facts_is_as_reviewed(snapshot: SnapshotAssertion) -> None:
    """So that an entry, or a fact of one, never goes unseen: the other tests read the table itself."""
    table = {**TYPES, **{f"kind {kind}": one for kind, one in KINDS.items()}}
    assert "\n".join(f"{token}: {known(table[token])}" for token in sorted(table)) == snapshot


CONDITIONS = ("published_if", "unguarded_if", "unencrypted_if", "disabled_if", "not_backed_up_if", "expires_if")


def known(one: ResourceType) -> str:
    """What an entry says, in one line."""
    bill = "not known"
    if one.billing:
        usage = f", besides {one.billing.usage}" if one.billing.usage else ""
        bill = f"{'priced' if one.billing.pricer else 'free'}{usage}"
    facts = {
        "data": one.data if isinstance(one.data, str) else "by its inputs",
        "address": one.address,
        "stops": one.stops,
        "guard": one.guard and f"{one.guard.kind}, {one.guard.guarded_by}: {one.guard.consequence}",
        "open": one.open_if and one.open_if.rule,
        "version": one.version and f"{one.version.path}, {one.version.parts}{', one by one' * one.version.one_by_one}",
        **{
            fact: "yes" * (getattr(one, fact) is not None)
            for fact in (
                "published_if",
                "unguarded_if",
                "unencrypted_if",
                "disabled_if",
                "not_backed_up_if",
                "expires_if",
            )
        },
        "bill": bill,
        "tagged": "yes" * one.tagged,
    }
    return "; ".join(f"{fact} {value}" for fact, value in facts.items() if value)
