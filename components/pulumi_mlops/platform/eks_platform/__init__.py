"""The whole platform of a cluster on EKS: every add-on, MLflow on RDS and S3, and the public gateway, in order.

Does not own: what it is built on (network, cluster, roles, buckets, file system, certificate: the foundation's), the
secrets in Secrets Manager, the teams' workspaces.
"""

import dataclasses
from typing import cast

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import argument_names, check_args, given, inputs, renamed
from pulumi_mlops._aws import s3_endpoint
from pulumi_mlops._rules import object_name
from pulumi_mlops.database import PostgresDatabase, PostgresDatabaseArgs, RdsArgs
from pulumi_mlops.platform import _parts, _teams
from pulumi_mlops.platform._one_per_cluster import claim
from pulumi_mlops.platform._part_names import PartNames
from pulumi_mlops.platform.add_ons.argo_cd import ArgoCD
from pulumi_mlops.platform.add_ons.external_secrets import ExternalSecrets
from pulumi_mlops.platform.add_ons.monitoring import Monitoring
from pulumi_mlops.platform.add_ons.public_gateway import PublicGateway
from pulumi_mlops.platform.databases.database_api import PROVIDER, DatabaseApi, DatabaseApiArgs
from pulumi_mlops.platform.efs_storage_class import EfsStorageClass
from pulumi_mlops.platform.eks_platform import _add_ons, _args, _objects, _old_args
from pulumi_mlops.platform.eks_platform._args import ARGUMENTS, EksDatabaseApiArgs, EksPlatformArgs
from pulumi_mlops.platform.gateway_api import GatewayApi
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs
from pulumi_mlops.platform_outputs import TEAM_BUCKETS, PlatformOutputs

MLFLOW_DATABASE = "mlflow-database"

OF_NETWORK = {
    "subnet_ids": "private_subnet_ids",
    "client_security_group_ids.nodes": "client_security_group_id",
    "vpc_id": "vpc_id",
    "tags": "tags",
}
"""Arguments of databases → those of the platform that they come from."""
IN_DATABASE = {
    "": "database",
    "rds": "database",
    **{f"rds.{inner}": outer for inner, outer in OF_NETWORK.items()},
    "backups.days": "database.backup_days",
    "protect_data": "protect_data",
}
"""The same of MLflow's database."""

DATABASES = "databases"
IN_DATABASE_API = {**OF_NETWORK, "protect_data": "protect_data", "region": "region"}


class EksPlatform(pulumi.ComponentResource):
    """Everything that workspaces rely on, under the names that they expect, with AWS behind it.

    A cluster has one platform; a stack with two clusters gives the second one a `resource_prefix`. Definitions come
    first, then the controllers, then what those are asked for; `destroy` goes the other way, so that load balancers,
    records and Secrets are gone before what would have to delete them. Needs the extra `aws`, roles for the add-ons'
    service accounts beforehand, and the providers of both clouds: `ResourceOptions(providers=[kubernetes, aws])`.

    ```python
    from pulumi_mlops.platform import EksPlatform, EksPlatformArgs

    foundation = pulumi.StackReference("acme/pulumi-mlops/foundation-prod")
    found = {name: foundation.require_output(name) for name in EksPlatformArgs.__required_keys__ - {"login"}}
    login = {"issuer": "https://id.example.org", "argo_cd_client_id": "argocd", "admin_groups": ["platform"]}
    platform = EksPlatform("platform", {**found, "login": login})
    pulumi.export("gateway_url", platform.gateway_url)
    ```
    """

    gateway_url: pulumi.Output[str]
    """Where clients reach the endpoints, without a path."""
    mlflow_url: pulumi.Output[str]
    """MLflow's tracking URI inside the cluster; it has no public name."""
    argo_cd_url: pulumi.Output[str]
    """Address of Argo CD."""
    argo_workflows_url: pulumi.Output[str]
    """Address of Argo Workflows."""
    secret_store: pulumi.Output[str]
    """ClusterSecretStore that reads Secrets Manager."""
    teams: pulumi.Output[PlatformOutputs]
    """What the stacks of teams need to know: the stack exports it as `teams`."""

    def __init__(self, name: str, args: EksPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        owner = f'EksPlatform "{name}"'
        args = _old_args.translated(owner, renamed(owner, args))
        checked = check_args(
            EksPlatform, name, args, EksPlatformArgs, ARGUMENTS, problems=_problems, name_rule=object_name(40)
        )
        super().__init__("pulumi-mlops:index:EksPlatform", name, inputs(args), opts)
        claim(
            self,
            name,
            "one platform",
            "pass the Kubernetes provider of another cluster in opts.providers, and a resource_prefix in args",
        )
        self._name = name
        self._args = checked
        self._names = PartNames(checked["resource_prefix"])
        self._child = pulumi.ResourceOptions(parent=self)

        keep = checked["protect_data"]
        shared = EfsStorageClass(
            self._names.resource(conventions.SHARED_STORAGE_CLASS),
            {"parameters": checked["storage_class_parameters"], "keep_volumes": keep},
            self._child,
        )
        if checked["auto_mode"]:
            _objects.enforce_network_policies(self._names, self)
        self._links = _add_ons.Links(
            storage_class=_objects.block_storage_class(self._names, keep, self, auto_mode=checked["auto_mode"]),
            workflows_bucket=self._bucket(conventions.WORKFLOWS_BUCKET),
        )
        self._made: dict[str, pulumi.ComponentResource] = {
            "gateway_api": GatewayApi(self._names.resource("gateway-api"), {"keep_definitions": keep}, self._child)
        }
        self._secrets = cast("ExternalSecrets", self._add_on("external_secrets"))
        gateway = cast("PublicGateway", self._add_on("public_gateway"))
        mlflow = self._create_mlflow()
        argo = self._namespace("argo", conventions.ARGO_NAMESPACE)
        self._links = dataclasses.replace(
            self._links,
            gateway_name=gateway.name,  # whose route names it comes after the Gateway, and goes before it
            argo_namespace=argo,
            argo_secret=self._copied(_objects.ARGO_WORKFLOWS_SECRET, argo),
        )
        argo_cd = cast("ArgoCD", self._add_on("argo_cd"))
        self._copied(_objects.ARGO_CD_SECRET, argo_cd.namespace)
        for one in _add_ons.installed(checked):
            self._add_on(one)
        if (databases := checked["database_api"]) is not None:
            self._create_database_api(databases)
        if isinstance(monitoring := self._made.get("monitoring"), Monitoring):
            self._copied(_objects.GRAFANA_SECRET, monitoring.namespace)

        self.gateway_url = gateway.url
        self.mlflow_url = mlflow.url
        self.argo_cd_url = argo_cd.url
        self.argo_workflows_url = pulumi.Output.concat("https://", _add_ons.host(checked, "workflows"))
        self.secret_store = self._secrets.secret_store
        self.teams = self._publish(shared.name)
        self.register_outputs(
            {
                "gateway_url": self.gateway_url,
                "mlflow_url": self.mlflow_url,
                "argo_cd_url": self.argo_cd_url,
                "argo_workflows_url": self.argo_workflows_url,
                "secret_store": self.secret_store,
                "teams": self.teams,
            }
        )

    def _publish(self, storage_class: pulumi.Output[str]) -> pulumi.Output[PlatformOutputs]:
        args = self._args
        buckets = pulumi.Output.from_input(args["buckets"])
        outputs = {
            "region": args["region"],
            "object_store_endpoint": pulumi.Output.from_input(args["region"]).apply(s3_endpoint),
            "buckets": buckets.apply(lambda known: {use: known[use] for use in TEAM_BUCKETS if use in known}),
            "mlflow_url": self.mlflow_url,
            "storage_class": storage_class,
            "cluster_name": args["cluster_name"],
            "public_gateway": not _add_ons.arguments("public_gateway", args, self._links).get("internal"),
            "database": {
                "vpc_id": args["vpc_id"],
                "subnet_ids": args["private_subnet_ids"],
                "client_security_group_id": args["client_security_group_id"],
                "secret_store": self.secret_store,
                **_sizes(args["database_api"]),
            },
            **_by_manifest(args["database_api"]),
        }
        return _teams.publish(self._name, outputs, self)

    def _add_on(self, name: str) -> pulumi.ComponentResource:
        """The add-on, which is created once what it needs is there: it goes while that can still clean up after it."""
        if name not in self._made:
            needs = [self._add_on(one) for one in _add_ons.needs(name, self._args)]
            arguments = _add_ons.arguments(name, self._args, self._links)
            opts = pulumi.ResourceOptions(parent=self, depends_on=needs)
            with argument_names(EksPlatform, self._name, {"": f"add_ons.{name}"}):
                called = self._names.resource(_add_ons.resource_name(name))
                self._made[name] = _add_ons.component(name)(called, arguments, opts)
        return self._made[name]

    def _create_mlflow(self) -> MLflow:
        args = self._args
        namespace = self._namespace("mlflow", conventions.MLFLOW_NAMESPACE)
        with argument_names(EksPlatform, self._name, IN_DATABASE):
            database = PostgresDatabase(
                self._names.resource(MLFLOW_DATABASE), self._mlflow_database(namespace), self._child
            )
        server = MLflowArgs(
            namespace=namespace,
            artifact_store={
                "uri": pulumi.Output.concat("s3://", self._bucket(conventions.MLFLOW_BUCKET), "/artifacts"),
                "region": args["region"],
            },
            database_secret=database.connection_secret,
            **given(**self._names.objects(conventions.MLFLOW_SERVICE)),
            **given(image_mirror=args["image_mirror"], **{"replicas": args["replicas"], **given(**args["mlflow"])}),
        )
        with argument_names(EksPlatform, self._name, {"": "mlflow"}):
            return MLflow(self._names.resource(conventions.MLFLOW_SERVICE), server, self._child)

    def _mlflow_database(self, namespace: pulumi.Input[str]) -> PostgresDatabaseArgs:
        args = self._args
        own = given(**args["database"])
        common = {key: own.pop(key) for key in ("storage_gib", "high_availability") if key in own}
        days = own.pop("backup_days", None)
        return PostgresDatabaseArgs(
            namespace=namespace,
            database="mlflow",
            protect_data=args["protect_data"],
            rds=RdsArgs(
                vpc_id=args["vpc_id"],
                subnet_ids=args["private_subnet_ids"],
                client_security_group_ids={"nodes": args["client_security_group_id"]},
                secret_store=self._secrets.secret_store,
                **given(tags=args["tags"], **own),
            ),
            **given(backups={"days": days} if days is not None else None, **common),
        )

    def _create_database_api(self, chosen: EksDatabaseApiArgs) -> None:
        args = self._args
        arguments = DatabaseApiArgs(
            region=args["region"],
            vpc_id=args["vpc_id"],
            subnet_ids=args["private_subnet_ids"],
            client_security_group_ids={"nodes": args["client_security_group_id"]},
            secret_store=self._secrets.secret_store,
            keep_definitions=args["protect_data"],
            **given(tags=args["tags"], **chosen),
            **given(**self._names.objects(DATABASES)),
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[self._made["crossplane"]])
        with argument_names(EksPlatform, self._name, {**IN_DATABASE_API, "": "database_api"}):
            DatabaseApi(self._names.resource(DATABASES), arguments, after)

    def _namespace(self, part: str, name: str) -> pulumi.Output[str]:
        return _parts.create_namespace(self._names.resource(part), name, self, instance=part)

    def _copied(self, name: str, namespace: pulumi.Output[str]) -> pulumi.Output[str]:
        store, prefix = self._secrets.secret_store, self._args["secrets_prefix"]
        return _objects.copied_secret(
            name, namespace, names=self._names, prefix=prefix, secret_store=store, child=self._child
        )

    def _bucket(self, use: str) -> pulumi.Output[str]:
        owner = f'EksPlatform "{self._name}"'
        return pulumi.Output.from_input(self._args["buckets"]).apply(lambda known: _objects.bucket(known, use, owner))


def _problems(args: EksPlatformArgs) -> list[str]:
    """Those of the platform's own arguments; where there is none, those of its add-ons."""
    return [*_args.problems(args)] or [*_add_ons.problems(args)]


def _by_manifest(databases: EksDatabaseApiArgs | None) -> dict[str, object]:
    """How databases are asked for by manifest, where they can be."""
    if databases is None:
        return {}
    group = databases.get("group") or conventions.DATABASE_GROUP
    return {"database_api": {"group": group, "provider": PROVIDER}}


def _sizes(databases: EksDatabaseApiArgs | None) -> dict[str, object]:
    """The platform's own sizes of databases, where it has some."""
    classes = (databases or {}).get("instance_classes")
    return {"instance_classes": classes, "default_size": next(iter(classes))} if classes else {}
