"""What a pod in a team's namespace reaches of the machine that it runs on: the table of the README, tried."""

import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from kubernetes import client
from loop import Loop

from local import node
from local.node import gateway, network, registry
from local.node.parts import API_PORT, POD_PORTS
from local.node.ports import sockets_of
from local.node.processes import marked
from local.paths import ROOT

pytestmark = pytest.mark.cluster

CONNECT = """
import json, socket
def reached(address, port):
    try:
        socket.create_connection((address, port), timeout=3).close()
    except OSError as error:
        return type(error).__name__
    return "reached"
print(json.dumps({f"{address}:{port}": reached(address, port) for address, port in TARGETS}))
"""

ASK = """
import http.client, json, ssl
def ask(scheme, host, method, path, headers):
    if scheme == "https":
        connection = http.client.HTTPSConnection(host, timeout=10, context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, path, b"x" if method != "GET" else None, headers)
    answer = connection.getresponse()
    return [answer.status, answer.read().decode(errors="replace")]
print(json.dumps([ask(*request) for request in REQUESTS]))
"""
MANIFEST = {
    "Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
}


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """A port at which another program of this machine listens on every address."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def connect(loop: Loop, targets: Sequence[tuple[str, int]]) -> dict[str, str]:
    """What a pod of the team gets when it connects."""
    return json.loads(loop.in_server_pod(f"TARGETS = {list(targets)!r}{CONNECT}"))


def ask(loop: Loop, *requests: tuple[str, str, str, str, Mapping[str, str]]) -> list[tuple[int, str]]:
    """What a pod of the team is answered over HTTP: scheme, host, method, path and headers of each request."""
    return [tuple(answer) for answer in json.loads(loop.in_server_pod(f"REQUESTS = {list(requests)!r}{ASK}"))]


def test_a_pod_reaches_four_ports_of_the_machine_and_no_other(loop: Loop, elsewhere: int):
    listening = {port for process in marked(node.home()) for _, port in sockets_of(process.pid, ("tcp", "tcp6"))}
    assert listening > {*POD_PORTS, registry.PORT}
    assert len(listening) > 10

    found = connect(loop, [(network.ADDRESS, port) for port in sorted({*listening, elsewhere})])

    assert {address for address, what in found.items() if what == "reached"} == {
        f"{network.ADDRESS}:{port}" for port in POD_PORTS
    }


def test_a_pod_reaches_nothing_by_the_machines_other_addresses(loop: Loop, elsewhere: int):
    addresses = {found["local"] for interface in network._ip("-4", "address") for found in interface["addr_info"]}
    others = sorted(address for address in addresses - {network.ADDRESS} if not address.startswith("127."))
    if not others:
        pytest.skip("this machine has no other address than its loopback's and the bridge's")

    found = connect(loop, [(address, port) for address in others for port in (elsewhere, *POD_PORTS)])

    assert "reached" not in found.values()


def test_a_pod_pulls_our_images_and_cannot_push_overwrite_or_delete_one(loop: Loop):
    repository, _, tag = image_of(loop).removeprefix(f"{registry.FOR_PODS}/").partition(":")
    path = f"/v2/{repository}"
    before, *refused, after = ask(
        loop,
        *(
            ("http", registry.FOR_PODS, method, f"{path}/{place}", MANIFEST)
            for method, place in (
                ("GET", f"manifests/{tag}"),
                ("POST", "blobs/uploads/"),
                ("PUT", f"manifests/{tag}"),
                ("PUT", "manifests/new"),
                ("PATCH", f"manifests/{tag}"),
                ("DELETE", f"manifests/{tag}"),
                ("GET", f"manifests/{tag}"),
            )
        ),
    )

    assert before[0] == 200
    assert [status for status, _ in refused] == [405] * 5
    assert after == before


def test_without_a_token_the_api_server_tells_a_pod_its_health_and_version_and_refuses_the_rest(loop: Loop):
    paths = ("/version", "/readyz", "/api/v1/namespaces/penguins/secrets", "/api", "/openapi/v2", "/metrics")
    answers = ask(loop, *(("https", f"{network.ADDRESS}:{API_PORT}", "GET", path, {}) for path in paths))

    assert [status for status, _ in answers] == [200, 200, 403, 403, 403, 403]


def test_the_gateway_has_no_interface_of_its_own(loop: Loop):
    paths = ("/api/rawdata", "/api/version", "/dashboard/", "/ping", "/metrics", "/debug/pprof/")
    answers = ask(loop, *(("http", f"{network.ADDRESS}:{gateway.PORT}", "GET", path, {}) for path in paths))

    assert [status for status, _ in answers] == [404] * len(paths)


@pytest.mark.parametrize(
    "extra",
    [
        {"hostNetwork": True},
        {"hostPID": True},
        {"volumes": [{"name": "machine", "hostPath": {"path": "/"}}]},
    ],
    ids=["network", "processes", "files"],
)
def test_a_pod_of_a_team_cannot_ask_for_the_machines_own(loop: Loop, extra: dict[str, Any]):
    allowed = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": image_of(loop),
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "resources": {name: {"cpu": "10m", "memory": "16Mi"} for name in ("requests", "limits")},
            }
        ],
    }

    def create(spec: dict[str, Any]) -> None:
        body = {"metadata": {"name": "visitor"}, "spec": spec}
        client.CoreV1Api(loop.api).create_namespaced_pod(loop.outputs["namespace"], body, dry_run="All")

    create(allowed)
    with pytest.raises(client.ApiException, match="violates PodSecurity"):
        create({**allowed, **extra})


def test_the_readme_names_the_ports_that_pods_reach():
    section = (ROOT / "README.md").read_text().partition("## What a pod can reach")[2].partition("\n## ")[0]

    assert {int(port) for port in re.findall(r"^\| `10\.88\.0\.1:(\d+)`", section, re.MULTILINE)} == set(POD_PORTS)


def image_of(loop: Loop) -> str:
    """The model server's image, as pods name it."""
    deployment = client.AppsV1Api(loop.api).read_namespaced_deployment(
        loop.outputs["deployment"], loop.outputs["namespace"]
    )
    return deployment.spec.template.spec.containers[0].image
