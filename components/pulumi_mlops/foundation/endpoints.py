"""Interface endpoints that a cluster's subnets need where they have no way to the internet.

Without one of them `up` succeeds in AWS's eyes and fails in the cluster: nodes do not join, or a controller never
reaches its service. Route 53 and IAM have no endpoint in a region; S3's is part of every `Network`.
"""

from collections.abc import Iterable, Mapping

NODES: Mapping[str, str] = {
    "ec2": "nodes, vpc-cni and the EBS driver",
    "ecr.api": "images",
    "ecr.dkr": "images",
    "eks": "nodes that join",
    "eks-auth": "EKS Pod Identity",
    "elasticfilesystem": "the EFS driver",
    "sts": "service accounts with a role",
}
"""Short name of a service → what of every `Cluster` calls it (EKS's page on private clusters, and its add-ons)."""


def missing(given: Iterable[str], needed: Mapping[str, str]) -> str:
    """What a list of endpoints lacks, as a sentence about the argument that holds it; empty if it lacks nothing."""
    absent = sorted(needed.keys() - set(given))
    if not absent:
        return ""
    listed = ", ".join(f"{service} ({needed[service]})" for service in absent)
    return f"must name these with nat none, unless another way leads to the services: {listed}"
