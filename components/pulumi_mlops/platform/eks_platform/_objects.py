"""What the platform on EKS adds to its parts: the class of ordinary volumes, and Secrets out of Secrets Manager."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import ArgumentError
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops.platform import _parts
from pulumi_mlops.platform._part_names import PartNames

BLOCK_DRIVER = "ebs.csi.aws.com"
AUTO_MODE_BLOCK_DRIVER = "ebs.csi.eks.amazonaws.com"
BLOCK_STORAGE_CLASS = "gp3"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
ARGO_CD_LABEL = {"app.kubernetes.io/part-of": "argocd"}
"""Without it Argo CD does not read a Secret that its settings refer to."""

ARGO_CD_SECRET = "argocd-oidc"  # noqa: S105 - a name
ARGO_WORKFLOWS_SECRET = "argo-workflows-oidc"  # noqa: S105 - a name
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - a name
SECRETS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    ARGO_CD_SECRET: (("client-secret",), ARGO_CD_LABEL),
    ARGO_WORKFLOWS_SECRET: (("client-id", "client-secret"), {}),
    GRAFANA_SECRET: (("admin-user", "admin-password"), {}),
}
"""Name of a Secret, and behind the platform's prefix of its source → its keys, and labels that its reader wants."""


def block_storage_class(
    names: PartNames, keep_volumes: bool, parent: pulumi.Resource, *, auto_mode: bool
) -> pulumi.Output[str]:
    """Creates the class of volumes that one pod has to itself, the cluster's default: EKS comes without any."""
    created = k8s.storage.v1.StorageClass(
        names.resource("block-storage-class"),
        metadata=_metadata(
            {
                "name": BLOCK_STORAGE_CLASS,
                "annotations": {DEFAULT_CLASS: "true"},
                "labels": conventions.labels("storage-class", "block"),
            }
        ),
        provisioner=AUTO_MODE_BLOCK_DRIVER if auto_mode else BLOCK_DRIVER,
        parameters={"type": "gp3", "encrypted": "true", "csi.storage.k8s.io/fstype": "ext4"},
        reclaim_policy="Retain" if keep_volumes else "Delete",
        volume_binding_mode="WaitForFirstConsumer",  # a volume lies in one zone: that of its pod
        allow_volume_expansion=True,
        opts=_parts.of_storage_class(parent),
    )
    return name_of(created)


def enforce_network_policies(names: PartNames, parent: pulumi.Resource) -> None:
    """Creates what makes EKS Auto Mode enforce NetworkPolicies, which it only accepts otherwise."""
    k8s.core.v1.ConfigMap(
        names.resource("network-policies"),
        metadata=_metadata(
            {
                "name": "amazon-vpc-cni",
                "namespace": "kube-system",
                "labels": conventions.labels("network-policies", "amazon-vpc-cni"),
            }
        ),
        data={"enable-network-policy-controller": "true"},
        opts=pulumi.ResourceOptions(parent=parent),
    )


def copied_secret(
    name: str,
    namespace: pulumi.Input[str],
    *,
    names: PartNames,
    prefix: pulumi.Input[str],
    secret_store: pulumi.Input[str],
    child: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Copies `<prefix><name>` of Secrets Manager, one of SECRETS, and returns the Secret's name once it is there."""
    keys, labels = SECRETS[name]
    copied = k8s.apiextensions.CustomResource(
        names.resource(f"{name}-secret"),
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata=_metadata(
            {
                "name": name,
                "namespace": namespace,
                "labels": conventions.labels("secret", name),
                "annotations": {"pulumi.com/waitFor": "condition=Ready"},
            }
        ),
        spec={
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": secret_store},
            "data": [
                {"secretKey": key, "remoteRef": {"key": pulumi.Output.concat(prefix, name), "property": key}}
                for key in keys
            ],
            "target": {
                "name": name,
                "creationPolicy": "Owner",
                **({"template": {"metadata": {"labels": labels}}} if labels else {}),
            },
        },
        opts=child,
    )
    return name_of(copied)


def bucket(buckets: Mapping[str, pulumi.Input[str]], use: str, owner: str) -> pulumi.Input[str]:
    """Name of the bucket of one use.

    Raises:
        ArgumentError: there is none; `owner` is whose arguments they are.
    """
    if use not in buckets:
        raise ArgumentError(f'{owner}: args.buckets must have "{use}", got {", ".join(sorted(buckets)) or "none"}')
    return buckets[use]


def _metadata(content: Mapping[str, object]) -> Manifest:
    return content
