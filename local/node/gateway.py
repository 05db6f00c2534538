"""The Gateway API and Traefik, which implements it, as a process of the machine at the bridge's port 80."""

import sys
from pathlib import Path

from local.node import network, ports
from local.node.api import Api, Manifest
from local.node.control_plane import Parts, client_config, http_ok
from local.node.processes import Process
from local.progress import StepFailed

CLASS = "traefik"
PORT = 80
URL = f"http://{network.ADDRESS}"
USER = "pulumi-mlops:gateway"
CRDS = Path(__file__).resolve().parent / "crds"
GROUP = "gateway.networking.k8s.io"


_READ = ["get", "list", "watch"]
_CORE = ["namespaces", "services", "secrets", "configmaps", "nodes", "pods"]
RULES: list[Manifest] = [
    {"apiGroups": [""], "resources": _CORE, "verbs": _READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
    {"apiGroups": [GROUP], "resources": ["*"], "verbs": [*_READ, "update", "patch"]},
]
"""What Traefik must be allowed to read, and to report in the status of Gateway API objects."""


def install(api: Api) -> None:
    """Installs the Gateway API's definitions."""
    for file in sorted(CRDS.glob("*.yaml")):
        resource = file.stem.removeprefix(f"{GROUP}_")
        api.apply_text("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{resource}.{GROUP}", file.read_text())


def install_class(api: Api) -> None:
    """Makes the GatewayClass; possible once the API server serves its definition."""
    spec = {"controllerName": "traefik.io/gateway-controller"}
    api.apply({"apiVersion": f"{GROUP}/v1", "kind": "GatewayClass", "metadata": {"name": CLASS}, "spec": spec})


def process(control: Parts) -> Process:
    """Traefik from the Python environment that runs this."""
    program = Path(sys.executable).parent / "traefik"
    if not program.exists():
        raise StepFailed(f"Gateway: there is no {program}; install the environment again (`make up` does).")
    kubeconfig = client_config(control.directory, control.pki, "traefik", USER, control.url)["kubeconfig"]
    port = ports.choose(control.directory, ("gateway-ping",))["gateway-ping"]
    flags = (
        f"--entrypoints.web.address={network.ADDRESS}:{PORT}",
        f"--entrypoints.ping.address=127.0.0.1:{port}",
        "--ping=true",
        "--ping.entrypoint=ping",
        "--providers.kubernetesgateway=true",
        f"--providers.kubernetesgateway.statusaddress.ip={network.ADDRESS}",
        "--providers.kubernetesgateway.throttleduration=100ms",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=INFO",
    )
    return Process(
        "traefik",
        control.directory,
        (str(program), *flags),
        lambda: http_ok(f"http://127.0.0.1:{port}/ping"),
        {"KUBECONFIG": kubeconfig},
    )
