"""Databases that developers ask for by a manifest: the definitions and compositions of Crossplane, on AWS.

Does not own: Crossplane and its providers (`Crossplane`), the secret store, the network, the provider's role.
"""

import dataclasses
from collections.abc import Iterator
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import _aws, conventions
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import dns_label, matches
from pulumi_mlops.database import _backend
from pulumi_mlops.database._arguments import ARGUMENTS as OF_DATABASE
from pulumi_mlops.database._arguments import INSTANCE_CLASSES
from pulumi_mlops.database._rds_settings import MIN_SUBNETS
from pulumi_mlops.platform.databases import _on_aws as compositions
from pulumi_mlops.platform.databases import _schema as schema
from pulumi_mlops.platform.databases._kinds import Kinds

PROVIDER = compositions.PROVIDER
"""Where the databases run, as a platform publishes it for its teams."""
PLACE = {one.name for one in dataclasses.fields(compositions.Place)}


class DatabaseApiArgs(TypedDict):
    """Arguments of `DatabaseApi`."""

    region: pulumi.Input[str]
    """Region of the databases."""
    vpc_id: pulumi.Input[str]
    """The VPC of the subnets."""
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Private subnets in at least two zones."""
    client_security_group_ids: dict[str, pulumi.Input[str]]
    """Name of a client, of your choice → its security group, say `{"nodes": …}`. Nothing else can connect. The names
    are plain: each makes a rule, which they tell apart."""
    name_prefix: str
    """What the names on AWS begin with: that for which the provider's role has `rds_statements`. At most 50
    characters; a database's name may be as long as RDS's 63 characters leave, and 40 at most. Plain: the schema says
    how long."""
    group: NotRequired[str]
    """API group of the kinds; default `database.example.org`. Plain: names of definitions follow from it."""
    engine_versions: NotRequired[list[str]]
    """Major versions of Postgres that may be asked for, oldest first; default: that of the library's release alone.
    A manifest without a version gets the last one. Plain: each has a parameter group."""
    instance_classes: NotRequired[dict[str, pulumi.Input[str]]]
    """Size that may be asked for → its instance class; default: `small`, which is the class of `PostgresDatabase`,
    `medium` and `large`. A manifest without a size gets the first one. The names are plain: they are in the schema."""
    secret_store: NotRequired[pulumi.Input[str]]
    """Name of the ClusterSecretStore of External Secrets that reads Secrets Manager; default `aws-secrets-manager`."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of every AWS resource, besides `Name`; default none."""
    keep_definitions: NotRequired[bool]
    """Whether the definitions survive `destroy`; default true. When false, `destroy` deletes them, and with them every
    database: on RDS those of production are refused, those of development are gone."""
    object_name: NotRequired[str | None]
    """What the names of its objects in the cluster begin with; default: the component's name, which is also that of its
    resources in the stack."""


ARGUMENTS = {
    "region": Argument(rule=_aws.supported_region),
    **{same: OF_DATABASE[f"rds.{same}"] for same in ("vpc_id", "subnet_ids", "client_security_group_ids.*", "tags")},
    "secret_store": Argument(default=conventions.SECRET_STORE, rule=OF_DATABASE["rds.secret_store"].rule),
    "name_prefix": Argument(
        rule=matches(
            "[a-z](-?[a-z0-9]){0,48}-",
            "lower-case letters, digits and single hyphens, a letter first and a hyphen last, at most 50 characters",
        )
    ),
    "group": Argument(default=conventions.DATABASE_GROUP, rule=OF_DATABASE["manifest.group"].rule),
    "engine_versions": Argument(default=[_backend.DEFAULT_MAJOR], rule=OF_DATABASE["version"].rule),
    "instance_classes": Argument(default=INSTANCE_CLASSES),
    "instance_classes.*": Argument(rule=OF_DATABASE["rds.instance_class"].rule),
    "keep_definitions": Argument(default=True),
    "object_name": Argument(rule=object_name(40)),
}


class DatabaseApi(pulumi.ComponentResource):
    """The kinds `PostgreSQLInstance` (a claim) and `PostgreSQLDatabase`, and what each becomes on RDS.

    A manifest chooses by the labels `provider: aws` and `environment: production` or `development`. What is asked for
    lives on RDS like a `PostgresDatabase` of the same size. Experimental: Crossplane's core and functions have run the
    compositions, but no provider has made a database of them yet. Let it depend on Crossplane's `provider_config`.

    ```python
    from pulumi_mlops.platform import DatabaseApi

    network = {"vpc_id": "vpc-0123456789abcdef0", "subnet_ids": [f"subnet-0123456789abcdef{n}" for n in "01"]}
    access = {"client_security_group_ids": {"nodes": "sg-0123456789abcdef0"}, "name_prefix": "tenants-"}
    databases = DatabaseApi("databases", {"region": "eu-central-1", **network, **access})
    pulumi.export("claims", databases.claims)
    ```
    """

    claims: pulumi.Output[str]
    """Name of the definition of the claims, known once the kind is there."""
    databases: pulumi.Output[str]
    """Name of the definition of `PostgreSQLDatabase`, known once the kind is there."""

    def __init__(self, name: str, args: DatabaseApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            DatabaseApi, name, args, DatabaseApiArgs, ARGUMENTS, problems=_problems, name_rule=object_name(40)
        )
        super().__init__("pulumi-mlops:index:DatabaseApi", name, inputs(args), opts)
        kinds = Kinds(
            parent=self,
            name=name,
            objects=checked["object_name"] or name,
            keep=checked["keep_definitions"],
            offer=schema.Offer(
                group=checked["group"],
                provider=compositions.PROVIDER,
                versions=checked["engine_versions"],
                sizes=[*checked["instance_classes"]],
                prefix=checked["name_prefix"],
                sources=["database", "snapshot"],
            ),
        )
        place = compositions.Place(
            **{key: value for key, value in checked.items() if key in PLACE}  # type: ignore[arg-type]
        )
        group = checked["group"]
        self.claims, self.databases = kinds.create(
            compositions.RIGHTS, lambda form, environment: compositions.spec(group, form, environment, place)
        )
        self.register_outputs({"claims": self.claims, "databases": self.databases})


def _problems(args: DatabaseApiArgs) -> Iterator[str]:
    subnets, clients = args["subnet_ids"], args["client_security_group_ids"]
    if isinstance(subnets, list) and len(subnets) < MIN_SUBNETS:
        yield f"args.subnet_ids must be at least {MIN_SUBNETS} subnets in different zones, got {subnets!r}"
    if not clients:
        yield "args.client_security_group_ids must not be empty: nothing could connect, got {}"
    for field in ("client_security_group_ids", "instance_classes"):
        for key in args[field]:
            if complaint := dns_label(key):
                yield f'args.{field} has the name "{key}", which {complaint}'
    if not args["instance_classes"]:
        yield "args.instance_classes must not be empty: no database could be asked for, got {}"
    versions = args["engine_versions"]
    if not versions or list(versions) != sorted(set(versions)):
        yield f"args.engine_versions must be different versions, oldest first, got {versions!r}"
