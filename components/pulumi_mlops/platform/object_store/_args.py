"""Arguments of `ObjectStore`, and what is wrong with them."""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops._args import Argument
from pulumi_mlops._rules import image_registry, object_name, quantity
from pulumi_mlops.contract.rules import at_least, dns_label, matches, not_empty


class ObjectStoreUser(TypedDict):
    """What one user may do. Nobody may do more: the store has no administrator's key."""

    read: NotRequired[list[str]]
    """Buckets whose objects it may list and read; default none."""
    write: NotRequired[list[str]]
    """Buckets whose objects it may list, read, write and delete; default none."""
    secret_name: NotRequired[str | None]
    """Name of the Secret with its keys, in the store's namespace; default: `<store>-credentials-<user>`."""


class ObjectStoreArgs(TypedDict):
    """Arguments of `ObjectStore`."""

    namespace: pulumi.Input[str]
    """Namespace of the server, created elsewhere."""
    buckets: list[str]
    """Names of the buckets. One that is taken off the list keeps its objects. Plain: users' rights refer to them."""
    users: dict[str, ObjectStoreUser]
    """User name, which is also its access key id, and rights. Plain: each user gets a generated secret key."""
    image_mirror: NotRequired[pulumi.Input[str] | None]
    """Registry with a mirror of the image `chrislusf/seaweedfs`; default: `docker.io`, its own."""
    storage_gib: NotRequired[int]
    """Size of the volume in GiB; default 10, at least 1. Plain: SeaweedFS's own volume size follows from it."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of the volume, ReadWriteOnce; default: the cluster's default class."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of the server, request and limit; default "512Mi"."""
    object_name: NotRequired[str | None]
    """Name of its objects in the cluster; default: the component's name, which is also that of its resources in the
    stack: two of them in one stack, for two clusters, can so have objects of one name."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the volume; default true. When false, `destroy` deletes every object stored."""


ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "buckets": Argument(
        rule=matches(
            "[a-z0-9][-a-z0-9]{1,61}[a-z0-9]",
            "a bucket name (3 to 63 lower-case letters, digits and inner hyphens)",
        )
    ),
    "users": Argument(rule=not_empty),
    "users.*.read": Argument(default=[]),
    "users.*.write": Argument(default=[]),
    "image_mirror": Argument(rule=image_registry),
    "storage_gib": Argument(default=10, rule=at_least(1, "GiB")),
    "memory": Argument(default="512Mi", rule=quantity),  # measured at rest: 165 MiB
    "object_name": Argument(rule=object_name(40)),
    "protect_data": Argument(default=True),
}


def problems(args: ObjectStoreArgs) -> Iterator[str]:
    """Findings that concern several fields."""
    buckets = args["buckets"]
    for user, rights in args["users"].items():
        if complaint := dns_label(user):
            yield f'args.users has the user name "{user}", which {complaint}'
        for right, wanted in (("read", rights["read"]), ("write", rights["write"])):
            for bucket in wanted:
                if bucket not in buckets:
                    yield f'args.users.{user}.{right} must name one of args.buckets, got "{bucket}"'
