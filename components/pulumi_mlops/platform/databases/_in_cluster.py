"""Which objects of the cluster a database manifest becomes: a Cluster of CloudNativePG, and the developer's Secret.

The operator makes the password and the certificates. No function of Crossplane can draw a password or read a Secret
that the operator owns; but Crossplane reads the Secret that a composed object names as its connection Secret, whoever
has written it. So two objects of a kind without a controller, OperatorSecret, name the operator's Secrets.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._manifests import Manifest
from pulumi_mlops.database._arguments import BACKUP_DAYS
from pulumi_mlops.platform.databases import _choice, _drill
from pulumi_mlops.platform.databases import _schema as schema
from pulumi_mlops.platform.databases._patches import (
    Form,
    Object,
    back,
    combined,
    copy,
    former_name,
    from_json,
    pipeline,
    string,
    underscores,
    unique_name,
)

PROVIDER = "local"
PRODUCTION, _ = _choice.ENVIRONMENTS
CLUSTER = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster"}
SECRET_KIND, SECRET_PLURAL = "OperatorSecret", "operatorsecrets"
BACKUPS = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "ScheduledBackup"}
BACKUP_SCHEDULE = "0 0 1 * * *"
"""At 01:00 in UTC, as on RDS; the first field is the second."""
OPERATOR_RESOURCES = ("clusters", "clusters/status", "scheduledbackups", "scheduledbackups/status")
CPU_REQUEST = "100m"
INSTANCES: tuple[Object, ...] = (
    {"type": "convert", "convert": {"toType": "string"}},
    {"type": "map", "map": {"false": 1, "true": 2}},
)
"""Transforms of `highAvailability` to the number of servers."""
CONNECTION_KEYS = (*schema.CONNECTION_KEYS, conventions.DATABASE_CA_KEY)

CREDENTIALS = {
    conventions.DATABASE_PORT_KEY: "port",
    conventions.DATABASE_USERNAME_KEY: "username",
    conventions.DATABASE_PASSWORD_KEY: "password",
    conventions.DATABASE_NAME_KEY: "dbname",
    conventions.DATABASE_URI_KEY: "fqdn-uri",
}
"""Key of the developer's Secret → key of the operator's with the credentials."""
AUTHORITY = {conventions.DATABASE_CA_KEY: "ca.crt"}
"""The same of the operator's Secret with the authority, whose key stays there."""

TOLD = {
    "phase": "phase",
    "phaseReason": "reason",
    "firstRecoverabilityPoint": "restorableFrom",
    "lastSuccessfulBackup": "lastBackup",
    "lastFailedBackup": "lastFailedBackup",
}
"""Field of the Cluster's status → that of the manifest's, where the developer looks."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the platform says about its databases."""

    images: Mapping[str, pulumi.Input[str]]
    memory: Mapping[str, pulumi.Input[str]]
    storage_class: pulumi.Input[str] | None
    backups: Mapping[str, object] | None
    """Arguments of that name: destination, endpoint_url, credentials_secret."""


def rights(group: str) -> list[dict[str, list[str]]]:
    """Rights to what is composed."""
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    return [
        {"apiGroups": ["postgresql.cnpg.io"], "resources": [*OPERATOR_RESOURCES], "verbs": verbs},
        {"apiGroups": [group], "resources": [SECRET_PLURAL, f"{SECRET_PLURAL}/status"], "verbs": verbs},
    ]


def secret_definition(group: str) -> Manifest:
    """Spec of the definition of OperatorSecret."""
    text = {"type": "string"}
    reference = {"type": "object", "required": ["name"], "properties": {"name": text, "namespace": text}}
    properties = {"host": text, "writeConnectionSecretToRef": reference}
    content = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    return {
        "group": group,
        "scope": "Namespaced",
        "names": {"kind": SECRET_KIND, "plural": SECRET_PLURAL, "singular": SECRET_KIND.lower()},
        "versions": [{"name": schema.VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": content}}],
    }


def spec(group: str, form: Form, environment: str, place: Place) -> Object:
    """Spec of the Composition of one kind and environment: production has backups where there is a place for them."""
    backups = place.backups if environment == PRODUCTION else None
    resources = [
        _cluster(form, place, backups),
        *([_scheduled(form)] if backups else []),
        _secret(group, form, "credentials", "app", CREDENTIALS),
        _secret(group, form, "authority", "ca", AUTHORITY),
    ]
    return pipeline(group, form, resources)


def _cluster(form: Form, place: Place, backups: Mapping[str, object] | None) -> Object:
    to = "spec.bootstrap.initdb.database"
    storage: Object = {} if place.storage_class is None else {"storageClass": place.storage_class}
    base: Object = {
        "enablePDB": False,  # of a single instance it would stop every drain of a node
        "imagePullPolicy": "IfNotPresent",
        "bootstrap": {"initdb": {"owner": conventions.DATABASE_USER, "dataChecksums": True}},
        "postgresql": {"pg_hba": ["hostnossl all all all reject"]},
        "storage": storage,
        "resources": {"requests": {"cpu": CPU_REQUEST}},
        **({"backup": backup(backups)} if backups else {}),
    }
    patches = [
        *_in_place(form),
        copy(form.name, to, underscores()),
        *_restored(place.backups),
        back(to, "status.database"),
        back("spec.bootstrap.recovery.database", "status.database"),
        back(f"metadata.annotations[{_drill.ANNOTATION}]", "status.lastRestoreDrill"),
        *(back(f"status.{theirs}", f"status.{ours}") for theirs, ours in TOLD.items()),
        copy("spec.parameters.storageGB", "spec.storage.size", string("Format", fmt="%vGi")),
        copy("spec.parameters.version", "spec.imageName", {"type": "map", "map": dict(place.images)}),
        copy("spec.parameters.highAvailability", "spec.enablePDB"),
        copy("spec.parameters.highAvailability", "spec.instances", *INSTANCES),
        *(
            copy("spec.parameters.size", f"spec.resources.{which}.memory", {"type": "map", "map": dict(place.memory)})
            for which in ("requests", "limits")
        ),
    ]
    return {"name": "cluster", "base": {**CLUSTER, "spec": base}, "patches": patches}


def _restored(backups: Mapping[str, object] | None) -> list[Object]:
    """Patches that put a recovery in the place of an empty start, where the manifest has `restoreFrom`."""
    if backups is None:
        return []
    origin, at = "spec.parameters.restoreFrom.database", "spec.bootstrap.recovery"
    recovery = json.dumps({"recovery": {"source": "%s", "owner": conventions.DATABASE_USER}})
    # One verb for each use of the name: `%[1]s`.
    store = pulumi.Output.json_dumps(
        [{"name": "%[1]s", "barmanObjectStore": {"serverName": "%[1]s", **store_of(backups)}}]
    )
    return [
        copy(origin, "spec.bootstrap", string("Format", fmt=recovery), from_json("object"), policy="Optional"),
        copy(origin, f"{at}.database", former_name(), underscores(), policy="Optional"),
        copy("spec.parameters.restoreFrom.moment", f"{at}.recoveryTarget.targetTime", policy="Optional"),
        copy(origin, "spec.externalClusters", string("Format", fmt=store), from_json("array"), policy="Optional"),
    ]


def backup(backups: Mapping[str, object]) -> Object:
    """Where the base backups and the write-ahead log go."""
    return {"retentionPolicy": f"{BACKUP_DAYS[PRODUCTION]}d", "barmanObjectStore": store_of(backups)}


def store_of(backups: Mapping[str, object]) -> Object:
    """The bucket of backups. CloudNativePG 1.31 will want a plugin for it instead."""
    secret, keys = backups["credentials_secret"], (conventions.ACCESS_KEY_ID_KEY, conventions.SECRET_ACCESS_KEY_KEY)
    credentials = {
        field: {"name": secret, "key": key} for field, key in zip(("accessKeyId", "secretAccessKey"), keys, strict=True)
    }
    return {
        "destinationPath": backups["destination"],
        "endpointURL": backups["endpoint_url"],
        "s3Credentials": credentials,
    }


def _scheduled(form: Form) -> Object:
    base = {**BACKUPS, "spec": {"schedule": BACKUP_SCHEDULE, "immediate": True}}
    patches = [*_in_place(form), unique_name(form, "spec.cluster.name")]
    return {"name": "backups", "base": base, "patches": patches, "readinessChecks": [{"type": "None"}]}


def _secret(group: str, form: Form, role: str, operators: str, keys: Mapping[str, str]) -> Object:
    base: Object = {"apiVersion": f"{group}/{schema.VERSION}", "kind": SECRET_KIND, "spec": {}}
    service = conventions.service_host(f"%s-%.{schema.UNIQUE}s-rw", "%s")
    patches = [
        *_in_place(form, f"-{role}"),
        unique_name(form, "spec.writeConnectionSecretToRef.name", suffix=f"-{operators}"),
        copy(form.namespace, "spec.writeConnectionSecretToRef.namespace"),
        combined([form.name, "metadata.uid", form.namespace], service, "spec.host"),
    ]
    details: list[Object] = [
        {"name": ours, "type": "FromConnectionSecretKey", "fromConnectionSecretKey": theirs}
        for ours, theirs in keys.items()
    ]
    if role == "credentials":
        patches.append(back("spec.host", "status.address"))
        host = {"name": conventions.DATABASE_HOST_KEY, "type": "FromFieldPath", "fromFieldPath": "spec.host"}
        details.append(host)
    return {
        "name": role,
        "base": base,
        "patches": patches,
        "connectionDetails": details,
        "readinessChecks": [{"type": "None"}],  # nobody reports on it; the Cluster is ready after its Secrets are there
    }


def _in_place(form: Form, suffix: str = "") -> list[Object]:
    """The object's own name and, of a claim, its namespace, where Crossplane would not put it by itself."""
    namespace = [copy(form.namespace, "metadata.namespace")] if form.is_claim else []
    return [unique_name(form, "metadata.name", suffix=suffix), *namespace]
