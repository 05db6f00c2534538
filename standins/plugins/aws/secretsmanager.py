"""Secrets and their values."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Live, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.values import Object


class Secret(Resource):
    """A secret without its value."""

    token = "aws:secretsmanager/secret:Secret"
    service = "secretsmanager"
    properties = properties("name namePrefix description kmsKeyId recoveryWindowInDays~ tags")
    outputs = ("arn",)
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
    properties = properties("secretId secretString secretBinary versionStages")
    outputs = ("arn", "versionId", "secretArn")
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
    """How often a secret is changed; one that AWS manages itself, such as RDS's, needs no function for it."""

    token = "aws:secretsmanager/secretRotation:SecretRotation"
    service = "secretsmanager"
    properties = properties("secretId rotateImmediately~ rotationRules rotationLambdaArn")
    outputs = ("rotationEnabled",)
    create_call = Call("rotate_secret", "ARN")
    read_call = Call("describe_secret", "@", SecretId="{id}")

    def create(self, account: Account, inputs: Object) -> str:
        """Sets the rules."""
        return self._set(account, inputs)

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the secret as the program named it."""
        ended = (found.get("OwningService") and account.store.get(self.token, found["ARN"])) or {}
        return {**self.translated(found), **ended, "secretId": state.get("secretId") or found["ARN"]}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Sets the rules anew."""
        self._set(account, inputs)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Ends the rotation, also that of a secret which RDS manages; for those the local API has no call."""
        try:
            if account.call("secretsmanager", "describe_secret", SecretId=identifier).get("OwningService"):
                account.store.put(self.token, identifier, {"rotationEnabled": False})
            else:
                account.call("secretsmanager", "cancel_rotate_secret", SecretId=identifier)
        except Missing:
            return

    def _set(self, account: Account, inputs: Object) -> str:
        now = inputs.get("rotateImmediately", True)
        if account.call("secretsmanager", "describe_secret", SecretId=inputs["secretId"]).get("OwningService"):
            account.store.put(self.token, inputs["secretId"], None)
        return self.create_call(
            account, self.service, inputs, RotateImmediately=now, **self.parameters("rotate_secret", inputs)
        )


KINDS = (Secret, SecretVersion, SecretRotation)
