"""The AWS resources under a platform: network, cluster, buckets, roles. Once per environment. Needs the extra `aws`.

A name is imported when it is first used, so that what needs no resource costs no provider SDK.
"""

from typing import TYPE_CHECKING

from pulumi_mlops._lazy import lazy

if TYPE_CHECKING:
    from pulumi_mlops.foundation import adoption, endpoints, permissions
    from pulumi_mlops.foundation._cluster_args import ClusterArgs
    from pulumi_mlops.foundation._node_groups import NodeGroupArgs, TaintArgs, TaintEffect
    from pulumi_mlops.foundation._policies import (
        ResourceStatementArgs,
        policy_document,
        resource_policy_document,
    )
    from pulumi_mlops.foundation._statement_rules import StatementArgs
    from pulumi_mlops.foundation.cluster import Cluster
    from pulumi_mlops.foundation.domain import Domain, DomainArgs
    from pulumi_mlops.foundation.network import NatMode, Network, NetworkArgs
    from pulumi_mlops.foundation.object_store import S3ObjectStore, S3ObjectStoreArgs
    from pulumi_mlops.foundation.registry import Registry, RegistryArgs
    from pulumi_mlops.foundation.shared_files import SharedFiles, SharedFilesArgs
    from pulumi_mlops.foundation.workload_identity import IdentityMode, WorkloadIdentity, WorkloadIdentityArgs

__all__ = [
    "Cluster",
    "ClusterArgs",
    "Domain",
    "DomainArgs",
    "IdentityMode",
    "NatMode",
    "Network",
    "NetworkArgs",
    "NodeGroupArgs",
    "Registry",
    "RegistryArgs",
    "ResourceStatementArgs",
    "S3ObjectStore",
    "S3ObjectStoreArgs",
    "SharedFiles",
    "SharedFilesArgs",
    "StatementArgs",
    "TaintArgs",
    "TaintEffect",
    "WorkloadIdentity",
    "WorkloadIdentityArgs",
    "adoption",
    "endpoints",
    "permissions",
    "policy_document",
    "resource_policy_document",
]

_MODULES = {
    "": ("adoption", "endpoints", "permissions"),
    "_cluster_args": ("ClusterArgs",),
    "_node_groups": (
        "NodeGroupArgs",
        "TaintArgs",
        "TaintEffect",
    ),
    "_policies": (
        "ResourceStatementArgs",
        "policy_document",
        "resource_policy_document",
    ),
    "_statement_rules": ("StatementArgs",),
    "cluster": ("Cluster",),
    "domain": (
        "Domain",
        "DomainArgs",
    ),
    "network": (
        "NatMode",
        "Network",
        "NetworkArgs",
    ),
    "object_store": (
        "S3ObjectStore",
        "S3ObjectStoreArgs",
    ),
    "registry": (
        "Registry",
        "RegistryArgs",
    ),
    "shared_files": (
        "SharedFiles",
        "SharedFilesArgs",
    ),
    "workload_identity": (
        "IdentityMode",
        "WorkloadIdentity",
        "WorkloadIdentityArgs",
    ),
}
__getattr__, __dir__ = lazy(__name__, _MODULES)
