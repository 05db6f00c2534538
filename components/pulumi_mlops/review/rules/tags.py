"""What costs money or holds data says whose it is."""

from collections.abc import Iterator

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.rules._rule import Broken, Open, Rule, Verdict
from pulumi_mlops.review.rules._values import hidden, mapping
from pulumi_mlops.review.rules._world import Resource, World

REQUIRED = ("environment", "managed-by")
"""Keys of the tags that every resource on AWS bears; the foundation's stacks set them on all."""
TAGGED = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:dynamodb/table:Table",
        "aws:ebs/volume:Volume",
        "aws:ec2/eip:Eip",
        "aws:ec2/instance:Instance",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecr/repository:Repository",
        "aws:efs/fileSystem:FileSystem",
        "aws:eks/addon:Addon",
        "aws:eks/cluster:Cluster",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:kms/key:Key",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:rds/cluster:Cluster",
        "aws:rds/instance:Instance",
        "aws:route53/zone:Zone",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketV2:BucketV2",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
    }
)
"""Types that AWS bills, or that hold data or rights; the rest of AWS's types may have tags and need none."""


def _tags(resource: Resource, world: World) -> Iterator[Verdict]:
    if resource.type not in TAGGED:
        return
    tags = resource.inputs.get("tags")
    if hidden(tags):
        yield Open("tags")
        return
    missing = [key for key in REQUIRED if key not in mapping(tags) and key not in resource.default_tags]
    if missing:
        yield Broken(f"tags lack {' and '.join(missing)}")


RULES = (
    Rule(
        id="required-tags",
        level=Level.WARNING,
        title=f"what AWS bills bears the tags {' and '.join(REQUIRED)}",
        why="a bill by environment, and the question whether something may be deleted, are answered by tags alone",
        fix="give `tags` to the component, or set aws:defaultTags for the stack",
        unknown="a key whose value is known only after `up` counts as set; tags that are not known at all stay open",
        check=_tags,
    ),
)
