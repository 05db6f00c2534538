"""The platform of a cluster on AWS: what it consists of, in which order it comes and goes, and who may call AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, conventions, platform_outputs
from pulumi_mlops.platform import ADD_ONS, AddOn, Chart, ChartRelease, EksPlatform, EksPlatformArgs
from pulumi_mlops.platform.add_ons import argo_events, monitoring
from pulumi_mlops.platform.eks_platform import _objects
from pulumi_mlops.review.capacity import charts

from local import foundation_outputs
from tests import pins, stacks
from tests.conftest import Build, Graph, unknown
from tests.deletion_order import before

REQUIRED = EksPlatformArgs.__required_keys__ - {"login"}
FOUND = {name: value for name, value in foundation_outputs.example("foundation-prod").items() if name in REQUIRED}
LOGIN = {"issuer": "https://id.example.org", "argo_cd_client_id": "argocd", "admin_groups": ["platform"]}
EVERYTHING: dict[str, Any] = {
    "add_ons": {
        "argo_events": {"bus_storage_gib": 3},
        "karpenter": {"node_role": "nodes", "cpu_limit": 40},
        "kserve": {},
        "monitoring": {"storage_gib": 7},
        "seldon": {},
    },
    "image_mirror": "mirror.example.org",
    "chart_repository": "/charts",
    "tags": {"team": "platform"},
    "internal": True,
    "source_ranges": ["10.0.0.0/8"],
    "database": {"instance_class": "db.m7g.large", "high_availability": True, "max_storage_gib": 200},
    "mlflow": {"memory": "3Gi"},
    "database_api": {"name_prefix": "mlops-dev-team-"},
}


def program(**changes: Any) -> EksPlatform:
    return EksPlatform("platform", {**FOUND, "login": LOGIN, **changes})


_made: dict[str, Graph] = {}


def graph_of(build: Build, **changes: Any) -> Graph:
    """What the program registers, run once for all tests with the same changes: none of them changes it."""
    key = repr(changes)
    if key not in _made:
        _made[key] = build(lambda: program(**changes))
    return _made[key]


def test_every_part_is_where_workspaces_look_for_it(build: Build) -> None:
    graph = graph_of(build)

    outputs = dict(graph.outputs_of("platform"))
    teams = outputs.pop("teams")
    assert teams == json.loads(graph["platform-teams"].inputs["data"]["teams.json"])
    assert outputs == {
        "gateway_url": "https://ml.example.org",
        "mlflow_url": conventions.MLFLOW_URL,
        "argo_cd_url": "https://argocd.ml.example.org",
        "argo_workflows_url": "https://workflows.ml.example.org",
        "secret_store": conventions.SECRET_STORE,
    }
    gateway = graph["public-gateway"].inputs["metadata"]
    assert (gateway["namespace"], gateway["name"]) == (conventions.GATEWAY_NAMESPACE, conventions.GATEWAY_NAME)
    assert graph["argo-workflows-release"].inputs["namespace"] == conventions.ARGO_NAMESPACE


def test_teams_are_told_where_everything_is(build: Build) -> None:
    teams = graph_of(build).outputs_of("platform")["teams"]

    assert platform_outputs.PlatformOutputs.__required_keys__ <= set(teams)
    assert teams["object_store_endpoint"] == "https://s3.eu-central-1.amazonaws.com"
    assert set(teams["buckets"]) <= set(platform_outputs.TEAM_BUCKETS)
    assert teams["cluster_name"]
    assert teams["storage_class"] == conventions.SHARED_STORAGE_CLASS
    assert set(teams["database"]) == set(platform_outputs.DatabaseNetwork.__required_keys__)
    assert teams["public_gateway"] is True


@pytest.mark.parametrize("changes", [{"internal": True}, {"add_ons": {"public_gateway": {"internal": True}}}], ids=str)
def test_teams_are_told_of_a_gateway_that_only_the_network_reaches(build: Build, changes: dict[str, Any]) -> None:
    assert build(lambda: program(**changes)).outputs_of("platform")["teams"]["public_gateway"] is False


SINGLE = {"external-dns", "seldon", "kserve-controller"}
"""Controllers of which a second replica would do nothing."""
NO_PODS = {"karpenter-definitions", "istio-base", "kserve-definitions", "kserve-runtimes"}


def test_what_has_several_replicas_is_on_several_nodes_and_survives_a_drain(build: Build) -> None:
    graph = graph_of(build, **EVERYTHING, replicas=3)

    budgets = {one.name for one in graph.of_kind("PodDisruptionBudget")}
    for one in (*graph.of_kind("Release"), graph["mlflow-server"]):
        part = one.name.removesuffix("-release").removesuffix("-server")
        if part in SINGLE | NO_PODS:
            continue
        spread = [value for key, value in _fields(one.inputs) if key.endswith("opologySpreadConstraints")]
        assert spread, part
        for constraints in spread:
            assert {constraint["topologyKey"] for constraint in constraints} == APART, part
        asked = [value for key, value in _fields(one.inputs) if key == "pdb" or key.endswith("isruptionBudget")]
        assert any(map(_holds, asked)) or any(name.startswith(part) for name in budgets), part


APART = {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield str(key), part
        yield from _fields(part)


def _holds(budget: dict[str, Any]) -> bool:
    """Whether a chart makes a disruption budget of these values."""
    return budget.get("enabled", bool(budget))


ALWAYS_SINGLE = {
    "argo-workflows-workflow-controller": "elects no leader as it is installed; workflows' pods go on without it",
    "argocd-application-controller": "shards by cluster: a second one would have nothing to do",
    "external-dns": "one writer of the zone's records",
    "external-secrets-cert-controller": "renews a certificate and has no lock",
    "monitoring-grafana": "its database is a file",
    "monitoring-kube-state-metrics": "two would count everything twice",
    "monitoring-operator": "restarts elsewhere; Prometheus goes on without it",
    "kserve-controller-controller-manager": "the chart has no argument for more",
    "seldon-controller-manager": "the chart has no argument for more",
}
"""What stays single whatever `replicas` says → why: the docstring of `replicas` says so as well."""


def test_what_promises_replicas_has_them_and_what_stays_single_is_known(build: Build) -> None:
    graph = graph_of(build, **EVERYTHING, replicas=3)
    single, several = set(), set()
    for release in graph.of_kind("Release"):
        for one in charts.started(release.inputs):
            if not one.every_node:
                (single if one.number == 1 else several).add(one.name)
    assert single == set(ALWAYS_SINGLE)
    assert {"argo-workflows-server", "argocd-server", "crossplane", "karpenter"} <= several


def test_a_budget_that_is_off_would_be_seen() -> None:
    assert [_holds(one) for one in ({}, {"enabled": False, "minAvailable": 1}, {"maxUnavailable": 1})] == [0, 0, 1]


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("aws-load-balancer-controller-release", {"cert-manager-release"}),
        ("external-dns-release", {"gateway-api-gateways", "gateway-api-httproutes"}),
        ("istio-release", {"istio-base", "gateway-api-gateways"}),
        (
            "public-load-balancer",
            {"aws-load-balancer-controller-release", "external-dns-release", "istio-release", "public-release"},
        ),
        ("public-gateway", {"public-load-balancer", "istio-release", "gateway-api-gateways"}),
        ("mlflow-database-connection", {"external-secrets-release", "external-secrets-store", "mlflow-namespace"}),
        ("mlflow-server", {"mlflow-database-connection", "mlflow-database-instance"}),
        ("argo-workflows-release", {"argo-namespace", "argo-workflows-oidc-secret", "external-secrets-store"}),
        ("argo-workflows-route", {"public-gateway", "public-load-balancer", "argo-workflows-release"}),
        ("argocd-route", {"public-gateway", "argocd-release"}),
        ("argocd-oidc-secret", {"argocd-namespace", "external-secrets-store"}),
        ("argo-events-bus", {"argo-events-release", "block-storage-class"}),
        ("crossplane-provider-config", {"crossplane-release", "crossplane-provider-aws-rds"}),
        ("kserve-controller", {"cert-manager-release"}),
        ("seldon-release", {"cert-manager-release"}),
        ("monitoring-release", {"cert-manager-release", "block-storage-class"}),
        ("grafana-admin-secret", {"monitoring-namespace", "external-secrets-store"}),
    ],
)
def test_what_is_needed_comes_first_and_goes_last(build: Build, later: str, earlier: set[str]) -> None:
    graph = graph_of(build, **EVERYTHING)

    assert earlier <= before(graph, later)
    assert not {one for one in earlier if later in before(graph, one)}


def test_the_slow_parts_come_side_by_side(build: Build) -> None:
    graph = graph_of(build)

    first = {f"{one}-release" for one in ("istio", "crossplane", "cert-manager", "external-secrets", "argo-events")}
    for one in first:
        assert not first & before(graph, one)
    in_the_cluster = {one.name for one in graph if one.type.startswith("kubernetes:")}
    assert before(graph, "mlflow-database-instance") & in_the_cluster == set()


def test_pods_that_call_aws_are_those_that_the_foundation_gives_a_role(build: Build) -> None:
    trusted = {
        (one.inputs["namespace"], one.inputs["serviceAccount"])
        for one in stacks.tracked(build, "foundation-prod")
        if one.kind == "PodIdentityAssociation"
    }
    graph = stacks.tracked(build, "platform-prod")

    releases = {one.inputs["name"]: one.inputs for one in graph.of_kind("Release")}
    callers = {
        (releases[name]["namespace"], account["name"])
        for name, account in (
            (name, releases[name]["values"]["serviceAccount"])
            for name in (
                "cert-manager",
                "external-dns",
                "external-secrets",
                "aws-load-balancer-controller",
                "karpenter",
            )
        )
    }
    argo = releases["argo-workflows"]
    callers.add((argo["namespace"], argo["values"]["server"]["serviceAccount"]["name"]))
    mlflow = graph["mlflow-service-account"].inputs["metadata"]
    callers.add((mlflow["namespace"], mlflow["name"]))
    runtimes = [one.inputs["spec"] for one in graph.of_kind("DeploymentRuntimeConfig")]
    accounts = {one["serviceAccountTemplate"]["metadata"]["name"] for one in runtimes}
    callers |= {(conventions.CROSSPLANE_NAMESPACE, one) for one in accounts if "-aws-" in one and "family" not in one}
    assert callers == trusted
    assert argo_events.SERVICE_ACCOUNT not in {account for _, account in trusted}  # calls nothing
    assert monitoring.SERVICE_ACCOUNT not in {account for _, account in trusted}  # writes nowhere else


def test_secrets_are_read_where_the_role_of_external_secrets_may_read(build: Build) -> None:
    graph = graph_of(build, **EVERYTHING)

    copied = [one for one in graph.of_kind("ExternalSecret") if one.name != "mlflow-database-connection"]
    keys = {entry["remoteRef"]["key"] for one in copied for entry in one.inputs["spec"]["data"]}
    assert keys == {"mlops-prod/argocd-oidc", "mlops-prod/argo-workflows-oidc", "mlops-prod/grafana-admin"}
    labels = graph["argocd-oidc-secret"].inputs["spec"]["target"]["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/part-of": "argocd"}
    assert "Secret(value=" not in repr([one.inputs for one in copied])


def test_no_value_of_a_secret_passes_through_the_program(build: Build) -> None:
    made = graph_of(build, **EVERYTHING).of_kind("Secret")

    assert {one.name for one in made if {"data", "stringData"} & set(one.inputs)} == {"argocd-redis"}


def test_one_registry_and_one_repository_of_charts_serve_everything(build: Build) -> None:
    graph = graph_of(build, **EVERYTHING)

    assert all(one.inputs["chart"].startswith("/charts/") for one in graph.of_kind("Release"))
    text = str([one.inputs for one in graph if one.kind in ("Release", "Deployment")])
    assert not [public for public in ("docker.io", "ghcr.io", "quay.io", "public.ecr.aws") if public in text]


def test_options_are_made_on_request_alone(build: Build) -> None:
    optional = {"KServe", "Seldon", "Monitoring", "Karpenter"}

    assert not optional & graph_of(build).kinds()
    assert optional <= graph_of(build, **EVERYTHING).kinds()
    assert build(lambda: program(add_ons={"seldon": {}})).kinds() & optional == {"Seldon"}


def test_a_single_replica_is_single_everywhere(build: Build) -> None:
    graph = build(lambda: program(replicas=1))

    assert graph["mlflow-server"].inputs["spec"]["replicas"] == 1
    assert "redis-ha" not in graph["argocd-release"].inputs["values"]
    for one in graph.of_kind("Release"):
        counts = {key: count for key, count in _counts(one.inputs["values"]) if count > 1}
        assert set(counts) <= {"configs.jetstream.streamConfig.replicas", "autoscaleMax"}, one.name


def _counts(values: Any, at: str = "") -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for key, value in values.items() if isinstance(values, dict) else ():
        path = f"{at}.{key}".lstrip(".")
        if key in ("replicas", "replicaCount", "autoscaleMin", "minReplicas") and isinstance(value, int):
            found.append((path, value))
        found += _counts(value, path)
    return found


def test_the_groups_of_one_login_are_those_of_argo_cd_and_argo_workflows(build: Build) -> None:
    login = {**LOGIN, "reader_groups": ["data science"], "groups_scope": "groups"}
    graph = build(lambda: program(login=login))

    policy = graph["argocd-release"].inputs["values"]["configs"]["rbac"]["policy.csv"]
    assert policy == 'g, "platform", role:admin\ng, "data science", role:readonly\n'
    rules = {
        one.inputs["metadata"]["name"]: one.inputs["metadata"]["annotations"]["workflows.argoproj.io/rbac-rule"]
        for one in graph.of_kind("ServiceAccount")
        if one.inputs["metadata"]["namespace"] == conventions.ARGO_NAMESPACE
    }
    assert rules == {
        "argo-workflows-sso-admin": '"platform" in groups',
        "argo-workflows-sso-reader": '"data science" in groups',
        "argo-workflows-sso-login": "true",
    }
    scopes = graph["argo-workflows-release"].inputs["values"]["server"]["sso"]["scopes"]
    assert scopes == ["profile", "email", "groups"]


def test_no_scope_is_asked_for_that_the_provider_was_not_said_to_have(build: Build) -> None:
    values = graph_of(build)["argo-workflows-release"].inputs["values"]

    assert values["server"]["sso"]["scopes"] == ["profile", "email"]


def test_arguments_reach_their_parts(build: Build) -> None:
    graph = graph_of(build, **EVERYTHING)

    instance = graph["mlflow-database-instance"].inputs
    assert (instance["instanceClass"], instance["multiAz"], instance["maxAllocatedStorage"]) == (
        "db.m7g.large",
        True,
        200,
    )
    assert instance["tags"]["team"] == "platform"
    assert "'3Gi'" in str(graph["mlflow-server"].inputs)
    assert graph["argo-events-bus"].inputs["spec"]["jetstream"]["persistence"]["volumeSize"] == "3Gi"
    balancer = graph["public-load-balancer"].inputs
    assert "internal" in str(balancer["metadata"]["annotations"])
    assert balancer["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/8"]
    assert "'7Gi'" in str(graph["monitoring-release"].inputs)
    nodes = graph["karpenter-node-class"].inputs["spec"]
    assert nodes["role"] == "nodes"
    assert [one["id"] for one in nodes["subnetSelectorTerms"]] == FOUND["private_subnet_ids"]
    assert graph["karpenter-node-pool"].inputs["spec"]["limits"] == {"cpu": "40"}


def test_arguments_of_one_add_on_go_before_those_of_the_platform(build: Build) -> None:
    add_ons = {
        "argo_workflows": {"server": {"replicas": 3}, "memory": "1Gi"},
        "cert_manager": {"acme_email": "platform@example.org"},
        "crossplane": {"services": ["s3"]},
        "external_secrets": {"image_mirror": "other.example.org"},
        "istio": {"replicas": 4, "values": {"meshConfig": {"enableTracing": True}}},
        "public_gateway": {"max_replicas": 50, "tags": {"door": "public"}},
    }
    graph = build(lambda: program(add_ons=add_ons, image_mirror="mirror.example.org", tags={"team": "platform"}))
    usual = build(lambda: program(image_mirror="mirror.example.org", tags={"team": "platform"}))

    def values(release: str) -> Any:
        return graph[release].inputs["values"], usual[release].inputs["values"]

    workflows, before = values("argo-workflows-release")
    assert workflows["server"]["replicas"] == 3
    assert {**workflows["server"], "replicas": 2} == before["server"]
    istio, before = values("istio-release")
    assert (istio["autoscaleMin"], before["autoscaleMin"]) == (4, 2)
    assert istio["meshConfig"] == {**before["meshConfig"], "enableTracing": True}
    secrets, _ = values("external-secrets-release")
    assert "other.example.org" in str(secrets)
    assert "mirror.example.org" not in str(secrets)
    assert graph["cert-manager-issuer"].inputs["spec"]["acme"]["email"] == "platform@example.org"
    assert "crossplane-provider-aws-rds" in {one.name for one in usual}
    assert "crossplane-provider-aws-rds" not in {one.name for one in graph}
    balancer = graph["public-load-balancer"].inputs["metadata"]["annotations"]
    assert balancer["service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"] == (
        "door=public,team=platform"
    )
    proxies, _ = values("public-release")
    assert proxies["autoscaling"]["maxReplicas"] == 50


def test_an_add_on_that_is_new_in_the_table_is_installed_by_its_name(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = AddOn(
        needs=("cert_manager",),
        main=ChartRelease(
            chart=Chart("backup", "https://charts.example.org", "1.0"),
            values=lambda name, args: {"name": name, "replicas": args["replicas"]},
        ),
        namespace="backup",
    )
    monkeypatch.setitem(ADD_ONS, "etcd_backup", backup)  # type: ignore[arg-type]

    graph = build(lambda: program(replicas=3, add_ons={"etcd_backup": {"values": {"hours": 6}}}))

    release = graph["etcd-backup-release"]
    assert release.inputs["values"] == {"name": "etcd-backup", "replicas": 3, "hours": 6}
    assert release.inputs["namespace"] == "backup"
    assert "cert-manager-release" in before(graph, release.name)
    assert "etcd-backup-release" not in {one.name for one in build(program)}
    with pytest.raises(
        ArgumentError, match=r"args.add_ons.etcd_backup.replica is not an argument of the add-on; did you"
    ):
        build(lambda: program(add_ons={"etcd_backup": {"replica": 1}}))


OLD: dict[str, Any] = {
    "options": ["KSERVE", "MONITORING"],
    "karpenter": {"node_role": "nodes"},
    "crossplane_services": ["s3"],
    "sizes": {
        "mlflow_memory": "3Gi",
        "argo_workflows_memory": "1Gi",
        "argo_cd_controller_memory": "5Gi",
        "istio_memory": "1Gi",
        "event_bus_storage_gib": 3,
        "monitoring_storage_gib": 7,
    },
}
NOW: dict[str, Any] = {
    "add_ons": {
        "argo_cd": {"controller_memory": "5Gi"},
        "argo_events": {"bus_storage_gib": 3},
        "argo_workflows": {"memory": "1Gi"},
        "crossplane": {"services": ["s3"]},
        "istio": {"memory": "1Gi"},
        "karpenter": {"node_role": "nodes"},
        "kserve": {},
        "monitoring": {"storage_gib": 7},
    },
    "mlflow": {"memory": "3Gi"},
}


def test_arguments_of_before_the_add_ons_work_with_a_warning_each(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))

    old, now = build(lambda: program(**OLD)), build(lambda: program(**NOW))

    def contract(graph: Graph) -> dict[str, Any]:  # the password bears the name of its resource in the mock
        return {one.urn: one.inputs for one in graph if one.name != "argocd-redis"}

    assert contract(old) == contract(now)
    assert len(warnings) == 10
    assert 'EksPlatform "platform": args.options[0] is deprecated, write args.add_ons.kserve' in warnings
    assert (
        'EksPlatform "platform": args.sizes.event_bus_storage_gib is deprecated, write '
        "args.add_ons.argo_events.bus_storage_gib"
    ) in warnings


@pytest.mark.parametrize(
    ("old", "complaint"),
    [
        ({"options": "KSERVE"}, "args.options must be a list, got 'KSERVE'"),
        ({"options": ["KNATIVE"]}, "args.add_ons.knative is not an add-on; known: argo_cd, "),
        ({"sizes": {"istio": "1Gi"}}, 'args.sizes has no argument "istio"; did you mean "istio_memory"?'),
        (
            {"sizes": {"monitoring_storage_gib": 9}},
            "args.sizes.monitoring_storage_gib requires monitoring in args.add_ons",
        ),
    ],
)
def test_wrong_arguments_of_before_the_add_ons_are_named(build: Build, old: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**old))
    assert complaint in str(error.value)
    assert 'EksPlatform "platform"' in str(error.value)


def test_what_is_given_in_the_old_way_and_the_new_one_is_as_in_the_new_one(build: Build) -> None:
    both = build(lambda: program(sizes={"istio_memory": "1Gi"}, add_ons={"istio": {"memory": "3Gi"}, "kserve": {}}))

    assert both["istio-release"].inputs["values"]["resources"]["limits"] == {"memory": "3Gi"}
    assert "KServe" in both.kinds()


def test_nothing_that_holds_data_is_deleted_unless_told_so(build: Build) -> None:
    kept = graph_of(build)
    assert {one.name for one in kept if one.protect} == {"mlflow-database-instance"}
    assert kept["shared-storage-class"].inputs["reclaimPolicy"] == "Retain"
    assert kept["gateway-api-gateways"].retain_on_delete

    free = build(lambda: program(protect_data=False))
    assert not [one.name for one in free if one.protect or one.retain_on_delete]
    assert free["shared-storage-class"].inputs["reclaimPolicy"] == "Delete"
    assert free["block-storage-class"].inputs["reclaimPolicy"] == "Delete"


def test_the_cluster_has_one_default_storage_class(build: Build) -> None:
    classes = [one.inputs["metadata"] for one in graph_of(build).of_kind("StorageClass")]

    defaults = [one["name"] for one in classes if "annotations" in one]
    assert len(classes) == 2
    assert defaults == ["gp3"]


def test_on_auto_mode_eks_makes_load_balancers_and_volumes_and_enforces_network_policies(build: Build) -> None:
    graph = build(lambda: program(auto_mode=True, tags={"team": "platform"}))

    assert not {"LoadBalancerController", "Karpenter"} & graph.kinds()
    balancer = graph["public-load-balancer"].inputs
    assert balancer["spec"]["loadBalancerClass"] == "eks.amazonaws.com/nlb"
    assert not [key for key in balancer["metadata"]["annotations"] if key.endswith("additional-resource-tags")]
    (place,) = [
        one.inputs["metadata"]
        for one in graph.of_kind("Namespace")
        if one.inputs["metadata"]["name"] == conventions.GATEWAY_NAMESPACE
    ]
    gates = {key for key in place["labels"] if key.endswith("pod-readiness-gate-inject")}
    assert gates == {"eks.amazonaws.com/pod-readiness-gate-inject"}
    volumes = graph["block-storage-class"].inputs
    assert volumes["provisioner"] == "ebs.csi.eks.amazonaws.com"
    assert volumes["metadata"]["annotations"] == {_objects.DEFAULT_CLASS: "true"}
    policies = graph["network-policies"].inputs
    assert (policies["metadata"]["namespace"], policies["metadata"]["name"]) == ("kube-system", "amazon-vpc-cni")
    assert policies["data"] == {"enable-network-policy-controller": "true"}

    others = graph_of(build)
    assert others["public-load-balancer"].inputs["spec"]["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert others["block-storage-class"].inputs["provisioner"] == "ebs.csi.aws.com"
    assert "network-policies" not in {one.name for one in others}
    assert "LoadBalancerController" in others.kinds()


def test_tags_of_the_load_balancer_of_auto_mode_are_those_of_the_gateway_alone(build: Build) -> None:
    tagged = build(lambda: program(auto_mode=True, add_ons={"public_gateway": {"tags": {"door": "public"}}}))

    annotations = tagged["public-load-balancer"].inputs["metadata"]["annotations"]
    assert annotations["service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"] == "door=public"


def test_a_preview_with_nothing_known_shows_every_object(build: Build) -> None:
    def nothing_known() -> None:
        known = {"buckets", "private_subnet_ids", "storage_class_parameters"}
        program(**{name: unknown(name) for name in REQUIRED - known}, **EVERYTHING)

    preview = build(nothing_known, preview=True)

    assert {one.name for one in graph_of(build, **EVERYTHING)} <= {one.name for one in preview}


def test_buckets_that_turn_out_to_be_missing_are_named() -> None:
    with pytest.raises(ArgumentError, match=r'EksPlatform "p": args.buckets must have "mlflow", got data, workflows'):
        _objects.bucket({"workflows": "w", "data": "d"}, "mlflow", 'EksPlatform "p"')


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"login": {**LOGIN, "admin_groups": []}}, "args.login.admin_groups must name at least one group"),
        ({"login": {**LOGIN, "admin_groups": ["a", "b\n"]}}, "args.login.admin_groups[1] must be the name of a group"),
        ({"login": {**LOGIN, "reader_groups": [""]}}, "args.login.reader_groups[0] must be the name of a group"),
        ({"login": {**LOGIN, "groups_scope": ""}}, "args.login.groups_scope must not be empty"),
        ({"login": {**LOGIN, "issuer": "id.example.org"}}, "args.login.issuer must be a URL that begins with https://"),
        ({"login": {"issuer": "https://id.example.org"}}, "args.login.argo_cd_client_id is required"),
        ({"add_ons": {"karpenter": {}}}, "args.add_ons.karpenter.node_role is required"),
        (
            {"add_ons": {"karpenter": {"node_role": "r", "cpu_limit": 0}}},
            "args.add_ons.karpenter.cpu_limit must be at least 1 vCPU, got 0",
        ),
        (
            {"auto_mode": True, "add_ons": {"karpenter": {"node_role": "r"}}},
            "args.add_ons.karpenter must be left out with auto_mode",
        ),
        (
            {"auto_mode": True, "add_ons": {"load_balancer_controller": {}}},
            "args.add_ons.load_balancer_controller must be left out with auto_mode",
        ),
        (
            {"add_ons": {"public_gateway": {"load_balancer_class": "nlb"}}},
            "args.add_ons.public_gateway.load_balancer_class must be one of service.k8s.aws/nlb, eks.amazonaws.com/nlb",
        ),
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        (
            {"add_ons": {"karpenters": {}}},
            'args.add_ons.karpenters is not an add-on; did you mean "karpenter"? known: ' + ", ".join(ADD_ONS),
        ),
        (
            {"add_ons": {"kserve": {"memoy": "2Gi"}}},
            'args.add_ons.kserve.memoy is not an argument of the add-on; did you mean "memory"? known: '
            "chart_repository, domain, gateway_class, gateway_name, gateway_namespace, image_mirror, memory, "
            "region, runtimes, values",
        ),
        ({"add_ons": {"kserve": {"namespace": "kserve"}}}, "args.add_ons.kserve.namespace cannot be set"),
        ({"add_ons": {"istio": {"memory": "much"}}}, "args.add_ons.istio.memory must be a Kubernetes quantity"),
        ({"add_ons": {"istio": {"values": "x"}}}, "args.add_ons.istio.values must be a dict, got 'x'"),
        ({"add_ons": {"kserve": None}}, "args.add_ons must have a dict for each add-on, such as `{kserve: {}}`"),
        ({"add_ons": {"kserve": []}}, "args.add_ons.kserve must be a dict, got []"),
        (
            {"add_ons": {"argo_workflows": {"server": {"hots": "x"}}}},
            'args.add_ons.argo_workflows.server has no argument "hots"; did you mean "host"?',
        ),
        (
            {"add_ons": {"crossplane": {"services": ["iot"]}}},
            "args.add_ons.crossplane.services[0] must be one of ec2, iam, rds, s3, got 'iot'",
        ),
        (
            {"add_ons": {"cert_manager": {"acme_server": "https://acme.example.org"}}},
            "args.add_ons.cert_manager.acme_server requires args.add_ons.cert_manager.acme_email",
        ),
        ({"mlflow": {"memory": "much"}}, "args.mlflow.memory must be a Kubernetes quantity"),
        ({"buckets": {"mlflow": "a"}}, "args.buckets.workflows is required"),
        ({"secrets_prefix": "mlops"}, "args.secrets_prefix must be a beginning that ends in a separator"),
        ({"vpc_id": "vpc-main"}, "args.vpc_id must be the id of a VPC"),
        ({"private_subnet_ids": ["a"]}, "args.private_subnet_ids[0] must be the id of a subnet"),
        ({"client_security_group_id": "nodes"}, "args.client_security_group_id must be the id of a security group"),
        ({"domain": "x"}, 'args has no argument "domain"; did you mean "domain_name"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)
    assert 'EksPlatform "platform"' in str(error.value)


def test_the_contract(build: Build, snapshot: Any) -> None:
    """What the composition adds; the parts have snapshots of their own."""
    graph = graph_of(build, **EVERYTHING)

    parts = [one for one in graph if one.parent == graph["platform"].urn]
    assert {one.urn: pins.named(one.type, one.inputs) for one in parts} == snapshot


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"database": {"storage_gib": 10}},
            "args.database.storage_gib must be between 20 and 65536 GiB on RDS, got 10",
        ),
        (
            {"private_subnet_ids": ["subnet-0a1b2c3d"]},
            "args.private_subnet_ids must be at least 2 subnets in different zones, got ['subnet-0a1b2c3d']",
        ),
    ],
)
def test_what_the_database_refuses_is_an_error_of_the_platform(
    build: Build, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))
    assert str(error.value) == f'EksPlatform "platform": {complaint}'


def test_a_list_of_add_ons_is_refused_by_its_type(build: Build) -> None:
    with pytest.raises(ArgumentError, match=r"args\.add_ons must be a dict.*got \['kserve'\]"):
        build(lambda: program(add_ons=["kserve"]))


def test_databases_can_be_asked_for_by_manifest_where_the_platform_says_so(build: Build) -> None:
    chosen = {"name_prefix": "mlops-dev-team-", "group": "data.example.com", "engine_versions": None}
    graph = build(lambda: program(database_api=chosen))

    definition = graph["databases-claims"]
    assert definition.inputs["metadata"]["name"] == "xpostgresqlinstances.data.example.com"
    assert definition.retain_on_delete
    assert not build(lambda: program(database_api=chosen, protect_data=False))["databases-claims"].retain_on_delete
    (made,) = [one for one in graph.of_kind("Composition") if one.name == "databases-postgresqldatabase-aws-production"]
    parts = {one["name"]: one["base"]["spec"] for one in made.inputs["spec"]["pipeline"][0]["input"]["resources"]}
    assert parts["subnets"]["forProvider"]["subnetIds"] == FOUND["private_subnet_ids"]
    assert parts["client-nodes"]["forProvider"]["referencedSecurityGroupId"] == FOUND["client_security_group_id"]
    assert parts["connection"]["secretStoreRef"]["name"] == conventions.SECRET_STORE
    assert "DatabaseApi" not in {one.type.rpartition(":")[2] for one in graph_of(build)}


def test_databases_by_manifest_come_after_crossplane_s_configuration(build: Build) -> None:
    graph = graph_of(build, database_api={"name_prefix": "mlops-dev-team-"})
    config = next(one.name for one in graph if one.kind == "ClusterProviderConfig")
    parts = [one for one in graph if one.parent == graph["databases"].urn]

    assert len(parts) == 9
    for one in parts:
        assert config in before(graph, one.name), one.name


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"database_api": {}}, "args.database_api.name_prefix is required"),
        ({"database_api": {"name_prefix": "Teams"}}, "args.database_api.name_prefix must be lower-case letters"),
        (
            {"database_api": {"name_prefix": "teams-", "engine_versions": ["17", "16"]}},
            "args.database_api.engine_versions must be different versions",
        ),
        (
            {"database_api": {"name_prefix": "teams-"}, "add_ons": {"crossplane": {"services": ["s3"]}}},
            "args.add_ons.crossplane.services must have ec2 and rds",
        ),
    ],
)
def test_wrong_arguments_of_databases_by_manifest_are_named_as_the_platform_s(
    build: Build, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert problem in str(error.value)
