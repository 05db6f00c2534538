"""Databases, caches, warehouses and queues."""

from collections.abc import Iterator

from pulumi_mlops.review.cost import pricing
from pulumi_mlops.review.cost.billing import FREE, by_use, priced
from pulumi_mlops.review.resource_types.facts import Condition, Fact, Inputs, Unknown, allows_everybody, is_off, is_on
from pulumi_mlops.review.resource_types.resource_type import OpenIf, ResourceType

PUBLIC = OpenIf("rds-public", is_on("publiclyAccessible", ", so the database has an address on the internet"))
OPEN_POLICY = OpenIf("resource-policy-public", allows_everybody("policy"))
SOURCES = ("snapshotIdentifier", "snapshotId", "replicateSourceDb", "replicationSourceIdentifier")
"""Inputs that name what a database is made from: it is encrypted if that is, and AWS ignores the switch."""


def unencrypted(switch: str) -> Condition:
    """The switch is off, unless the database follows the one that it is made from."""
    off = is_off(switch, ": what is stored there is not encrypted")

    def check(inputs: Inputs) -> Iterator[Fact]:
        source = next((key for key in SOURCES if inputs.get(key)), None)
        yield from [Unknown(source)] if source else off(inputs)

    return check


CLUSTER = ResourceType(data="database cluster", unencrypted_if=unencrypted("storageEncrypted"))

TYPES: dict[str, ResourceType] = {
    "aws:docdb/cluster:Cluster": CLUSTER,
    "aws:docdb/clusterInstance:ClusterInstance": ResourceType(open_if=PUBLIC),
    "aws:dynamodb/table:Table": ResourceType(data="table", tagged=True),
    "aws:elasticache/cluster:Cluster": ResourceType(data="cache"),
    "aws:elasticache/replicationGroup:ReplicationGroup": ResourceType(
        data="cache", unencrypted_if=unencrypted("atRestEncryptionEnabled"), tagged=True
    ),
    "aws:msk/cluster:Cluster": ResourceType(data="message log"),
    "aws:neptune/cluster:Cluster": CLUSTER,
    "aws:neptune/clusterInstance:ClusterInstance": ResourceType(open_if=PUBLIC),
    "aws:opensearch/domain:Domain": ResourceType(data="search index"),
    "aws:rds/cluster:Cluster": ResourceType(
        data="database cluster", unencrypted_if=unencrypted("storageEncrypted"), tagged=True
    ),
    "aws:rds/clusterInstance:ClusterInstance": ResourceType(open_if=PUBLIC),
    "aws:rds/instance:Instance": ResourceType(
        data="database",
        open_if=PUBLIC,
        unencrypted_if=unencrypted("storageEncrypted"),
        billing=priced(pricing.database, "backups larger than the volume, provisioned IOPS"),
        tagged=True,
    ),
    "aws:rds/parameterGroup:ParameterGroup": ResourceType(billing=FREE),
    "aws:rds/subnetGroup:SubnetGroup": ResourceType(billing=FREE),
    "aws:redshift/cluster:Cluster": ResourceType(
        data="warehouse",
        # Not given: open before version 7 of the AWS provider, closed since; a preview does not show the version.
        open_if=OpenIf(
            "rds-public",
            is_on("publiclyAccessible", ", so the database has an address on the internet", default=True),
        ),
        unencrypted_if=unencrypted("encrypted"),
    ),
    "aws:sns/topic:Topic": ResourceType(open_if=OPEN_POLICY, tagged=True),
    "aws:sns/topicPolicy:TopicPolicy": ResourceType(open_if=OPEN_POLICY),
    "aws:sqs/queue:Queue": ResourceType(open_if=OPEN_POLICY, billing=by_use("messages"), tagged=True),
    "aws:sqs/queuePolicy:QueuePolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
}
