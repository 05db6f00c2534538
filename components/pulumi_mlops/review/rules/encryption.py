"""What is stored is encrypted."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.rules._rule import Broken, Open, Rule, Verdict
from pulumi_mlops.review.rules._values import hidden, is_true, items, joined, mapping
from pulumi_mlops.review.rules._world import Resource, World

SWITCHES: Mapping[str, str] = {
    "aws:rds/instance:Instance": "storageEncrypted",
    "aws:rds/cluster:Cluster": "storageEncrypted",
    "aws:docdb/cluster:Cluster": "storageEncrypted",
    "aws:neptune/cluster:Cluster": "storageEncrypted",
    "aws:efs/fileSystem:FileSystem": "encrypted",
    "aws:ebs/volume:Volume": "encrypted",
    "aws:elasticache/replicationGroup:ReplicationGroup": "atRestEncryptionEnabled",
    "aws:redshift/cluster:Cluster": "encrypted",
}
"""Type → the switch that AWS leaves off. S3 and ECR encrypt everything by themselves, so there is none."""
FOLLOWS_ITS_SOURCE = ("snapshotIdentifier", "snapshotId", "replicateSourceDb", "replicationSourceIdentifier")
"""What is made from another one is encrypted if that one is: AWS ignores the switch."""
BLOCK_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
BLOCK_DRIVERS = ("ebs.csi.aws.com", "kubernetes.io/aws-ebs")


def _encryption(resource: Resource, world: World) -> Iterator[Verdict]:
    inputs = resource.inputs
    if switch := SWITCHES.get(resource.type):
        source = next((key for key in FOLLOWS_ITS_SOURCE if inputs.get(key)), None)
        yield from [Open(source)] if source else _switch(inputs, switch)
    elif resource.type == "aws:ec2/launchTemplate:LaunchTemplate":
        for index, one in enumerate(items(inputs.get("blockDeviceMappings"))):
            disk = mapping(one).get("ebs")
            if hidden(one) or hidden(disk):
                yield Open(f"blockDeviceMappings[{index}].ebs")
            elif disk is not None:
                yield from _switch(mapping(disk), "encrypted", f"blockDeviceMappings[{index}].ebs")
    elif resource.type == "aws:ec2/instance:Instance":
        for key in ("rootBlockDevice", "ebsBlockDevices"):
            for index, one in enumerate(items(inputs.get(key))):
                at = f"{key}[{index}]" if key.endswith("s") else key
                yield from [Open(at)] if hidden(one) else _switch(mapping(one), "encrypted", at)
    elif resource.type == "aws:eks/cluster:Cluster":
        yield from _secrets(inputs.get("encryptionConfig"))
    elif resource.type == BLOCK_CLASS and inputs.get("provisioner") in BLOCK_DRIVERS:
        parameters = inputs.get("parameters")
        yield from (
            [Open("parameters")] if hidden(parameters) else _switch(mapping(parameters), "encrypted", "parameters")
        )


def _switch(owner: Mapping[str, Any], key: str, at: str = "") -> Iterator[Verdict]:
    path = joined(at, key)
    value = owner.get(key)
    if hidden(value):
        yield Open(path)
    elif not is_true(value):
        yield Broken(f"{path} is {'not set' if value is None else 'false'}: what is stored there is not encrypted")


def _secrets(settings: Any) -> Iterator[Verdict]:
    if hidden(settings) or hidden(mapping(settings).get("resources")):
        yield Open("encryptionConfig")
    elif "secrets" not in items(mapping(settings).get("resources")):
        yield Broken("encryptionConfig does not name secrets: no key of yours protects the Secrets in etcd")


RULES = (
    Rule(
        id="encryption",
        level=Level.BLOCKING,
        title="databases, file systems, volumes and a cluster's Secrets are encrypted",
        why="it cannot be turned on later without copying the data, and a snapshot or a disk that leaks tells all",
        fix="turn it on before the first byte is written: storageEncrypted, encrypted, or a cluster's encryptionConfig",
        unknown="stays open, and so does what is made from a snapshot or as a replica: it follows its source",
        check=_encryption,
    ),
)
