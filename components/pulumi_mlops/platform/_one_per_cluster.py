"""What a cluster takes once: a second one would be refused by the API server or by Helm, halfway through `up`."""

from weakref import ReferenceType, WeakKeyDictionary, ref

import pulumi

from pulumi_mlops._args import ArgumentError

_taken: WeakKeyDictionary[pulumi.Resource, dict[str, tuple[ReferenceType[pulumi.ComponentResource], str]]] = (
    WeakKeyDictionary()
)
"""Kubernetes provider → what its cluster has: the component, and what it calls itself. The stack stands for the default
provider."""


def claim(component: pulumi.ComponentResource, name: str, kind: str, remedy: str) -> None:
    """Notes that the cluster of the component's Kubernetes provider has one of this kind now.

    Clusters are told apart by their providers: what a kubeconfig says may be known only during `up`.

    Args:
        component: whose children go into the cluster.
        name: the component's name.
        kind: what a cluster has one of, with its reason, such as "one platform".
        remedy: what to do where it has one already.

    Raises:
        ArgumentError: another component of this program with the same provider is of this kind.
    """
    cluster = component.get_provider("kubernetes:core/v1:Namespace") or pulumi.runtime.get_root_resource()
    if cluster is None:
        return  # there is no stack: the component is made for a program in another language
    owner = f'{type(component).__name__} "{name}"'
    holder, other = _taken.setdefault(cluster, {}).setdefault(kind, (ref(component), owner))
    if holder() is not component:
        raise ArgumentError(f"{owner}: its cluster already has {other}, and can have only {kind}; {remedy}")
