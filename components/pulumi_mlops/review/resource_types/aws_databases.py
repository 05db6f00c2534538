"""Databases, caches, warehouses and queues."""

from collections.abc import Iterator

from pulumi_mlops.review.cost import pricing
from pulumi_mlops.review.cost.billing import FREE, by_use, priced
from pulumi_mlops.review.resource_types.facts import (
    Condition,
    Fact,
    Inputs,
    Unknown,
    allows_everybody,
    any_of,
    is_off,
    is_on,
    is_one_of,
)
from pulumi_mlops.review.resource_types.resource_type import OpenIf, ResourceType, Version

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


def public_domain(inputs: Inputs) -> Iterator[Fact]:
    """A search domain that is not in a VPC, where its policy would let everybody in."""
    if not inputs.get("vpcOptions"):
        yield from allows_everybody("accessPolicies")(inputs)


NO_BACKUPS = is_one_of("backupRetentionPeriod", (0,), ", so there are no automated backups")
BACKUPS_GO = is_on("deleteAutomatedBackups", ", so its automated backups are deleted with it", default=True)
CLUSTER = ResourceType(
    data="database cluster", unencrypted_if=unencrypted("storageEncrypted"), not_backed_up_if=NO_BACKUPS
)
SNAPSHOT = ResourceType(data="snapshot")
SEARCH = ResourceType(
    data="search index",
    open_if=OpenIf("resource-policy-public", public_domain),
    unencrypted_if=is_off("encryptAtRest.enabled", ": what is stored there is not encrypted"),
)
DATABASE = ResourceType(data="database")

TYPES: dict[str, ResourceType] = {
    "aws:docdb/cluster:Cluster": CLUSTER,
    "aws:docdb/clusterInstance:ClusterInstance": ResourceType(open_if=PUBLIC),
    "aws:docdb/clusterSnapshot:ClusterSnapshot": SNAPSHOT,
    "aws:dynamodb/table:Table": ResourceType(
        data="table",
        not_backed_up_if=is_off("pointInTimeRecovery.enabled", ": no earlier state can be restored"),
        tagged=True,
    ),
    "aws:docdb/elasticCluster:ElasticCluster": ResourceType(data="database cluster"),
    "aws:docdb/globalCluster:GlobalCluster": ResourceType(data="database cluster"),
    "aws:elasticache/cluster:Cluster": ResourceType(data="cache"),
    "aws:elasticache/serverlessCache:ServerlessCache": ResourceType(data="cache"),
    "aws:elasticache/replicationGroup:ReplicationGroup": ResourceType(
        data="cache", unencrypted_if=unencrypted("atRestEncryptionEnabled"), tagged=True
    ),
    "aws:elasticsearch/domain:Domain": SEARCH,
    "aws:keyspaces/table:Table": ResourceType(data="table"),
    "aws:kinesis/stream:Stream": ResourceType(data="message log"),
    "aws:memorydb/cluster:Cluster": ResourceType(data="database cluster"),
    "aws:memorydb/snapshot:Snapshot": SNAPSHOT,
    "aws:mq/broker:Broker": ResourceType(data="message broker"),
    "aws:msk/cluster:Cluster": ResourceType(data="message log"),
    "aws:msk/serverlessCluster:ServerlessCluster": ResourceType(data="message log"),
    "aws:neptune/cluster:Cluster": CLUSTER,
    "aws:neptune/clusterInstance:ClusterInstance": ResourceType(open_if=PUBLIC),
    "aws:neptune/clusterSnapshot:ClusterSnapshot": SNAPSHOT,
    "aws:neptune/globalCluster:GlobalCluster": ResourceType(data="database cluster"),
    "aws:opensearch/domain:Domain": SEARCH,
    "aws:opensearch/serverlessCollection:ServerlessCollection": ResourceType(data="search index"),
    "aws:rds/cluster:Cluster": ResourceType(
        data="database cluster",
        unencrypted_if=unencrypted("storageEncrypted"),
        not_backed_up_if=any_of(NO_BACKUPS, BACKUPS_GO),
        version=Version("engineVersion", 1),
        tagged=True,
    ),
    "aws:rds/clusterInstance:ClusterInstance": ResourceType(open_if=PUBLIC),
    "aws:rds/instance:Instance": ResourceType(
        data="database",
        open_if=PUBLIC,
        unencrypted_if=unencrypted("storageEncrypted"),
        not_backed_up_if=any_of(NO_BACKUPS, BACKUPS_GO),
        version=Version("engineVersion", 1),
        billing=priced(pricing.database, "backups larger than the volume, provisioned IOPS"),
        tagged=True,
    ),
    "aws:rds/clusterSnapshot:ClusterSnapshot": SNAPSHOT,
    "aws:rds/globalCluster:GlobalCluster": ResourceType(data="database cluster"),
    "aws:rds/parameterGroup:ParameterGroup": ResourceType(billing=FREE),
    "aws:rds/snapshot:Snapshot": SNAPSHOT,
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
    "aws:redshift/clusterSnapshot:ClusterSnapshot": SNAPSHOT,
    "aws:redshiftserverless/namespace:Namespace": ResourceType(data="warehouse"),
    "aws:sagemaker/featureGroup:FeatureGroup": ResourceType(data="feature group"),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": ResourceType(data="model registry"),
    "aws:sns/topic:Topic": ResourceType(open_if=OPEN_POLICY, tagged=True),
    "aws:sns/topicPolicy:TopicPolicy": ResourceType(open_if=OPEN_POLICY),
    "aws:sqs/queue:Queue": ResourceType(open_if=OPEN_POLICY, billing=by_use("messages"), tagged=True),
    "aws:sqs/queuePolicy:QueuePolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:timestreamwrite/table:Table": ResourceType(data="table"),
    "mysql:index/database:Database": DATABASE,
    "postgresql:index/database:Database": DATABASE,
    "postgresql:index/schema:Schema": ResourceType(data="schema"),
}
