"""The whole platform of a cluster on EKS: every add-on, MLflow on RDS and S3, and the public door, in order.

Does not own: what it stands on (network, cluster, roles, buckets, file system, certificate: the foundation's), the
secrets in Secrets Manager, the teams' workspaces.
"""

from typing import Any

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import argument_names, check_args, object_name
from pulumi_mlops._aws import s3_endpoint
from pulumi_mlops.database import DatabaseBackend, PostgresDatabase, PostgresDatabaseArgs
from pulumi_mlops.platform import _addons, _argo_server, _eks_options, _eks_parts, _teams
from pulumi_mlops.platform._eks_platform_args import (
    CROSSPLANE_SERVICES,
    RULES,
    EksPlatformArgs,
    problems,
)
from pulumi_mlops.platform.add_on import renamed
from pulumi_mlops.platform.argo_cd import ArgoCD, ArgoCDArgs
from pulumi_mlops.platform.argo_events import ArgoEvents, ArgoEventsArgs
from pulumi_mlops.platform.argo_workflows import ArgoWorkflows, ArgoWorkflowsArgs, ArgoWorkflowsLine
from pulumi_mlops.platform.cert_manager import CertManager, CertManagerArgs
from pulumi_mlops.platform.crossplane import Crossplane, CrossplaneArgs
from pulumi_mlops.platform.external_dns import ExternalDns, ExternalDnsArgs
from pulumi_mlops.platform.external_secrets import ExternalSecrets, ExternalSecretsArgs
from pulumi_mlops.platform.gateway_api import GatewayApi
from pulumi_mlops.platform.istio import Istio, IstioArgs
from pulumi_mlops.platform.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs
from pulumi_mlops.platform.public_gateway import PublicGateway, PublicGatewayArgs
from pulumi_mlops.platform.storage_classes import EfsStorageClass
from pulumi_mlops.platform_outputs import TEAM_BUCKETS, PlatformOutputs

MLFLOW_DATABASE = "mlflow-database"

IN_DATABASE = {
    "": "database",
    "subnet_ids": "private_subnet_ids",
    "client_security_group_ids.nodes": "client_security_group_id",
    **{same: same for same in ("vpc_id", "tags", "protect_data")},
}
"""Arguments of MLflow's database → those of the platform that they come from."""


class EksPlatform(pulumi.ComponentResource):
    """Everything that workspaces rely on, under the names that they expect, with AWS behind it.

    A cluster has one platform. Definitions come first, then the controllers, then what those are asked for; `destroy`
    goes the other way, so that load balancers, records and Secrets are gone before what would have to delete them.
    Needs the extra `aws`, roles for the add-ons' service accounts beforehand, and the providers of both clouds:
    `ResourceOptions(providers=[kubernetes, aws])`.

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
        args = renamed(f'EksPlatform "{name}"', args)
        checked = check_args(
            EksPlatform, name, args, EksPlatformArgs, RULES, problems=problems(args), name_rule=object_name(40)
        )
        super().__init__("pulumi-mlops:index:EksPlatform", name, {**checked}, opts)
        self._name = name
        self._args = checked
        self._sizes: dict[str, Any] = checked.get("sizes", {})
        self._replicas: int = checked.get("replicas", _addons.DEFAULT_REPLICAS)
        self._kept: bool = checked.get("protect_data", True)
        self._child = pulumi.ResourceOptions(parent=self)

        block = _eks_parts.block_storage_class(self._kept, self)
        shared = EfsStorageClass(
            conventions.SHARED_STORAGE_CLASS,
            {"parameters": checked["storage_class_parameters"], "keep_volumes": self._kept},
            self._child,
        )
        self._secrets = ExternalSecrets(
            "external-secrets", ExternalSecretsArgs(**self._same("region"), **self._common()), self._child
        )
        gateway = self._create_gateway()
        self._gateway_name = gateway.name  # whose route names it comes after the Gateway, and goes before it
        mlflow = self._create_mlflow()
        workflows = self._create_argo_workflows()
        argo_cd = self._create_argo_cd()
        self._create_argo_events(block)
        self._create_crossplane()
        self._create_options(block)

        self.gateway_url = gateway.url
        self.mlflow_url = mlflow.url
        self.argo_cd_url = argo_cd.url
        self.argo_workflows_url = workflows
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
            "database": {
                "vpc_id": args["vpc_id"],
                "subnet_ids": args["private_subnet_ids"],
                "client_security_group_id": args["client_security_group_id"],
                "secret_store": self.secret_store,
            },
        }
        return _teams.publish(self._name, outputs, self)

    def _create_gateway(self) -> PublicGateway:
        """The public door, after all that it needs: it goes while they can still delete what they made for it."""
        api = GatewayApi("gateway-api", {"keep_definitions": self._kept}, self._child)
        certificates = CertManager("cert-manager", CertManagerArgs(**self._common()), self._child)
        balancers = LoadBalancerController(
            "aws-load-balancer-controller",
            LoadBalancerControllerArgs(**self._same("cluster_name", "region", "vpc_id", "tags"), **self._common()),
            self._after(certificates),
        )
        records = ExternalDns(
            "external-dns",
            ExternalDnsArgs(
                domain_filters=[self._args["domain_name"]],
                zone_ids=[self._args["zone_id"]],
                **self._same("cluster_name", "region", "image_mirror", "chart_repository"),
            ),
            self._after(api),  # it does not start while the routes' definition is missing
        )
        mesh = Istio(
            "istio",
            IstioArgs(
                replicas=self._replicas,
                **self._same("image_mirror", "chart_repository"),
                **self._sized("istio", "memory"),
            ),
            self._after(api),
        )
        self._certificates = certificates
        return PublicGateway(
            conventions.GATEWAY_NAME,
            PublicGatewayArgs(
                hostnames=[self._args["domain_name"], self._host("argocd"), self._host("workflows")],
                replicas=self._replicas,
                **self._same("certificate_arn", "internal", "source_ranges", "tags", "chart_repository"),
            ),
            self._after(mesh, balancers, records),
        )

    def _create_mlflow(self) -> MLflow:
        namespace = _addons.namespace("mlflow", conventions.MLFLOW_NAMESPACE, self)
        with argument_names(EksPlatform, self._name, IN_DATABASE):
            database = PostgresDatabase(
                MLFLOW_DATABASE,
                PostgresDatabaseArgs(
                    namespace=namespace,
                    backend=DatabaseBackend.RDS,
                    database="mlflow",
                    subnet_ids=self._args["private_subnet_ids"],
                    client_security_group_ids={"nodes": self._args["client_security_group_id"]},
                    secret_store=self._secrets.secret_store,
                    **self._same("vpc_id", "tags", "protect_data"),
                    **self._args.get("database", {}),
                ),
                self._child,
            )
        artifacts = self._bucket(conventions.MLFLOW_BUCKET)
        return MLflow(
            conventions.MLFLOW_SERVICE,
            MLflowArgs(
                namespace=namespace,
                artifact_store={
                    "uri": pulumi.Output.concat("s3://", artifacts, "/artifacts"),
                    "region": self._args["region"],
                },
                database_secret=database.connection_secret,
                replicas=self._replicas,
                **self._same("image_mirror"),
                **self._sized("mlflow", "memory"),
            ),
            self._child,
        )

    def _create_argo_workflows(self) -> pulumi.Output[str]:
        namespace = _addons.namespace("argo", conventions.ARGO_NAMESPACE, self)
        host = self._host("workflows")
        login: dict[str, Any] = self._args["login"]
        scopes = [login["groups_scope"]] if "groups_scope" in login else []
        ArgoWorkflows(
            "argo-workflows",
            ArgoWorkflowsArgs(
                namespace=namespace,
                line=ArgoWorkflowsLine.V4_0,
                server={
                    "host": host,
                    "sso_issuer": login["issuer"],
                    "sso_secret_name": self._copied(_eks_parts.ARGO_WORKFLOWS_SECRET, namespace),
                    "sso_scopes": [*_argo_server.DEFAULT_SCOPES, *scopes],
                    "sso_admin_groups": login["admin_groups"],
                    "sso_reader_groups": login.get("reader_groups", []),
                    "replicas": self._replicas,
                    "gateway_name": self._gateway_name,
                },
                artifact_repository={
                    "bucket": self._bucket(conventions.WORKFLOWS_BUCKET),
                    "region": self._args["region"],
                },
                keep_definitions=self._kept,
                **self._same("image_mirror", "chart_repository"),
                **self._sized("argo_workflows", "memory"),
            ),
            self._child,
        )
        return pulumi.Output.concat("https://", host)

    def _create_argo_cd(self) -> ArgoCD:
        login: dict[str, Any] = self._args["login"]
        argo_cd = ArgoCD(
            "argocd",
            ArgoCDArgs(
                host=self._host("argocd"),
                oidc_issuer=login["issuer"],
                oidc_client_id=login["argo_cd_client_id"],
                oidc_secret_name=_eks_parts.ARGO_CD_SECRET,
                redis_high_availability=self._replicas > 1,
                gateway_name=self._gateway_name,
                **{key: login[key] for key in ("admin_groups", "reader_groups", "groups_scope") if key in login},
                **self._sized("argo_cd", "controller_memory"),
                **self._common(),
            ),
            self._child,
        )
        self._copied(_eks_parts.ARGO_CD_SECRET, argo_cd.namespace)
        return argo_cd

    def _create_argo_events(self, storage_class: pulumi.Output[str]) -> None:
        ArgoEvents(
            "argo-events",
            ArgoEventsArgs(
                bus_storage_class=storage_class,
                **self._sized("event", "bus_storage_gib"),
                **self._common(),
            ),
            self._child,
        )

    def _create_crossplane(self) -> None:
        Crossplane(
            "crossplane",
            CrossplaneArgs(
                services=self._args.get("crossplane_services", list(CROSSPLANE_SERVICES)),
                replicas=self._replicas,
                **self._same("image_mirror", "chart_repository"),
            ),
            self._child,
        )

    def _create_options(self, storage_class: pulumi.Output[str]) -> None:
        given = _eks_options.Given(
            args=self._args,
            mirrors=self._same("image_mirror", "chart_repository"),
            replicas=self._replicas,
            gateway_name=self._gateway_name,
            storage_class=storage_class,
        )
        monitored = _eks_options.create(given, needs_certificates=self._after(self._certificates), child=self._child)
        if monitored:
            self._copied(_eks_parts.GRAFANA_SECRET, monitored)

    def _copied(self, name: str, namespace: pulumi.Output[str]) -> pulumi.Output[str]:
        store, prefix = self._secrets.secret_store, self._args["secrets_prefix"]
        return _eks_parts.copied_secret(name, namespace, prefix=prefix, secret_store=store, child=self._child)

    def _bucket(self, use: str) -> pulumi.Output[str]:
        owner = f'EksPlatform "{self._name}"'
        return pulumi.Output.from_input(self._args["buckets"]).apply(lambda known: _eks_parts.bucket(known, use, owner))

    def _host(self, label: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(label, ".", self._args["domain_name"])

    def _after(self, *needs: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=needs)

    def _common(self) -> Any:
        """What most add-ons take."""
        mirrors = self._same("image_mirror", "chart_repository")
        return {"keep_definitions": self._kept, "replicas": self._replicas, **mirrors}

    def _same(self, *keys: str) -> Any:
        return {key: self._args[key] for key in keys if key in self._args}

    def _sized(self, part: str, *keys: str) -> Any:
        return {key: self._sizes[f"{part}_{key}"] for key in keys if f"{part}_{key}" in self._sizes}
