"""The Gateway API, Istio, and the public gateway on AWS."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, ModelEndpoint, conventions, versions
from pulumi_mlops.platform import GatewayApi, Istio, LoadBalancerController, PublicGateway, gateway_api
from pulumi_mlops.platform.add_ons import istio, load_balancer_controller, public_gateway

from tests.components.addons import ADDONS, CHARTS, ISTIO_FULL, MIRROR, PUBLIC, PUBLIC_FULL, filled
from tests.components.programs import ENDPOINT
from tests.conftest import UNKNOWN, Build, Graph, unknown

NLB = "service.beta.kubernetes.io/aws-load-balancer-"


Definitions = tuple[Callable[[dict[str, Any]], Any], Callable[[], list[dict[str, Any]]]]
CONTROLLER: Any = {addon.component: addon.least for addon in ADDONS}[LoadBalancerController]
DEFINITIONS: dict[str, Definitions] = {
    "gateway-api": (lambda args: GatewayApi("one", {**args}), gateway_api.definitions),
    "load-balancer-controller": (
        lambda args: LoadBalancerController("one", {**CONTROLLER, **args}),
        load_balancer_controller.definitions,
    ),
}


def public(name: str = "public", **changes: Any) -> PublicGateway:
    return PublicGateway(name, {**PUBLIC, **changes})


def ports(graph: Graph, service: str) -> dict[int, int]:
    return {one["port"]: one["targetPort"] for one in graph[service].inputs["spec"]["ports"]}


@pytest.mark.parametrize("args", [PUBLIC, PUBLIC_FULL], ids=["smallest", "fullest"])
def test_what_a_public_gateway_registers_is_this(build: Build, args: dict[str, Any], snapshot: Any) -> None:
    assert build(lambda: PublicGateway("public", args)).contract() == snapshot


@pytest.mark.parametrize("args", [{}, ISTIO_FULL], ids=["smallest", "fullest"])
def test_what_istio_registers_is_this(build: Build, args: dict[str, Any], snapshot: Any) -> None:
    assert build(lambda: Istio("istio", args)).contract() == snapshot


def test_endpoints_attach_to_the_gateway_as_they_are(build: Build) -> None:
    graph = build(lambda: (public(), ModelEndpoint("penguins", ENDPOINT)))

    (parent,) = graph["penguins-route"].inputs["spec"]["parentRefs"]
    gateway = graph["public-gateway"].inputs
    assert parent["name"] == gateway["metadata"]["name"] == conventions.GATEWAY_NAME
    assert parent["namespace"] == gateway["metadata"]["namespace"] == conventions.GATEWAY_NAMESPACE
    assert "sectionName" not in parent  # so that the listeners decide, by the namespaces that they allow
    allowed = {one["name"]: one["allowedRoutes"]["namespaces"]["from"] for one in gateway["spec"]["listeners"]}
    assert allowed == {conventions.GATEWAY_LISTENER: "All", "redirect": "Same"}


def test_https_ends_at_the_load_balancer_and_reaches_the_routes(build: Build) -> None:
    graph = build(public)

    annotations = graph["public-load-balancer"].inputs["metadata"]["annotations"]
    assert annotations[f"{NLB}ssl-cert"] == PUBLIC["certificate_arn"]
    assert annotations[f"{NLB}ssl-ports"] == "443"
    assert annotations[f"{NLB}nlb-target-type"] == "ip"
    spec = graph["public-load-balancer"].inputs["spec"]
    assert (spec["type"], spec["loadBalancerClass"]) == ("LoadBalancer", "service.k8s.aws/nlb")
    (listener,) = [one for one in graph["public-gateway"].inputs["spec"]["listeners"] if one["name"] == "http"]
    assert (listener["port"], listener["protocol"]) == (443, "HTTP")


def test_http_from_outside_is_redirected_and_cannot_be_answered_otherwise(build: Build) -> None:
    graph = build(public)

    route = graph["public-redirect"].inputs["spec"]
    (listener,) = [one for one in graph["public-gateway"].inputs["spec"]["listeners"] if one["name"] == "redirect"]
    assert route["parentRefs"] == [{"name": "public", "sectionName": "redirect"}]
    (rule,) = route["rules"]
    assert rule == {
        "filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": 443, "statusCode": 308}}]
    }
    assert (listener["port"], listener["allowedRoutes"]) == (80, {"namespaces": {"from": "Same"}})


def test_the_redirect_has_a_port_of_its_own_and_leaves_in_cluster_clients_alone(build: Build) -> None:
    """After the NLB everything is plain HTTP: by the port alone the proxies know what came by HTTPS."""
    graph = build(public)

    outside, inside = ports(graph, "public-load-balancer"), ports(graph, "public-service")
    assert outside[80] != outside[443]
    assert inside == {conventions.GATEWAY_PORT: outside[443]}
    assert graph["public-service"].inputs["spec"]["type"] == "ClusterIP"
    assert graph.outputs_of("public")["internal_url"] == "http://public.gateway.svc.cluster.local"


def test_the_gateway_is_served_by_the_load_balancers_service_alone(build: Build) -> None:
    graph = build(public)

    assert graph["public-gateway"].inputs["spec"]["addresses"] == [
        {"type": "Hostname", "value": "public-load-balancer.gateway.svc.cluster.local"}
    ]
    assert graph["public-release"].inputs["values"]["service"] == {"type": "None"}


def test_services_select_the_proxies_by_the_labels_that_the_chart_gives_them(build: Build) -> None:
    """The chart: `app` is the release's name, `istio` the same without the prefix `istio-`."""
    graph = build(lambda: public("istio-a"))

    assert graph["istio-a-release"].inputs["name"] == "istio-a-proxy"
    for service in ("istio-a-load-balancer", "istio-a-service"):
        assert graph[service].inputs["spec"]["selector"] == {"app": "istio-a-proxy", "istio": "a-proxy"}


def test_names_in_dns_come_by_annotation_without_anything_to_copy(build: Build) -> None:
    graph = build(lambda: PublicGateway("public", PUBLIC_FULL))

    annotations = graph["public-load-balancer"].inputs["metadata"]["annotations"]
    assert annotations["external-dns.alpha.kubernetes.io/hostname"] == "models.example.org,mlflow.example.org"
    assert annotations[f"{NLB}additional-resource-tags"] == "cost=mlops,team=platform"
    assert graph.outputs_of("public")["url"] == "https://models.example.org"


@pytest.mark.parametrize(("internal", "scheme"), [(False, "internet-facing"), (True, "internal")])
def test_the_load_balancer_is_public_unless_told_otherwise(build: Build, internal: bool, scheme: str) -> None:
    graph = build(lambda: public(internal=internal))

    assert graph["public-load-balancer"].inputs["metadata"]["annotations"][f"{NLB}scheme"] == scheme


def test_a_proxy_serves_until_the_load_balancer_has_let_go_of_it() -> None:
    values = public_gateway.values("public", filled(PublicGateway, PUBLIC))

    drain = values["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain >= 30
    assert values["terminationGracePeriodSeconds"] > drain
    assert values["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize(
    ("args", "least", "most", "budget"),
    [
        ({}, 2, 10, {"minAvailable": 1}),
        ({"replicas": 1}, 1, 10, {}),
        ({"replicas": 20}, 20, 20, {"minAvailable": 1}),
        ({"replicas": 3, "max_replicas": 3}, 3, 3, {"minAvailable": 1}),
    ],
)
def test_proxies_scale_and_a_single_one_does_not_block_a_drain(
    args: dict[str, Any], least: int, most: int, budget: dict[str, Any]
) -> None:
    values = public_gateway.values("public", filled(PublicGateway, {**PUBLIC, **args}))

    assert (values["autoscaling"]["minReplicas"], values["autoscaling"]["maxReplicas"]) == (least, most)
    assert values["podDisruptionBudget"] == budget


def test_what_is_in_front_waits_for_what_is_behind(build: Build) -> None:
    graph = build(public)

    assert graph["public-namespace"].urn in graph["public-release"].dependencies
    for service in ("public-load-balancer", "public-service"):
        assert graph["public-release"].urn in graph[service].dependencies
    assert graph["public-load-balancer"].urn in graph["public-gateway"].dependencies
    assert graph["public-gateway"].urn in graph["public-redirect"].dependencies


def test_the_namespace_admits_restricted_pods_and_lets_the_load_balancer_say_when_they_are_ready(build: Build) -> None:
    labels = build(public)["public-namespace"].inputs["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"
    assert "istio-injection" not in labels  # "disabled" would leave the proxies without their proxy


def test_two_gateways_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (public("one", namespace="a"), public("two", namespace="b")))

    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    def program() -> None:
        later = {"certificate_arn": unknown("certificate"), "hostnames": [unknown("host")], "namespace": unknown("ns")}
        PublicGateway("public", {**later, "tags": {"a": unknown("tag")}})  # type: ignore[typeddict-item]

    graph = build(program, preview=True)

    assert {"Service", "Gateway", "HTTPRoute"} <= graph.kinds()
    assert graph.outputs_of("public")["release"] == UNKNOWN


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hostnames": []}, "args.hostnames must not be empty"),
        ({"hostnames": ["https://models.example.org"]}, "args.hostnames[0] must be a domain name"),
        ({"certificate_arn": "models.example.org"}, "args.certificate_arn must be the ARN of an ACM certificate"),
        ({"certificate_arn": None}, "args.certificate_arn is required"),
        ({"source_ranges": ["10.0.0.1/8"]}, "args.source_ranges[0] must be a block of addresses"),
        ({"source_ranges": []}, "args.source_ranges must not be empty"),
        ({"source_ranges": ["203.0.113.1"]}, 'must be a block of addresses, such as "203.0.113.1/32" for the one'),
        ({"replicas": 0}, "args.replicas must be between 1 and 100 proxies, got 0"),
        ({"max_replicas": 101}, "args.max_replicas must be between 1 and 100 proxies, got 101"),
        ({"replicas": 5, "max_replicas": 4}, "args.replicas must be at most args.max_replicas (4), got 5"),
        ({"max_replicas": 1}, "args.replicas must be at most args.max_replicas (1), got 2"),
        ({"tags": {"a": "b,c"}}, 'args.tags must not contain "," or "="'),
        ({"tags": {"a=b": "c"}}, 'args.tags must not contain "," or "="'),
        ({"certificate": "x"}, 'did you mean "certificate_arn"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: public(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("name", ["models.example.org", "a.b", f"{'a' * 63}.example.org"])
def test_every_domain_name_is_allowed(build: Build, name: str) -> None:
    assert build(lambda: public(hostnames=[name])).of_kind("Gateway")


def test_istios_definitions_come_before_its_control_plane(build: Build) -> None:
    graph = build(lambda: Istio("istio", {}))

    assert graph["istio-base"].urn in graph["istio-release"].dependencies
    assert graph["istio-namespace"].urn in graph["istio-base"].dependencies
    assert {graph[name].inputs["version"] for name in ("istio-base", "istio-release")} == {versions.ISTIO}


def test_istio_comes_from_where_upstream_stays(build: Build) -> None:
    graph = build(lambda: Istio("istio", {}))

    for name in ("istio-base", "istio-release"):
        assert graph[name].inputs["repositoryOpts"] == {"repo": "https://blob.istio.io/istio-release/charts"}
    assert istio.values("istio", filled(Istio, {}))["global"]["hub"] == "docker.io/istio"
    assert istio.values("istio", filled(Istio, {}))["global"]["tag"] == versions.ISTIO


def test_istio_comes_from_the_mirror(build: Build) -> None:
    graph = build(lambda: Istio("istio", ISTIO_FULL))

    assert istio.values("istio", filled(Istio, ISTIO_FULL))["global"]["hub"] == f"{MIRROR}/istio"
    assert graph["istio-base"].inputs["chart"] == f"{CHARTS}/base"
    assert graph["istio-release"].inputs["chart"] == f"{CHARTS}/istiod"


def test_istios_webhook_fails_from_the_beginning_in_both_charts() -> None:
    for values in (istio.base_values("istio", filled(Istio, {})), istio.values("istio", filled(Istio, {}))):
        assert values["base"]["validationFailurePolicy"] == "Fail"


def test_istio_lives_in_the_namespace_that_it_is_told(build: Build) -> None:
    graph = build(lambda: Istio("istio", {"namespace": "elsewhere"}))

    assert graph["istio-namespace"].inputs["metadata"]["name"] == "elsewhere"
    for name in ("istio-base", "istio-release"):
        assert graph[name].inputs["namespace"] == "elsewhere"
        assert graph[name].inputs["values"]["global"]["istioNamespace"] == "elsewhere"


@pytest.mark.parametrize(("replicas", "most", "budget"), [(1, 2, False), (2, 4, True), (10, 20, True)])
def test_istios_control_plane_scales(replicas: int, most: int, budget: bool) -> None:
    values = istio.values("istio", filled(Istio, {"replicas": replicas}))

    assert (values["autoscaleMin"], values["autoscaleMax"]) == (replicas, most)
    assert values["global"]["defaultPodDisruptionBudget"] == {"enabled": budget}


def test_the_gateway_class_is_known_when_istio_runs(build: Build) -> None:
    assert build(lambda: Istio("istio", {})).outputs_of("istio")["gateway_class"] == "istio"
    assert build(lambda: Istio("istio", {}), preview=True).outputs_of("istio")["gateway_class"] == UNKNOWN


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"image_mirror": ""}, "args.image_mirror must be a registry as images name it"),
        ({"hub": "x"}, 'has no argument "hub"'),
    ],
)
def test_wrong_arguments_of_istio_cost_one_line(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: Istio("istio", changes))

    assert complaint in str(error.value)


def test_the_gateway_api_is_the_standard_channel_of_the_pinned_version() -> None:
    found = gateway_api.definitions()

    assert [one["spec"]["names"]["kind"] for one in found] == [
        "BackendTLSPolicy", "GatewayClass", "Gateway", "GRPCRoute", "HTTPRoute", "ListenerSet", "ReferenceGrant",
        "TLSRoute",
    ]  # fmt: skip
    for one in found:
        annotations = one["metadata"]["annotations"]
        assert annotations["gateway.networking.k8s.io/bundle-version"] == f"v{versions.GATEWAY_API}"
        assert annotations["gateway.networking.k8s.io/channel"] == "standard"
        assert annotations["api-approved.kubernetes.io"]  # without it the API server refuses a group of Kubernetes'
        assert [version["storage"] for version in one["spec"]["versions"]].count(True) == 1


@pytest.mark.parametrize("definitions", DEFINITIONS.values(), ids=DEFINITIONS)
def test_definitions_reach_the_engine_unchanged(build: Build, definitions: Definitions) -> None:
    program, read = definitions
    graph = build(lambda: program({}))

    expected = {f"one-{one['spec']['names']['plural']}": one["spec"] for one in read()}
    assert {one.name: one.inputs["spec"] for one in graph.of_kind("CustomResourceDefinition")} == expected


@pytest.mark.parametrize("definitions", DEFINITIONS.values(), ids=DEFINITIONS)
def test_descriptions_are_left_out_but_no_property_of_that_name(definitions: Definitions) -> None:
    def prose(node: Any) -> list[Any]:
        if isinstance(node, list):
            return [hit for part in node for hit in prose(part)]
        if not isinstance(node, dict):
            return []
        own = [value for key, value in node.items() if key == "description" and isinstance(value, str)]
        return own + prose(list(node.values()))

    assert prose(definitions[1]()) == []


@pytest.mark.parametrize(("args", "kept"), [({}, True), ({"keep_definitions": False}, False)])
@pytest.mark.parametrize("definitions", DEFINITIONS.values(), ids=DEFINITIONS)
def test_definitions_survive_unless_told_otherwise(
    build: Build, definitions: Definitions, args: dict[str, Any], kept: bool
) -> None:
    graph = build(lambda: definitions[0](args))

    assert {one.retain_on_delete for one in graph.of_kind("CustomResourceDefinition")} == {kept}


def test_the_load_balancer_controller_comes_after_its_definitions_and_brings_none_itself(build: Build) -> None:
    graph = build(lambda: LoadBalancerController("one", CONTROLLER))

    known = graph.of_kind("CustomResourceDefinition")
    assert {"TargetGroupBinding", "IngressClassParams"} < {one.inputs["spec"]["names"]["kind"] for one in known}
    assert {one.urn for one in known} <= graph["one-release"].dependencies
    assert graph["one-release"].inputs["skipCrds"] is True


def test_the_definitions_are_known_when_all_are_there(build: Build) -> None:
    assert len(build(lambda: GatewayApi("api", {})).outputs_of("api")["definitions"]) == 8
    assert build(lambda: GatewayApi("api", {}), preview=True).outputs_of("api")["definitions"] == UNKNOWN


def test_a_wrong_argument_of_the_gateway_api_costs_one_line(build: Build) -> None:
    with pytest.raises(ArgumentError, match="must be true or false"):
        build(lambda: GatewayApi("api", {"keep_definitions": "no"}))  # type: ignore[typeddict-item]


def test_a_gateway_on_the_internet_is_closed_to_endpoints_that_ask_nobody_and_an_internal_one_is_not(
    build: Build,
) -> None:
    graph = build(public)
    (policy,) = graph.of_kind("ValidatingAdmissionPolicy")
    (binding,) = graph.of_kind("ValidatingAdmissionPolicyBinding")
    assert binding.inputs["spec"] == {"policyName": policy.inputs["metadata"]["name"], "validationActions": ["Deny"]}
    assert "one.name == 'public'" in policy.inputs["spec"]["matchConditions"][0]["expression"]
    assert build(lambda: public(internal=True)).of_kind("ValidatingAdmissionPolicy") == []
