"""Secrets and their values."""

from typing import Any

from local.providers.aws.account import Account, Missing
from local.providers.aws.resource import Call, Live, Resource, Tagging, properties
from local.providers.values import Object


class Secret(Resource):
    """A secret without its value."""

    token = "aws:secretsmanager/secret:Secret"
    service = "secretsmanager"
    properties = properties("name! namePrefix! description kmsKeyId recoveryWindowInDays~ tags")
    outputs = ("arn",)
    defaults = {"recoveryWindowInDays": 30}
    name, name_limit = "name", 512
    tagging = Tagging("tag_resource", "untag_resource", "describe_secret", {"SecretId": "{id}"})
    create_call = Call("create_secret", "ARN")
    update_calls = (Call("update_secret", SecretId="{id}"),)
    read_call = Call("describe_secret", "@", SecretId="{id}")

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """One that waits for its deletion is gone."""
        live = super().read(account, identifier, state)
        return None if live is None or live.values.get("deletedDate") else live

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """At once with a window of 0 days."""
        days = state.get("recoveryWindowInDays", 30)
        more: Object = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        try:
            account.call("secretsmanager", "delete_secret", SecretId=identifier, **more)
        except Missing:
            return


class SecretVersion(Resource):
    """A secret's value."""

    token = "aws:secretsmanager/secretVersion:SecretVersion"
    service = "secretsmanager"
    properties = properties("secretId*! secretString! secretBinary! versionStages")
    outputs = ("arn", "versionId", "secretArn")
    settled = frozenset({"versionStages"})
    create_call = Call("put_secret_value", "[ARN, VersionId]")
    read_call = Call("get_secret_value", "@", SecretId="{secret}", VersionId="{version}")

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """The identifier says secret and version."""
        secret, _, version = identifier.partition("|")
        return {**super().known(account, identifier, state), "secret": secret, "version": version}

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """Secret and version."""
        return "|".join(found)

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the secret as the program named it."""
        values = self.translated(found)
        return {**values, "secretArn": found["ARN"], "secretId": state.get("secretId") or found["ARN"]}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """A version goes with its secret."""


class SecretRotation(Resource):
    """When a secret gets a new value."""

    token = "aws:secretsmanager/secretRotation:SecretRotation"
    service = "secretsmanager"
    properties = properties("secretId*! rotateImmediately~ rotationLambdaArn rotationRules*")
    outputs = ("rotationEnabled",)
    defaults = {"rotateImmediately": True}
    update_calls = (Call("rotate_secret", "ARN", SecretId="{id}"),)
    read_call = Call("describe_secret", "@", SecretId="{id}")

    def create(self, account: Account, inputs: Object) -> str:
        """The same call as a change."""
        given = {**self.defaults, **inputs}
        account.call(
            "secretsmanager",
            "rotate_secret",
            **self.parameters("rotate_secret", given),
            RotateImmediately=given["rotateImmediately"],
        )
        return inputs["secretId"]

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """Only while the secret is there and rotates."""
        live = super().read(account, identifier, state)
        if live is None or live.values.get("deletedDate") or not live.values.get("rotationEnabled"):
            return None
        return Live({**live.values, "secretId": identifier})

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """It goes with its secret: the local API ends only rotations by a function, and that of a database has none."""


KINDS = (Secret, SecretVersion, SecretRotation)
