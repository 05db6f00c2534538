"""KMS keys and their aliases."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Live, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.values import Object


class Key(Resource):
    """A key; a deleted one is pending until its window ends."""

    token = "aws:kms/key:Key"
    service = "kms"
    properties = properties(
        "description policy keyUsage customerMasterKeySpec multiRegion enableKeyRotation rotationPeriodInDays "
        "isEnabled deletionWindowInDays~ bypassPolicyLockoutSafetyCheck~ tags"
    )
    outputs = ("arn", "keyId")
    renames = {"Enabled": "isEnabled", "KeySpec": "customerMasterKeySpec", "CustomerMasterKeySpec": "-"}
    tagging = Tagging(
        "tag_resource", "untag_resource", "list_resource_tags", {"KeyId": "{id}"}, form=("TagKey", "TagValue")
    )
    create_call = Call("create_key", "KeyMetadata.KeyId")
    read_call = Call("describe_key", "KeyMetadata", KeyId="{id}")
    write_call = ""

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """A key that waits for its deletion is gone."""
        live = super().read(account, identifier, state)
        return live if live and live.values.get("keyState") != "PendingDeletion" else None

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With policy and rotation."""
        values = self.translated(found)
        if found.get("KeyState") != "PendingDeletion":
            values["policy"] = account.call("kms", "get_key_policy", KeyId=identifier, PolicyName="default")["Policy"]
            rotation = account.call("kms", "get_key_rotation_status", KeyId=identifier)
            values["enableKeyRotation"] = rotation["KeyRotationEnabled"]
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Each part by its own call."""
        if "description" in changed:
            account.call(
                "kms", "update_key_description", KeyId=identifier, Description=inputs.get("description", "")
            )  # fmt: skip
        if "policy" in changed:
            account.call("kms", "put_key_policy", KeyId=identifier, PolicyName="default", Policy=inputs["policy"])
        if changed & {"enableKeyRotation", "rotationPeriodInDays"}:
            if inputs.get("enableKeyRotation"):
                days = inputs.get("rotationPeriodInDays")
                more = {"RotationPeriodInDays": days} if days else {}
                account.call("kms", "enable_key_rotation", KeyId=identifier, **more)
            else:
                account.call("kms", "disable_key_rotation", KeyId=identifier)
        if "isEnabled" in changed:
            account.call("kms", "enable_key" if inputs.get("isEnabled", True) else "disable_key", KeyId=identifier)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Schedules the deletion."""
        days = state.get("deletionWindowInDays", 30)
        try:
            account.call("kms", "schedule_key_deletion", KeyId=identifier, PendingWindowInDays=days)
        except Missing:
            return


class Alias(Resource):
    """An alias of a key."""

    token = "aws:kms/alias:Alias"
    service = "kms"
    properties = properties("name namePrefix targetKeyId")
    outputs = ("arn", "targetKeyArn")
    renames = {"AliasName": "name", "AliasArn": "arn"}
    create_call = Call("create_alias")
    update_calls = (Call("update_alias", AliasName="{id}"),)
    read_call = Call("list_aliases", "Aliases")
    delete_call = Call("delete_alias", AliasName="{id}")

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The name."""
        return inputs["name"]

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The alias among all."""
        one = next((one for one in found if one["AliasName"] == identifier), None)
        if one is None:
            raise Missing(identifier)
        values = self.translated(one)
        key = str(one.get("TargetKeyId", "")).rpartition("/")[2]
        values["targetKeyArn"] = f"arn:aws:kms:{account.region}:{account.number}:key/{key}"
        given = str(state.get("targetKeyId") or "")
        values["targetKeyId"] = given if given.rpartition("/")[2] == key else key
        return values


KINDS = (Key, Alias)
