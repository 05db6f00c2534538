"""The platform of a cluster on AWS: what it consists of, in which order it comes and goes, and who may call AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, platform_outputs
from pulumi_mlops.platform import EksPlatform, EksPlatformArgs, _eks_parts, argo_events, monitoring

from local import foundation_outputs
from stacks import foundation, platform_eks
from tests import pins
from tests.conftest import Build, unknown
from tests.deletion_order import before

REQUIRED = EksPlatformArgs.__required_keys__ - {"login"}
FOUND = {name: value for name, value in foundation_outputs.example("foundation-prod").items() if name in REQUIRED}
LOGIN = {"issuer": "https://id.example.org", "argo_cd_client_id": "argocd", "admin_groups": ["platform"]}
EVERYTHING: dict[str, Any] = {
    "options": ["KSERVE", "SELDON", "MONITORING"],
    "karpenter": {"node_role": "nodes", "cpu_limit": 40},
    "image_mirror": "mirror.example.org",
    "chart_repository": "/charts",
    "tags": {"team": "platform"},
    "internal": True,
    "source_ranges": ["10.0.0.0/8"],
    "database": {"instance_class": "db.m7g.large", "high_availability": True, "max_storage_gib": 200},
    "sizes": {"mlflow_memory": "3Gi", "event_bus_storage_gib": 3, "monitoring_storage_gib": 7},
}


def program(**changes: Any) -> EksPlatform:
    return EksPlatform("platform", {**FOUND, "login": LOGIN, **changes})


def test_every_part_is_where_workspaces_look_for_it(build: Build) -> None:
    graph = build(program)

    outputs = graph.outputs_of("platform")
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
    teams = build(program).outputs_of("platform")["teams"]

    assert platform_outputs.PlatformOutputs.__required_keys__ <= set(teams)
    assert teams["object_store_endpoint"] == "https://s3.eu-central-1.amazonaws.com"
    assert set(teams["buckets"]) <= set(platform_outputs.TEAM_BUCKETS)
    assert teams["cluster_name"]
    assert teams["storage_class"] == conventions.SHARED_STORAGE_CLASS
    assert set(teams["database"]) == set(platform_outputs.DatabaseNetwork.__annotations__)


SINGLE = {"external-dns", "seldon", "kserve-controller"}
"""Controllers of which a second replica would do nothing."""
NO_PODS = {"karpenter-definitions", "istio-base", "kserve-definitions", "kserve-runtimes"}


def test_what_has_several_replicas_is_on_several_nodes_and_survives_a_drain(build: Build) -> None:
    graph = build(lambda: program(**EVERYTHING, replicas=3))

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
    graph = build(lambda: program(**EVERYTHING))

    assert earlier <= before(graph, later)
    assert not {one for one in earlier if later in before(graph, one)}


def test_the_slow_parts_come_side_by_side(build: Build) -> None:
    graph = build(program)

    first = {f"{one}-release" for one in ("istio", "crossplane", "cert-manager", "external-secrets", "argo-events")}
    for one in first:
        assert not first & before(graph, one)
    in_the_cluster = {one.name for one in graph if one.type.startswith("kubernetes:")}
    assert before(graph, "mlflow-database-instance") & in_the_cluster == set()


def test_pods_that_call_aws_are_those_that_the_foundation_gives_a_role(build: Build, configure: Any) -> None:
    configure("foundation-prod")
    trusted = {
        (one.inputs["namespace"], one.inputs["serviceAccount"])
        for one in build(foundation.build)
        if one.kind == "PodIdentityAssociation"
    }
    configure("platform-prod")
    graph = build(platform_eks.build)

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
    graph = build(lambda: program(**EVERYTHING))

    copied = [one for one in graph.of_kind("ExternalSecret") if one.name != "mlflow-database-connection"]
    keys = {entry["remoteRef"]["key"] for one in copied for entry in one.inputs["spec"]["data"]}
    assert keys == {"mlops-prod/argocd-oidc", "mlops-prod/argo-workflows-oidc", "mlops-prod/grafana-admin"}
    labels = graph["argocd-oidc-secret"].inputs["spec"]["target"]["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/part-of": "argocd"}
    assert "Secret(value=" not in repr([one.inputs for one in copied])


def test_no_value_of_a_secret_passes_through_the_program(build: Build) -> None:
    made = build(lambda: program(**EVERYTHING)).of_kind("Secret")

    assert {one.name for one in made if {"data", "stringData"} & set(one.inputs)} == {"argocd-redis"}


def test_one_registry_and_one_repository_of_charts_serve_everything(build: Build) -> None:
    graph = build(lambda: program(**EVERYTHING))

    assert all(one.inputs["chart"].startswith("/charts/") for one in graph.of_kind("Release"))
    text = str([one.inputs for one in graph if one.kind in ("Release", "Deployment")])
    assert not [public for public in ("docker.io", "ghcr.io", "quay.io", "public.ecr.aws") if public in text]


def test_options_are_made_on_request_alone(build: Build) -> None:
    optional = {"KServe", "Seldon", "Monitoring", "Karpenter"}

    assert not optional & build(program).kinds()
    assert optional <= build(lambda: program(**EVERYTHING)).kinds()
    assert build(lambda: program(options=["SELDON"])).kinds() & optional == {"Seldon"}


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
    values = build(program)["argo-workflows-release"].inputs["values"]

    assert values["server"]["sso"]["scopes"] == ["profile", "email"]


def test_arguments_reach_their_parts(build: Build) -> None:
    graph = build(lambda: program(**EVERYTHING))

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


def test_nothing_that_holds_data_is_deleted_unless_told_so(build: Build) -> None:
    kept = build(program)
    assert {one.name for one in kept if one.protect} == {"mlflow-database-instance"}
    assert kept["shared-storage-class"].inputs["reclaimPolicy"] == "Retain"
    assert kept["gateway-api-gateways"].retain_on_delete

    free = build(lambda: program(protect_data=False))
    assert not [one.name for one in free if one.protect or one.retain_on_delete]
    assert free["shared-storage-class"].inputs["reclaimPolicy"] == "Delete"
    assert free["block-storage-class"].inputs["reclaimPolicy"] == "Delete"


def test_the_cluster_has_one_default_storage_class(build: Build) -> None:
    classes = [one.inputs["metadata"] for one in build(program).of_kind("StorageClass")]

    defaults = [one["name"] for one in classes if "annotations" in one]
    assert len(classes) == 2
    assert defaults == ["gp3"]


def test_a_preview_with_nothing_known_shows_every_object(build: Build) -> None:
    foreign = {name: unknown(name) for name in REQUIRED - {"buckets", "private_subnet_ids", "storage_class_parameters"}}

    preview = build(lambda: program(**foreign, **EVERYTHING), preview=True)

    assert {one.name for one in build(lambda: program(**EVERYTHING))} <= {one.name for one in preview}


def test_buckets_that_turn_out_to_be_missing_are_named() -> None:
    with pytest.raises(ArgumentError, match=r'EksPlatform "p": args.buckets must have "mlflow", got data, workflows'):
        _eks_parts.bucket({"workflows": "w", "data": "d"}, "mlflow", 'EksPlatform "p"')


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"login": {**LOGIN, "admin_groups": []}}, "args.login.admin_groups must name a group"),
        ({"login": {**LOGIN, "admin_groups": ["a", "b\n"]}}, "args.login.admin_groups[1] must be the name of a group"),
        ({"login": {**LOGIN, "reader_groups": [""]}}, "args.login.reader_groups[0] must be the name of a group"),
        ({"login": {**LOGIN, "groups_scope": ""}}, "args.login.groups_scope must not be empty"),
        ({"login": {**LOGIN, "issuer": "id.example.org"}}, "args.login.issuer must be a URL that begins with https://"),
        ({"login": {"issuer": "https://id.example.org"}}, "args.login.argo_cd_client_id is required"),
        ({"karpenter": {}}, "args.karpenter.node_role is required"),
        ({"karpenter": {"node_role": "r", "cpu_limit": 0}}, "args.karpenter.cpu_limit must be at least 1 vCPU, got 0"),
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        ({"options": ["KARPENTERS"]}, "args.options[0] must be one of 'KSERVE', 'SELDON', 'MONITORING'"),
        ({"options": ["KSERVE", "KSERVE"]}, 'args.options has "KSERVE" twice'),
        ({"crossplane_services": ["iam"]}, "args.crossplane_services[0] must be one of ec2, rds, s3, got 'iam'"),
        ({"sizes": {"monitoring_storage_gib": 9}}, "args.sizes.monitoring_storage_gib needs MONITORING"),
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
    graph = build(lambda: program(**EVERYTHING))

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
