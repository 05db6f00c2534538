"""Which changes replace an object instead of updating it: the published provider's table, for the kinds in use."""

from standins.plugins.kubernetes.names import Kind, is_autonamed, metadata
from standins.plugins.paths import Path, parse
from standins.plugins.values import Object

ALWAYS = ("metadata.name", "metadata.namespace")

_CONTAINER = [
    "args",
    "command",
    "env",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
    "image",
]
_POD = [
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
]
_VOLUME_SOURCES = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
]

BY_KIND: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "PersistentVolume"): tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    ("", "Pod"): (
        *(f"spec.{field}" for field in _POD),
        *(f"spec.{group}[*].{field}" for group in ("containers", "initContainers") for field in _CONTAINER),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Service"): ("spec.clusterIP",),
    ("", "Secret"): ("type",),
}


def replacing_paths(
    kind: Kind, old: Object, new: Object, *, mutable_config_map: bool, mutable_secret: bool
) -> list[Path]:
    """Paths whose change replaces the object.

    The data of a ConfigMap or Secret counts unless the provider's `enableConfigMapMutable` or `enableSecretMutable` is
    on and the object is not marked immutable.
    """
    paths = [*ALWAYS, *BY_KIND.get((kind.group, kind.kind), ())]
    fixed = old.get("immutable") is True or new.get("immutable") is True
    if not kind.group and kind.kind == "ConfigMap" and (fixed or not mutable_config_map):
        paths += ["data", "binaryData"]
    if not kind.group and kind.kind == "Secret" and (fixed or not mutable_secret):
        paths += ["data", "stringData"]
    return [parse(path) for path in paths]


def delete_first(old: Object, new: Object) -> bool:
    """Whether a replacement has to delete the old object first, because the new one has the same name and place."""
    before, after = metadata(old), metadata(new)
    same = all(before.get(field) == after.get(field) for field in ("name", "namespace"))
    return same and not is_autonamed(new)
