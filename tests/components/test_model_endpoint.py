from datetime import date, timedelta
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, ModelEndpoint, Workspace
from pulumi_mlops.contract import tokens
from syrupy.assertion import SnapshotAssertion

from tests.components.programs import ENDPOINT, ENDPOINT_FULL, with_changes
from tests.conftest import UNKNOWN, Build, Graph, unknown

CANARY = {"model_version": "20260201-000000-00000000", "weight_percent": 20}
ANNOTATION = "pulumi-mlops.dev/model-version"


def endpoint(build: Build, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: ModelEndpoint("penguins", with_changes(ENDPOINT, **changes)), preview=preview)


def spec(graph: Graph, role: str = "deployment") -> dict[str, Any]:
    return graph[f"penguins-{role}"].inputs["spec"]


def pod(graph: Graph, role: str = "deployment") -> dict[str, Any]:
    return spec(graph, role)["template"]["spec"]


def container(graph: Graph) -> dict[str, Any]:
    (server,) = pod(graph)["containers"]
    return server


def test_the_smallest_endpoint_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert endpoint(build).contract() == snapshot


def test_the_fullest_endpoint_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert endpoint(build, **ENDPOINT_FULL).contract() == snapshot


def test_every_object_is_a_child_in_the_namespace_with_the_standard_labels(build: Build) -> None:
    graph = endpoint(build, **ENDPOINT_FULL)
    for one in graph:
        if one.name == "penguins":
            continue
        assert one.parent == graph["penguins"].urn
        metadata = one.inputs["metadata"]
        assert metadata["namespace"] == "birds"
        assert metadata["labels"]["app.kubernetes.io/name"] == "model-endpoint"
        assert metadata["labels"]["app.kubernetes.io/instance"] == metadata["name"]
        assert metadata["labels"]["team"] == "birds"


def test_a_service_comes_after_its_pods(build: Build) -> None:
    graph = endpoint(build, canary=CANARY)
    for service, deployment in (("service", "deployment"), ("canary-service", "canary-deployment")):
        assert graph[f"penguins-{deployment}"].urn in graph[f"penguins-{service}"].dependencies


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        ({"replicas": 3}, ("spec.template.metadata.annotations",)),
        (
            {"autoscaling": {"min_replicas": 2, "max_replicas": 6}},
            ("spec.template.metadata.annotations", "spec.replicas"),
        ),
    ],
)
def test_pulumi_ignores_what_the_pipeline_and_an_autoscaler_own_and_nothing_else(
    build: Build, arguments: dict[str, Any], paths: tuple[str, ...]
) -> None:
    graph = endpoint(build, **arguments)
    ignored = {one.name: one.ignore_changes for one in graph if one.ignore_changes}
    assert ignored == {"penguins-deployment": paths}


def test_no_argument_reaches_the_annotations_of_pods_which_pulumi_ignores(build: Build) -> None:
    graph = endpoint(build, **ENDPOINT_FULL)
    assert spec(graph)["template"]["metadata"]["annotations"].keys() == {ANNOTATION}


def test_the_server_learns_its_version_from_the_annotation(build: Build) -> None:
    graph = endpoint(build)
    assert spec(graph)["template"]["metadata"]["annotations"] == {ANNOTATION: ""}
    environment = {one["name"]: one.get("value", one.get("valueFrom")) for one in container(graph)["env"]}
    assert environment == {
        "ENDPOINT_NAME": "penguins",
        "MODEL_NAME": "penguins",
        "MODELS_DIR": "/models",
        "WORKERS": "1",
        "OMP_NUM_THREADS": "1",
        "MODEL_VERSION": {"fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}},
    }


def test_a_roll_never_takes_a_ready_replica_away(build: Build) -> None:
    graph = endpoint(build, drain_seconds=10)
    assert spec(graph)["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container(graph)["readinessProbe"]["httpGet"]["path"] == "/health/status"
    assert container(graph)["lifecycle"]["preStop"] == {"sleep": {"seconds": 10}}
    assert pod(graph)["terminationGracePeriodSeconds"] == 35


def test_a_replica_with_gpus_runs_on_nodes_that_have_them(build: Build) -> None:
    spot = {"key": "spot", "value": "true", "effect": "NoExecute"}
    chosen = {"gpus": 1, "node_selector": {"accelerator": "nvidia"}, "tolerations": [spot]}

    pods = pod(endpoint(build, **chosen))

    assert pods["containers"][0]["resources"]["limits"] == {"memory": "512Mi", "nvidia.com/gpu": "1"}
    assert pods["nodeSelector"] == {"accelerator": "nvidia"}
    assert pods["tolerations"] == [
        {**spot, "operator": "Equal"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]
    assert pod(endpoint(build)).keys() & {"nodeSelector", "tolerations"} == set()


def test_a_version_that_is_not_ready_is_not_killed_for_it(build: Build) -> None:
    server = container(endpoint(build))
    assert server["livenessProbe"]["httpGet"]["path"] == "/health/ping"
    assert server["startupProbe"]["httpGet"]["path"] == "/health/ping"


def test_the_models_are_read_only_and_the_pod_has_no_rights(build: Build) -> None:
    graph = endpoint(build)
    models, tmp = pod(graph)["volumes"]
    assert models["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}
    assert {"name": "models", "mountPath": "/models", "readOnly": True} in container(graph)["volumeMounts"]
    assert pod(graph)["automountServiceAccountToken"] is False
    assert graph["penguins-service-account"].inputs["automountServiceAccountToken"] is False
    assert pod(graph)["securityContext"]["runAsUser"] == 10001
    assert container(graph)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(tmp) == {"name", "emptyDir"}


def test_several_replicas_are_spread_and_kept_up_during_a_drain(build: Build) -> None:
    graph = endpoint(build, replicas=3)
    assert spec(graph)["replicas"] == 3
    assert len(pod(graph)["topologySpreadConstraints"]) == 2
    assert spec(graph, "disruption-budget")["maxUnavailable"] == 1


def test_one_replica_has_nothing_to_spread(build: Build) -> None:
    graph = endpoint(build, replicas=1)
    assert "topologySpreadConstraints" not in pod(graph)
    assert graph.of_kind("PodDisruptionBudget") == []


def test_an_autoscaled_deployment_starts_with_the_least_number_of_replicas(build: Build) -> None:
    graph = endpoint(build, autoscaling={"min_replicas": 2, "max_replicas": 4})
    assert spec(graph)["replicas"] == 2
    scaler = spec(graph, "autoscaler")
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 4)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "penguins"}
    assert graph.of_kind("PodDisruptionBudget") != []


def test_the_old_paths_reach_the_server_and_health_and_metrics_do_not(build: Build) -> None:
    rules = spec(endpoint(build), "route")["rules"]
    seen = [
        (rule["matches"][0]["path"]["value"], rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"])
        for rule in rules
    ]
    assert seen == [("/seldon/birds/penguins/api", "/api"), ("/seldon/birds/penguins/v2", "/v2")]
    assert all(rule["backendRefs"] == [{"name": "penguins", "port": 8000}] for rule in rules)


def test_the_route_hangs_on_the_platforms_gateway_unless_another_is_named(build: Build) -> None:
    route = spec(endpoint(build), "route")
    assert route["parentRefs"] == [{"name": "public", "namespace": "gateway"}]
    assert "hostnames" not in route
    route = spec(endpoint(build, **ENDPOINT_FULL), "route")
    assert route["parentRefs"] == [{"name": "shared", "namespace": "istio-ingress"}]
    assert route["hostnames"] == ["models.example.org"]


def test_a_canary_gets_its_share_of_the_requests_and_keeps_its_version(build: Build) -> None:
    graph = endpoint(build, canary=CANARY)
    for rule in spec(graph, "route")["rules"]:
        assert rule["backendRefs"] == [
            {"name": "penguins", "port": 8000, "weight": 80},
            {"name": "penguins-canary", "port": 8000, "weight": 20},
        ]
    canary = graph["penguins-canary-deployment"]
    assert canary.inputs["spec"]["template"]["metadata"]["annotations"] == {ANNOTATION: CANARY["model_version"]}
    assert canary.ignore_changes == ()
    assert canary.urn in graph["penguins-route"].dependencies


def test_pods_of_the_canary_are_not_the_main_services(build: Build) -> None:
    graph = endpoint(build, canary=CANARY)
    main, canary = spec(graph, "service")["selector"], spec(graph, "canary-service")["selector"]
    main_pods = spec(graph)["template"]["metadata"]["labels"]
    canary_pods = spec(graph, "canary-deployment")["template"]["metadata"]["labels"]
    assert main.items() <= main_pods.items()
    assert canary.items() <= canary_pods.items()
    assert not main.items() <= canary_pods.items()
    assert not canary.items() <= main_pods.items()


def test_prometheus_is_told_only_on_request(build: Build) -> None:
    assert endpoint(build).of_kind("ServiceMonitor") == []
    (monitor,) = endpoint(build, service_monitor=True).of_kind("ServiceMonitor")
    assert monitor.inputs["spec"]["endpoints"][0]["path"] == "/metrics"


def test_outputs_are_the_two_urls_and_the_names(build: Build) -> None:
    assert endpoint(build).outputs_of("penguins") == {
        "path": "/seldon/birds/penguins/api/v1.0/predictions",
        "internal_url": "http://penguins.birds.svc.cluster.local:8000/api/v1.0/predictions",
        "service": "penguins",
        "deployment": "penguins",
    }


def test_values_known_only_later_are_unknown_in_the_preview_and_nothing_else_is(build: Build) -> None:
    def program() -> None:
        ModelEndpoint("penguins", with_changes(ENDPOINT_FULL, namespace=unknown("namespace"), image=unknown("image")))

    preview, update = build(program, preview=True), build(program)
    assert {one.urn for one in preview} == {one.urn for one in update}
    assert container(preview)["image"] == UNKNOWN
    assert container(preview)["command"] == ["python", "-m", "ml.serve"]
    assert spec(preview, "route")["rules"][0]["matches"] == [{"path": {"type": "PathPrefix", "value": UNKNOWN}}]
    assert spec(preview, "route")["hostnames"] == ["models.example.org"]
    assert preview.outputs_of("penguins")["path"] == UNKNOWN
    assert preview.outputs_of("penguins")["service"] == "penguins"
    assert update.outputs_of("penguins")["path"] == "/seldon/namespace-id/penguins/api/v1.0/predictions"


def test_an_endpoint_in_a_workspace_waits_for_the_namespace(build: Build) -> None:
    def program() -> None:
        workspace = Workspace("birds", {})
        ModelEndpoint("penguins", with_changes(ENDPOINT_FULL, namespace=workspace.namespace))

    graph = build(program)
    children = [one for one in graph if one.parent == graph["penguins"].urn]
    assert len(children) == 10
    assert all(graph["birds-namespace"].urn in one.dependencies for one in children)


def test_two_endpoints_fit_in_one_stack(build: Build) -> None:
    graph = build(lambda: [ModelEndpoint(name, ENDPOINT_FULL) for name in ("one", "two")])
    urns = [one.urn for one in graph]
    assert len(urns) == len(set(urns))
    physical = [(one.kind, one.inputs["metadata"]["name"]) for one in graph if "metadata" in one.inputs]
    assert len(physical) == len(set(physical))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"replicas": 0}, "args.replicas must be between 1 and 100 replicas, got 0"),
        ({"replicas": 2, "autoscaling": {"min_replicas": 1, "max_replicas": 2}}, "args.replicas must be left out"),
        ({"autoscaling": {"min_replicas": 3, "max_replicas": 2}}, "min_replicas must be at most"),
        ({"autoscaling": {"min_replicas": 3}}, "args.autoscaling.max_replicas is required"),
        (
            {"canary": {"model_version": "", "weight_percent": 5}},
            "args.canary.model_version must be the name of a directory",
        ),
        (
            {"canary": {"model_version": "v1", "weight_percent": 101}},
            "weight_percent must be between 0 and 100 percent",
        ),
        ({"canary": {"model_version": "v1", "weight": 10}}, 'did you mean "weight_percent"?'),
        ({"model_version": "../other"}, "args.model_version must be the name of a directory"),
        ({"drain_seconds": 0}, "args.drain_seconds must be between 1 and 300 seconds, got 0"),
        ({"runtime": "SELDON"}, "args.runtime must be one of 'PYTHON', got 'SELDON'"),
        ({"image": ""}, "args.image must not be empty"),
        ({"image": None}, "args.image is required"),
        ({"memory": "512MB"}, "args.memory must be a Kubernetes quantity"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_exists(
    build: Build, changes: dict[str, Any], expected: str
) -> None:
    message = refusal(build, "penguins", with_changes(ENDPOINT, **changes))
    assert message.startswith('ModelEndpoint "penguins": ')
    assert expected in message


def refusal(build: Build, name: str, args: Any) -> str:
    messages: list[str] = []

    def program() -> None:
        with pytest.raises(ArgumentError) as caught:
            ModelEndpoint(name, args)
        messages.append(str(caught.value))

    assert build(program).registrations == []
    return messages[0]


def test_a_name_leaves_room_for_the_canarys(build: Build) -> None:
    longest = "p" * 56
    assert build(lambda: ModelEndpoint(longest, ENDPOINT))[longest]
    assert "at most 56 characters" in refusal(build, "p" * 57, ENDPOINT)


@pytest.mark.parametrize(
    "changes",
    [
        {"replicas": 1},
        {"replicas": 100},
        {"autoscaling": {"min_replicas": 2, "max_replicas": 2, "cpu_percent": 1}},
        {"canary": {"model_version": "v1", "weight_percent": 0}},
        {"canary": {"model_version": "v1", "weight_percent": 100}},
        {"drain_seconds": 1},
        {"model_version": ""},
        {"runtime": "PYTHON"},
    ],
)
def test_what_is_just_inside_the_limits_is_accepted(build: Build, changes: dict[str, Any]) -> None:
    assert endpoint(build, **changes)["penguins-deployment"]


def test_with_access_the_gateway_has_a_port_of_its_own_and_callers_inside_keep_theirs(build: Build) -> None:
    graph = endpoint(build, access={}, canary=CANARY)
    for role in ("service", "canary-service"):
        ports = [(one["name"], one["port"], one["targetPort"]) for one in spec(graph, role)["ports"]]
        assert ports == [("http", 8000, "http"), ("public", 8001, "public")]
    for rule in spec(graph, "route")["rules"]:
        assert [one["port"] for one in rule["backendRefs"]] == [8001, 8001]
    for role in ("deployment", "canary-deployment"):
        (server,) = pod(graph, role)["containers"]
        assert [one["containerPort"] for one in server["ports"]] == [8000, 8001]
        assert {one["httpGet"]["port"] for key, one in server.items() if key.endswith("Probe")} == {"http"}
    assert graph.outputs_of("penguins")["internal_url"].endswith(":8000/api/v1.0/predictions")


@pytest.mark.parametrize(
    ("access", "secret"), [({}, "penguins-clients"), ({"clients_secret": "customers"}, "customers")]
)
def test_the_clients_are_a_secret_that_is_mounted_and_never_read_by_pulumi(
    build: Build, access: dict[str, str], secret: str
) -> None:
    graph = endpoint(build, access=access)
    (volume,) = [one for one in pod(graph)["volumes"] if one["name"] == "clients"]
    assert volume["secret"] == {"secretName": secret, "optional": True, "defaultMode": 0o440}
    (mount,) = [one for one in container(graph)["volumeMounts"] if one["name"] == "clients"]
    environment = {one["name"]: one.get("value") for one in container(graph)["env"]}
    assert mount == {"name": "clients", "mountPath": environment["CLIENTS_DIR"], "readOnly": True}
    assert "subPath" not in mount, "the kubelet would never update it"
    assert environment["PUBLIC_PORT"] == "8001"
    assert "CLIENT_REQUESTS_PER_MINUTE" not in environment
    assert not [one for one in graph if "Secret" in one.type]


def test_a_limit_of_requests_reaches_the_server_and_the_canary(build: Build) -> None:
    graph = endpoint(build, access={"requests_per_minute": 600}, canary=CANARY)
    limits = [
        variable["value"]
        for one in graph.of_kind("Deployment")
        for variable in one.inputs["spec"]["template"]["spec"]["containers"][0]["env"]
        if variable["name"] == "CLIENT_REQUESTS_PER_MINUTE"
    ]
    assert limits == ["600", "600"]


@pytest.mark.parametrize(
    ("access", "complaint"),
    [
        ({"requests_per_minute": 0}, "args.access.requests_per_minute must be between 1 and 1000000 requests, got 0"),
        ({"clients_secret": "Customers"}, "args.access.clients_secret must be a DNS label"),
        ({"client_secret": "customers"}, "did you mean"),
        ("open", "args.access must be"),
    ],
)
def test_wrong_access_is_refused_in_one_sentence(build: Build, access: Any, complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        endpoint(build, access=access)


ON_EKS = {
    "region": "eu-central-1",
    "object_store_endpoint": "https://s3.eu-central-1.amazonaws.com",
    "buckets": {"data": "data-1", "workflows": "workflows-1"},
    "mlflow_url": "http://mlflow",
    "storage_class": "shared",
    "cluster_name": "mlops-dev",
}
TOMORROW = str(date.today() + timedelta(days=1))
EXCEPTION = {"until": TOMORROW, "reason": "a public demonstration"}


def behind(build: Build, teams: dict[str, Any], **changes: Any) -> Graph:
    """An endpoint of a stack that names its platform."""
    platforms = {"organization/pulumi-mlops/platform-dev": {"teams": teams}}
    return build(lambda: ModelEndpoint("penguins", with_changes(ENDPOINT, **changes)), platforms=platforms)


@pytest.mark.parametrize("teams", [ON_EKS, {**ON_EKS, "public_gateway": True}], ids=["older platform", "platform"])
def test_a_gateway_on_the_internet_takes_no_endpoint_that_everybody_could_ask(build: Build, teams: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        behind(build, teams)

    assert str(caught.value) == (
        'ModelEndpoint "penguins": args.access must be given, since everybody who knows the URL would get predictions: '
        "{} lets in clients with an API key only; args.open_access, with a reason and a last day, is the exception"
    )
    behind(build, teams, access={})
    behind(build, teams, open_access=EXCEPTION)


def test_a_gateway_that_only_the_network_reaches_takes_it(build: Build) -> None:
    graph = behind(build, {**ON_EKS, "public_gateway": False}, hosts=["models.corp.example.org"])

    assert "annotations" not in graph["penguins-route"].inputs["metadata"]


@pytest.mark.parametrize(
    "changes",
    [{"hosts": ["models.example.org"]}, {"gateway_name": "shared"}, {"gateway_namespace": unknown("ingress")}],
    ids=["hosts", "another gateway", "a gateway that is known later"],
)
def test_without_a_platform_public_names_and_a_gateway_of_ones_own_count_as_the_internet(
    build: Build, changes: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError, match=r"args\.access must be given"):
        endpoint(build, **changes)


def test_an_exception_is_on_the_route_as_a_review_reads_it(build: Build) -> None:
    graph = endpoint(build, open_access={**EXCEPTION, "reason": f" {EXCEPTION['reason']} "})

    metadata = graph["penguins-route"].inputs["metadata"]
    assert metadata["annotations"] == {"pulumi-mlops.dev/except-endpoint-access": f"{TOMORROW} a public demonstration"}
    assert spec(graph, "route")["rules"][0]["backendRefs"] == [{"name": "penguins", "port": 8000}]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"until": "soon"}, "args.open_access.until must be a day such as \"2027-01-31\", got 'soon'"),
        ({"until": "2027-02-30"}, "args.open_access.until must be a day such as \"2027-01-31\", got '2027-02-30'"),
        ({"until": "20270131"}, "args.open_access.until must be a day such as \"2027-01-31\", got '20270131'"),
        (
            {"until": "2026-01-31"},
            "args.open_access.until has ended: give the endpoint `access`, or look at the reason again and write "
            "another day, got '2026-01-31'",
        ),
        ({"until": "2999-01-31"}, "args.open_access.until must be within 366 days, got '2999-01-31'"),
        ({"until": None}, "args.open_access.until is required"),
        ({"reason": ""}, "args.open_access.reason must say why, in at least 10 characters, got ''"),
        ({"reason": "  because   "}, "args.open_access.reason must say why, in at least 10 characters"),
        ({"reason": None}, "args.open_access.reason is required"),
        ({"expires": TOMORROW}, 'args.open_access has no argument "expires"'),
    ],
)
def test_a_wrong_exception_is_refused_in_one_sentence(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        endpoint(build, open_access=with_changes(EXCEPTION, **changes))

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_access_and_an_exception_to_it_are_refused_together(build: Build) -> None:
    with pytest.raises(ArgumentError, match=r"args\.open_access must be left out where args\.access is given"):
        endpoint(build, access={}, open_access=EXCEPTION)


JWT = {"issuer": "https://login.example.org/realms/main", "audiences": ["churn"]}


def variables(graph: Graph, role: str = "deployment") -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in pod(graph, role)["containers"][0]["env"]}


def test_tokens_are_accepted_in_the_place_of_keys(build: Build) -> None:
    jwt = {**JWT, "groups": ["clients"], "groups_claim": "cognito:groups"}
    graph = endpoint(build, access={"jwt": jwt}, canary=CANARY)

    for role in ("deployment", "canary-deployment"):
        read = tokens.read(variables(graph, role)["TOKEN_RULES"])
        assert read == (JWT["issuer"], ("churn",), ("clients",), "cognito:groups", "sub")
        assert variables(graph, role)["PUBLIC_PORT"] == "8001"
        assert "CLIENTS_DIR" not in variables(graph, role)
        assert [one["name"] for one in pod(graph, role)["volumes"]] == ["models", "tmp"]
        assert [one["name"] for one in pod(graph, role)["containers"][0]["volumeMounts"]] == ["models", "tmp"]
    assert {one["port"] for one in spec(graph, "route")["rules"][0]["backendRefs"]} == {8001}


def test_keys_are_accepted_beside_tokens_where_their_secret_is_named(build: Build) -> None:
    graph = endpoint(build, access={"jwt": JWT, "clients_secret": "customers"})

    assert tokens.read(variables(graph)["TOKEN_RULES"]).groups == ()
    assert variables(graph)["CLIENTS_DIR"] == "/etc/clients"
    assert pod(graph)["volumes"][-1]["secret"]["secretName"] == "customers"


@pytest.mark.parametrize(("issuer", "port"), [(JWT["issuer"], 443), ("https://login.example.org:8443", 8443)])
def test_servers_that_check_tokens_may_reach_the_issuer_and_nothing_link_local(
    build: Build, issuer: str, port: int
) -> None:
    graph = endpoint(build, access={"jwt": {**JWT, "issuer": issuer}}, canary=CANARY)

    policy = spec(graph, "issuer-policy")
    assert policy["podSelector"]["matchExpressions"][0]["values"] == ["penguins", "penguins-canary"]
    (egress,) = policy["egress"]
    assert egress["ports"] == [{"port": port, "protocol": "TCP"}]
    assert egress["to"][0]["ipBlock"] == {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}
    assert policy["policyTypes"] == ["Egress"]
    assert endpoint(build, access={}).of_kind("NetworkPolicy") == []


def test_an_issuer_that_is_known_later_is_unknown_in_the_preview(build: Build) -> None:
    def program() -> None:
        ModelEndpoint("penguins", with_changes(ENDPOINT, access={"jwt": {**JWT, "issuer": unknown("issuer")}}))

    preview = build(program, preview=True)
    assert variables(preview)["TOKEN_RULES"] == UNKNOWN
    assert spec(preview, "issuer-policy")["egress"][0]["ports"] == UNKNOWN
    assert {one.urn for one in preview} == {one.urn for one in build(program)}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"issuer": "http://login.example.org"}, "args.access.jwt.issuer must be an https URL without a query"),
        ({"issuer": "login.example.org"}, "args.access.jwt.issuer must be an https URL without a query"),
        ({"issuer": "https://login.example.org?a=b"}, "args.access.jwt.issuer must be an https URL without a query"),
        ({"issuer": "https://login.example.org:x"}, "args.access.jwt.issuer must be an https URL without a query"),
        ({"issuer": None}, "args.access.jwt.issuer is required"),
        ({"audiences": []}, "args.access.jwt.audiences must not be empty, got []"),
        ({"audiences": [""]}, "args.access.jwt.audiences[0] must not be empty, got ''"),
        ({"audiences": "churn"}, "args.access.jwt.audiences must be"),
        ({"audiences": None}, "args.access.jwt.audiences is required"),
        ({"groups": []}, "args.access.jwt.groups must not be empty, got []"),
        ({"groups": [""]}, "args.access.jwt.groups[0] must not be empty, got ''"),
        ({"groups_claim": ""}, "args.access.jwt.groups_claim must not be empty, got ''"),
        ({"client_claim": ""}, "args.access.jwt.client_claim must not be empty, got ''"),
        ({"audience": "churn"}, 'did you mean "audiences"?'),
    ],
)
def test_wrong_rules_of_tokens_are_refused_in_one_sentence(build: Build, changes: Any, complaint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        endpoint(build, access={"jwt": with_changes(JWT, **changes)})

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_its_route_sets_no_timeouts_which_not_every_gateway_keeps(build: Build) -> None:
    rules = endpoint(build, **ENDPOINT_FULL)["penguins-route"].inputs["spec"]["rules"]
    assert rules
    assert not any("timeouts" in rule for rule in rules)
