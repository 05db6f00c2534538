"""Image repositories on ECR.

Does not own: who may push and pull (nodes pull by their own role; builders have a `WorkloadIdentity`), the images.
"""

import json
from collections.abc import Iterator
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._aws import kms_key_arn
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import at_least, matches
from pulumi_mlops.foundation._names import duplicates

MIN_NAME = 2
MAX_NAME = 256  # ECR's limits of a repository's name, the prefix included
_PART = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"


class RegistryArgs(TypedDict):
    """Arguments of `Registry`."""

    repositories: list[str]
    """Names of the repositories, such as `ml-server`. Plain: each makes resources. One that is taken off the list is
    deleted, which its protection refuses."""
    prefix: NotRequired[str | None]
    """Path before each name, such as `birds/`; default: the component's name and a slash, so that two environments
    share an account. Plain: it is part of the names."""
    keep_tagged: NotRequired[int]
    """How many tagged images each repository keeps, the newest; default 100, at least 1. What still runs may be among
    the rest: keep more than are built between two deliveries."""
    untagged_days: NotRequired[int]
    """Days after which an image that lost its tag, or never had one, is deleted; default 7, at least 1."""
    scan_on_push: NotRequired[bool]
    """Whether each repository asks ECR to scan its images as they come; default true, without effect with
    `scan_whole_registry`. Give false where the registry of the account has a scanning configuration, which AWS puts in
    the place of this setting and which goes before it."""
    scan_whole_registry: NotRequired[bool]
    """Whether the component owns the scanning configuration of the account's registry in its region; default false. ECR
    then scans the images of all repositories there as they come, those of other stacks too. There is one for an account
    and region, and `up` overwrites it: give true in one stack alone. With false again, that configuration is empty, and
    repositories ask for scans themselves."""
    kms_key_arn: NotRequired[pulumi.Input[str] | None]
    """KMS key of the images; default: ECR's own keys (AES256). Another key makes other repositories."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the repositories; default true. When false, `destroy` deletes them with all
    their images (ECR's `force_delete`)."""
    tags: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Tags of the repositories; default none."""


_repository = matches(
    f"{_PART}(/{_PART})*", "the name of a repository (lower-case letters and digits, between them . _ - or /)"
)

ARGUMENTS = {
    "repositories": Argument(rule=_repository),
    "prefix": Argument(rule=matches(f"({_PART}/)*", 'a path that ends with a slash such as "birds/", or empty')),
    "keep_tagged": Argument(default=100, rule=at_least(1, "image")),
    "untagged_days": Argument(default=7, rule=at_least(1, "day")),
    "scan_on_push": Argument(default=True),
    "scan_whole_registry": Argument(default=False),
    "kms_key_arn": Argument(rule=kms_key_arn),
    "protect_data": Argument(default=True),
}


class Registry(pulumi.ComponentResource):
    """Repositories whose images are scanned when they come and whose tags never move.

    Each repository asks for the scan itself. A scanning configuration of the account's whole registry goes before that:
    there is one for an account and region, which environments and others may share, so that a `Registry` makes it only
    where `scan_whole_registry` says so.

    ```python
    from pulumi_mlops.foundation import Registry

    registry = Registry("birds", {"repositories": ["ml-pipeline", "ml-server"]})
    pulumi.export("image_registry", registry.url)
    pulumi.export("server_image", pulumi.Output.concat(registry.repository_urls["ml-server"], ":1"))
    ```
    """

    url: pulumi.Output[str]
    """Host of the registry, for `docker login` and as an image's first part."""
    repository_urls: pulumi.Output[dict[str, str]]
    """Name as in the arguments → the repository with host and prefix; a colon and a tag make it an image."""
    repository_arns: pulumi.Output[dict[str, str]]
    """Name as in the arguments → ARN, for the statements of who builds."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            Registry,
            name,
            args,
            RegistryArgs,
            ARGUMENTS,
            problems=lambda checked: _problems(_prefix(name, checked), checked["repositories"]),
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:Registry", name, inputs(args), opts)
        self._name = name
        self._args = checked
        if checked["scan_whole_registry"]:
            self._create_scans()
        created = {repository: self._create_repository(repository) for repository in checked["repositories"]}
        urls = pulumi.Output.all(*(one.repository_url for one in created.values()))
        self.url = urls.apply(lambda known: known[0].partition("/")[0])
        self.repository_urls = urls.apply(lambda known: dict(zip(created, known, strict=True)))
        self.repository_arns = pulumi.Output.all(*(one.arn for one in created.values())).apply(
            lambda known: dict(zip(created, known, strict=True))
        )
        self.register_outputs(
            {"url": self.url, "repository_urls": self.repository_urls, "repository_arns": self.repository_arns}
        )

    def _create_scans(self) -> None:
        every: aws.ecr.RegistryScanningConfigurationRuleArgsDict = {
            "scan_frequency": "SCAN_ON_PUSH",
            "repository_filters": [{"filter": "*", "filter_type": "WILDCARD"}],
        }
        aws.ecr.RegistryScanningConfiguration(
            f"{self._name}-scans", scan_type="BASIC", rules=[every], opts=pulumi.ResourceOptions(parent=self)
        )

    def _create_repository(self, repository: str) -> aws.ecr.Repository:
        role = repository.replace("/", "-")
        protected = self._args["protect_data"]
        created = aws.ecr.Repository(
            f"{self._name}-{role}",
            name=f"{_prefix(self._name, self._args)}{repository}",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True} if _scans_itself(self._args) else None,
            encryption_configurations=encryption(self._args["kms_key_arn"]),
            force_delete=not protected,
            tags=self._args["tags"],
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        aws.ecr.LifecyclePolicy(
            f"{self._name}-{role}-lifecycle",
            repository=created.name,
            policy=lifecycle_policy(self._args["keep_tagged"], self._args["untagged_days"]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return created


def encryption(key_arn: pulumi.Input[str] | None) -> list[aws.ecr.RepositoryEncryptionConfigurationArgsDict]:
    """Encryption of a repository, which never changes."""
    if key_arn is None:
        return [{"encryption_type": "AES256"}]
    return [{"encryption_type": "KMS", "kms_key": key_arn}]


def lifecycle_policy(keep_tagged: int, untagged_days: int) -> str:
    """ECR's rules of what is deleted, as JSON."""
    untagged: dict[str, object] = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": untagged_days,
    }
    tagged: dict[str, object] = {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": keep_tagged,
    }
    rules = [
        _rule(1, f"untagged for {untagged_days} days", untagged),
        _rule(2, f"all but the newest {keep_tagged} tagged", tagged),
    ]
    return json.dumps({"rules": rules}, sort_keys=True)


def _rule(priority: int, description: str, selection: dict[str, object]) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


def _prefix(name: str, args: RegistryArgs) -> str:
    return f"{name}/" if args["prefix"] is None else args["prefix"]


def _scans_itself(args: RegistryArgs) -> bool:
    return args["scan_on_push"] and not args["scan_whole_registry"]


def _problems(prefix: str, repositories: list[str]) -> Iterator[str]:
    if not repositories:
        yield "args.repositories must not be empty"
    for twice in duplicates([one.replace("/", "-") for one in repositories]):
        yield f'args.repositories has "{twice}" twice (a slash counts as a hyphen)'
    for one in repositories:
        if not MIN_NAME <= len(f"{prefix}{one}") <= MAX_NAME:
            yield f'args.repositories: "{prefix}{one}" must have {MIN_NAME} to {MAX_NAME} characters'
