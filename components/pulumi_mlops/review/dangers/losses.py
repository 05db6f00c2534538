"""What is lost: data, protection, and addresses that clients use."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.review._data import items, mapping, words
from pulumi_mlops.review.changes import changes
from pulumi_mlops.review.dangers.danger import Danger, DangerKind
from pulumi_mlops.review.preview import NOTHING, Operation, State, Step

GOING = frozenset({Operation.DELETE, Operation.REPLACE})

HOLDS_DATA: Mapping[str, str] = {
    "aws:rds/instance:Instance": "database",
    "aws:rds/cluster:Cluster": "database cluster",
    "aws:docdb/cluster:Cluster": "database cluster",
    "aws:neptune/cluster:Cluster": "database cluster",
    "aws:dynamodb/table:Table": "table",
    "aws:redshift/cluster:Cluster": "warehouse",
    "aws:elasticache/cluster:Cluster": "cache",
    "aws:elasticache/replicationGroup:ReplicationGroup": "cache",
    "aws:opensearch/domain:Domain": "search index",
    "aws:msk/cluster:Cluster": "message log",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketV2:BucketV2": "bucket",
    "aws:efs/fileSystem:FileSystem": "file system",
    "aws:fsx/lustreFileSystem:LustreFileSystem": "file system",
    "aws:fsx/ontapFileSystem:OntapFileSystem": "file system",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": "file system",
    "aws:ebs/volume:Volume": "volume",
    "aws:ebs/snapshot:Snapshot": "snapshot",
    "aws:backup/vault:Vault": "backup vault",
    "aws:kms/key:Key": "key",
    "aws:secretsmanager/secret:Secret": "secret",
    "aws:ecr/repository:Repository": "image repository",
    "aws:cloudwatch/logGroup:LogGroup": "log group",
    "aws:eks/cluster:Cluster": "Kubernetes cluster",
    "kubernetes:core/v1:PersistentVolumeClaim": "volume claim",
    "kubernetes:core/v1:PersistentVolume": "volume",
    "kubernetes:core/v1:Namespace": "namespace with everything in it",
    "kubernetes:apps/v1:StatefulSet": "stateful set",
    "kubernetes:helm.sh/v3:Release": "release with everything in its chart",
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": "definition with all resources of its kind",
}
"""Type token → what it is called in the sentence."""

ADDRESSES: Mapping[str, str] = {
    "aws:route53/record:Record": "DNS record",
    "aws:route53/zone:Zone": "DNS zone",
    "aws:lb/loadBalancer:LoadBalancer": "load balancer",
    "aws:alb/loadBalancer:LoadBalancer": "load balancer",
    "aws:elb/loadBalancer:LoadBalancer": "load balancer",
    "aws:ec2/eip:Eip": "public address",
    "aws:acm/certificate:Certificate": "certificate",
    "aws:apigatewayv2/api:Api": "gateway",
    "aws:cloudfront/distribution:Distribution": "distribution",
    "kubernetes:core/v1:Service": "name inside the cluster",
    "kubernetes:networking.k8s.io/v1:Ingress": "gateway",
}
"""Type token → what it is called in the sentence."""
GATEWAY_KINDS: Mapping[str, str] = {
    "Gateway": "gateway",
    "HTTPRoute": "route",
    "GRPCRoute": "route",
    "TLSRoute": "route",
    "TCPRoute": "route",
    "Ingress": "gateway",
}
"""The same by the kind of a Kubernetes object, since custom resources have types of many spellings."""

SAFEGUARDS: Mapping[str, tuple[Any, str]] = {
    "deletionProtection": (True, "can be deleted in one call: deletionProtection goes off"),
    "deleteProtection": (True, "can be deleted in one call: deleteProtection goes off"),
    "enableDeletionProtection": (True, "can be deleted in one call: enableDeletionProtection goes off"),
    "forceDestroy": (False, "may be deleted with everything in it: forceDestroy goes on"),
    "forceDelete": (False, "may be deleted with everything in it: forceDelete goes on"),
    "skipFinalSnapshot": (False, "leaves no snapshot when it is deleted: skipFinalSnapshot goes on"),
    "storageEncrypted": (True, "is no longer encrypted: storageEncrypted goes off"),
}
"""Input → its safe value, and what its loss means."""


def losses(step: Step, stack: str) -> Iterator[Danger]:
    """What the step loses. Components own nothing, and what is only read stays where it is."""
    state = step.state
    if not state.custom or state.external:
        return
    old = step.old or State()
    if step.operation in GOING and step.old is not None:
        yield from _gone(step, stack, old)
    elif step.old is not None and step.new is not None:
        yield from _weakened(step, stack, old, step.new)
        yield from _renamed(step, stack, old, step.new)


def _gone(step: Step, stack: str, old: State) -> Iterator[Danger]:
    replaced = step.operation == Operation.REPLACE
    verb = "is replaced" if replaced else "is deleted"
    why = _reasons(step) if replaced else ""
    kind = HOLDS_DATA.get(step.type)
    if kind and not (old.retain_on_delete and not replaced):
        fate = (
            "an empty one takes its place, and the old one stays behind"
            if old.retain_on_delete
            else "what it holds is lost"
        )
        yield Danger(DangerKind.DATA, stack, step.urn, f"is a {kind} and {verb}: {fate}{why}")
    if old.protect:
        yield Danger(DangerKind.PROTECTION, stack, step.urn, f"is protected and {verb}{why}")
    address = ADDRESSES.get(step.type) or GATEWAY_KINDS.get(kind_of(step, old), "")
    if address and not kind:
        yield Danger(DangerKind.ADDRESS, stack, step.urn, f"is a {address} and {verb}: clients lose it{why}")


def _weakened(step: Step, stack: str, old: State, new: State) -> Iterator[Danger]:
    if old.protect and not new.protect:
        yield Danger(DangerKind.PROTECTION, stack, step.urn, "is no longer protected: a later change may delete it")
    for key, (safe, meaning) in SAFEGUARDS.items():
        if old.inputs.get(key, False) == safe and new.inputs.get(key, False) != safe:
            yield Danger(DangerKind.PROTECTION, stack, step.urn, meaning)


def _renamed(step: Step, stack: str, old: State, new: State) -> Iterator[Danger]:
    """Host names that are no longer served."""
    if not GATEWAY_KINDS.get(kind_of(step, old)):
        return
    gone = sorted(_hosts(old.inputs) - _hosts(new.inputs))
    if gone:
        yield Danger(DangerKind.ADDRESS, stack, step.urn, f"no longer serves {', '.join(gone)}")


def kind_of(step: Step, state: State) -> str:
    """The kind of a Kubernetes object, custom ones included; nothing for anything else."""
    return str(state.inputs.get("kind") or step.type.rpartition(":")[2]) if step.type.startswith("kubernetes:") else ""


def _hosts(inputs: Mapping[str, Any]) -> set[str]:
    spec = mapping(inputs.get("spec", NOTHING))
    named = [
        one.get(key)
        for part in ("listeners", "rules")
        for one in map(mapping, items(spec.get(part)))
        for key in ("hostname", "host")
    ]
    return {*words(spec.get("hostnames")), *(one for one in named if isinstance(one, str))}


def _reasons(step: Step) -> str:
    paths = [one.path for one in changes(step) if one.replaces] or list(step.replacing_keys)
    return f", because {', '.join(paths[:3])} changed" if paths else ""
