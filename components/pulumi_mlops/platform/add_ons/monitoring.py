"""Prometheus, Alertmanager and Grafana by kube-prometheus-stack. Opt-in.

Owns its namespace and what the chart makes. Does not own: the monitors of applications, the Secret of Grafana's
administrator, routes (none of the three is published), cert-manager, which must be installed first. The resource
definitions come with the first installation; an upgrade of them is upstream's documented step by hand.
"""

from collections.abc import Iterator
from typing import NotRequired

import pulumi

from pulumi_mlops import _aws, conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, gib, resources
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import at_least, dns_label, matches, not_empty
from pulumi_mlops.platform._chart_values import spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, statement
from pulumi_mlops.platform.add_on import (
    AddOn,
    AddOnArgs,
    CallerArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)

CHART = Chart(
    "kube-prometheus-stack", "oci://ghcr.io/prometheus-community/charts", versions.KUBE_PROMETHEUS_STACK_CHART
)
SERVICE_ACCOUNT = "prometheus"
"""Service account of Prometheus, which needs an AWS identity to write to a managed workspace alone."""
PRIVILEGED = {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("enforce", "warn", "audit")}
"""The node exporter reads the node: its network, processes and file systems."""
TIMEOUT_SECONDS = 600
ALERTMANAGER_STORAGE_GIB = 5
PERCENT_OF_THE_VOLUME = 80
"""How full metrics make a volume: Prometheus' size limit counts neither its write-ahead log nor a compaction under way,
and a full volume stops it."""


class MonitoringArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `Monitoring`."""

    grafana_secret_name: pulumi.Input[str]
    """Name of the Secret in the namespace with Grafana's `admin-user` and `admin-password`. Create it from the output
    `namespace`, beside this component and not after it: Grafana waits for it."""
    retention_days: NotRequired[int]
    """Days that metrics are kept, at least 1; default 15. Fewer where they would fill four fifths of the volume."""
    storage_gib: NotRequired[pulumi.Input[int]]
    """Volume of each Prometheus in GiB; default 50, at least 1."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of the volumes, ReadWriteOnce; default: the cluster's default class."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a Prometheus, request and limit; default "4Gi", enough for about a million series."""
    remote_write_url: NotRequired[pulumi.Input[str] | None]
    """Where everything is written as well, such as a workspace of Amazon Managed Prometheus; default none."""
    remote_write_region: NotRequired[pulumi.Input[str] | None]
    """AWS region that those requests are signed for; required with `remote_write_url`."""


ARGUMENTS = {
    "grafana_secret_name": Argument(rule=dns_label),
    "retention_days": Argument(default=15, rule=at_least(1, "day")),
    "storage_gib": Argument(default=50, rule=at_least(1, "GiB")),
    "storage_class": Argument(rule=not_empty),
    "memory": Argument(default="4Gi", rule=quantity),
    "remote_write_url": Argument(rule=matches(r"https://\S+", "a URL that begins with https://")),
    "remote_write_region": Argument(rule=_aws.region),
}


class Monitoring(pulumi.ComponentResource):
    """Metrics of the cluster and of every monitor in it, with alerts and dashboards.

    ```python
    from pulumi_mlops.platform import Monitoring

    monitoring = Monitoring("monitoring", {"grafana_secret_name": "grafana-admin", "retention_days": 30})
    pulumi.export("monitoring", monitoring.release)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace, known before the chart is installed: Grafana's Secret is put here."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once everything runs. Monitors and rules depend on it."""
    chart_version: pulumi.Output[str]
    """Version of the chart."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(Monitoring, name, args, MonitoringArgs, ARGUMENTS, problems=_problems, longest_name=20)
        super().__init__("pulumi-mlops:index:Monitoring", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self.release = installed.release
        self.chart_version = pulumi.Output.from_input(CHART.version)
        self.register_outputs(
            {"namespace": self.namespace, "release": self.release, "chart_version": self.chart_version}
        )


def values(name: str, args: MonitoringArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]
    budget = {"enabled": replicas > 1, "minAvailable": 1}
    return {
        "fullnameOverride": name,
        **({"global": {"imageRegistry": args["image_mirror"]}} if args["image_mirror"] is not None else {}),
        # EKS runs these where nobody can scrape them: their alerts would never end.
        **{part: {"enabled": False} for part in ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")},
        "prometheusOperator": {
            "resources": resources("50m", "256Mi"),
            "prometheusConfigReloader": {"resources": resources("20m", "64Mi")},  # beside Prometheus and Alertmanager
            "admissionWebhooks": {
                # The chart's own certificates are made by hooks, anew with each release.
                "certManager": {"enabled": True},
                "patch": {"enabled": False},
                # With "Fail", the first installation refuses the chart's own rules: their webhook is this operator.
                "failurePolicy": "IgnoreOnInstallOnly",
            },
        },
        "prometheus": {
            "podDisruptionBudget": budget,
            "serviceAccount": {
                "create": True,
                "name": SERVICE_ACCOUNT,
                "annotations": args["service_account_annotations"],
            },
            "prometheusSpec": {
                "replicas": replicas,
                "retention": f"{args['retention_days']}d",
                "retentionSize": _kept(args["storage_gib"]),
                "resources": resources("500m", args["memory"]),
                "storageSpec": _volume(args["storage_gib"], args["storage_class"]),
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": "prometheus"}),
                # Without these only monitors with the release's label would be read, and teams know nothing of it.
                **{
                    f"{kind}SelectorNilUsesHelmValues": False
                    for kind in ("podMonitor", "probe", "rule", "scrapeConfig", "serviceMonitor")
                },
                **_remote_write(args),
            },
        },
        "alertmanager": {
            "podDisruptionBudget": budget,
            "alertmanagerSpec": {
                "replicas": replicas,
                "resources": resources("20m", "128Mi"),
                "storage": _volume(ALERTMANAGER_STORAGE_GIB, args["storage_class"]),
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": "alertmanager"}),
            },
        },
        "grafana": {
            # An existing Secret: the chart would make a password of its own at each rendering.
            "admin": {
                "existingSecret": args["grafana_secret_name"],
                "userKey": "admin-user",
                "passwordKey": "admin-password",
            },
            "resources": resources("50m", "512Mi"),
            "sidecar": {"resources": resources("20m", "128Mi")},  # two of them read dashboards and sources
            "grafana.ini": {"auth.anonymous": {"enabled": False}, "users": {"allow_sign_up": False}},
        },
        "kube-state-metrics": {"resources": resources("20m", "256Mi")},
        "prometheus-node-exporter": {"resources": resources("20m", "64Mi")},
    }


def statements(workspace_arn: pulumi.Input[str]) -> list[Statement]:
    """What Prometheus' role must be allowed to write to a workspace of Amazon Managed Prometheus."""
    return [statement(["aps:RemoteWrite"], [workspace_arn])]


def _kept(size_gib: pulumi.Input[int]) -> pulumi.Output[str]:
    return pulumi.Output.from_input(size_gib).apply(
        lambda known: f"{int(known) * 1024 * PERCENT_OF_THE_VOLUME // 100}MiB"
    )


def _volume(size_gib: pulumi.Input[int], storage_class: pulumi.Input[str] | None) -> Manifest:
    spec: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": gib(size_gib)}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"volumeClaimTemplate": {"spec": spec}}


def _remote_write(args: MonitoringArgs) -> HelmValues:
    if args["remote_write_url"] is None:
        return {}
    return {"remoteWrite": [{"url": args["remote_write_url"], "sigv4": {"region": args["remote_write_region"]}}]}


ADD_ON = AddOn(
    component=Monitoring,
    once_because="its node exporter takes a port of each node",
    needs=("cert_manager",),
    main=ChartRelease(chart=CHART, values=values, timeout_seconds=TIMEOUT_SECONDS),
    namespace=conventions.MONITORING_NAMESPACE,
    namespace_labels=PRIVILEGED,
    images=("*",),
    # Without a managed workspace Prometheus calls nothing on AWS; `statements` are for one.
    service_accounts={SERVICE_ACCOUNT: lambda _: []},
)


def _problems(args: MonitoringArgs) -> Iterator[str]:
    for field, other in (
        ("remote_write_url", "remote_write_region"),
        ("remote_write_region", "remote_write_url"),
    ):
        if args[field] is not None and args[other] is None:
            yield f"args.{other} is required where args.{field} is given"
