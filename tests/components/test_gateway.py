from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions
from pulumi_mlops.platform import Gateway

from tests.conftest import Build, unknown

ARGS: dict[str, Any] = {"namespace": "gateway", "gateway_class": "istio", "url": "https://models.example.org"}


def program(name: str = "public", **changes: Any) -> Gateway:
    return Gateway(name, {**ARGS, **changes})


def test_makes_one_gateway_of_the_class_that_takes_routes_from_every_namespace(build: Build) -> None:
    graph = build(program)

    assert graph.kinds() == {"Gateway"}
    gateway = graph["public-gateway"].inputs
    assert gateway["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert gateway["metadata"]["name"] == conventions.GATEWAY_NAME
    assert gateway["spec"] == {
        "gatewayClassName": "istio",
        "listeners": [
            {
                "name": conventions.GATEWAY_LISTENER,
                "port": conventions.GATEWAY_PORT,
                "protocol": "HTTP",
                "allowedRoutes": {"namespaces": {"from": "All"}},
            }
        ],
    }


def test_the_outputs_say_how_to_attach_and_where_to_call(build: Build) -> None:
    assert build(program).outputs_of("public") == {
        "name": "public",
        "namespace": "gateway",
        "url": "https://models.example.org",
    }


def test_two_gateways_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (program("one"), program("two", port=8080)))

    assert len({one.urn for one in graph}) == len(graph.registrations)
    assert graph["two-gateway"].inputs["spec"]["listeners"][0]["port"] == 8080


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), gateway_class=unknown("c"), url=unknown("u")), preview=True)

    assert graph.of_kind("Gateway")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"gateway_class": ""}, "args.gateway_class must not be empty"),
        ({"url": "models.example.org"}, "args.url must be a URL without a path"),
        ({"url": "http://models.example.org/path"}, "args.url must be a URL without a path"),
        ({"port": 0}, "args.port must be between 1 and 65535, got 0"),
        ({"classname": "x"}, 'has no argument "classname"'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)
