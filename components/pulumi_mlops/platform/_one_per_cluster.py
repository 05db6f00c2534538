"""A cluster has one platform: a second one would find every name taken, halfway through `up`."""

from weakref import WeakKeyDictionary

import pulumi

from pulumi_mlops._args import ArgumentError

_platforms: WeakKeyDictionary[pulumi.Resource, str] = WeakKeyDictionary()
"""Kubernetes provider → the platform that uses it; the stack stands for the default provider."""


def claim(platform: pulumi.ComponentResource, name: str) -> None:
    """Notes that the cluster of the component's Kubernetes provider has this platform now.

    Clusters are told apart by their providers: what a kubeconfig says may be known only during `up`.

    Raises:
        ArgumentError: a platform of this program has the same provider.
    """
    cluster = platform.get_provider("kubernetes:core/v1:Namespace") or pulumi.runtime.get_root_resource()
    if cluster is None:
        return  # there is no stack: the component is made for a program in another language
    owner = f'{type(platform).__name__} "{name}"'
    if other := _platforms.get(cluster):
        raise ArgumentError(
            f"{owner}: its cluster has {other} already, and a cluster has one platform; "
            "pass the Kubernetes provider of another cluster in opts.providers, and a resource_prefix in args"
        )
    _platforms[cluster] = owner
