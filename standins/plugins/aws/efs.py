"""EFS file systems, mount targets and policies; backup policies in a file, because the local API cannot write them."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.simulated_resource import Simulated
from standins.plugins.values import Object


class FileSystem(Resource):
    """A file system."""

    token = "aws:efs/fileSystem:FileSystem"
    service = "efs"
    properties = properties(
        "creationToken encrypted kmsKeyId performanceMode throughputMode provisionedThroughputInMibps "
        "availabilityZoneName lifecyclePolicies protection tags"
    )
    outputs = ("arn", "availabilityZoneId", "dnsName", "name", "ownerId")
    renames = {"FileSystemArn": "arn", "FileSystemProtection": "protection"}
    absent = {"lifecyclePolicies": []}
    unread = frozenset({"throughputMode", "provisionedThroughputInMibps", "protection"})
    overlaid = frozenset({"throughputMode", "provisionedThroughputInMibps", "protection"})
    tagging = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", {"ResourceId": "{id}"})
    create_call = Call("create_file_system", "FileSystemId")
    read_call = Call("describe_file_systems", "FileSystems[0]", FileSystemId="{id}")
    delete_call = Call("delete_file_system", FileSystemId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its name in DNS and its policies, one transition each, as a program gives them."""
        values = self.translated(found)
        values["dnsName"] = f"{identifier}.efs.{account.region}.amazonaws.com"
        live = account.call("efs", "describe_lifecycle_configuration", FileSystemId=identifier)["LifecyclePolicies"]
        values["lifecyclePolicies"] = [self.translated(one) for one in live]
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Policies by the API; throughput and protection are kept beside."""
        if "lifecyclePolicies" in changed:
            given = self.parameters("put_lifecycle_configuration", inputs) or {"LifecyclePolicies": []}
            account.call("efs", "put_lifecycle_configuration", FileSystemId=identifier, **given)


class MountTarget(Resource):
    """A mount target in one zone."""

    token = "aws:efs/mountTarget:MountTarget"
    service = "efs"
    properties = properties("fileSystemId subnetId ipAddress securityGroups")
    outputs = ("availabilityZoneId", "availabilityZoneName", "dnsName", "fileSystemArn", "mountTargetDnsName",
               "networkInterfaceId", "ownerId")  # fmt: skip
    create_call = Call("create_mount_target", "MountTargetId")
    update_calls = (Call("modify_mount_target_security_groups", MountTargetId="{id}"),)
    read_call = Call("describe_mount_targets", "MountTargets[0]", MountTargetId="{id}")
    delete_call = Call("delete_mount_target", MountTargetId="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its groups and its names in DNS."""
        values = self.translated(found)
        system = values["fileSystemId"]
        groups = account.call("efs", "describe_mount_target_security_groups", MountTargetId=identifier)
        name = f"{system}.efs.{account.region}.amazonaws.com"
        return {
            **values, "securityGroups": groups.get("SecurityGroups") or [], "dnsName": name,
            "mountTargetDnsName": f"{values.get('availabilityZoneName')}.{name}",
            "fileSystemArn": f"arn:aws:elasticfilesystem:{account.region}:{account.number}:file-system/{system}",
        }  # fmt: skip


class BackupPolicy(Simulated):
    """Whether a file system is backed up."""

    token = "aws:efs/backupPolicy:BackupPolicy"
    service = "efs"
    properties = properties("fileSystemId backupPolicy")
    owner = ("describe_file_systems", "FileSystemId", "fileSystemId")

    def _operations(self) -> list[str]:
        return ["put_backup_policy"]

    identity = "{fileSystemId}"


class FileSystemPolicy(Resource):
    """A file system's policy."""

    token = "aws:efs/fileSystemPolicy:FileSystemPolicy"
    service = "efs"
    properties = properties("fileSystemId policy bypassPolicyLockoutSafetyCheck~")
    create_call = Call("put_file_system_policy", "FileSystemId")
    update_calls = (Call("put_file_system_policy", FileSystemId="{id}"),)
    read_call = Call("describe_file_system_policy", "@", FileSystemId="{id}")

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """The local API cannot delete a policy: it goes with its file system."""
        try:
            account.call("efs", "describe_file_systems", FileSystemId=identifier)
        except Missing:
            return


KINDS = (FileSystem, MountTarget, BackupPolicy, FileSystemPolicy)
