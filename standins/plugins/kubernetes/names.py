"""Type tokens, identifiers, automatic names, and which built-in kinds live outside namespaces."""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

from standins.plugins.plugin import Refused
from standins.plugins.values import UNKNOWN, Object

AUTONAMED = "pulumi.com/autonamed"
"""Annotation on objects whose name was generated: they can be replaced before the old one is deleted."""

CLUSTER_SCOPED = frozenset(
    [
        "v1/ComponentStatus",
        "v1/Namespace",
        "v1/Node",
        "v1/PersistentVolume",
        "admissionregistration.k8s.io/MutatingAdmissionPolicy",
        "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
        "apiextensions.k8s.io/CustomResourceDefinition",
        "apiregistration.k8s.io/APIService",
        "certificates.k8s.io/CertificateSigningRequest",
        "flowcontrol.apiserver.k8s.io/FlowSchema",
        "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
        "networking.k8s.io/IngressClass",
        "networking.k8s.io/IPAddress",
        "networking.k8s.io/ServiceCIDR",
        "node.k8s.io/RuntimeClass",
        "rbac.authorization.k8s.io/ClusterRole",
        "rbac.authorization.k8s.io/ClusterRoleBinding",
        "resource.k8s.io/DeviceClass",
        "resource.k8s.io/ResourceSlice",
        "scheduling.k8s.io/PriorityClass",
        "storage.k8s.io/CSIDriver",
        "storage.k8s.io/CSINode",
        "storage.k8s.io/StorageClass",
        "storage.k8s.io/VolumeAttachment",
        "storage.k8s.io/VolumeAttributesClass",
        "gateway.networking.k8s.io/GatewayClass",
    ]
)
"""Used only where no API server can be asked: at a preview without a cluster."""

RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True)
class Kind:
    """Group, version and kind of an object; the core group is empty."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """As it stands in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_cluster_scoped_by_name(self) -> bool:
        """Whether a cluster's own types would put it outside namespaces; false for what is not built in."""
        return f"{self.group or 'v1'}/{self.kind}" in CLUSTER_SCOPED

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind}"


def kind_of(token: str, inputs: Object) -> Kind:
    """The kind that a resource's type token and manifest name.

    Raises:
        Refused: the token is of something this stand-in does not implement.
    """
    package, module, name = ([*token.split(":"), "", ""])[:3]
    group, _, version = module.rpartition("/")
    if package != "kubernetes" or not name:
        raise Refused(f"{token} is not a type of the Kubernetes provider")
    if group in ("helm.sh", "yaml", "kustomize") or not version or not group:
        raise Refused(
            f"{token} is not implemented by the Kubernetes provider stand-in: use kubernetes.helm.v3.Release for "
            "charts and one resource per object otherwise, or the published plugin"
        )
    kind = inputs.get("kind", name)
    if name.endswith("Patch") and kind != name:
        raise Refused(
            f"{token} is a Patch resource, which the Kubernetes provider stand-in does not implement: declare the "
            "object itself, or use the published plugin"
        )
    if name.endswith("List") and "items" in inputs:
        raise Refused(f"{token} is a list, which cannot be created directly: declare each of its items as a resource")
    return Kind("" if group == "core" else group, version, name)


def kind_from_manifest(manifest: Object) -> Kind:
    """The kind of a live object or a stored manifest."""
    group, _, version = manifest.get("apiVersion", "").rpartition("/")
    return Kind("" if group == "core" else group, version, manifest.get("kind", ""))


def identifier(namespace: str | None, name: str) -> str:
    """The resource's id in Pulumi's state."""
    return f"{namespace}/{name}" if namespace else name


def parse_identifier(text: str) -> tuple[str | None, str]:
    """Namespace (None outside namespaces) and name."""
    namespace, slash, name = text.partition("/")
    return (namespace, name) if slash else (None, namespace)


def metadata(manifest: Object) -> Object:
    """The manifest's metadata; an empty object where it has none."""
    found = manifest.get("metadata")
    return found if isinstance(found, dict) else {}


def annotations(manifest: Object) -> Object:
    """The manifest's annotations; an empty object where it has none."""
    found = metadata(manifest).get("annotations")
    return found if isinstance(found, dict) else {}


def is_autonamed(manifest: Object) -> bool:
    """Whether the object's name was generated."""
    return annotations(manifest).get(AUTONAMED) == "true"


def with_name(inputs: Object, old: Object, name: str, seed: bytes, autonaming: Any = None) -> Object:
    """The manifest with a name: its own, the one generated before, or a new one (`<resource name>-<8 hex>`).

    Raises:
        Refused: the name is left to the server (generateName), or the engine's rules forbid generated names.
    """
    meta = metadata(inputs)
    if meta.get("name") or inputs.get("metadata") == UNKNOWN:
        return inputs
    if meta.get("generateName"):
        raise Refused(
            "metadata.generateName is not implemented by the Kubernetes provider stand-in: give metadata.name, or "
            "leave both out for a generated name"
        )
    if is_autonamed(old):
        chosen = metadata(old)["name"]
    elif autonaming is not None and autonaming.mode == autonaming.Mode.DISABLE:
        raise Refused("metadata.name is missing, and this project's autonaming is disabled")
    elif autonaming is not None and autonaming.proposed_name:
        chosen = autonaming.proposed_name
    else:
        chosen = f"{name}-{hashlib.sha256(seed or os.urandom(32)).hexdigest()[:8]}"
    marks = {**(meta.get("annotations") or {}), AUTONAMED: "true"}
    return {**inputs, "metadata": {**meta, "name": chosen, "annotations": marks}}


def field_manager(urn: str, state: Object, inputs: Object) -> str:
    """Who owns the fields that a resource applies: one manager a resource, the same on every run."""
    wanted = annotations(inputs).get("pulumi.com/patchFieldManager")
    return wanted or state.get("__fieldManager") or f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"
