"""One add-on of a cluster: an upstream chart, and everything that differs between two of them.

`AddOn` describes, `AddOn.install` creates. Each add-on of the library has such a description in its module; `add_ons`
lists them, with what must be gone before each goes, and `ADD_ONS` has the descriptions: the foundation's roles follow.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NotRequired, TypedDict, TypeVar, cast

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops._args import RENAMED, Argument, Arguments, check_args, check_is_dict, inputs, renamed
from pulumi_mlops._rules import image_registry, named_by, object_name
from pulumi_mlops.contract.rules import between, dns_label, not_empty
from pulumi_mlops.platform import _charts, _parts
from pulumi_mlops.platform._chart_values import DEFAULT_REPLICAS, MAX_REPLICAS
from pulumi_mlops.platform._charts import TIMEOUT_SECONDS, Chart, HelmValues, release
from pulumi_mlops.platform._one_per_cluster import claim
from pulumi_mlops.platform._statements import Statement


class ReleaseArgs(TypedDict):
    """Arguments of everything that installs a chart."""

    object_name: NotRequired[str | None]
    """Name of the Helm release and beginning of the names of the add-on's objects; default: the component's name. Two
    platforms in one stack, each in a cluster of its own, need two names of components for the same objects."""
    values: NotRequired[HelmValues]
    """Further values of the chart, merged over those of this component at every depth: a mapping into a mapping,
    anything else replaces. Nobody checks them but the chart; default none."""
    chart_repository: NotRequired[str | None]
    """Where the charts come from: a Helm repository (`https://…`), a registry (`oci://…`) or a directory that holds
    each chart's directory; default: upstream's. Plain: the form decides how Helm is called."""


class ChartArgs(ReleaseArgs):
    """Arguments of everything that installs a chart with images of its own."""

    image_mirror: NotRequired[pulumi.Input[str] | None]
    """Registry that mirrors the images under their own paths, those of `AddOn.images`; default: the registry of
    each image."""


class AddOnArgs(ChartArgs):
    """Arguments that every add-on has."""

    namespace: NotRequired[pulumi.Input[str] | None]
    """Namespace, created here; default: the add-on's own, `AddOn.namespace`."""


class ReplicatedArgs(TypedDict):
    """Arguments of an add-on that may have several replicas."""

    replicas: NotRequired[int]
    """Replicas of everything that can have several, from 1 to 10; default 2."""


class CallerArgs(TypedDict):
    """Arguments of an add-on whose pods may call AWS."""

    service_account_annotations: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Annotations of its service accounts, such as IRSA's role; default none, which suits EKS Pod Identity."""


COMMON: Arguments = {
    "values": Argument(default={}),
    "image_mirror": Argument(rule=image_registry),
    "chart_repository": Argument(rule=not_empty),
    "namespace": Argument(rule=dns_label),
    "replicas": Argument(default=DEFAULT_REPLICAS, rule=between(1, MAX_REPLICAS, "replicas")),
    "service_account_annotations": Argument(default={}),
    "keep_definitions": Argument(default=True),
}
"""Rows of the arguments that add-ons share. Those of an add-on's own table go before them."""

ArgsT = TypeVar("ArgsT", bound=ReleaseArgs)
"""Arguments of one add-on."""


def no_values(_: str, __: ReleaseArgs) -> HelmValues:
    """The chart's own values are right as they are."""
    return {}


@dataclass(frozen=True, kw_only=True)
class AwsEnvironment:
    """What the permissions of an environment's add-ons refer to on AWS."""

    cluster_name: str
    """Plain: it is part of the keys of conditions."""
    region: str
    account_id: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    zone_ids: Sequence[pulumi.Input[str]]
    """Hosted zones of Route 53 in which the platform has names."""
    secrets_prefix: str
    """Beginning of the names of the platform's own secrets."""
    workflows_bucket_arn: pulumi.Input[str]
    tenants_prefix: str
    """Beginning of the names of what teams make by Crossplane."""
    node_role_arn: pulumi.Input[str] | None = None
    """Role of the nodes that Karpenter starts; None without Karpenter."""
    interruption_queue_arn: pulumi.Input[str] | None = None


ONE_RELEASE = "its definitions belong to one Helm release"
"""Why a cluster takes an add-on once whose chart renders its definitions: Helm refuses them to a second release."""

Permissions = Callable[[AwsEnvironment], list[Statement]]
"""What the role of one service account must be allowed, as `WorkloadIdentity` takes it; empty: it gets no role."""


@dataclass(frozen=True, kw_only=True)
class ChartRelease(Generic[ArgsT]):
    """One chart of an add-on."""

    chart: Chart
    values: Callable[[str, ArgsT], HelmValues] = no_values
    """Name of the release and the component's arguments, all of them with their defaults → values of the chart. An
    argument that was left out and has no default is None."""
    role: str = "release"
    """Its resource is called `<component>-<role>`."""
    suffix: str = ""
    """What the release's name has behind the add-on's."""
    skip_crds: bool = False
    """Whether the chart's own definitions are left out, since they come by another chart or as resources."""
    timeout_seconds: int = TIMEOUT_SECONDS


@dataclass(frozen=True)
class Installed:
    """What an add-on offers to its component."""

    namespace: pulumi.Output[str]
    release: pulumi.Output[str]
    """Name of the main release, known once the workloads of every chart are ready."""
    main: k8s.helm.v3.Release


@dataclass(frozen=True, kw_only=True)
class AddOn(Generic[ArgsT]):
    """An add-on of a cluster."""

    main: ChartRelease[ArgsT]
    """The chart that the argument `values` is for."""
    namespace: str
    component: type[pulumi.ComponentResource] | None = None
    """What installs it in a platform; default: `HelmAddOn`, by this description alone."""
    needs: tuple[str, ...] = ()
    """Names of the add-ons that must run before it, and until it is gone, in a platform."""
    before: tuple[ChartRelease[ArgsT], ...] = ()
    """Charts that come first, such as one with the definitions."""
    after: tuple[ChartRelease[ArgsT], ...] = ()
    """Charts that need the main one to run."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the namespace, beside those by which it admits restricted pods alone."""
    images: tuple[str, ...] = ()
    """Repositories of its images, which a mirror has under the same paths; `*` stands for any."""
    service_accounts: Mapping[str, Permissions] = field(default_factory=dict[str, Permissions])
    """Service accounts that call AWS → what their roles must be allowed."""
    once_because: str = ""
    """Why a cluster takes it once, such as `ONE_RELEASE`; empty: it takes several."""
    built_into_auto_mode: bool = False
    """Whether EKS Auto Mode does the same, so that a platform on it does without."""
    endpoints: tuple[str, ...] = ()
    """Short names of the AWS services that it calls beside S3, which need interface endpoints without NAT gateways."""

    @property
    def chart(self) -> Chart:
        """The main chart."""
        return self.main.chart

    @property
    def releases(self) -> tuple[ChartRelease[ArgsT], ...]:
        """Every chart, in the order of installation."""
        return (*self.before, self.main, *self.after)

    def create_namespace(self, component: pulumi.ComponentResource, name: str, args: AddOnArgs) -> pulumi.Output[str]:
        """Creates the namespace of the component called `name`, where something has to be in it before the charts."""
        self.claim(component, name)
        place = self.namespace if args["namespace"] is None else args["namespace"]
        return _parts.create_namespace(name, place, component, self.namespace_labels, args["object_name"])

    def install(
        self,
        component: pulumi.ComponentResource,
        name: str,
        args: ArgsT,
        *,
        namespace: pulumi.Input[str] | None = None,
        needs: Sequence[pulumi.Resource] = (),
    ) -> Installed:
        """Creates the namespace, unless there is one, and the releases one after the other, as children of `component`.

        `args` are the checked arguments of the component called `name`; `needs` come before the first chart.
        """
        self.claim(component, name)
        place = self.create_namespace(component, name, cast("AddOnArgs", args)) if namespace is None else namespace
        called = args["object_name"] or name
        made: dict[str, k8s.helm.v3.Release] = {}
        before: list[pulumi.Resource] = [*needs]
        for one in self.releases:
            values = one.values(called, args)
            made[one.role] = release(
                f"{name}-{one.role}",
                one.chart,
                name=f"{called}{one.suffix}",
                namespace=place,
                values=merged(values, args["values"]) if one is self.main else values,
                mirror=args["chart_repository"],
                skip_crds=one.skip_crds,
                timeout_seconds=one.timeout_seconds,
                opts=pulumi.ResourceOptions(parent=component, depends_on=before),
            )
            before = [made[one.role]]
        last = made[self.releases[-1].role]
        ready = _charts.when_ready(last, f"{called}{self.main.suffix}")
        return Installed(pulumi.Output.from_input(place), ready, made[self.main.role])

    def claim(self, component: pulumi.ComponentResource, name: str) -> None:
        """Refuses a second one in a cluster that takes one; for a component that makes something before `install`."""
        if self.once_because:
            kind = f"one {type(component).__name__}, since {self.once_because}"
            claim(component, name, kind, "pass the Kubernetes provider of another cluster in opts.providers")


def check_add_on(
    component: type[pulumi.ComponentResource],
    name: str,
    args: ArgsT,
    schema: type[ArgsT],
    arguments: Arguments,
    *,
    problems: Callable[[ArgsT], Iterable[str]] | None = None,
    longest_name: int = 40,
) -> ArgsT:
    """`check_args` with the rows that add-ons share; the name that has to be short is that of the objects."""
    short = object_name(longest_name)
    owner = f'{component.__name__} "{name}"'
    check_is_dict(owner, args)
    args = renamed(owner, args)
    return check_args(
        component,
        name,
        args,
        schema,
        {**COMMON, "object_name": Argument(rule=short), **arguments},
        problems=problems,
        name_rule=named_by(args, short),
    )


def add_on_inputs(args: ReleaseArgs) -> dict[str, object]:
    """`inputs` of a component that is checked by `check_add_on`, by the names that arguments have now."""
    old_names = {old for old, new in RENAMED.items() if new not in args}
    return inputs({RENAMED[key] if key in old_names else key: value for key, value in args.items()})


def merged(values: HelmValues, over: HelmValues) -> HelmValues:
    """Values with others merged over them: a mapping into a mapping, at any depth, anything else replaces."""
    both = {**values}
    for key, value in over.items():
        before = both.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            both[key] = merged(cast("HelmValues", before), cast("HelmValues", value))
        else:
            both[key] = value
    return both
