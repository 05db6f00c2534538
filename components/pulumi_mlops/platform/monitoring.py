"""Prometheus, Alertmanager and Grafana by kube-prometheus-stack. Opt-in.

Owns its namespace and what the chart makes. Does not own: the monitors of applications, the Secret of Grafana's
administrator, routes (none of the three is published), cert-manager, which has to be there first. The resource
definitions come with the first installation; an upgrade of them is upstream's documented step by hand.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import at_least, dns_label, matches, not_empty, quantity
from pulumi_mlops._manifests import gib, resources
from pulumi_mlops.platform import _addons
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_on import AddOn, AddOnArgs, CallerArgs, ChartRelease, ReplicatedArgs, check_add_on

CHART = Chart(
    "kube-prometheus-stack", "oci://ghcr.io/prometheus-community/charts", versions.KUBE_PROMETHEUS_STACK_CHART
)
SERVICE_ACCOUNT = "prometheus"
"""Service account of Prometheus, which needs an AWS identity to write to a managed workspace alone."""
PRIVILEGED = {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("enforce", "warn", "audit")}
"""The node exporter reads the node: its network, processes and file systems."""
TIMEOUT_SECONDS = 600
DEFAULT_RETENTION_DAYS = 15
DEFAULT_STORAGE_GIB = 50
DEFAULT_MEMORY = "4Gi"
ALERTMANAGER_STORAGE_GIB = 5


class MonitoringArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `Monitoring`."""

    grafana_secret_name: pulumi.Input[str]
    """Name of the Secret in the namespace with Grafana's `admin-user` and `admin-password`. Create it from the output
    `namespace`, beside this component and not after it: Grafana waits for it."""
    retention_days: NotRequired[int]
    """Days that metrics are kept, at least 1; default 15."""
    storage_gib: NotRequired[pulumi.Input[int]]
    """Volume of each Prometheus in GiB; default 50, at least 1."""
    storage_class: NotRequired[pulumi.Input[str]]
    """Storage class of the volumes, ReadWriteOnce; default: the cluster's default class."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a Prometheus, request and limit; default "4Gi", enough for about a million series."""
    remote_write_url: NotRequired[pulumi.Input[str]]
    """Where everything is written as well, such as a workspace of Amazon Managed Prometheus; default nowhere."""
    remote_write_region: NotRequired[pulumi.Input[str]]
    """AWS region that those requests are signed for; required with `remote_write_url`."""


RULES = {
    "grafana_secret_name": dns_label,
    "retention_days": at_least(1, "day"),
    "storage_gib": at_least(1, "GiB"),
    "storage_class": not_empty,
    "memory": quantity,
    "remote_write_url": matches(r"https://\S+", "a URL that begins with https://"),
    "remote_write_region": _addons.region,
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
        checked = check_add_on(Monitoring, name, args, MonitoringArgs, RULES, problems=_problems(args), longest_name=20)
        super().__init__("pulumi-mlops:index:Monitoring", name, {**checked}, opts)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self.release = installed.release
        self.chart_version = pulumi.Output.from_input(CHART.version)
        self.register_outputs(
            {"namespace": self.namespace, "release": self.release, "chart_version": self.chart_version}
        )


def values(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the chart."""
    replicas = args.get("replicas", _addons.DEFAULT_REPLICAS)
    budget = {"enabled": replicas > 1, "minAvailable": 1}
    return {
        "fullnameOverride": name,
        **({"global": {"imageRegistry": args["image_mirror"]}} if "image_mirror" in args else {}),
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
                "annotations": args.get("service_account_annotations", {}),
            },
            "prometheusSpec": {
                "replicas": replicas,
                "retention": f"{args.get('retention_days', DEFAULT_RETENTION_DAYS)}d",
                "resources": resources("500m", args.get("memory", DEFAULT_MEMORY)),
                "storageSpec": _volume(args, args.get("storage_gib", DEFAULT_STORAGE_GIB)),
                "topologySpreadConstraints": _addons.spread({"app.kubernetes.io/name": "prometheus"}),
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
                "storage": _volume(args, ALERTMANAGER_STORAGE_GIB),
                "topologySpreadConstraints": _addons.spread({"app.kubernetes.io/name": "alertmanager"}),
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


def statements(workspace_arn: pulumi.Input[str]) -> list[dict[str, Any]]:
    """What Prometheus' role must be allowed to write to a workspace of Amazon Managed Prometheus."""
    return [_addons.statement(["aps:RemoteWrite"], [workspace_arn])]


def _volume(args: Mapping[str, Any], size_gib: Any) -> dict[str, Any]:
    storage_class = {"storageClassName": args["storage_class"]} if "storage_class" in args else {}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": gib(size_gib)}}, **storage_class}
    return {"volumeClaimTemplate": {"spec": spec}}


def _remote_write(args: Mapping[str, Any]) -> dict[str, Any]:
    if "remote_write_url" not in args:
        return {}
    return {"remoteWrite": [{"url": args["remote_write_url"], "sigv4": {"region": args["remote_write_region"]}}]}


ADD_ON = AddOn(
    component=Monitoring,
    needs=("cert_manager",),
    main=ChartRelease(chart=CHART, values=values, timeout_seconds=TIMEOUT_SECONDS),
    namespace=conventions.MONITORING_NAMESPACE,
    namespace_labels=PRIVILEGED,
    images=("*",),
    # Without a managed workspace Prometheus calls nothing on AWS; `statements` are for one.
    service_accounts={SERVICE_ACCOUNT: lambda _: []},
)


def _problems(args: Mapping[str, Any]) -> Iterator[str]:
    for field, other in (("url", "region"), ("region", "url")):
        if args.get(f"remote_write_{field}") is not None and args.get(f"remote_write_{other}") is None:
            yield f"args.remote_write_{other} is required where args.remote_write_{field} is given"
