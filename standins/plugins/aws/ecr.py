"""ECR repositories, their lifecycle policies, and the scanning configuration of a registry."""

from typing import Any

from standins.plugins.aws.account import Account
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.values import Object


class Repository(Resource):
    """A repository of images."""

    token = "aws:ecr/repository:Repository"
    service = "ecr"
    properties = properties(
        "name encryptionConfigurations imageScanningConfiguration imageTagMutability forceDelete~ tags"
    )
    outputs = ("arn", "registryId", "repositoryUrl")
    renames = {"repositoryName": "name", "repositoryArn": "arn", "repositoryUri": "repositoryUrl",
               "encryptionConfiguration": "encryptionConfigurations", "kmsKey": "kmsKey"}  # fmt: skip
    tagging = Tagging(
        "tag_resource", "untag_resource", "list_tags_for_resource", {"resourceArn": "{arn}"}, "tags", "tagKeys", "tags"
    )
    create_call = Call("create_repository", "repository.repositoryName")
    update_calls = (
        Call("put_image_tag_mutability", repositoryName="{id}"),
        Call("put_image_scanning_configuration", repositoryName="{id}"),
    )
    read_call = Call("describe_repositories", "repositories[0]", repositoryNames=["{id}"])

    def parameters(self, operation: str, values: Object) -> Object:
        """The program's list of one is one object."""
        given = values.get("encryptionConfigurations")
        if isinstance(given, list):
            values = {**values, "encryptionConfigurations": given[0] if given else None}
        return {key: value for key, value in super().parameters(operation, values).items() if value is not None}

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The one object is the program's list of one."""
        values = self.translated(found)
        return {**values, "encryptionConfigurations": [values["encryptionConfigurations"]]}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """With its images, if the program says so."""
        call = Call("delete_repository", repositoryName="{id}", force=bool(state.get("forceDelete")))
        call(account, self.service, self.known(account, identifier, state))


class LifecyclePolicy(Resource):
    """What becomes of old images."""

    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    service = "ecr"
    properties = properties("repository policy")
    outputs = ("registryId",)
    renames = {"repositoryName": "repository", "lifecyclePolicyText": "policy"}
    create_call = Call("put_lifecycle_policy", "repositoryName")
    read_call = Call("get_lifecycle_policy", "@", repositoryName="{id}")
    delete_call = Call("delete_lifecycle_policy", repositoryName="{id}")


class RegistryScanningConfiguration(Resource):
    """Which images of an account's registry are scanned, and when; AWS always has one, and it is empty at first."""

    token = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
    service = "ecr"
    properties = properties("scanType rules")
    outputs = ("registryId",)
    create_call = Call("put_registry_scanning_configuration", "registryScanningConfiguration.scanType")
    update_calls = (Call("put_registry_scanning_configuration"),)
    read_call = Call("get_registry_scanning_configuration")
    delete_call = Call("put_registry_scanning_configuration", scanType="BASIC", rules=[])

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The number of the account: there is one configuration in it."""
        return account.number

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Writes it whole."""
        super().update(account, identifier, state, inputs, {*changed, "scanType", "rules"} & {*self.defaults, *inputs})

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The configuration beside the number of its registry."""
        return {**self.translated(found["scanningConfiguration"]), "registryId": found["registryId"]}


KINDS = (Repository, LifecyclePolicy, RegistryScanningConfiguration)
