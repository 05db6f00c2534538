"""What a platform on AWS stands on, for the stack that makes it once an environment. Needs the extra `aws`."""

from pulumi_mlops.foundation._node_groups import NodeGroupArgs, TaintArgs, TaintEffect
from pulumi_mlops.foundation.cluster import Cluster, ClusterArgs
from pulumi_mlops.foundation.network import NatMode, Network, NetworkArgs

__all__ = [
    "Cluster",
    "ClusterArgs",
    "NatMode",
    "Network",
    "NetworkArgs",
    "NodeGroupArgs",
    "TaintArgs",
    "TaintEffect",
]
