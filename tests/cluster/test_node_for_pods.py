"""What the one-node Kubernetes does for pods: names, services, volumes, routes, images. Uses the machine's node."""

import io
import re
import subprocess
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from local import node as local_node
from local import tools
from local.node import dns
from local.node.lifecycle import home
from local.node.ports import sockets_of
from local.node.processes import marked
from local.tools import apt
from tests import registry_client

pytestmark = pytest.mark.cluster

NAMESPACE = "test-node"

ASK_WEB = r"(set -- $(getent hosts web); printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 $1 80)"
"""Shell: the answer of the Service `web`, found by name. BusyBox cannot look names up itself."""


@pytest.fixture(scope="module")
def node():
    """The machine's node, started if it does not run; it is left running."""
    return local_node.ensure()


@pytest.fixture(scope="module")
def kubectl(node):
    """Runs kubectl as administrator in the namespace of these tests, which begins empty and is removed."""
    program = tools.ensure("kubectl")["kubectl"]

    def run(*arguments: str, stdin: str | None = None, check: bool = True) -> str:
        command = [program, "--kubeconfig", node.kubeconfig, "--namespace", NAMESPACE, *arguments]
        result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=180)
        assert not check or result.returncode == 0, result.stderr
        return result.stdout

    run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait")
    run("create", "namespace", NAMESPACE)
    yield run
    run("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def image(node) -> str:
    """A small image, pushed to the registry on loopback and named as pods know it."""
    apt.ensure("busybox-static")
    return f"{node.registry}/test/busybox:{push(node.registry_push, 'test/busybox')}"


def push(registry: str, repository: str, tag: str = "", mark: str = "") -> str:
    """Pushes an image of BusyBox and getent, in which MARK is set; returns the tag, by default one of its content.

    getent asks the resolver as programs with the C library do; the static BusyBox cannot.
    """
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        files.add(Path("/bin/busybox").resolve(), "bin/busybox")
        files.add("/usr/bin/getent", "bin/getent")
        for library in re.findall(r"(/\S+) \(0x", subprocess.check_output(["ldd", "/usr/bin/getent"], text=True)):
            files.add(Path(library).resolve(), library.lstrip("/"))
        for name in ("sh", "httpd", "grep", "id", "cat", "mkdir", "nc", "sleep"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            files.addfile(link)
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
        files.addfile(tmp)
    settings = {"Env": ["PATH=/bin", f"MARK={mark}"], "Cmd": ["/bin/sh"]}
    return registry_client.push(registry, repository, layer.getvalue(), settings, tag)


def pod(name: str, image: str, script: str, **spec) -> str:
    """A pod that runs a script as user 10001."""
    volumes = spec.pop("claims", [])
    container = {
        "name": "main",
        "image": image,
        "command": ["/bin/sh", "-c", script],
        "volumeMounts": [{"name": claim, "mountPath": f"/{claim}"} for claim in volumes],
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {
                "containers": [container],
                "securityContext": {"runAsUser": 10001, "runAsGroup": 10001, "runAsNonRoot": True},
                "terminationGracePeriodSeconds": 1,
                "restartPolicy": "Never",
                "volumes": [{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in volumes],
                **spec,
            },
        }
    )


@pytest.fixture(scope="module")
def web(kubectl, image):
    """A pod that answers "hello" over HTTP, and its Service `web`."""
    script = "mkdir -p /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
    kubectl("apply", "-f", "-", stdin=pod("server", image, script))
    kubectl("expose", "pod", "server", "--name=web", "--port=80", "--target-port=8080")
    kubectl("wait", "pod/server", "--for=condition=Ready", "--timeout=60s")
    return "web"


def test_a_pod_reaches_a_service_by_its_name(kubectl, image, web):
    kubectl("apply", "-f", "-", stdin=pod("client", image, f"until {ASK_WEB} | grep hello; do sleep 0.2; done"))
    kubectl("wait", "pod/client", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", "client") == "hello\n"
    assert f"web.{NAMESPACE}.svc.cluster.local" in kubectl("exec", "server", "--", "getent", "hosts", "web")


def test_a_pod_reaches_itself_through_its_service(kubectl, web):
    assert kubectl("exec", "server", "--", "sh", "-c", ASK_WEB).endswith("hello\n")


def test_a_pod_reaches_the_api_server(kubectl, web):
    script = "set -- $(getent hosts kubernetes.default.svc) && nc -w 5 $1 443 </dev/null && echo $1"
    assert kubectl("exec", "server", "--", "sh", "-c", script) == "10.96.0.1\n"


def test_a_pod_runs_what_the_registry_has_now_and_not_what_the_tag_meant_before(kubectl, node, image):
    for mark in ("first", "second"):
        push(node.registry_push, "test/moving", "1", mark)
        kubectl("apply", "-f", "-", stdin=pod(mark, f"{node.registry}/test/moving:1", "echo $MARK"))
        kubectl("wait", f"pod/{mark}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
        assert kubectl("logs", mark).strip() == mark


def test_a_name_outside_of_the_cluster_is_asked_of_the_machines_resolvers(kubectl, web):
    forwarded = kubectl("exec", "server", "--", "cat", "/etc/resolv.conf")
    assert "nameserver 10.88.0.1" in forwarded
    assert f"forward . {dns.RESOLVER}" in (home() / "etc" / "Corefile").read_text()


@pytest.mark.parametrize(("storage_class", "mode"), [("standard", "ReadWriteOnce"), ("shared", "ReadWriteMany")])
def test_an_ordinary_user_in_a_pod_can_write_to_a_volume_and_the_data_goes_with_the_claim(
    kubectl, image, storage_class, mode
):
    name = f"data-{storage_class}"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": [mode],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(claim))
    writers = [f"writer-{storage_class}-{number}" for number in (1, 2)]
    for writer in writers:
        script = f"id -u > /{name}/{writer} && cat /{name}/*"
        kubectl("apply", "-f", "-", stdin=pod(writer, image, script, claims=[name]))
        kubectl("wait", f"pod/{writer}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", writers[1]) == "10001\n10001\n"
    volume = kubectl("get", "pvc", name, "-o", "jsonpath={.spec.volumeName}")
    place = home() / "volumes" / volume
    assert place.is_dir()
    kubectl("delete", "pod", *writers)
    kubectl("delete", "pvc", name, "--timeout=60s")
    kubectl("wait", f"pv/{volume}", "--for=delete", "--timeout=60s")
    assert not place.exists()


def test_a_claim_without_a_class_gets_the_standard_one(kubectl):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "plain"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(claim))
    kubectl("wait", "pvc/plain", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
    assert kubectl("get", "pvc", "plain", "-o", "jsonpath={.spec.storageClassName}") == "standard"


def test_a_route_of_the_gateway_answers_on_port_80_with_its_path_rewritten(kubectl, node, web):
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "test"},
        "spec": {
            "gatewayClassName": node.gateway_class,
            "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}],
        },
    }
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/test-node/web"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": rewrite}],
        "backendRefs": [{"name": web, "port": 80}],
    }
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "test"},
        "spec": {"parentRefs": [{"name": "test"}], "rules": [rule]},
    }
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([gateway, route]))
    kubectl("wait", "gateway/test", "--for=condition=Programmed", "--timeout=60s")
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"{node.gateway_url}/test-node/web/index.html", timeout=5) as answer:
                body = answer.read()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert body == b"hello\n"


def test_only_the_administrators_user_can_read_the_kubeconfig(node):
    assert node.kubeconfig.stat().st_mode & 0o077 == 0


def test_a_user_without_a_role_may_nothing(kubectl):
    answer = kubectl("auth", "can-i", "list", "secrets", "--as=system:serviceaccount:default:default", check=False)
    assert answer == "no\n"


def test_a_second_start_refuses_and_says_so(node):
    with pytest.raises(local_node.lifecycle.StepFailed, match="it is running already"):
        local_node.start()


def test_every_part_is_healthy(node):
    parts = local_node.status()
    assert len(parts) == 12
    assert [part for part in parts if not part.healthy] == []


def test_nothing_listens_beyond_loopback_and_the_bridge(node):
    allowed = {"127.0.0.1", "10.88.0.1"}
    listening = {(process.name, address) for process in marked(home()) for address, _port in sockets_of(process.pid)}
    assert ("traefik", "10.88.0.1") in listening
    assert ("coredns", "10.88.0.1") in listening
    assert {entry for entry in listening if entry[1] not in allowed} == set()
