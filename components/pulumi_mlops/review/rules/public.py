"""Nothing that holds data, and no API server, is open to everybody."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.rules._iam_documents import document, open_to_everybody
from pulumi_mlops.review.rules._rule import Broken, Open, Rule, Verdict
from pulumi_mlops.review.rules._values import hidden, is_false, is_true, items, mapping
from pulumi_mlops.review.rules._world import Resource, World

WIDEST_PREFIX = 8
"""The largest block of addresses that counts as somebody's own: no company has a larger one."""
OPEN_ACLS = ("public-read", "public-read-write", "authenticated-read")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
PUBLIC_ACCESS_BLOCKS = (
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
)
DATABASES = (
    "aws:rds/instance:Instance",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:docdb/clusterInstance:ClusterInstance",
    "aws:neptune/clusterInstance:ClusterInstance",
    "aws:redshift/cluster:Cluster",
)
REASON = "public_access_reason"
"""Argument of `foundation.Cluster` that says why everybody may reach the API server: it counts as an exception."""


def _s3(resource: Resource, world: World) -> Iterator[Verdict]:
    inputs = resource.inputs
    if resource.type in PUBLIC_ACCESS_BLOCKS:
        for key in BLOCKS:
            value = inputs.get(key, False)  # what AWS takes for one that is left out
            if hidden(value):
                yield Open(key)
            elif not is_true(value):
                yield Broken(f"{key} is off, so the bucket can be opened to everybody")
    elif resource.type in (*BUCKETS, *ACLS):
        acl = inputs.get("acl")
        if hidden(acl):
            yield Open("acl")
        elif acl in OPEN_ACLS:
            yield Broken(f'acl is "{acl}", which opens the bucket to everybody')
    elif resource.type == "aws:s3/bucketPolicy:BucketPolicy":
        found = document(inputs.get("policy"))
        if found is None:
            yield Open("policy")
        elif any(open_to_everybody(one) for one in found):
            yield Broken("policy allows everybody (Principal *) without a condition")


def _rds(resource: Resource, world: World) -> Iterator[Verdict]:
    if resource.type not in DATABASES:
        return
    # Redshift is the one whose default is open.
    value = resource.inputs.get("publiclyAccessible", resource.type == "aws:redshift/cluster:Cluster")
    if hidden(value):
        yield Open("publiclyAccessible")
    elif is_true(value):
        yield Broken("publiclyAccessible is true, so the database has an address on the internet")


def _eks(resource: Resource, world: World) -> Iterator[Verdict]:
    if resource.type != "aws:eks/cluster:Cluster":
        return
    settings = resource.inputs.get("vpcConfig")
    access = mapping(settings).get("endpointPublicAccess", True)  # EKS opens what is left out
    if hidden(settings) or hidden(access):
        yield Open("vpcConfig.endpointPublicAccess")
        return
    if is_false(access) or any(above.inputs.get(REASON) for above in world.ancestors(resource)):
        return
    yield from _blocks(mapping(settings))


def _blocks(settings: Mapping[str, Any]) -> Iterator[Verdict]:
    blocks = settings.get("publicAccessCidrs")
    if hidden(blocks):
        yield Open("vpcConfig.publicAccessCidrs")
        return
    for block in items(blocks) or ["0.0.0.0/0"]:
        if hidden(block):
            yield Open("vpcConfig.publicAccessCidrs")
        elif _wide(str(block)):
            yield Broken(f"vpcConfig lets {block} reach the API server")


def _wide(block: str) -> bool:
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False  # EKS refuses it
    return network.prefixlen < (WIDEST_PREFIX if network.version == 4 else 2 * WIDEST_PREFIX)


RULES = (
    Rule(
        id="s3-public",
        level=Level.BLOCKING,
        title="no bucket is open to everybody",
        why="models, training data and logs leak by one open bucket, and whoever finds it tells nobody",
        fix="set all four settings of the bucket's public access block, and name principals in its policy",
        unknown="a policy that is known only after `up` stays open; what blocks public access is decided now",
        check=_s3,
    ),
    Rule(
        id="rds-public",
        level=Level.BLOCKING,
        title="no database has a public address",
        why="a database on the internet is one guessed or leaked password away from everybody",
        fix="set publiclyAccessible to false and reach it from inside the VPC",
        unknown="stays open",
        check=_rds,
    ),
    Rule(
        id="eks-public",
        level=Level.BLOCKING,
        title="no API server is reachable from everywhere",
        why="the API server is the key to everything in the cluster; a flaw in it must not be reachable by everybody",
        fix=f"turn public access off, or name the networks that need it; {REASON} of foundation.Cluster excepts it",
        unknown="stays open",
        check=_eks,
    ),
)
