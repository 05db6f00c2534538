"""Databases that developers ask for by a manifest, in the cluster: definitions and compositions of Crossplane.

Does not own: Crossplane and its functions, CloudNativePG's operator, and the storage.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NotRequired, TypedDict, cast

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument, check_args, checked_later, inputs
from pulumi_mlops._rules import object_name, quantity
from pulumi_mlops.contract.rules import dns_label, matches, not_empty
from pulumi_mlops.database._arguments import ARGUMENTS as OF_DATABASE
from pulumi_mlops.platform.databases import _drill
from pulumi_mlops.platform.databases import _in_cluster as compositions
from pulumi_mlops.platform.databases import _schema as schema
from pulumi_mlops.platform.databases._kinds import Kinds
from pulumi_mlops.platform.databases.database_api import ARGUMENTS as OF_API


class LocalBackupsArgs(TypedDict):
    """Where the databases of production are backed up: a bucket of an S3-compatible store."""

    destination: pulumi.Input[str]
    """Bucket and path, such as `s3://databases/backups`. Each database has a directory of its own there, which stays
    when the database is deleted."""
    endpoint_url: NotRequired[pulumi.Input[str]]
    """Where the store answers; default: the platform's object store."""
    credentials_secret: NotRequired[pulumi.Input[str]]
    """Name of the Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the namespace of each database; default
    `object-store-credentials`, which every workspace has. A database of production in a namespace without it does not
    start."""


class RestoreDrill(StrEnum):
    """How often backups are restored for a trial."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class LocalDatabaseApiArgs(TypedDict):
    """Arguments of `LocalDatabaseApi`."""

    images: dict[str, pulumi.Input[str]]
    """Major version of Postgres that may be asked for, such as "17" → an image for CloudNativePG, whose tag begins with
    that version; oldest first. A manifest without a version gets the last one. The versions are plain: they are in the
    schema."""
    memory: NotRequired[dict[str, pulumi.Input[str]]]
    """Size that may be asked for → memory of its server, request and limit; default: `small` 512Mi, `medium` 2Gi and
    `large` 8Gi. A manifest without a size gets the first one. The names are plain: they are in the schema."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of the volumes, ReadWriteOnce and no NFS; default: the cluster's default class."""
    backups: NotRequired[LocalBackupsArgs | None]
    """Where the databases of production are backed up, daily and with every change in between, for seven days;
    default: nowhere. Plain: it decides what a manifest becomes."""
    restore_drill: NotRequired[RestoreDrill | None]
    """How often each database with backups is restored beside itself, its rows are
    counted, and the restored one is removed; requires `backups`; default: never. The moment, the rows and the seconds
    are in the manifest's status `lastRestoreDrill`, and the Job of a drill that failed has failed. It takes the memory
    and the volume of one database at a time, in its namespace. Plain: it decides what is created."""
    group: NotRequired[str]
    """API group of the kinds; default `database.example.org`. Plain: names of definitions follow from it."""
    keep_definitions: NotRequired[bool]
    """Whether the definitions survive `destroy`; default true. When false, `destroy` deletes them, and with them every
    database and its rows."""
    object_name: NotRequired[str | None]
    """What the names of its objects in the cluster begin with; default: the component's name, which is also that of its
    resources in the stack."""


ARGUMENTS = {
    "images.*": Argument(rule=not_empty),
    "memory": Argument(default={"small": "512Mi", "medium": "2Gi", "large": "8Gi"}),
    "memory.*": Argument(rule=quantity),
    "storage_class": Argument(),
    "backups.destination": Argument(
        rule=matches("s3://[a-z0-9][-.a-z0-9]+(/[^%]*)?", 'a bucket such as "s3://databases"')
    ),
    "backups.endpoint_url": Argument(
        default=conventions.OBJECT_STORE_ENDPOINT,
        rule=matches("https?://[^%]+", 'a URL without "%", such as "https://s3.example.org"'),
    ),
    "backups.credentials_secret": Argument(default=conventions.OBJECT_STORE_CREDENTIALS_SECRET, rule=dns_label),
    "restore_drill": Argument(),
    **{same: OF_API[same] for same in ("group", "keep_definitions", "object_name")},
}


class LocalDatabaseApi(pulumi.ComponentResource):
    """The kinds `PostgreSQLInstance` (a claim) and `PostgreSQLDatabase`, and what each becomes in the cluster.

    A manifest chooses by the labels `provider: local` and `environment: production` or `development`. What is asked for
    is one server of CloudNativePG that speaks TLS alone. Experimental. Let it depend on
    Crossplane's functions and on the operator.

    ```python
    from pulumi_mlops.platform import LocalDatabaseApi

    databases = LocalDatabaseApi("databases", {"images": {"17": "registry.example.org/postgresql:17.10"}})
    pulumi.export("claims", databases.claims)
    ```
    """

    claims: pulumi.Output[str]
    """Name of the definition of the claims, known once the kind is there."""
    databases: pulumi.Output[str]
    """Name of the definition of `PostgreSQLDatabase`, known once the kind is there."""

    def __init__(self, name: str, args: LocalDatabaseApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            LocalDatabaseApi, name, args, LocalDatabaseApiArgs, ARGUMENTS, problems=_problems, name_rule=object_name(40)
        )
        super().__init__("pulumi-mlops:index:LocalDatabaseApi", name, inputs(args), opts)
        group = checked["group"]
        secrets = k8s.apiextensions.v1.CustomResourceDefinition(
            f"{name}-secrets",
            metadata={
                "name": f"{compositions.SECRET_PLURAL}.{group}",
                "labels": conventions.labels("database-api", name),
            },
            spec=compositions.secret_definition(group),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=checked["keep_definitions"]),
        )
        kinds = Kinds(
            parent=self,
            name=name,
            objects=checked["object_name"] or name,
            keep=checked["keep_definitions"],
            offer=schema.Offer(
                group=group,
                provider=compositions.PROVIDER,
                versions=[*checked["images"]],
                sizes=[*checked["memory"]],
                connection_keys=compositions.CONNECTION_KEYS,
                sources=["database"] if checked["backups"] else [],
            ),
        )
        place = compositions.Place(
            images=checked["images"],
            memory=checked["memory"],
            storage_class=checked["storage_class"],
            backups=_known_to_format(f'LocalDatabaseApi "{name}"', checked["backups"]),
        )
        self.claims, self.databases = kinds.create(
            compositions.rights(group),
            lambda form, environment: compositions.spec(group, form, environment, place),
            secrets,
        )
        if schedule := checked["restore_drill"]:
            newest = [*checked["images"].values()][-1]
            _drill.create(name, checked["object_name"] or name, newest, schedule, self)
        self.register_outputs({"claims": self.claims, "databases": self.databases})


def _known_to_format(owner: str, backups: LocalBackupsArgs | None) -> LocalBackupsArgs | None:
    """The backups' settings, whose addresses are checked once they are known: they become part of a format."""
    if backups is None:
        return None
    later = {
        key: checked_later(owner, f"args.backups.{key}", backups[key], rule)
        for key in ("destination", "endpoint_url")
        if (rule := ARGUMENTS[f"backups.{key}"].rule)
    }
    return cast("LocalBackupsArgs", {**backups, **later})


def _problems(args: LocalDatabaseApiArgs) -> Iterator[str]:
    versions, rule = [*args["images"]], OF_DATABASE["version"].rule
    for version in versions:
        if rule and (complaint := rule(version)):
            yield f'args.images has the version "{version}", which {complaint}'
    if not versions:
        yield "args.images must not be empty: no database could be asked for, got {}"
    if versions != sorted(versions):
        yield f"args.images must be of different versions, oldest first, got {versions!r}"
    if args["restore_drill"] and not args["backups"]:
        yield f'args.restore_drill is "{args["restore_drill"]}", but without args.backups there is nothing to restore'
    if not args["memory"]:
        yield "args.memory must not be empty: no database could be asked for, got {}"
    for size in args["memory"]:
        if complaint := dns_label(size):
            yield f'args.memory has the name "{size}", which {complaint}'
