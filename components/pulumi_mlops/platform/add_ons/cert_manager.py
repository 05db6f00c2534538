"""cert-manager: certificates of the webhooks inside the cluster, and of public names that ACM does not serve.

Owns its namespace and, on request, one ClusterIssuer. Does not own: the hosted zones, the role behind its service
account (`WorkloadIdentity` with `statements`), the certificates themselves.
"""

from collections.abc import Iterator, Sequence
from typing import NotRequired

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _aws, conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, name_of, resources
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import dns_label, matches
from pulumi_mlops.platform._chart_values import PRIORITY_CLASS, budget, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, hosted_zones, statement
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    AddOnArgs,
    CallerArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)

CHART = Chart("cert-manager", "https://charts.jetstack.io", versions.CERT_MANAGER)
NAMESPACE = "cert-manager"
SERVICE_ACCOUNT = "cert-manager"
"""Service account of the controller, which answers DNS challenges; a role's trust names it."""
UPSTREAM_REGISTRY = "quay.io"
ACME_SERVER = "https://acme-v02.api.letsencrypt.org/directory"

CPU_REQUEST = "50m"
WEBHOOK_REPLICAS = 3
"""While no webhook answers, no certificate can be created or changed, so upstream advises three."""


class CertManagerArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `CertManager`."""

    acme_email: NotRequired[str | None]
    """Address that the certificate authority warns of expiring certificates. With it a ClusterIssuer that proves names
    by Route 53 is made, and `region` is required; default: none. Plain: it decides whether the issuer exists."""
    acme_server: NotRequired[pulumi.Input[str] | None]
    """Directory URL of the certificate authority; default: Let's Encrypt."""
    region: NotRequired[pulumi.Input[str] | None]
    """AWS region whose endpoints the issuer calls."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a controller, request and limit; default "256Mi"."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true. When false, `destroy` deletes them and with
    them every certificate and issuer in the cluster."""


ARGUMENTS = {
    "namespace": Argument(default=NAMESPACE, rule=dns_label),
    "acme_email": Argument(rule=matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")),
    "acme_server": Argument(rule=matches(r"https://\S+", "a URL that begins with https://")),
    "region": Argument(rule=_aws.region),
    "memory": Argument(default="256Mi", rule=quantity),
}


class CertManager(pulumi.ComponentResource):
    """cert-manager for the whole cluster, and an issuer of public certificates on request.

    ```python
    from pulumi_mlops.platform import CertManager

    certificates = CertManager("cert-manager", {"acme_email": "platform@example.org", "region": "eu-central-1"})
    pulumi.export("issuer", certificates.issuer)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of cert-manager."""
    service_account: pulumi.Output[str]
    """Service account of the controller."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once certificates can be created."""
    issuer: pulumi.Output[str]
    """Name of the ClusterIssuer of public certificates; empty where none was asked for."""

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(CertManager, name, args, CertManagerArgs, ARGUMENTS, problems=_problems)
        super().__init__("pulumi-mlops:index:CertManager", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        called = checked["object_name"] or name
        self.namespace = installed.namespace
        self.service_account = pulumi.Output.from_input(SERVICE_ACCOUNT)
        self.release = installed.release
        self.issuer = pulumi.Output.from_input("")
        if checked["acme_email"] is not None:
            issuer = k8s.apiextensions.CustomResource(
                f"{name}-issuer",
                api_version="cert-manager.io/v1",
                kind="ClusterIssuer",
                metadata={"name": f"{called}-public", "labels": conventions.labels("cluster-issuer", called)},
                spec=acme_issuer(f"{called}-acme-account", checked),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main]),
            )
            self.issuer = name_of(issuer)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "service_account": self.service_account,
                "release": self.release,
                "issuer": self.issuer,
            }
        )


def values(name: str, args: CertManagerArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]

    def part(component: str, count: int, memory: pulumi.Input[str], cpu: str) -> HelmValues:
        pods = {"app.kubernetes.io/instance": name, "app.kubernetes.io/component": component}
        return {
            "replicaCount": count,
            "podDisruptionBudget": budget(count),
            "resources": resources(cpu, memory),
            "topologySpreadConstraints": spread(pods),
        }

    return {
        "fullnameOverride": name,
        "imageRegistry": UPSTREAM_REGISTRY if args["image_mirror"] is None else args["image_mirror"],
        "crds": {"enabled": True, "keep": args["keep_definitions"]},
        "global": {
            "priorityClassName": PRIORITY_CLASS,
            # Upstream's lock lies in kube-system, where two installations would share one.
            "leaderElection": {"namespace": args["namespace"]},
        },
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": args["service_account_annotations"],
        },
        **part("controller", replicas, args["memory"], CPU_REQUEST),
        "webhook": part("webhook", WEBHOOK_REPLICAS if replicas > 1 else 1, "64Mi", "20m"),
        "cainjector": part("cainjector", replicas, "256Mi", "20m"),
        # A hook, which a Helm release runs (a chart rendered to objects would lose it): the release is ready only when
        # the webhook answers, so that what comes after can create certificates at once.
        "startupapicheck": {"enabled": True, "resources": resources("10m", "64Mi")},
    }


def acme_issuer(account_secret: str, args: CertManagerArgs) -> Manifest:
    """Spec of a ClusterIssuer that proves names in Route 53, with the controller's own role."""
    return {
        "acme": {
            "email": args["acme_email"],
            "server": ACME_SERVER if args["acme_server"] is None else args["acme_server"],
            "privateKeySecretRef": {"name": account_secret},
            "solvers": [{"dns01": {"route53": {"region": args["region"]}}}],
        }
    }


def statements(zone_ids: Sequence[pulumi.Input[str]], *, partition: str = "aws") -> list[Statement]:
    """What the controller's role must be allowed to answer DNS challenges in these hosted zones."""
    zones = hosted_zones(zone_ids, partition)
    return [
        statement(["route53:GetChange"], [f"arn:{partition}:route53:::change/*"]),
        statement(
            ["route53:ChangeResourceRecordSets"],
            zones,
            # Challenges are TXT records under this label, and nothing else.
            conditions={
                "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]},
                "ForAllValues:StringLike": {
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.*"]
                },
            },
        ),
        statement(["route53:ListResourceRecordSets"], zones),
        statement(
            ["route53:ListHostedZonesByName"], ["*"], reason="Route 53 knows no resource for listing hosted zones"
        ),
    ]


ADD_ON = AddOn(
    component=CertManager,
    once_because=ONE_RELEASE,
    main=ChartRelease(chart=CHART, values=values),
    namespace=NAMESPACE,
    images=("jetstack/cert-manager-*",),
    service_accounts={SERVICE_ACCOUNT: lambda aws: statements(aws.zone_ids)},
)


def _problems(args: CertManagerArgs) -> Iterator[str]:
    if args["acme_email"] is None:
        for field in ("acme_server", "region"):
            if args[field] is not None:
                yield f"args.{field} requires args.acme_email, got {args[field]!r}"
    elif args["region"] is None:
        yield "args.region is required where args.acme_email is given"
