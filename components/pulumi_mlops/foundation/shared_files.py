"""A file system that many pods write at once: EFS, reachable from every zone of the network.

Does not own: the network, the clients' security groups, the CSI driver, the storage class (`EfsStorageClass` in the
platform makes it from `storage_class_parameters`).
"""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops import _aws
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._manifests import USER
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.foundation._names import logical_name, wrong_keys

NFS_PORT = 2049
DEFAULT_BASE_PATH = "/volumes"
MAX_BASE_PATH = 50
"""EFS takes 100 characters as the root of an access point, of which the driver writes up to 41 (`/pvc-<uid>`)."""
INFREQUENT_ACCESS_DAYS = (1, 7, 14, 30, 60, 90, 180, 270, 365)
"""The numbers of days that EFS offers."""
DIRECTORY_PERMISSIONS = "0700"


class SharedFilesArgs(TypedDict):
    """Arguments of `SharedFiles`."""

    vpc_id: pulumi.Input[str]
    """Network of the file system."""
    subnets: dict[str, pulumi.Input[str]]
    """Availability zone → subnet that gets the mount target; EFS takes one a zone. Name every zone that has nodes.
    Plain keys: a zone that is added or removed leaves the others as they are."""
    client_security_groups: dict[str, pulumi.Input[str]]
    """Name of the client, such as `nodes` → its security group; these and nobody else reach port 2049."""
    kms_key_arn: NotRequired[pulumi.Input[str] | None]
    """KMS key of the files; default: the account's key for EFS. Another key makes another file system."""
    infrequent_access_days: NotRequired[int | None]
    """Days without access after which a file moves to the cheaper class, and back at its next access: 1, 7, 14, 30,
    60, 90, 180, 270 or 365 (what EFS offers); default: files stay. Plain: it decides whether there is a rule."""
    backup: NotRequired[bool]
    """Whether AWS Backup's plan for EFS saves the files every day for 35 days; default true."""
    base_path: NotRequired[str]
    """Directory under which each volume gets its own, at most 50 characters (from EFS's limit of a path); default
    `/volumes`. Volumes that exist stay where they are."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the file system; default true. When false, `destroy` deletes every file of
    every volume: all models of all workspaces."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of the file system and of the security group; default none."""


def _infrequent_access_days(value: int) -> str | None:
    return None if value in INFREQUENT_ACCESS_DAYS else f"must be one of {', '.join(map(str, INFREQUENT_ACCESS_DAYS))}"


_base_path = matches(
    rf"(?=.{{2,{MAX_BASE_PATH}}}$)(/[\w.-]+){{1,3}}",
    f'an absolute path of at most three directories and {MAX_BASE_PATH} characters such as "/volumes"',
)

ARGUMENTS = {
    "vpc_id": Argument(rule=_aws.vpc_id),
    "subnets.*": Argument(rule=_aws.subnet_id),
    "client_security_groups.*": Argument(rule=_aws.security_group_id),
    "kms_key_arn": Argument(rule=_aws.kms_key_arn),
    "infrequent_access_days": Argument(rule=_infrequent_access_days),
    "backup": Argument(default=True),
    "base_path": Argument(default=DEFAULT_BASE_PATH, rule=_base_path),
    "protect_data": Argument(default=True),
    "tags": Argument(default={}),
}


class SharedFiles(pulumi.ComponentResource):
    """An encrypted EFS file system whose throughput follows its use.

    ```python
    from pulumi_mlops.foundation import SharedFiles

    subnets = {"eu-central-1a": "subnet-0123456789abcdef0", "eu-central-1b": "subnet-0123456789abcdef1"}
    clients = {"nodes": "sg-0123456789abcdef0"}
    where = {"vpc_id": "vpc-0123456789abcdef0", "subnets": subnets, "client_security_groups": clients}
    files = SharedFiles("birds", where)
    pulumi.export("shared_storage_parameters", files.storage_class_parameters)
    ```
    """

    file_system_id: pulumi.Output[str]
    """Id of the file system, known once every zone can mount it."""
    arn: pulumi.Output[str]
    """ARN of the file system."""
    security_group_id: pulumi.Output[str]
    """Id of the security group of the mount targets."""
    storage_class_parameters: pulumi.Output[dict[str, str]]
    """Parameters of a storage class of the EFS CSI driver that gives each volume an access point of its own."""

    def __init__(self, name: str, args: SharedFilesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            SharedFiles,
            name,
            args,
            SharedFilesArgs,
            ARGUMENTS,
            problems=_problems,
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:SharedFiles", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._tags = {"Name": name, **checked["tags"]}

        files = self._create_file_system()
        group = self._create_security_group()
        targets = self._create_mount_targets(files, group)
        self.file_system_id = pulumi.Output.all(files.id, *(one.id for one in targets)).apply(lambda known: known[0])
        self.arn = files.arn
        self.security_group_id = group.id
        self.storage_class_parameters = self.file_system_id.apply(
            lambda known: storage_class_parameters(known, checked["base_path"])
        )
        self.register_outputs(
            {
                "file_system_id": self.file_system_id,
                "arn": self.arn,
                "security_group_id": self.security_group_id,
                "storage_class_parameters": self.storage_class_parameters,
            }
        )

    def _create_file_system(self) -> aws.efs.FileSystem:
        files = aws.efs.FileSystem(
            f"{self._name}-files",
            encrypted=True,
            kms_key_id=self._args["kms_key_arn"],
            performance_mode="generalPurpose",
            throughput_mode="elastic",
            lifecycle_policies=lifecycle(self._args["infrequent_access_days"]),
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args["protect_data"]),
        )
        aws.efs.BackupPolicy(
            f"{self._name}-backup",
            file_system_id=files.id,
            backup_policy={"status": "ENABLED" if self._args["backup"] else "DISABLED"},
            opts=self._child,
        )
        return files

    def _create_security_group(self) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-mount-targets",
            description=f"Mount targets of the shared files {self._name}",
            vpc_id=self._args["vpc_id"],
            tags=self._tags,
            opts=self._child,
        )
        for client, source in self._args["client_security_groups"].items():
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-from-{client}",
                description=f"NFS from {client}",
                security_group_id=group.id,
                referenced_security_group_id=source,
                ip_protocol="tcp",
                from_port=NFS_PORT,
                to_port=NFS_PORT,
                tags=self._tags,
                opts=self._child,
            )
        return group

    def _create_mount_targets(
        self, files: aws.efs.FileSystem, group: aws.ec2.SecurityGroup
    ) -> list[aws.efs.MountTarget]:
        return [
            aws.efs.MountTarget(
                f"{self._name}-{zone}",
                file_system_id=files.id,
                subnet_id=subnet,
                security_groups=[group.id],
                # A zone takes one mount target: the new one cannot come before the old one is gone.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
            for zone, subnet in self._args["subnets"].items()
        ]


def lifecycle(infrequent_access_days: int | None) -> list[aws.efs.FileSystemLifecyclePolicyArgsDict] | None:
    """Rules of the file system; EFS wants each in an entry of its own."""
    if infrequent_access_days is None:
        return None
    days = f"AFTER_{infrequent_access_days}_DAY{'' if infrequent_access_days == 1 else 'S'}"
    return [{"transition_to_ia": days}, {"transition_to_primary_storage_class": "AFTER_1_ACCESS"}]


def storage_class_parameters(file_system_id: str, base_path: str) -> dict[str, str]:
    """The driver makes an access point for each volume.

    Through it, whoever writes is the user of our containers: without, a pod that is not root could write nothing.
    The names of claims are not in the paths, which could then become longer than EFS takes.
    """
    return {
        "provisioningMode": "efs-ap",
        "fileSystemId": file_system_id,
        "directoryPerms": DIRECTORY_PERMISSIONS,
        "uid": str(USER),
        "gid": str(USER),
        "basePath": base_path,
    }


def _problems(args: SharedFilesArgs) -> Iterator[str]:
    for at, entries in (
        ("args.subnets", args["subnets"]),
        ("args.client_security_groups", args["client_security_groups"]),
    ):
        if not entries:
            yield f"{at} must not be empty: nobody could mount the files"
        yield from wrong_keys(at, entries, logical_name)
