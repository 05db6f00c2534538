"""Which objects of a cluster hold a destroy up, and what is said of them."""

from typing import Any

import pytest
from pulumi_mlops.cli.cluster import Refused, Unanswered
from pulumi_mlops.cli.leftovers import afterwards, checks, kinds, rendering, survey
from pulumi_mlops.cli.leftovers.kinds import STEPS
from pulumi_mlops.cli.leftovers.survey import Identity, Leftover, Own
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_ons import CONTROLLERS

from tests.engine import stand_in_charts

NOTHING = Own(frozenset(), frozenset(), frozenset())
BALANCER = {"type": "LoadBalancer"}
URN = "urn:pulumi:platform-dev::pulumi-mlops::pulumi-mlops:index:EksPlatform$"


class Server:
    """Answers that an API server would give."""

    def __init__(self, *listed: dict[str, Any], categories: tuple[str, ...] = ()) -> None:
        self.objects = listed
        self.categories = categories
        self.asked: list[str] = []

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        self.asked.append(path)
        kinds_of = {one["apiVersion"] for one in self.objects}
        if path == "/apis":
            versions = [{"groupVersion": version} for version in kinds_of if version != "v1"]
            return {"groups": [{"versions": versions}]}
        base, _, last = path.rpartition("/")
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in kinds_of or version == "v1":
            names = {one["kind"] for one in self.objects if one["apiVersion"] == version}
            described = {"verbs": ["list"], "categories": [*self.categories]}
            listed = [{"name": plural(name), "kind": name, **described} for name in sorted(names)]
            return {"resources": [*listed, {"name": "services/status", "kind": "Service", "verbs": ["get"]}]}
        version = base.removeprefix("/apis/").removeprefix("/api/")
        found = [one for one in self.objects if one["apiVersion"] == version and plural(one["kind"]) == last]
        at = int((query or {}).get("continue", "0"))  # one object an answer
        more = {"continue": str(at + 1)} if at + 1 < len(found) else {}
        return {"metadata": more, "items": found[at : at + 1]}


def plural(kind: str) -> str:
    return {"EventBus": "eventbus", "Ingress": "ingresses"}.get(kind, f"{kind.lower()}s")


def made(kind: str, name: str, version: str = "argoproj.io/v1alpha1", **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "churn", **more.pop("meta", {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": {}, **more}


def owned(kind: str, name: str, version: str = "argoproj.io/v1alpha1") -> dict[str, Any]:
    return {"ownerReferences": [{"apiVersion": version, "kind": kind, "name": name, "uid": "1"}]}


def found(*objects: dict[str, Any], ours: Own = NOTHING, categories: tuple[str, ...] = ()) -> list[str]:
    listed = survey.find(Server(*objects, categories=categories), ours, STEPS)  # pyright: ignore[reportArgumentType]
    return [f"{one.identity.kind} {one.identity.name}" for one in listed]


def test_every_page_of_a_kind_is_read_and_a_kind_that_is_not_installed_is_not_asked_for() -> None:
    server = Server(made("Application", "a"), made("Application", "b"))

    assert len(survey.find(server, NOTHING, STEPS)) == 2  # pyright: ignore[reportArgumentType]
    assert [path for path in server.asked if "kserve" in path or "crossplane" in path] == []


def test_objects_are_in_the_order_of_deletion() -> None:
    balancer = made("Service", "door", "v1", spec=BALANCER)
    service = made("InferenceService", "scores", "serving.kserve.io/v1beta1")

    assert found(balancer, service, made("Application", "churn")) == [
        "Application churn",
        "InferenceService scores",
        "Service door",
    ]


def test_what_goes_with_a_listed_owner_is_not_named() -> None:
    parts = [
        made("ApplicationSet", "all"),
        made("Application", "churn", meta=owned("ApplicationSet", "all")),
        made("Gateway", "door", "gateway.networking.k8s.io/v1"),
        made("Service", "door", "v1", spec=BALANCER, meta=owned("Gateway", "door", "gateway.networking.k8s.io/v1")),
    ]

    assert found(*parts) == ["ApplicationSet all", "Gateway door"]
    orphan = made("Application", "churn", meta=owned("Deployment", "somebody", "apps/v1"))
    assert found(orphan) == ["Application churn"]


def test_a_composite_goes_with_its_claim_and_what_it_is_composed_of_with_it() -> None:
    claim = made("Database", "orders", "example.org/v1")
    of_claim = {
        "claimRef": {"apiVersion": "example.org/v1", "kind": "Database", "namespace": "churn", "name": "orders"}
    }
    composite = made("XDatabase", "orders-x", "example.org/v1", spec=of_claim, meta={"namespace": ""})
    instance = made(
        "Instance", "orders-y", "rds.aws.upbound.io/v1beta1", meta=owned("XDatabase", "orders-x", "example.org/v1")
    )

    assert found(claim, composite, instance, categories=("claim",)) == ["Database orders"]
    assert found(composite, instance, categories=("composite",)) == ["XDatabase orders-x"]
    assert found(instance, categories=("managed",)) == ["Instance orders-y"]
    assert found(instance) == []


@pytest.mark.parametrize(
    ("without", "with_it"),
    [
        (made("Service", "a", "v1", spec={"type": "ClusterIP"}), made("Service", "a", "v1", spec=BALANCER)),
        (made("Workflow", "a"), made("Workflow", "a", meta={"finalizers": ["workflows.argoproj.io/artifact-gc"]})),
        (
            made("ExternalSecret", "a", "external-secrets.io/v1"),
            made("ExternalSecret", "a", "external-secrets.io/v1", meta={"finalizers": ["cleanup"]}),
        ),
        (made("WorkflowTemplate", "a", meta={"finalizers": ["x"]}), made("Application", "a")),
    ],
)
def test_only_what_needs_its_controller_counts(without: dict[str, Any], with_it: dict[str, Any]) -> None:
    assert found(without) == []
    assert found(with_it) == [f"{with_it['kind']} a"]


def volume(phase: str, policy: str = "Delete", **spec: Any) -> dict[str, Any]:
    claim = {"claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": "churn", "name": "models"}}
    more = {**claim, "persistentVolumeReclaimPolicy": policy, **spec}
    return made("PersistentVolume", "pvc-1", "v1", spec=more, status={"phase": phase}, meta={"namespace": ""})


def test_a_volume_is_named_by_its_claim_and_waited_for_when_that_is_gone() -> None:
    assert found(volume("Bound")) == ["PersistentVolumeClaim models"]
    assert found(volume("Released")) == ["PersistentVolume pvc-1"]
    (gone,) = survey.find(Server(volume("Released")), NOTHING, STEPS)  # pyright: ignore[reportArgumentType]
    assert gone.goes
    assert found(volume("Bound", policy="Retain")) == []


def state(kind: str, identifier: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"{URN}{kind}::{identifier.replace('/', '-')}", "custom": True, "id": identifier, **more}


def test_what_the_stack_made_itself_is_not_in_its_way() -> None:
    ours = survey.own(
        [
            state("kubernetes:core/v1:Service", "churn/door"),
            state("kubernetes:core/v1:Namespace", "gateway"),
            state("kubernetes:karpenter.sh/v1:NodePool", "nodes"),
            state("kubernetes:helm.sh/v3:Release", "kserve/kserve", inputs={"chart": "oci://mirror/kserve-resources"}),
            state("pulumi:providers:kubernetes", "1"),
            state("aws:rds/instance:Instance", "db"),
        ]
    )
    assert ours.charts == {"kserve-resources"}
    assert ours.namespaces == {"gateway"}

    of_nodes = owned("NodePool", "nodes", "karpenter.sh/v1")
    of_helm = {"meta.helm.sh/release-name": "kserve", "meta.helm.sh/release-namespace": "kserve"}
    claimed = volume("Bound")
    claimed["spec"]["claimRef"]["namespace"] = "gateway"
    mine = [
        made("Service", "door", "v1", spec=BALANCER),
        made("Gateway", "kserve-ingress", "gateway.networking.k8s.io/v1", meta={"annotations": of_helm}),
        made("NodeClaim", "nodes-1", "karpenter.sh/v1", meta={"namespace": "", **of_nodes}),
        claimed,
    ]
    assert found(*mine, ours=ours) == []
    theirs = made("Service", "door", "v1", spec=BALANCER, meta={"namespace": "gateway"})
    assert found(*mine, theirs, ours=ours) == ["Service door"]


def test_a_controller_that_stays_holds_nothing_up() -> None:
    with_argo_cd = survey.watched_by(STEPS, frozenset({"argo-cd"}))

    names = {one.resource for step in with_argo_cd for one in step.kinds}
    assert names == {"applications.argoproj.io", "applicationsets.argoproj.io", kinds.VOLUMES}
    assert [step.title for step in with_argo_cd] == [step.title for step in STEPS]


def test_every_controller_is_of_a_chart_that_the_platform_installs() -> None:
    installed: tuple[Chart, ...] = stand_in_charts.charts()

    charts = {one.chart for step in STEPS for one in step.kinds} - {""}
    assert charts <= {chart.name for chart in installed}


def left(number: int, namespace: str = "churn", **more: Any) -> Leftover:
    identity = Identity("argoproj.io", "Application", namespace, f"app-{number:02}")
    return Leftover(STEPS[0], "applications.argoproj.io", identity, **more)


def test_the_list_is_bounded_and_its_commands_are_of_what_it_names() -> None:
    said = rendering.listing([left(number) for number in range(rendering.SHOWN + 2)])

    assert f"{STEPS[0].title} ({rendering.SHOWN + 2}):\n  - Application churn/app-00\n" in said
    assert "\n  … and 2 more, which the next run names\n" in said
    (command,) = [line for line in said.splitlines() if "kubectl" in line]
    assert command.startswith("  kubectl delete --namespace churn applications.argoproj.io app-00 app-01 ")
    assert command.endswith(f"app-{rendering.SHOWN - 1}")
    assert "more" not in rendering.listing([left(number) for number in range(rendering.SHOWN)])


def test_what_is_being_deleted_is_waited_for() -> None:
    said = rendering.listing([left(1), left(2, goes=True)])

    assert "  - Application churn/app-02 (is being deleted)" in said
    assert said.splitlines()[-2:] == [
        "  kubectl delete --namespace churn applications.argoproj.io app-01",
        "  kubectl wait --for=delete --timeout=10m --namespace churn applications.argoproj.io app-02",
    ]


@pytest.mark.parametrize(
    ("resource", "stops"),
    [
        ({"protect": True, "custom": True}, True),
        ({"custom": True}, False),
        ({"protect": False, "custom": True}, False),
        ({"protect": True, "custom": False}, False),  # a component, which is nothing outside the state
    ],
)
def test_only_what_is_protected_and_exists_outside_the_state_stops_destroy(
    resource: dict[str, Any], stops: bool
) -> None:
    urn = "urn:pulumi:dev::mlops::aws:s3/bucket:Bucket::data"
    assert checks.protected_of([{"urn": urn, **resource}]) == ([urn] if stops else [])


class After:
    """A cluster in which definitions are left, and perhaps the webhook of Crossplane."""

    def __init__(self, *definitions: str, webhook: int = 200, answers: bool = True) -> None:
        self.definitions, self.webhook, self.answers = definitions, webhook, answers

    def get(self, _: str) -> Any:
        if not self.answers:
            raise Unanswered("no route to host")
        named = [(one, one.partition(".")[2]) for one in self.definitions]
        return {"items": [{"metadata": {"name": name}, "spec": {"group": group}} for name, group in named]}

    def delete(self, path: str) -> None:
        assert path.endswith("/validatingwebhookconfigurations/crossplane-no-usages")
        if not self.answers:
            raise Unanswered("no route to host")
        if self.webhook != 200:
            raise Refused(self.webhook, "no")


def after(cluster: After, *charts: str, remaining: tuple[str, ...] = ()) -> str:
    state = [
        {
            "urn": f"{URN}kubernetes:helm.sh/v3:Release::{chart}",
            "custom": True,
            "id": f"a/{chart}",
            "inputs": {"chart": chart},
        }
        for chart in remaining
    ]
    place = afterwards.Place(cluster, frozenset(charts))  # pyright: ignore[reportArgumentType]
    return "\n".join(afterwards.tidy(place, state))


LEFT_BEHIND = ("dnsendpoints.externaldns.k8s.io", "gateways.networking.istio.io", "things.example.org")


def test_definitions_that_charts_leave_are_named_with_the_command_that_deletes_them() -> None:
    said = after(After(*LEFT_BEHIND), "external-dns", "istiod")

    assert said.startswith("definitions of 2 kinds stay in the cluster")
    assert said.endswith(
        "kubectl delete customresourcedefinitions dnsendpoints.externaldns.k8s.io gateways.networking.istio.io"
    )
    assert "istio" not in after(After(*LEFT_BEHIND), "external-dns", "istiod", remaining=("istiod",))
    assert after(After(*LEFT_BEHIND), "external-dns", remaining=("external-dns",)) == ""


BROUGHT = {
    "argo-cd": "applications.argoproj.io appprojects.argoproj.io",
    "argo-events": "eventbus.argoproj.io sensors.argoproj.io",
    "argo-workflows": "cronworkflows.argoproj.io workflowtemplates.argoproj.io",
    "aws-load-balancer-controller": (
        "globalaccelerators.aga.k8s.aws loadbalancerconfigurations.gateway.k8s.aws targetgroupbindings.elbv2.k8s.aws"
    ),
    "cert-manager": "certificates.cert-manager.io orders.acme.cert-manager.io",
    "crossplane": "compositions.apiextensions.crossplane.io instances.rds.aws.upbound.io providers.pkg.crossplane.io",
    "external-dns": "dnsendpoints.externaldns.k8s.io",
    "external-secrets": "passwords.generators.external-secrets.io secretstores.external-secrets.io",
    "istiod": (
        "authorizationpolicies.security.istio.io gateways.networking.istio.io telemetries.telemetry.istio.io "
        "wasmplugins.extensions.istio.io"
    ),
    "karpenter": "ec2nodeclasses.karpenter.k8s.aws nodepools.karpenter.sh",
    "kserve-resources": "inferenceservices.serving.kserve.io",
    "kube-prometheus-stack": "prometheusrules.monitoring.coreos.com servicemonitors.monitoring.coreos.com",
    "seldon-core-operator": "seldondeployments.machinelearning.seldon.io",
}
"""Chart → a definition of each API group that it brings (Crossplane: that its packages bring), as the charts render."""


def test_it_is_known_which_definitions_each_chart_brings() -> None:
    assert BROUGHT.keys() == {one.chart for one in CONTROLLERS.values()} - {"gateway"}


@pytest.mark.parametrize("chart", BROUGHT)
def test_whatever_definitions_of_a_chart_stay_are_named(chart: str) -> None:
    said = after(After(*BROUGHT[chart].split(), "things.example.org"), chart)

    assert said.endswith(f"kubectl delete customresourcedefinitions {BROUGHT[chart]}")


def test_the_webhook_of_crossplane_goes_with_it_and_only_with_it() -> None:
    assert after(After(), "crossplane") == (
        "removed the ValidatingWebhookConfiguration crossplane-no-usages, whose server is gone"
    )
    assert after(After(webhook=404), "crossplane") == ""
    assert after(After(), "crossplane", remaining=("crossplane",)) == ""
    assert after(After(), "istiod") == ""


def test_a_cluster_that_refuses_or_is_gone_is_said_with_the_command() -> None:
    for cluster, reason in ((After(answers=False), "no route to host"), (After(webhook=403), "answers 403: no")):
        said = after(cluster, "crossplane")
        assert reason in said.splitlines()[0]
        assert said.endswith("kubectl delete --ignore-not-found validatingwebhookconfigurations crossplane-no-usages")
