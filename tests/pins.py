"""Names of pins where golden files would hold their versions, so that a bump changes no golden file.

This table says which pin stands where. `named` puts a name there only if the value is that pin's version: any other
version stays as it is, and the golden file shows it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops import versions

from maintenance import upstream

RELEASE = "kubernetes:helm.sh/v3:Release"
CHARTS: dict[str, tuple[str, ...]] = {
    **{data.name: (data.pin,) for data in upstream.DATA if data.kind is upstream.CHART},
    "argo-workflows": ("ARGO_WORKFLOWS_CHART", "ARGO_WORKFLOWS_4_CHART"),
}
"""Chart → pins of its version."""
VALUES = {
    "argo-events": {"configs.jetstream.versions.version": ("NATS",)},
    "argo-workflows": {"images.tag": ("ARGO_WORKFLOWS", "ARGO_WORKFLOWS_4")},
    "istiod": {"global.tag": ("ISTIO",)},
    "kserve-runtime-configs": {"kserve.servingruntime.mlserver.tag": ("MLSERVER",)},
    "seldon-core-operator": {"predictor_servers.*.protocols.*.defaultImageVersion": ("MLSERVER",)},
}
"""Chart → path of a value → pins."""
ADDONS = {
    "aws-ebs-csi-driver": "EKS_EBS_CSI_DRIVER",
    "aws-efs-csi-driver": "EKS_EFS_CSI_DRIVER",
    "coredns": "EKS_COREDNS",
    "eks-pod-identity-agent": "EKS_POD_IDENTITY_AGENT",
    "kube-proxy": "EKS_KUBE_PROXY",
    "metrics-server": "EKS_METRICS_SERVER",
    "vpc-cni": "EKS_VPC_CNI",
}
"""Add-on of EKS → pin."""
FIELDS = {
    "kubernetes:argoproj.io/v1alpha1:EventBus": {"spec.jetstream.version": ("NATS",)},
    "eks:index:Cluster": {"version": ("EKS_KUBERNETES",)},
}
"""Type of a resource → path of an input → pins."""
IMAGES = {
    "alibiexplainer": "SELDON",
    "buildkit": "BUILDKIT",
    "function-auto-ready": "CROSSPLANE_AUTO_READY",
    "function-patch-and-transform": "CROSSPLANE_PATCH_AND_TRANSFORM",
    "kube-rbac-proxy": "KUBE_RBAC_PROXY",
    "ml-pipeline": "ML",
    "ml-server": "ML",
    "mlflow": "MLFLOW",
    "mlserver": "MLSERVER",
    "nats": "NATS",
    "nats-server-config-reloader": "NATS_RELOADER",
    "postgres": "POSTGRES",
    "prometheus-nats-exporter": "NATS_EXPORTER",
    "provider-aws-ec2": "CROSSPLANE_AWS",
    "provider-aws-iam": "CROSSPLANE_AWS",
    "provider-aws-rds": "CROSSPLANE_AWS",
    "provider-aws-s3": "CROSSPLANE_AWS",
    "provider-family-aws": "CROSSPLANE_AWS",
    "rclone-storage-initializer": "SELDON",
    "seaweedfs": "SEAWEEDFS",
}
"""Last part of an image's repository → pin of its tag."""
IMAGE = re.compile(r"(?P<before>(?:[\w.:-]+/)+(?P<image>[\w.-]+):)(?P<tag>v?\d[\w.-]*)")
NAME = re.compile(r"<[A-Z][A-Z0-9_]+>")


def named(resource: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a resource of a type, with the names of pins in the place of their versions."""
    return _replaced(resource, inputs, _name)


def unversioned(resource: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The same with one mark for every version where a pin's stands, whichever version it is."""
    return _replaced(resource, inputs, _mark)


def _mark(text: str, pins: tuple[str, ...]) -> str:
    own_v = "v?" if any(str(getattr(versions, pin)).startswith("v") for pin in pins) else ""
    return re.sub(rf"^(v?){own_v}\d[\d.]*(-eksbuild\.\d+)?", "<pin>" if own_v else r"\1<pin>", text)


def _name(text: str, pins: tuple[str, ...]) -> str:
    for pin in pins:
        version = str(getattr(versions, pin))
        if re.fullmatch(rf"v?{re.escape(version)}(-[a-z-]+)?", text):
            return text.replace(version, f"<{pin}>")
    return text


def _replaced(resource: str, inputs: Mapping[str, Any], replace: Any) -> dict[str, Any]:
    places = dict(_places(resource, inputs))

    def walked(node: Any, at: tuple[str, ...]) -> Any:
        if isinstance(node, Mapping):
            return {key: walked(part, (*at, str(key))) for key, part in node.items()}
        if isinstance(node, list):
            return [walked(part, at) for part in node]
        if not isinstance(node, str):
            return node
        for place, pins in places.items():
            if len(place) == len(at) and all(part in ("*", key) for part, key in zip(place, at, strict=True)):
                return replace(node, pins)
        return IMAGE.sub(lambda found: _image(found, replace), node)

    return walked(inputs, ())


def _image(found: re.Match[str], replace: Any) -> str:
    pin = IMAGES.get(found["image"])
    return found["before"] + (replace(found["tag"], (pin,)) if pin else found["tag"])


def _places(resource: str, inputs: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    if resource == RELEASE:
        chart = str(inputs["chart"]).rpartition("/")[2]
        if not inputs["chart"].startswith("/"):  # a directory's chart has a version of its own
            yield ("version",), CHARTS.get(chart, ())
        for path, pins in VALUES.get(chart, {}).items():
            yield ("values", *path.split(".")), pins
    if resource == "aws:eks/addon:Addon":
        yield ("addonVersion",), (ADDONS[inputs["addonName"]],)
    for path, pins in FIELDS.get(resource, {}).items():
        yield tuple(path.split(".")), pins
