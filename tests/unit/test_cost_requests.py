"""What teams ask of the cluster, by hand-counted examples."""

from decimal import Decimal
from typing import Any

import pytest
from pulumi_mlops.review.cost.requests import LATER, Asked, asked
from pulumi_mlops.review.estimate import Requests
from pulumi_mlops.review.preview import UNKNOWN, Step
from pulumi_mlops.review.resources import sides

from tests.cost_previews import made, preview

DEPLOYMENT, STATEFUL = "kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"


def container(cpu: str = "500m", memory: str = "1Gi", **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def workload(kind: str = DEPLOYMENT, name: str = "web", replicas: Any = 2, **pod: Any) -> Step:
    template = {"spec": {"containers": [container()], **pod}}
    spec = {"template": template, **({} if replicas is None else {"replicas": replicas})}
    return made(kind, name, metadata={"name": name, "namespace": "birds"}, spec=spec)


def claim(size: Any = "20Gi") -> dict[str, Any]:
    return {"resources": {"requests": {"storage": size}}}


def scaler(least: Any, kind: str = "Deployment") -> Step:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 9, **({} if least is None else {"minReplicas": least})}
    return made(SCALER, "web-scaler", metadata={"namespace": "birds"}, spec=spec)


def of(*steps: Step) -> Asked:
    return asked(sides(preview(*steps)).after)


def birds(*steps: Step) -> Requests:
    return of(*steps).by_namespace["birds"]


def test_replicas_are_counted() -> None:
    assert birds(workload(replicas=3)) == Requests(Decimal("1.5"), Decimal(3))
    assert birds(workload(replicas=None)) == Requests(Decimal("0.5"), Decimal(1))
    assert birds(workload(replicas=0)) == Requests()


def test_an_autoscaler_counts_with_its_smallest_number() -> None:
    assert birds(workload(), scaler(4)).cpu_cores == 2
    assert birds(workload(), scaler(None)).cpu_cores == Decimal("0.5")
    assert birds(workload(), scaler(4, kind="StatefulSet")).cpu_cores == 1
    assert birds(workload(replicas=UNKNOWN), scaler(4)).cpu_cores == 2


def test_a_limit_alone_is_the_request() -> None:
    limited = {"name": "c", "resources": {"limits": {"cpu": "2", "memory": "4Gi"}}}
    assert birds(workload(replicas=1, containers=[limited])) == Requests(Decimal(2), Decimal(4))


def test_init_containers_count_where_they_ask_for_more_and_sidecars_with_the_rest() -> None:
    large_first = [container("3", "512Mi")]
    assert birds(workload(replicas=1, initContainers=large_first)) == Requests(Decimal(3), Decimal(1))
    sidecar = [container("250m", "1Gi", restartPolicy="Always")]
    assert birds(workload(replicas=1, initContainers=sidecar)) == Requests(Decimal("0.75"), Decimal(2))
    both = [*sidecar, *large_first]
    assert birds(workload(replicas=1, initContainers=both)).cpu_cores == Decimal("3.25")


def test_overhead_of_the_runtime_is_added() -> None:
    assert birds(workload(replicas=1, overhead={"cpu": "100m"})).cpu_cores == Decimal("0.6")


def test_claims_and_claim_templates_are_storage() -> None:
    pvc = made(CLAIM, metadata={"namespace": "birds"}, spec=claim())
    assert birds(pvc) == Requests(storage_gib=Decimal(20))
    spec = {
        "replicas": 3,
        "template": {"spec": {"containers": [container()]}},
        "volumeClaimTemplates": [{"spec": claim("10Gi")}],
    }
    stateful = made(STATEFUL, "db", metadata={"namespace": "birds"}, spec=spec)
    assert birds(stateful, pvc) == Requests(Decimal("1.5"), Decimal(3), Decimal(50))


def test_teams_are_told_apart_and_no_namespace_is_the_default_one() -> None:
    pod = {"containers": [container()]}
    found = of(
        made("kubernetes:core/v1:Pod", "a", metadata={}, spec=pod),
        made("kubernetes:core/v1:Pod", "b", metadata={"namespace": UNKNOWN}, spec=pod),
        made("kubernetes:core/v1:Pod", "c", metadata={"namespace": "fish"}, spec=pod),
        workload(),
    )
    assert set(found.by_namespace) == {"default", LATER, "fish", "birds"}


@pytest.mark.parametrize(
    "step",
    [
        workload(containers=[container(cpu=UNKNOWN)]),
        workload(replicas=UNKNOWN),
        workload(containers=UNKNOWN),
        made(DEPLOYMENT, metadata={}, spec=UNKNOWN),
        made(CLAIM, metadata={}, spec=claim(UNKNOWN)),
        made(STATEFUL, metadata={}, spec={
            "template": {"spec": {"containers": [container()]}}, "volumeClaimTemplates": UNKNOWN,
        }),
    ],
)  # fmt: skip
def test_what_is_not_known_yet_is_named_with_its_number(step: Step) -> None:
    kind = step.type.rpartition(":")[2]
    assert of(step).left_out[f"requests that are known only after apply: {kind}"] == 1


@pytest.mark.parametrize(
    ("type_token", "words"),
    [
        ("kubernetes:apps/v1:DaemonSet", "requests of one pod on every node: DaemonSet"),
        ("kubernetes:batch/v1:Job", "requests of pods that come and go: Job"),
        ("kubernetes:batch/v1:CronJob", "requests of pods that come and go: CronJob"),
        ("kubernetes:argoproj.io/v1alpha1:WorkflowTemplate", "requests of pods that come and go: WorkflowTemplate"),
        ("kubernetes:helm.sh/v3:Release", "requests of what a Helm release holds: Release"),
        ("kubernetes:karpenter.sh/v1:NodePool", "nodes that Karpenter adds: NodePool"),
    ],
)
def test_what_is_not_steady_or_not_visible_is_named(type_token: str, words: str) -> None:
    found = of(made(type_token, metadata={"namespace": "birds"}, spec={"template": {"spec": {}}}))
    assert found.left_out == {words: 1}
    assert found.by_namespace == {}


def test_a_service_is_named_only_where_a_load_balancer_is_made_for_it() -> None:
    service = "kubernetes:core/v1:Service"
    assert of(made(service, spec={"type": "LoadBalancer"})).left_out.total() == 1
    assert of(made(service, spec={"type": "ClusterIP"})).left_out.total() == 0
    assert of(made(service, spec={})).left_out.total() == 0


def test_containers_that_ask_for_nothing_are_named() -> None:
    assert of(workload(containers=[{"name": "c"}])).left_out == {"containers that ask for nothing": 1}
    assert of(workload()).left_out == {}


def test_objects_that_run_nothing_are_no_matter() -> None:
    found = of(made("kubernetes:core/v1:ConfigMap", data={}), made("kubernetes:core/v1:Secret", data="[secret]"))
    assert found == Asked()
