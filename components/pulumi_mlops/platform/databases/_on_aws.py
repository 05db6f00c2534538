"""Which resources on AWS a database manifest becomes: those of `PostgresDatabase` on RDS, as a Crossplane pipeline.

Its settings are the component's, under the provider's names. Patches fill in what only the manifest knows.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pulumi

from pulumi_mlops import _schema, conventions
from pulumi_mlops.database import PostgresDatabaseArgs, _rds_settings
from pulumi_mlops.database._arguments import ARGUMENTS, INSTANCE_CLASSES, with_environment
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
from pulumi_mlops.platform.databases._schema import FINAL

PROVIDER = "aws"
SUBNET_GROUP = ("rds.aws.m.upbound.io/v1beta1", "SubnetGroup")
PARAMETER_GROUP = ("rds.aws.m.upbound.io/v1beta1", "ParameterGroup")
INSTANCE = ("rds.aws.m.upbound.io/v1beta1", "Instance")
SECURITY_GROUP = ("ec2.aws.m.upbound.io/v1beta1", "SecurityGroup")
INGRESS_RULE = ("ec2.aws.m.upbound.io/v1beta1", "SecurityGroupIngressRule")
DESCRIPTION = "Postgres database"
RIGHTS: tuple[Mapping[str, Sequence[str]], ...] = (
    {
        "apiGroups": ["external-secrets.io"],
        "resources": ["externalsecrets", "externalsecrets/status"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    },
)
"""Rights to what is composed besides managed resources: all that Crossplane asks for before it watches a kind."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the platform says about its databases."""

    region: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    client_security_group_ids: Mapping[str, pulumi.Input[str]]
    name_prefix: str
    secret_store: pulumi.Input[str]
    engine_versions: Sequence[str]
    instance_classes: Mapping[str, pulumi.Input[str]]
    tags: Mapping[str, pulumi.Input[str]]


def arguments(environment: str) -> PostgresDatabaseArgs:
    """The component's arguments that the databases of an environment stand for."""
    defaults = {path: row.default for path, row in ARGUMENTS.items() if row.default is not None}
    asked = {"environment": environment, "rds": {"instance_class": INSTANCE_CLASSES["small"]}}
    return with_environment(cast("PostgresDatabaseArgs", _schema.normal(asked, PostgresDatabaseArgs, defaults)))


def spec(group: str, form: Form, environment: str, place: Place) -> Object:
    """Spec of the Composition of one kind and environment."""
    resources = [
        *_network(form, place),
        *(_parameter_group(form, place, major) for major in place.engine_versions),
        _instance(form, environment, place),
        _connection(form, environment, place),
    ]
    return pipeline(group, form, resources)


def _network(form: Form, place: Place) -> list[Object]:
    own_group = {"securityGroupIdSelector": {"matchControllerRef": True}}
    port = conventions.DATABASE_PORT
    return [
        _resource(
            form,
            place,
            "subnets",
            SUBNET_GROUP,
            {"description": DESCRIPTION, "subnetIds": place.subnet_ids},
            _identifier(form, place, "metadata.annotations[crossplane.io/external-name]"),
        ),
        _resource(
            form,
            place,
            "security-group",
            SECURITY_GROUP,
            {"description": DESCRIPTION, "vpcId": place.vpc_id},
            _identifier(form, place, "spec.forProvider.name"),
        ),
        *(
            _resource(
                form,
                place,
                f"client-{client}",
                INGRESS_RULE,
                {
                    "description": f"Postgres from {client}",
                    **own_group,
                    "referencedSecurityGroupId": client_group,
                    "ipProtocol": "tcp",
                    "fromPort": port,
                    "toPort": port,
                },
            )
            for client, client_group in place.client_security_group_ids.items()
        ),
    ]


def _parameter_group(form: Form, place: Place, major: str) -> Object:
    """One for each major version that may be asked for: RDS cannot change a group's family, nor delete one in use."""
    return _resource(
        form,
        place,
        f"parameters-{major}",
        PARAMETER_GROUP,
        {
            "description": DESCRIPTION,
            "family": f"postgres{major}",
            "parameter": [{"name": "rds.force_ssl", "value": "1"}],
        },
        _identifier(form, place, "metadata.annotations[crossplane.io/external-name]", f"-{major}"),
    )


def _instance(form: Form, environment: str, place: Place) -> Object:
    settings = _rds_settings.settings(
        cast("PostgresDatabaseArgs", {**arguments(environment), "version": place.engine_versions[-1]})
    )
    to = "spec.forProvider."
    parameter_group = _identifier(form, place, f"{to}parameterGroupName", "-%s", "spec.parameters.version")
    patches = [
        _identifier(form, place, "metadata.annotations[crossplane.io/external-name]"),
        _identifier(form, place, f"{to}finalSnapshotIdentifier", FINAL),
        _identifier(form, place, f"{to}dbSubnetGroupName"),
        parameter_group,
        copy(form.name, f"{to}dbName", underscores()),
        copy("spec.parameters.storageGB", f"{to}allocatedStorage"),
        copy("spec.parameters.version", f"{to}engineVersion"),
        copy("spec.parameters.size", f"{to}instanceClass", {"type": "map", "map": dict(place.instance_classes)}),
        *_restored(place, to),
        copy("spec.parameters.highAvailability", f"{to}multiAz"),
        back("spec.forProvider.dbName", "status.database"),
        back("status.atProvider.address", "status.address"),
        back("status.atProvider.status", "status.phase"),
        back("status.atProvider.latestRestorableTime", "status.restorableUntil"),
        back("status.atProvider.masterUserSecret[0].secretArn", "status.masterSecret"),
    ]
    network = {"vpcSecurityGroupIdSelector": {"matchControllerRef": True}}
    made = _resource(form, place, "instance", INSTANCE, {**_camel(settings), **network}, *patches)
    if form.is_claim:
        # The Secret that the ExternalSecret fills, and that Crossplane copies, exists once it has a key.
        port = str(conventions.DATABASE_PORT)
        made["connectionDetails"] = [{"name": "port", "type": "FromValue", "value": port}]
    return made


def _restored(place: Place, to: str) -> list[Object]:
    """Patches that start the instance from a backup, where the manifest has `restoreFrom`.

    Its database has the name that it had: the provider could not give it another one.
    """
    origin, prefix = "spec.parameters.restoreFrom", place.name_prefix
    latest = json.dumps({"sourceDbInstanceIdentifier": "%s", "useLatestRestorableTime": True})
    moment = json.dumps({"sourceDbInstanceIdentifier": "%s", "restoreTime": "%s"})
    whole, point = from_json("object"), f"{to}restoreToPointInTime"
    return [
        copy(f"{origin}.database", point, string("Format", fmt=latest), whole, policy="Optional"),
        combined([f"{origin}.database", f"{origin}.moment"], moment, point, whole, policy="Optional"),
        copy(f"{origin}.database", f"{to}dbName", former_name(prefix), underscores(), policy="Optional"),
        copy(f"{origin}.snapshot", f"{to}snapshotIdentifier", policy="Optional"),
        copy(f"{origin}.snapshot", f"{to}dbName", former_name(prefix, FINAL), underscores(), policy="Optional"),
    ]


def _connection(form: Form, environment: str, place: Place) -> Object:
    """The ExternalSecret of the component, once RDS has said where the server and the password are."""
    own: Object = {"rds": {"secret_store": place.secret_store}, "secret_name": "", "labels": {}}
    base = _rds_settings.external_secret(
        "", cast("PostgresDatabaseArgs", {**arguments(environment), **own}), "", "", ""
    )
    target = base["target"]
    del target["template"]["metadata"]
    to = "spec.target.template.data."
    uri = f"postgresql://{_rds_settings.ENCODED_CREDENTIALS}@%s:{conventions.DATABASE_PORT}/%s?sslmode=require"
    target["template"]["data"][conventions.DATABASE_URI_KEY] = ""
    patches = [
        *(copy("status.masterSecret", f"spec.data[{index}].remoteRef.key") for index in range(len(base["data"]))),
        copy("status.address", f"{to}{conventions.DATABASE_HOST_KEY}"),
        copy("status.database", f"{to}{conventions.DATABASE_NAME_KEY}"),
        combined(["status.address", "status.database"], uri, f"{to}{conventions.DATABASE_URI_KEY}"),
    ]
    metadata = {}
    if form.is_claim:
        metadata = {"metadata": {"namespace": conventions.CROSSPLANE_NAMESPACE}}
        target["creationPolicy"] = "Merge"  # into the Secret that Crossplane copies to the claim's
        patches.append(copy("spec.writeConnectionSecretToRef.name", "spec.target.name"))
    else:
        patches.append(copy(form.name, "spec.target.name", string("Format", fmt="%s-connection")))
        patches.append(copy("spec.writeConnectionSecretToRef.name", "spec.target.name", policy="Optional"))
    kind = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"}
    return {"name": "connection", "base": {**kind, **metadata, "spec": base}, "patches": patches}


def _resource(form: Form, place: Place, role: str, kind: tuple[str, str], settings: Object, *patches: Object) -> Object:
    """A resource on AWS. Those of a claim lie in its namespace, where Crossplane would not put them by itself."""
    name = copy(form.name, "spec.forProvider.tags.Name")
    namespace = [copy("spec.claimRef.namespace", "metadata.namespace")] if form.is_claim else []
    provider = {"region": place.region, "tags": {**place.tags}, **settings}
    base = {"apiVersion": kind[0], "kind": kind[1], "spec": {"forProvider": provider}}
    return {"name": role, "base": base, "patches": [*namespace, name, *patches]}


def _camel(settings: Mapping[str, object]) -> Object:
    """Settings under the provider's names, which are those of Pulumi in camel case."""
    return {re.sub("_([a-z])", lambda found: found[1].upper(), key): value for key, value in settings.items()}


def _identifier(form: Form, place: Place, target: str, suffix: str = "", *more: str) -> Object:
    """The name on AWS: unlike any other database's, also one of the same name that was deleted."""
    return unique_name(form, target, place.name_prefix, suffix, *more)
