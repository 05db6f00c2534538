"""The storage class of volumes on an NFS server that exists, which many pods write at once.

Does not own: the CSI driver (`nfs.csi.k8s.io`), the server.
"""

from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.platform import _storage_class

DRIVER = "nfs.csi.k8s.io"
MOUNT_OPTIONS = ["nfsvers=4.1", "hard"]


class NfsStorageClassArgs(TypedDict):
    """Arguments of `NfsStorageClass`."""

    server: pulumi.Input[str]
    """Host or address of the NFS server, reachable from every node."""
    share: pulumi.Input[str]
    """Exported path, in which each volume gets a directory. The export must allow root to change owners
    (`no_root_squash`): Kubernetes gives the directory to the group of the pods."""
    class_name: NotRequired[pulumi.Input[str]]
    """Name of the class; default `shared`, that of every workspace."""
    keep_volumes: NotRequired[bool]
    """Whether a volume outlives its claim; default true. When false, the directory of a deleted claim is deleted with
    all its files."""


ARGUMENTS = {
    "class_name": _storage_class.CLASS_NAME,
    "server": Argument(rule=matches(r"[A-Za-z0-9.:\[\]-]+", 'a host or an address such as "files.example.org"')),
    "share": Argument(rule=matches(r"/\S*", 'an absolute path such as "/exports/models"')),
    "keep_volumes": Argument(default=True),
}


class NfsStorageClass(pulumi.ComponentResource):
    """A class whose volumes are directories of an NFS server that exists.

    ```python
    from pulumi_mlops.platform import NfsStorageClass

    shared = NfsStorageClass("shared", {"server": "files.example.org", "share": "/exports/models"})
    pulumi.export("storage_class", shared.name)
    ```
    """

    name: pulumi.Output[str]
    """Name of the class."""

    def __init__(self, name: str, args: NfsStorageClassArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(NfsStorageClass, name, args, NfsStorageClassArgs, ARGUMENTS, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:NfsStorageClass", name, inputs(args), opts)
        self.name = _storage_class.create(
            self,
            name,
            DRIVER,
            {
                "server": checked["server"],
                "share": checked["share"],
                "onDelete": "retain" if checked["keep_volumes"] else "delete",
            },
            class_name=checked["class_name"],
            keep_volumes=checked["keep_volumes"],
            mount_options=MOUNT_OPTIONS,
        )
        self.register_outputs({"name": self.name})
