"""Storage classes of volumes that many pods write at once: on EFS, or on an NFS server that exists.

Does not own: the CSI drivers (`efs.csi.aws.com`, `nfs.csi.k8s.io`), the file system, the server.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Rule, check_args, matches, object_name
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops.platform import _parts

EFS_DRIVER = "efs.csi.aws.com"
NFS_DRIVER = "nfs.csi.k8s.io"
NFS_MOUNT_OPTIONS = ["nfsvers=4.1", "hard"]


class EfsStorageClassArgs(TypedDict):
    """Arguments of `EfsStorageClass`."""

    parameters: pulumi.Input[dict[str, pulumi.Input[str]]]
    """Parameters of the driver: `SharedFiles.storage_class_parameters`."""
    class_name: NotRequired[pulumi.Input[str]]
    """Name of the class; default `shared`, that of every workspace."""
    keep_volumes: NotRequired[bool]
    """Whether a volume and its access point outlive their claim; default true. When false, the access point of a
    deleted claim is deleted; the files stay until somebody removes the directory."""


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


_class_name: Rule = matches(
    r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "the name of a storage class (lower-case letters, digits, inner hyphens and dots)",
)
_EFS_RULES: dict[str, Rule] = {
    "class_name": _class_name,
    "parameters.provisioningMode": matches("efs-ap", '"efs-ap", since only access points have an owner'),
    "parameters.fileSystemId": matches("fs-[0-9a-z-]+", 'the id of a file system such as "fs-0123456789abcdef0"'),
}
_NFS_RULES: dict[str, Rule] = {
    "class_name": _class_name,
    "server": matches(r"[A-Za-z0-9.:\[\]-]+", 'a host or an address such as "files.example.org"'),
    "share": matches(r"/\S*", 'an absolute path such as "/exports/models"'),
}


class EfsStorageClass(pulumi.ComponentResource):
    """A class whose volumes are directories of an EFS file system, each behind an access point.

    ```python
    from pulumi_mlops.platform import EfsStorageClass

    owner = {"uid": "10001", "gid": "10001", "directoryPerms": "0700"}
    parameters = {"provisioningMode": "efs-ap", "fileSystemId": "fs-0123456789abcdef0", **owner}
    shared = EfsStorageClass("shared", {"parameters": parameters})
    pulumi.export("storage_class", shared.name)
    ```
    """

    name: pulumi.Output[str]
    """Name of the class."""

    def __init__(self, name: str, args: EfsStorageClassArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            EfsStorageClass,
            name,
            args,
            EfsStorageClassArgs,
            _EFS_RULES,
            problems=_missing_parameters(args),
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:EfsStorageClass", name, {**checked}, opts)
        self.name = _create(self, name, EFS_DRIVER, checked, checked["parameters"])
        self.register_outputs({"name": self.name})


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
        checked = check_args(NfsStorageClass, name, args, NfsStorageClassArgs, _NFS_RULES, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:NfsStorageClass", name, {**checked}, opts)
        parameters = {
            "server": checked["server"],
            "share": checked["share"],
            "onDelete": "retain" if checked.get("keep_volumes", True) else "delete",
        }
        self.name = _create(self, name, NFS_DRIVER, checked, parameters, mount_options=NFS_MOUNT_OPTIONS)
        self.register_outputs({"name": self.name})


def _create(
    parent: pulumi.Resource,
    name: str,
    driver: str,
    args: Mapping[str, Any],
    parameters: Manifest,
    *,
    mount_options: list[str] | None = None,
) -> pulumi.Output[str]:
    created = k8s.storage.v1.StorageClass(
        f"{name}-storage-class",
        metadata={
            "name": args.get("class_name", conventions.SHARED_STORAGE_CLASS),
            "labels": conventions.labels("storage-class", name),
        },
        provisioner=driver,
        parameters=parameters,
        reclaim_policy="Retain" if args.get("keep_volumes", True) else "Delete",
        volume_binding_mode="Immediate",  # the files can be reached from every zone
        mount_options=mount_options,
        opts=_parts.of_storage_class(parent),
    )
    return name_of(created)


def _missing_parameters(args: Mapping[str, Any]) -> Iterator[str]:
    parameters = args["parameters"]
    if isinstance(parameters, pulumi.Output):
        return
    for key in ("provisioningMode", "fileSystemId", "directoryPerms", "uid", "gid"):
        if key not in parameters:
            yield f"args.parameters.{key} is required"
