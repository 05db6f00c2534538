"""Arguments of `DeliveryPipeline`."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import Rule, at_least, between, dns_label, matches, not_empty

DAY_SECONDS = 86_400


class RepositoryHost(StrEnum):
    """Kind of the Git host."""

    GITHUB = "GITHUB"
    GITEA = "GITEA"
    """Forgejo speaks the same API."""


class PromotionMode(StrEnum):
    """How a release that passed its tests in staging gets into production."""

    AUTOMATIC = "AUTOMATIC"
    """At once, or after the soak time."""
    APPROVAL = "APPROVAL"
    """The run waits until a person resumes it."""
    PULL_REQUEST = "PULL_REQUEST"
    """The run ends with a pull request, which shows what changes in the rendered manifests; merging it deploys."""


class RepositoryArgs(TypedDict):
    """The Git repository with the program and its overlays."""

    url: pulumi.Input[str]
    """Where it is cloned from: an https address without a user, which ends in <owner>/<name> or <owner>/<name>.git."""
    host: RepositoryHost
    """Kind of the Git host, which decides where its API is: commit statuses are set at api.github.com, at /api/v3 of a
    GitHub Enterprise Server, or at /api/v1 of a Gitea. The webhooks of both kinds are read alike."""
    branch: NotRequired[pulumi.Input[str]]
    """Branch that is delivered, and that has the overlays; default main."""
    directory: NotRequired[pulumi.Input[str]]
    """Directory of the program in the repository; a push that changes nothing in it starts nothing; default: the whole
    repository."""


class EnvironmentArgs(TypedDict):
    """One environment: a kustomize overlay and the namespace that it is deployed to."""

    overlay: pulumi.Input[str]
    """Directory of the overlay in the repository, such as deploy/overlays/staging."""
    namespace: pulumi.Input[str]
    """Namespace that Argo CD deploys to, created elsewhere."""


class ChecksArgs(TypedDict):
    """What a commit has to pass before an image is built. Commands run with `sh -euc` in the program's directory."""

    image: pulumi.Input[str]
    """Image of the checks, with everything that they need."""
    tests: pulumi.Input[str]
    """Command of the unit tests, such as "python -m pytest"."""
    lint: NotRequired[pulumi.Input[str] | None]
    """Command of the linters, which runs beside the tests; default none."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of each of them, request and limit; default "2Gi"."""


class BuildArgs(TypedDict):
    """How the image is built. All have defaults."""

    dockerfile: NotRequired[pulumi.Input[str]]
    """The Dockerfile in the program's directory, which is the build's context; default Dockerfile."""
    target: NotRequired[pulumi.Input[str] | None]
    """Stage of the Dockerfile; default: the last one."""
    builder_image: NotRequired[pulumi.Input[str]]
    """Image of rootless BuildKit; default: the upstream image of the version in `versions.py`."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a build, request and limit; default "4Gi"."""


class IntegrationTestsArgs(TypedDict):
    """What a release has to pass in staging. Runs with `sh -euc` in the program's directory."""

    image: pulumi.Input[str]
    """Image of the tests."""
    command: pulumi.Input[str]
    """Command. The environment has STAGING_NAMESPACE and IMAGE, the release by its digest."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory, request and limit; default "1Gi"."""


class DeliveryPipelineArgs(TypedDict):
    """Arguments of `DeliveryPipeline`."""

    namespace: pulumi.Input[str]
    """Namespace of the runs, created elsewhere: Argo Workflows watches it, it has an event bus named `default`, and it
    admits BuildKit's pods, which need the Pod Security level "privileged"; all other pods obey "restricted"."""
    repository: RepositoryArgs
    """Where the program and its overlays are."""
    image: pulumi.Input[str]
    """The image that is built, without a tag, such as registry.example.org/team/web; the overlays' base calls it so."""
    delivery_image: pulumi.Input[str]
    """Image with the program `delivery` of this project, git and kustomize."""
    credentials_secret: pulumi.Input[str]
    """Secret in the namespace with three keys: `webhook`, by which the Git host signs its events; `token`, which reads
    and writes the repository and its commit statuses; `config.json`, Docker's file with the login of the registry."""
    staging: EnvironmentArgs
    """Where each release goes first."""
    production: EnvironmentArgs
    """Where a release goes once it has passed in staging."""
    checks: ChecksArgs
    """Linters and unit tests."""
    build: NotRequired[BuildArgs]
    """How the image is built."""
    integration_tests: NotRequired[IntegrationTestsArgs | None]
    """Tests against staging. Default none: a release passes if Argo CD finds it healthy."""
    promotion: NotRequired[PromotionMode]
    """How a release gets into production; default AUTOMATIC. Plain: it decides which steps there are."""
    soak_seconds: NotRequired[pulumi.Input[int]]
    """How long a release stays in staging after its tests, before it goes on, in seconds; default 0."""
    deploy_timeout_seconds: NotRequired[pulumi.Input[int]]
    """How long Argo CD may take until an environment runs a release and is healthy, in seconds; default 900."""
    timeout_seconds: NotRequired[pulumi.Input[int]]
    """Longest time of a run in seconds, without the soak time and the wait for an approval; default 7200."""
    approval_timeout_seconds: NotRequired[pulumi.Input[int]]
    """APPROVAL: how long a run waits for a person before it fails, in seconds; default 604800."""
    allowed_kinds: NotRequired[list[pulumi.Input[str]]]
    """Kinds that the overlays may hold, as <group>/<kind>, and for Kubernetes' core group only <kind>; default:
    workloads, Services, ConfigMaps, volume claims, routes, and Argo's WorkflowTemplate and CronWorkflow; no
    Role, Secret, quota or network policy."""
    argo_cd_namespace: NotRequired[pulumi.Input[str]]
    """Namespace of Argo CD; default `argocd`, the platform's."""
    gateway_name: NotRequired[pulumi.Input[str]]
    """Name of the Gateway that the webhook is behind; default `public`, the platform's."""
    gateway_namespace: NotRequired[pulumi.Input[str]]
    """Namespace of the Gateway; default `gateway`, the platform's."""
    argo_workflows_url: NotRequired[pulumi.Input[str] | None]
    """Address of Argo Workflows' user interface, such as https://workflows.example.org, for the link from the commit's
    status to the run; default: no link."""
    labels: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Labels of every object and pod, besides the standard ones."""


BUILDER_IMAGE = conventions.image("docker.io", "moby/buildkit", f"v{versions.BUILDKIT}-rootless")
ALLOWED_KINDS = [
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "ServiceAccount",
    "apps/Deployment",
    "apps/StatefulSet",
    "argoproj.io/CronWorkflow",
    "argoproj.io/WorkflowTemplate",
    "autoscaling/HorizontalPodAutoscaler",
    "batch/CronJob",
    "gateway.networking.k8s.io/HTTPRoute",
    "policy/PodDisruptionBudget",
]

_directory: Rule = matches(
    r"[\w-][\w.-]*(/[\w-][\w.-]*)*", "a directory of the repository such as deploy/overlays/staging"
)


def _command(value: str) -> str | None:
    """Rule: there is one, and Argo takes no part of it for a variable of its own."""
    if not value.strip():
        return "must not be empty"
    return "must not have {{, which Argo would replace: put the command into a script" if "{{" in value else None


ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "repository.url": Argument(
        rule=matches(
            r"https?://[^\s/@]+(/[\w.-]+){2,}/?", "an https address that ends in <owner>/<name>, without a user"
        )
    ),
    "repository.branch": Argument(
        default="main", rule=matches(r"[\w-][\w.+-]*(/[\w-][\w.+-]*)*", 'the name of a branch such as "main"')
    ),
    "repository.directory": Argument(
        default=".", rule=matches(r"\.|[\w-][\w.-]*(/[\w-][\w.-]*)*", 'a directory of the repository, or "."')
    ),
    "image": Argument(
        rule=matches(r"[\w.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+", "an image with its registry and without a tag")
    ),
    "delivery_image": Argument(rule=not_empty),
    "credentials_secret": Argument(rule=dns_label),
    **{f"{one}.overlay": Argument(rule=_directory) for one in ("staging", "production")},
    **{f"{one}.namespace": Argument(rule=dns_label) for one in ("staging", "production")},
    "checks.image": Argument(rule=not_empty),
    "checks.tests": Argument(rule=_command),
    "checks.lint": Argument(rule=_command),
    "checks.memory": Argument(default="2Gi", rule=quantity),
    "build": Argument(default={}),
    "build.dockerfile": Argument(default="Dockerfile", rule=_directory),
    "build.target": Argument(rule=not_empty),
    "build.builder_image": Argument(default=BUILDER_IMAGE, rule=not_empty),
    "build.memory": Argument(default="4Gi", rule=quantity),
    "integration_tests.image": Argument(rule=not_empty),
    "integration_tests.command": Argument(rule=_command),
    "integration_tests.memory": Argument(default="1Gi", rule=quantity),
    "promotion": Argument(default=PromotionMode.AUTOMATIC),
    "soak_seconds": Argument(default=0, rule=between(0, 30 * DAY_SECONDS, "s")),
    "deploy_timeout_seconds": Argument(default=900, rule=at_least(30, "s")),
    "timeout_seconds": Argument(default=7200, rule=at_least(60, "s")),
    "approval_timeout_seconds": Argument(default=7 * DAY_SECONDS, rule=at_least(60, "s")),
    "allowed_kinds": Argument(
        default=ALLOWED_KINDS,
        rule=matches(r"([a-z0-9-]+(\.[a-z0-9-]+)*/)?[A-Z][A-Za-z0-9]*", "<group>/<kind>, such as apps/Deployment"),
    ),
    "argo_cd_namespace": Argument(default=conventions.ARGO_CD_NAMESPACE, rule=dns_label),
    "argo_workflows_url": Argument(
        rule=matches(r"https?://[^\s/@?#{}]+(/[\w.-]+)*/?", "an address such as https://workflows.example.org")
    ),
    "gateway_name": Argument(default=conventions.GATEWAY_NAME, rule=dns_label),
    "gateway_namespace": Argument(default=conventions.GATEWAY_NAMESPACE, rule=dns_label),
}


def problems(args: DeliveryPipelineArgs, given: Mapping[str, object]) -> Iterator[str]:
    """Findings that concern several fields; `given` are the arguments without defaults."""
    staging, production = args["staging"], args["production"]
    for key in ("overlay", "namespace"):
        if isinstance(staging[key], str) and staging[key] == production[key]:
            yield f"args.production.{key} must differ from args.staging.{key}, got {production[key]!r} for both"
    for place, environment in (("staging", staging), ("production", production)):
        for key in ("namespace", "argo_cd_namespace"):
            if isinstance(environment["namespace"], str) and environment["namespace"] == args[key]:
                yield (
                    f"args.{place}.namespace must differ from args.{key}: an overlay could change what deploys it, "
                    f"got {args[key]!r} for both"
                )
    if given.get("approval_timeout_seconds") is not None and args["promotion"] != PromotionMode.APPROVAL:
        yield (
            "args.approval_timeout_seconds must be left out unless args.promotion is APPROVAL, "
            f"got {args['approval_timeout_seconds']!r}"
        )
