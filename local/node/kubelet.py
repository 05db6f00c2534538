"""The programs that make running pods of the API's objects: scheduler, kubelet and kube-proxy.

Limits: no host ports of containers and no NetworkPolicy, since neither the bridge plugin nor kube-proxy does them.
"""

from pathlib import Path

from local import tools
from local.node import machine, network, ports, runtime
from local.node.control_plane import Parts, client_config, http_ok
from local.node.files import write, write_yaml
from local.node.pki import Pki
from local.node.processes import Process

NODE_NAME = "node"
BINARIES = ("kube-scheduler", "kubelet", "kube-proxy")


def api_flags(directory: Path) -> dict[str, str]:
    """Flags by which the API server finds and trusts the kubelet, for logs, exec and port-forward."""
    pki = Pki(directory / "pki")
    client = pki.identity("kubelet-client", "kube-apiserver-kubelet-client", ["system:masters"])
    return {
        "kubelet-client-certificate": str(client.certificate),
        "kubelet-client-key": str(client.key),
        "kubelet-certificate-authority": str(pki.authority.certificate),
        "kubelet-preferred-address-types": "InternalIP",
        # Images are built here, some under upstream's tags, which say nothing of content: each pod asks the registry.
        "enable-admission-plugins": "AlwaysPullImages,NodeRestriction",
    }


def processes(control: Parts) -> tuple[Process, ...]:
    """The three, in starting order."""
    programs = {name: str(place) for name, place in tools.ensure(*BINARIES).items()}
    names = ("scheduler", "kubelet-health", "kubelet", "proxy-health", "proxy-metrics")
    port = ports.choose(control.directory, names)
    return (
        _scheduler(control, programs["kube-scheduler"], port["scheduler"]),
        _kubelet(control, programs["kubelet"], port["kubelet"], port["kubelet-health"]),
        _proxy(control, programs["kube-proxy"], port["proxy-health"], port["proxy-metrics"]),
    )


def _scheduler(control: Parts, program: str, port: int) -> Process:
    flags = {
        **client_config(control.directory, control.pki, "kube-scheduler", "system:kube-scheduler", control.url),
        "bind-address": "127.0.0.1",
        "secure-port": str(port),
        "leader-elect": "false",
    }
    # Its health address has a certificate of its own making; that somebody listens is what can be asked cheaply.
    command = (program, *(f"--{name}={value}" for name, value in flags.items()))
    return Process("kube-scheduler", control.directory, command, lambda: ports.in_use("127.0.0.1", port))


def _kubelet(control: Parts, program: str, port: int, health_port: int) -> Process:
    directory, pki = control.directory, control.pki
    # Server and client at once: the name of the user and the groups are what the API server's Node authorizer asks for.
    identity = pki.identity("kubelet", f"system:node:{NODE_NAME}", ["system:nodes"], hosts=[NODE_NAME, network.ADDRESS])
    kubeconfig = pki.kubeconfig(directory / "etc" / "kubelet.kubeconfig", control.url, identity)
    # Pods that ask for the node's own resolver get the cluster's: one on the machine's loopback would not reach them.
    resolver = write(directory / "etc" / "resolv.conf", f"nameserver {network.ADDRESS}\n")
    manifests = directory / "manifests"
    manifests.mkdir(exist_ok=True)
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.ADDRESS,
        "port": port,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": health_port,
        "readOnlyPort": 0,
        "staticPodPath": str(manifests),
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{machine.CGROUP}",
        "clusterDNS": [network.ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(resolver),
        "containerRuntimeEndpoint": f"unix://{runtime.socket(directory)}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(identity.certificate),
        "tlsPrivateKeyFile": str(identity.key),
        "podLogsDir": str(directory / "pod-logs"),
        "volumePluginDir": str(directory / "volume-plugins"),
        # We use no iptables, so the kubelet need not guard any.
        "makeIPTablesUtilChains": False,
        # Images cost minutes to build; a full disk is for the person at the machine to decide about.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
        "maxPods": 110,
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        "shutdownGracePeriod": "0s",
    }
    file = write_yaml(directory / "etc" / "kubelet.yaml", configuration)
    flags = {
        "config": str(file),
        "kubeconfig": str(kubeconfig),
        "root-dir": str(directory / "kubelet"),
        "cert-dir": str(directory / "kubelet" / "pki"),
        "node-ip": network.ADDRESS,
        "hostname-override": NODE_NAME,
    }
    command = (program, *(f"--{name}={value}" for name, value in flags.items()))
    return Process("kubelet", directory, command, lambda: http_ok(f"http://127.0.0.1:{health_port}/healthz"))


def _proxy(control: Parts, program: str, health_port: int, metrics_port: int) -> Process:
    config = client_config(control.directory, control.pki, "kube-proxy", "system:kube-proxy", control.url)
    configuration = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": config["kubeconfig"]},
        "clusterCIDR": network.POD_SUBNET,
        "hostnameOverride": NODE_NAME,
        "healthzBindAddress": f"127.0.0.1:{health_port}",
        "metricsBindAddress": f"127.0.0.1:{metrics_port}",
        "nodePortAddresses": [f"{network.ADDRESS}/32"],
        # Where a pod's answer to its neighbour would bypass the rules, it must come back through the node.
        "nftables": {"masqueradeAll": not network.sees_pod_to_pod_packets(), "minSyncPeriod": "100ms"},
        # Zero leaves the kernel's settings alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    file = write_yaml(control.directory / "etc" / "kube-proxy.yaml", configuration)
    command = (program, f"--config={file}")
    return Process("kube-proxy", control.directory, command, lambda: http_ok(f"http://127.0.0.1:{health_port}/healthz"))
