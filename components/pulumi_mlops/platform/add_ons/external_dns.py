"""external-dns: the records of public names in Route 53, from the hosts of Services, Ingresses and routes.

Owns its namespace and, at run time, the records that it made. Does not own: the hosted zones, the role behind its
service account (`WorkloadIdentity` with `statements`).
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NotRequired

import pulumi

from pulumi_mlops import _aws, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import resources
from pulumi_mlops._rules import domain_name, quantity
from pulumi_mlops.contract.rules import not_empty
from pulumi_mlops.platform._chart_values import mirrored
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, hosted_zones, statement
from pulumi_mlops.platform.add_on import (
    AddOn,
    AddOnArgs,
    CallerArgs,
    ChartRelease,
    HelmValues,
    add_on_inputs,
    check_add_on,
)

CHART = Chart("external-dns", "https://kubernetes-sigs.github.io/external-dns", versions.EXTERNAL_DNS)
NAMESPACE = "external-dns"
SERVICE_ACCOUNT = "external-dns"
"""Service account of the controller, which writes the records; a role's trust names it."""
UPSTREAM_REGISTRY = "registry.k8s.io"
REPOSITORY = "external-dns/external-dns"
HOSTNAME_ANNOTATION = "external-dns.alpha.kubernetes.io/hostname"
"""On a Service: the names, divided by commas, that lead to its load balancer."""

CPU_REQUEST = "50m"


class DnsSource(StrEnum):
    """Kinds of objects whose host names become records; external-dns writes them with a hyphen."""

    SERVICE = "service"
    INGRESS = "ingress"
    GATEWAY_HTTPROUTE = "gateway_httproute"
    ISTIO_GATEWAY = "istio_gateway"
    ISTIO_VIRTUALSERVICE = "istio_virtualservice"


DEFAULT_SOURCES = [DnsSource.SERVICE.value, DnsSource.INGRESS.value, DnsSource.GATEWAY_HTTPROUTE.value]
"""Not Istio's own kinds: external-dns does not start while the definitions of a source are missing, and it comes before
Istio, so that the gateway's record exists as soon as its load balancer does."""


class ExternalDnsArgs(AddOnArgs, CallerArgs):
    """Arguments of `ExternalDns`."""

    cluster_name: pulumi.Input[str]
    """Name of the cluster: it marks the records as this cluster's, so that two clusters leave each other's alone."""
    region: pulumi.Input[str]
    """AWS region whose endpoints are called."""
    domain_filters: list[pulumi.Input[str]]
    """Domains below which records are made; at least one."""
    zone_ids: NotRequired[list[pulumi.Input[str]] | None]
    """Ids of the hosted zones that are looked at; default: all that the role may list."""
    sources: NotRequired[list[DnsSource]]
    """Kinds of objects whose host names become records; default: Services, Ingresses and HTTPRoutes."""
    keep_records: NotRequired[bool]
    """Whether a record outlives the object that asked for it; default false. When true, `destroy` leaves records that
    point at load balancers which no longer exist."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of the controller, request and limit; default "128Mi"."""


ARGUMENTS = {
    "cluster_name": Argument(rule=not_empty),
    "region": Argument(rule=_aws.region),
    "domain_filters": Argument(rule=domain_name),
    "zone_ids": Argument(rule=_aws.hosted_zone_id),
    "sources": Argument(default=DEFAULT_SOURCES),
    "keep_records": Argument(default=False),
    "memory": Argument(default="128Mi", rule=quantity),
}


class ExternalDns(pulumi.ComponentResource):
    """external-dns for the whole cluster.

    ```python
    from pulumi_mlops.platform import ExternalDns

    where = {"cluster_name": "mlops", "region": "eu-central-1", "domain_filters": ["example.org"]}
    dns = ExternalDns("external-dns", where)
    pulumi.export("dns_release", dns.release)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of external-dns."""
    service_account: pulumi.Output[str]
    """Service account of the controller."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once the controller runs."""

    def __init__(self, name: str, args: ExternalDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(ExternalDns, name, args, ExternalDnsArgs, ARGUMENTS, problems=_problems)
        super().__init__("pulumi-mlops:index:ExternalDns", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self.service_account = pulumi.Output.from_input(SERVICE_ACCOUNT)
        self.release = installed.release
        self.register_outputs(
            {"namespace": self.namespace, "service_account": self.service_account, "release": self.release}
        )


def values(name: str, args: ExternalDnsArgs) -> HelmValues:
    """Values of the chart, which runs one replica and offers no more: two would write the same records."""
    return {
        "fullnameOverride": name,
        "image": {"repository": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, REPOSITORY)},
        "provider": {"name": "aws"},
        "env": [{"name": "AWS_DEFAULT_REGION", "value": args["region"]}],
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": args["service_account_annotations"],
        },
        "sources": [source.replace("_", "-") for source in args["sources"]],
        # Always said: the chart's next version has no default for it.
        "policy": "upsert-only" if args["keep_records"] else "sync",
        "registry": "txt",
        "txtOwnerId": args["cluster_name"],
        "domainFilters": args["domain_filters"],
        "extraArgs": {"zone-id-filter": args["zone_ids"]} if args["zone_ids"] is not None else {},
        "triggerLoopOnEvent": True,  # a record at once, not at the next round
        "logFormat": "json",
        "resources": resources(CPU_REQUEST, args["memory"]),
    }


def statements(zone_ids: Sequence[pulumi.Input[str]], *, partition: str = "aws") -> list[Statement]:
    """What the controller's role must be allowed to keep records in these hosted zones."""
    zones = hosted_zones(zone_ids, partition)
    return [
        statement(
            ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets", "route53:ListTagsForResources"],
            zones,
        ),
        statement(["route53:ListHostedZones"], ["*"], reason="Route 53 knows no resource for listing hosted zones"),
    ]


ADD_ON = AddOn(
    component=ExternalDns,
    needs=("gateway_api",),  # it does not start while the routes' definition is missing
    main=ChartRelease(chart=CHART, values=values),
    namespace=NAMESPACE,
    images=(REPOSITORY,),
    service_accounts={SERVICE_ACCOUNT: lambda aws: statements(aws.zone_ids)},
)


def _problems(args: ExternalDnsArgs) -> Iterator[str]:
    for field in ("domain_filters", "zone_ids", "sources"):
        if args[field] == []:
            yield f"args.{field} must not be empty, got []"
