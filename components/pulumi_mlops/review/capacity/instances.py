"""What an EC2 instance leaves to pods as a node of EKS: CPU, memory and number of pods.

The reservations are those of Amazon Linux 2023 for EKS (awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go and
eni_max_pods.go); a group with another kubelet configuration has others.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from pulumi_mlops.review.values import NotReadable

FILE = Path(__file__).with_name("instances.json")
MIB_A_GIB = Decimal(1024)

NOT_SEEN_BY_LINUX = Decimal("0.075")
"""Share of an instance's memory that hypervisor and kernel keep. Karpenter assumes as much
(VM_MEMORY_OVERHEAD_PERCENT); no table has the exact figures."""
EVICTION_MIB = 100  # evictionHard of memory.available
RESERVED_MIB, RESERVED_MIB_A_POD = 255, 11  # kubeReserved of memory
CPU_BANDS = (
    (Decimal(1), Decimal("0.06")),
    (Decimal(1), Decimal("0.01")),
    (Decimal(2), Decimal("0.005")),
)
"""Cores → the share of them that kubeReserved takes, from the first core on."""
CPU_BEYOND = Decimal("0.0025")  # of every further core
HOST_PODS = 2  # kube-proxy and the CNI have the node's own address


@dataclass(frozen=True)
class Capacity:
    """What a node leaves to pods, those of DaemonSets included."""

    cpu_cores: Decimal
    memory_gib: Decimal
    pods: int


@cache
def _types() -> dict[str, tuple[int, int, int, int]]:
    return {name: tuple(sizes) for name, sizes in json.loads(FILE.read_text(encoding="utf-8"))["types"].items()}


def capacity(instance_type: str) -> Capacity:
    """What a node of this type leaves to pods; raises NotReadable for a type that the table lacks."""
    if instance_type not in _types():
        raise NotReadable(f"the size of instances of type {instance_type} is not known")
    cores, memory_mib, interfaces, addresses = _types()[instance_type]
    pods = interfaces * (addresses - 1) + HOST_PODS
    reserved_mib = RESERVED_MIB + RESERVED_MIB_A_POD * pods + EVICTION_MIB
    seen_mib = memory_mib * (1 - NOT_SEEN_BY_LINUX)
    return Capacity(cores - _reserved_cores(Decimal(cores)), (seen_mib - reserved_mib) / MIB_A_GIB, pods)


def _reserved_cores(cores: Decimal) -> Decimal:
    reserved, left = Decimal(0), cores
    for size, share in CPU_BANDS:
        reserved += min(left, size) * share
        left = max(Decimal(0), left - size)
    return reserved + left * CPU_BEYOND
