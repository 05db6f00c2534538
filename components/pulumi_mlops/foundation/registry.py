"""Image repositories on ECR.

Does not own: who may push and pull (nodes pull by their own role; builders have a `WorkloadIdentity`), the images.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops._args import Rule, at_least, check_args, matches, object_name
from pulumi_mlops._aws import kms_key_arn
from pulumi_mlops.foundation._names import duplicates

DEFAULT_KEEP_TAGGED = 100
DEFAULT_UNTAGGED_DAYS = 7
MIN_NAME = 2
MAX_NAME = 256  # ECR's limits of a repository's name, the prefix included
_PART = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"


class RegistryArgs(TypedDict):
    """Arguments of `Registry`."""

    repositories: list[str]
    """Names of the repositories, such as `ml-server`. Plain: each makes resources. One that is taken off the list is
    deleted, which its protection refuses."""
    prefix: NotRequired[str]
    """Path before each name, such as `birds/`; default: the component's name and a slash, so that two environments
    share an account. Plain: it is part of the names."""
    keep_tagged: NotRequired[int]
    """How many tagged images each repository keeps, the newest; default 100, at least 1. What still runs may be among
    the rest: keep more than are built between two deliveries."""
    untagged_days: NotRequired[int]
    """Days after which an image that lost its tag, or never had one, is deleted; default 7, at least 1."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """KMS key of the images; default: ECR's own keys (AES256). Another key makes other repositories."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the repositories; default true. When false, `destroy` deletes them with all
    their images (ECR's `force_delete`)."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of the repositories; default none."""


RULES: dict[str, Rule] = {
    "repositories": matches(
        f"{_PART}(/{_PART})*", "the name of a repository (lower-case letters and digits, between them . _ - or /)"
    ),
    "prefix": matches(f"({_PART}/)*", 'a path that ends with a slash such as "birds/", or empty'),
    "keep_tagged": at_least(1, "image"),
    "untagged_days": at_least(1, "day"),
    "kms_key_arn": kms_key_arn,
}


class Registry(pulumi.ComponentResource):
    """Repositories whose images are scanned when they come and whose tags never move.

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
            Registry, name, args, RegistryArgs, RULES, problems=_problems(name, args), name_rule=object_name(40)
        )
        super().__init__("pulumi-mlops:index:Registry", name, {**checked}, opts)
        self._name = name
        self._args = checked
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

    def _create_repository(self, repository: str) -> aws.ecr.Repository:
        role = repository.replace("/", "-")
        protected = self._args.get("protect_data", True)
        created = aws.ecr.Repository(
            f"{self._name}-{role}",
            name=f"{self._args.get('prefix', f'{self._name}/')}{repository}",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=encryption(self._args.get("kms_key_arn")),
            force_delete=not protected,
            tags=self._args.get("tags"),
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        aws.ecr.LifecyclePolicy(
            f"{self._name}-{role}-lifecycle",
            repository=created.name,
            policy=lifecycle_policy(
                self._args.get("keep_tagged", DEFAULT_KEEP_TAGGED),
                self._args.get("untagged_days", DEFAULT_UNTAGGED_DAYS),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return created


def encryption(key_arn: pulumi.Input[str] | None) -> Any:
    """Encryption of a repository, which never changes."""
    if key_arn is None:
        return [{"encryption_type": "AES256"}]
    return [{"encryption_type": "KMS", "kms_key": key_arn}]


def lifecycle_policy(keep_tagged: int, untagged_days: int) -> str:
    """ECR's rules of what is deleted, as JSON."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": untagged_days,
    }
    tagged = {
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


def _rule(priority: int, description: str, selection: dict[str, Any]) -> dict[str, Any]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


def _problems(name: str, args: Mapping[str, Any]) -> Iterator[str]:
    repositories: list[str] = args["repositories"]
    if not repositories:
        yield "args.repositories must not be empty"
    for twice in duplicates([one.replace("/", "-") for one in repositories]):
        yield f'args.repositories has "{twice}" twice (a slash counts as a hyphen)'
    prefix = f"{name}/" if args.get("prefix") is None else args["prefix"]
    for one in repositories:
        if not MIN_NAME <= len(f"{prefix}{one}") <= MAX_NAME:
            yield f'args.repositories: "{prefix}{one}" must have {MIN_NAME} to {MAX_NAME} characters'
