"""The real Crossplane core with the real functions, as processes beside an API server without nodes.

No package is installed: each function is a process, and its FunctionRevision says where it listens. The core has the
rights of the chart's service account. Its two ports for metrics and health have no address, and so listen everywhere;
they answer questions and take no orders.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from pulumi_cli import Cluster
from pulumi_mlops import conventions
from pulumi_mlops.platform import _crossplane_packages as packages

from local import tools
from local.node import ports
from local.node.control_plane import ControlPlane, http_ok
from local.node.pki import Pki
from local.node.processes import Process
from local.tools import build
from local.tools.catalogue import BINARIES
from standins.plugins.kubernetes.client import ApiError, NotServed
from standins.plugins.kubernetes.names import Kind

WAIT_SECONDS = 120
NAMESPACE = conventions.CROSSPLANE_NAMESPACE
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:crossplane"
FUNCTIONS = tuple(packages.FUNCTIONS)
REVISION = Kind("pkg.crossplane.io", "v1", "FunctionRevision")


@contextmanager
def core(directory: Path, api: ControlPlane) -> Iterator[Process]:
    """Installs Crossplane's kinds, and runs the core and the functions until the end of the block."""
    programs = tools.ensure("crossplane", *FUNCTIONS)
    port = ports.choose(directory, ("health", "metrics", *FUNCTIONS))
    certificates = directory / "tls"
    Pki(certificates).identity("tls", "crossplane", hosts=["127.0.0.1"])
    cluster = Cluster(api.kubeconfig)
    serve(cluster, [yaml.safe_load(file.read_text()) for file in sorted((_source() / "cluster/crds").glob("*.yaml"))])
    _give_rights(cluster)
    processes: list[Process] = []
    for name in FUNCTIONS:
        address = f"127.0.0.1:{port[name]}"
        command = (str(programs[name]), "--address", address, "--tls-certs-dir", str(certificates))
        processes.append(Process(name, directory, command, lambda: True))
        _point_to(cluster, packages.package_name(name), address)
    signer = Pki(api.directory / "pki")
    kubeconfig = signer.kubeconfig(directory / "core.kubeconfig", api.url, signer.identity("crossplane", ACCOUNT))
    flags = {
        "namespace": NAMESPACE,
        "tls-client-certs-dir": str(certificates),
        "enable-webhooks": "false",
        "metrics-port": str(port["metrics"]),
        "health-probe-port": str(port["health"]),
        "xpkg-cache-dir": str(directory / "packages"),
    }
    command = (str(programs["crossplane"]), "core", "start", *(f"--{name}={value}" for name, value in flags.items()))
    processes.append(
        Process(
            "crossplane",
            directory,
            command,
            lambda: http_ok(f"http://127.0.0.1:{port['health']}/readyz"),
            {"KUBECONFIG": str(kubeconfig)},
        )
    )
    with ExitStack() as running:
        for process in processes:
            process.launch()
            running.callback(process.stop)
        processes[-1].wait()
        yield processes[-1]


def serve(cluster: Cluster, definitions: list[dict[str, Any]]) -> None:
    """Applies definitions, and waits until the API server serves their kinds."""
    for one in definitions:
        cluster.apply(one, "test")
    for one in definitions:
        until(lambda one=one: _serves(cluster, one), one["metadata"]["name"])


def until(reached: Callable[[], Any], what: str) -> Any:
    """Waits for the first true value, and returns it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (value := reached()):
        assert time.monotonic() < deadline, f"after {WAIT_SECONDS} s still not: {what}"
        time.sleep(0.1)
    return value


def _serves(cluster: Cluster, definition: dict[str, Any]) -> bool:
    spec = definition["spec"]
    (version,) = [one["name"] for one in spec["versions"] if one["storage"]]
    kind = Kind(spec["group"], version, spec["names"]["kind"])
    try:
        return cluster.client.serves(kind) and bool(
            cluster.client.request("GET", cluster.client.path(kind, None), attempts=1)
        )
    except (ApiError, NotServed):
        return False


def _source() -> Path:
    return build.source(BINARIES["crossplane"])


def _give_rights(cluster: Cluster) -> None:
    """The chart's roles, and what Crossplane's RBAC manager would add for definitions and for providers' kinds."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, "chart")
    chart = _source() / "cluster/charts/crossplane"
    templates = [f"--show-only=templates/{name}.yaml" for name in ("clusterrole", "clusterrolebinding")]
    command = [tools.ensure("helm")["helm"], "template", "crossplane", chart, f"--namespace={NAMESPACE}", *templates]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for one in yaml.safe_load_all(rendered):
        cluster.apply(one, "chart")
    cluster.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {
                "name": "what-the-rbac-manager-grants",
                "labels": {"rbac.crossplane.io/aggregate-to-crossplane": "true"},
            },
            "rules": [
                {"apiGroups": groups, "resources": ["*"], "verbs": ["*"]}
                for groups in (
                    ["database.example.org", "data.example.com", "local.example.com"],
                    ["ec2.aws.m.upbound.io", "rds.aws.m.upbound.io"],
                )
            ],
        },
        "rbac-manager",
    )


def _point_to(cluster: Cluster, function: str, address: str) -> None:
    """Says where the function listens, as the package manager does of the Service that it makes."""
    name = f"{function}-process"
    manifest = {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": "FunctionRevision",
        "metadata": {
            "name": name,
            "labels": {"pkg.crossplane.io/package": function},
            "annotations": {"crossplane.io/paused": "true"},  # it has no package that could be fetched
        },
        "spec": {"desiredState": "Active", "image": f"example.org/{function}:v1.0.0", "revision": 1},
    }
    made = cluster.apply(manifest, "package-manager")
    path = f"{cluster.client.path(REVISION, None, name)}/status"
    content = {**made, "status": {"endpoint": f"dns:///{address}", "capabilities": ["composition"]}}
    cluster.client.request("PUT", path, None, content)
