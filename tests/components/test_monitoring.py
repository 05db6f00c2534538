from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import Monitoring
from pulumi_mlops.platform.add_ons import monitoring
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import MONITORING, MONITORING_FULL
from tests.conftest import Build, unknown


def program(name: str = "monitoring", **changes: Any) -> Monitoring:
    return Monitoring(name, {**MONITORING, **changes})  # type: ignore[typeddict-item]


def values(build: Build, release: str = "monitoring-release", **changes: Any) -> dict[str, Any]:
    return build(lambda: program(**changes))[release].inputs["values"]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**MONITORING_FULL)).contract() == snapshot


def test_the_release_is_known_when_it_is_ready_and_the_namespace_before(build: Build) -> None:
    outputs = build(program, preview=True).outputs_of("monitoring")

    assert outputs["release"] == "<unknown>"
    assert outputs["namespace"] == conventions.MONITORING_NAMESPACE
    assert build(program).outputs_of("monitoring")["release"] == "monitoring"


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image_mirror=unknown("r")), preview=True)

    assert graph.of_kind("Release")


def test_nobody_looks_at_dashboards_without_logging_in(build: Build) -> None:
    grafana = values(build)["grafana"]

    assert grafana["grafana.ini"]["auth.anonymous"] == {"enabled": False}
    assert grafana["grafana.ini"]["users"] == {"allow_sign_up": False}
    assert grafana["admin"] == {
        "existingSecret": "grafana-admin",
        "userKey": "admin-user",
        "passwordKey": "admin-password",
    }


def test_nothing_is_made_by_hooks(build: Build) -> None:
    webhooks = values(build)["prometheusOperator"]["admissionWebhooks"]

    assert webhooks["certManager"] == {"enabled": True}
    assert webhooks["patch"] == {"enabled": False}


def test_the_chart_s_own_rules_are_admitted_before_the_operator_runs(build: Build) -> None:
    assert values(build)["prometheusOperator"]["admissionWebhooks"]["failurePolicy"] == "IgnoreOnInstallOnly"


def test_what_eks_hides_is_not_scraped(build: Build) -> None:
    found = values(build)

    for part in ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy"):
        assert found[part] == {"enabled": False}


def test_every_monitor_of_the_cluster_is_read(build: Build) -> None:
    spec = values(build)["prometheus"]["prometheusSpec"]

    assert {key for key, value in spec.items() if key.endswith("NilUsesHelmValues") and value is False} == {
        f"{kind}SelectorNilUsesHelmValues" for kind in ("podMonitor", "probe", "rule", "scrapeConfig", "serviceMonitor")
    }


def test_two_replicas_survive_a_drain_and_one_does_not_block_it(build: Build) -> None:
    for part in ("prometheus", "alertmanager"):
        assert values(build)[part]["podDisruptionBudget"]["enabled"] is True
        assert values(build, replicas=1)[part]["podDisruptionBudget"]["enabled"] is False


def test_metrics_are_kept_on_volumes_for_a_while(build: Build) -> None:
    spec = values(build, storage_gib=7, retention_days=3, storage_class="gp3")["prometheus"]["prometheusSpec"]

    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert spec["retention"] == "3d"
    assert spec["retentionSize"] == "5734MiB", "four fifths of 7 GiB: a full volume stops Prometheus"
    assert claim["resources"] == {"requests": {"storage": "7Gi"}}
    assert claim["storageClassName"] == "gp3"


def test_remote_writing_is_signed_and_needs_one_right(build: Build) -> None:
    url = "https://aps.example.org/write"
    spec = values(build, remote_write_url=url, remote_write_region="eu-central-1")["prometheus"]["prometheusSpec"]

    assert spec["remoteWrite"] == [{"url": url, "sigv4": {"region": "eu-central-1"}}]
    assert "remoteWrite" not in values(build)["prometheus"]["prometheusSpec"]
    assert monitoring.statements("arn:aws:aps:eu-central-1:111122223333:workspace/ws-1") == [
        {"actions": ["aps:RemoteWrite"], "resources": ["arn:aws:aps:eu-central-1:111122223333:workspace/ws-1"]}
    ]
    assert values(build)["prometheus"]["serviceAccount"]["name"] == monitoring.SERVICE_ACCOUNT


def test_the_namespace_admits_the_pods_that_read_the_nodes(build: Build) -> None:
    labels = build(program)["monitoring-namespace"].inputs["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"


def test_one_mirror_serves_every_image(build: Build) -> None:
    assert values(build, image_mirror="mirror.example.org")["global"] == {"imageRegistry": "mirror.example.org"}
    assert "global" not in values(build)
    assert monitoring.CHART.version == versions.KUBE_PROMETHEUS_STACK_CHART


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"grafana_secret_name": None}, "args.grafana_secret_name is required"),
        ({"grafana_secret_name": "A B"}, "args.grafana_secret_name must be a DNS label"),
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        ({"retention_days": 0}, "args.retention_days must be at least 1 day, got 0"),
        ({"storage_gib": 0}, "args.storage_gib must be at least 1 GiB, got 0"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"remote_write_url": "https://x"}, "args.remote_write_region is required where"),
        ({"remote_write_region": "eu-central-1"}, "args.remote_write_url is required where"),
        (
            {"remote_write_url": "http://x", "remote_write_region": "eu-central-1"},
            "args.remote_write_url must be a URL that begins",
        ),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Monitoring "monitoring"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("changes", [{"replicas": 1}, {"replicas": 10}, {"retention_days": 1}, {"storage_gib": 1}])
def test_the_limits_themselves_are_allowed(build: Build, changes: dict[str, Any]) -> None:
    assert build(lambda: program(**changes)).of_kind("Release")
