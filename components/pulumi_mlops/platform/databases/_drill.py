"""The restore drill of databases in the cluster: a backup that nobody has restored is a hope."""

from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._manifests import Manifest, container_security, name_of, resources
from pulumi_mlops.contract.containers import ANNOTATION_PREFIX

ANNOTATION = f"{ANNOTATION_PREFIX}/last-restore-drill"
"""On a database's Cluster: when it was last restored, how many rows it had, how long it took; or why it failed."""
SECONDS = 4 * 3600
"""How long one restore may take."""
FILE = "restore_drill.py"
CODE = (Path(__file__).parent / "_container_files" / FILE).read_text()
POSTGRES_USER = 26
"""The user of the databases' images."""


def create(name: str, objects: str, image: pulumi.Input[str], schedule: str, parent: pulumi.Resource) -> None:
    """Creates a CronJob beside Crossplane that restores every database with backups, and the rights that it needs."""
    labels = conventions.labels("restore-drill", name)
    child = pulumi.ResourceOptions(parent=parent)
    namespace = conventions.CROSSPLANE_NAMESPACE
    place: Manifest = {"name": f"{objects}-restore-drill", "namespace": namespace, "labels": labels}
    code = k8s.core.v1.ConfigMap(f"{name}-drill-code", metadata=place, data={FILE: CODE}, opts=child)
    account = k8s.core.v1.ServiceAccount(f"{name}-drill-account", metadata=place, opts=child)
    anywhere: Manifest = {"name": place["name"], "labels": labels}
    rights = k8s.rbac.v1.ClusterRole(f"{name}-drill-rights", metadata=anywhere, rules=RULES, opts=child)
    binding: Manifest = {
        "role_ref": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name_of(rights)},
        "subjects": [{"kind": "ServiceAccount", "name": name_of(account), "namespace": namespace}],
    }
    bound = k8s.rbac.v1.ClusterRoleBinding(f"{name}-drill-binding", metadata=anywhere, **binding, opts=child)
    spec: Manifest = {
        "schedule": f"@{schedule}",
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"backoffLimit": 0, "template": _pod(labels, image, name_of(code), name_of(account))}},
    }
    k8s.batch.v1.CronJob(
        f"{name}-drill", metadata=place, spec=spec, opts=pulumi.ResourceOptions(parent=parent, depends_on=[bound])
    )


RULES: list[Manifest] = [
    {
        "apiGroups": ["postgresql.cnpg.io"],
        "resources": ["clusters"],
        "verbs": ["get", "list", "create", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "delete"]},
]
"""The rows are counted by a pod in the database's namespace, so that the drill reads no Secret and crosses no network
policy."""


def _pod(labels: Manifest, image: pulumi.Input[str], code: pulumi.Input[str], account: pulumi.Input[str]) -> Manifest:
    container = {
        "name": "drill",
        "image": image,
        "command": ["python3", f"/code/{FILE}"],
        "env": [{"name": "ANNOTATION", "value": ANNOTATION}, {"name": "SECONDS", "value": str(SECONDS)}],
        "resources": resources("50m", "64Mi"),
        "securityContext": container_security(),
        "volumeMounts": [{"name": "code", "mountPath": "/code", "readOnly": True}],
    }
    spec = {
        "restartPolicy": "Never",
        "serviceAccountName": account,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": POSTGRES_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "code", "configMap": {"name": code}}],
    }
    return {"metadata": {"labels": labels}, "spec": spec}
