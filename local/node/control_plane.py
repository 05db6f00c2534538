"""etcd, kube-apiserver and kube-controller-manager as ordinary processes: a real Kubernetes API that runs no pods.

Needs no privileges. The node (`local.node`) puts a kubelet and a network around the same processes; tests and the
machines that cannot run containers use it alone.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from local import tools
from local.node import ports
from local.node.api import HEALTH_SECONDS, Api
from local.node.pki import Pki
from local.node.processes import Process

SERVICE_SUBNET = "10.96.0.0/16"
SERVICE_API = "10.96.0.1"
"""First address of the subnet: the Service `kubernetes`."""

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager")


_DIRECT = build_opener(ProxyHandler({}))
"""Opens addresses of this machine, past any proxy that the user has set."""


@dataclass(frozen=True)
class ControlPlane:
    """A running Kubernetes API."""

    kubeconfig: Path
    """The administrator's; readable by its owner alone."""
    url: str
    directory: Path


@contextmanager
def control_plane(directory: Path) -> Iterator[ControlPlane]:
    """A Kubernetes API on loopback until the end of the block; its data stays in the directory, readable next time.

    Raises:
        StepFailed: a tool cannot be built or does not start; the message quotes its log.
    """
    parts = Parts.plan(directory)
    try:
        parts.start()
        yield ControlPlane(parts.kubeconfig, parts.url, parts.directory)
    finally:
        for process in reversed(parts.processes):
            process.stop()


@dataclass(frozen=True)
class Parts:
    """The three processes and the admin's kubeconfig, planned but not necessarily started."""

    directory: Path
    pki: Pki
    kubeconfig: Path
    url: str
    etcd: Process
    api_server: Process
    controller_manager: Process

    @classmethod
    def plan(
        cls,
        directory: Path,
        address: str = "127.0.0.1",
        api_port: int | None = None,
        api_flags: Mapping[str, str] | None = None,
    ) -> "Parts":
        """Writes certificates and kubeconfigs, and says which processes there will be.

        `address` is where the API server listens; the others listen on loopback. `api_flags` are added to the API
        server's, by name.
        """
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        programs = tools.ensure(*BINARIES)
        port = ports.choose(directory, ("etcd", "etcd-peer", "api", "controller-manager"))
        url = f"https://{address}:{api_port or port['api']}"
        pki = Pki(directory / "pki")
        admin = pki.identity("admin", "admin", ["system:masters"])
        kubeconfig = pki.kubeconfig(directory / "admin.kubeconfig", url, admin)
        etcd = _etcd(directory, str(programs["etcd"]), port["etcd"], port["etcd-peer"])
        etcd_url = f"http://127.0.0.1:{port['etcd']}"
        flags = {"etcd-servers": etcd_url, **_api_flags(pki, url), **(api_flags or {})}
        # On SIGTERM it waits for open watches for up to a minute; nobody here needs that.
        api_server = Process(
            "kube-apiserver",
            directory,
            (str(programs["kube-apiserver"]), *_flags(flags)),
            Api(kubeconfig).ready,
            ready_seconds=180,
            stop_seconds=3,
        )
        manager = _controller_manager(
            directory, pki, str(programs["kube-controller-manager"]), url, port["controller-manager"]
        )
        return cls(directory, pki, kubeconfig, url, etcd, api_server, manager)

    @property
    def processes(self) -> tuple[Process, ...]:
        """In starting order."""
        return (self.etcd, self.api_server, self.controller_manager)

    def start(self) -> None:
        """Starts what does not run, and returns when the API can be used: namespaces have their service account."""
        self.launch_api()
        self.etcd.wait()
        self.api_server.wait()
        self.controller_manager.launch()
        self.controller_manager.wait()

    def launch_api(self) -> None:
        """Starts etcd and the API server unless they run.

        An API server that has lost its etcd takes a minute or more to find the next one; a new one takes seconds.
        """
        if self.etcd.pid() is None:
            self.api_server.stop()
        if self.api_server.pid() is None:
            place = urlsplit(self.url)
            ports.becomes_free(place.hostname or "", place.port or 0)
        self.etcd.launch()
        self.api_server.launch()

    def forget(self) -> None:
        """Removes everything that the API server has stored."""
        shutil.rmtree(self.directory / "etcd", ignore_errors=True)


def _etcd(directory: Path, program: str, port: int, peer_port: int) -> Process:
    url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    flags = {
        "name": "node",
        "data-dir": str(directory / "etcd"),
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"node={peer}",
        # The cluster is made again when a machine loses power; waiting for the disk at each write buys nothing.
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    return Process("etcd", directory, (program, *_flags(flags)), lambda: http_ok(f"{url}/health"))


def _api_flags(pki: Pki, url: str) -> dict[str, str]:
    address, port = url.removeprefix("https://").split(":")
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    serving = pki.identity("kube-apiserver", "kube-apiserver", hosts=[*names, "127.0.0.1", address, SERVICE_API])
    front_proxy = pki.identity("front-proxy", "front-proxy")
    private, public = pki.signing_key("service-accounts")
    return {
        "bind-address": address,
        "advertise-address": address,
        "secure-port": port,
        "service-cluster-ip-range": SERVICE_SUBNET,
        "client-ca-file": str(pki.authority.certificate),
        "tls-cert-file": str(serving.certificate),
        "tls-private-key-file": str(serving.key),
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(public),
        "service-account-signing-key-file": str(private),
        "authorization-mode": "Node,RBAC",
        "allow-privileged": "true",
        "requestheader-client-ca-file": str(pki.authority.certificate),
        "requestheader-allowed-names": "front-proxy",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": str(front_proxy.certificate),
        "proxy-client-key-file": str(front_proxy.key),
        # An endpoint on loopback is refused, and every write of it would log an error.
        **({"endpoint-reconciler-type": "none"} if address.startswith("127.") else {}),
    }


def _controller_manager(directory: Path, pki: Pki, program: str, url: str, port: int) -> Process:
    config = client_config(directory, pki, "kube-controller-manager", "system:kube-controller-manager", url)
    private, _ = pki.signing_key("service-accounts")
    admin = Api(directory / "admin.kubeconfig")

    def ready() -> bool:
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        return bool(admin.request("GET", account, seconds=HEALTH_SECONDS))

    flags = {
        **config,
        "bind-address": "127.0.0.1",
        "secure-port": str(port),
        "service-account-private-key-file": str(private),
        "root-ca-file": str(pki.authority.certificate),
        "cluster-signing-cert-file": str(pki.authority.certificate),
        "cluster-signing-key-file": str(pki.authority.key),
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "service-cluster-ip-range": SERVICE_SUBNET,
        "controllers": "*,-node-ipam-controller",
    }
    return Process("kube-controller-manager", directory, (program, *_flags(flags)), ready)


def client_config(directory: Path, pki: Pki, name: str, user: str, url: str) -> dict[str, str]:
    """The three flags by which a control-plane program reaches the API server as `user`."""
    config = pki.kubeconfig(directory / "etc" / f"{name}.kubeconfig", url, pki.identity(name, user))
    return dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"), str(config))


def http_ok(url: str) -> bool:
    """Whether a health address on loopback answers 200; raises OSError when nobody is there."""
    with _DIRECT.open(url, timeout=HEALTH_SECONDS) as answer:
        return answer.status == 200


def _flags(values: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]
