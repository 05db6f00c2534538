"""The storage class of volumes on EFS, which many pods write at once.

Does not own: the CSI driver (`efs.csi.aws.com`), the file system.
"""

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.platform import _storage_class

DRIVER = "efs.csi.aws.com"


class EfsStorageClassArgs(TypedDict):
    """Arguments of `EfsStorageClass`."""

    parameters: pulumi.Input[dict[str, pulumi.Input[str]]]
    """Parameters of the driver: `SharedFiles.storage_class_parameters`."""
    class_name: NotRequired[pulumi.Input[str]]
    """Name of the class; default `shared`, that of every workspace."""
    keep_volumes: NotRequired[bool]
    """Whether a volume and its access point outlive their claim; default true. When false, the access point of a
    deleted claim is deleted; the files stay until somebody removes the directory."""


ARGUMENTS = {
    "class_name": _storage_class.CLASS_NAME,
    "parameters.provisioningMode": Argument(rule=matches("efs-ap", '"efs-ap", since only access points have an owner')),
    "parameters.fileSystemId": Argument(
        rule=matches("fs-[0-9a-z-]+", 'the id of a file system such as "fs-0123456789abcdef0"')
    ),
    "keep_volumes": Argument(default=True),
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
            ARGUMENTS,
            problems=_missing_parameters,
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:EfsStorageClass", name, inputs(args), opts)
        self.name = _storage_class.create(
            self,
            name,
            DRIVER,
            checked["parameters"],
            class_name=checked["class_name"],
            keep_volumes=checked["keep_volumes"],
        )
        self.register_outputs({"name": self.name})


def _missing_parameters(args: EfsStorageClassArgs) -> Iterator[str]:
    parameters = args["parameters"]
    if not isinstance(parameters, Mapping):
        return
    for key in ("provisioningMode", "fileSystemId", "directoryPerms", "uid", "gid"):
        if key not in parameters:
            yield f"args.parameters.{key} is required"
