"""Argo CD: what git says is what runs in the cluster.

Owns its namespace, its Redis password and the route to its web interface. Does not own: applications and projects,
the credentials of repositories, the Secret of the identity provider's client, the Gateway.
"""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops import conventions, versions
from pulumi_mlops._manifests import Manifest, resources
from pulumi_mlops.platform import _published
from pulumi_mlops.platform._chart_values import budget, mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, statement
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    ChartRelease,
    HelmValues,
    add_on_inputs,
    check_add_on,
)
from pulumi_mlops.platform.add_ons import _argo_cd_config
from pulumi_mlops.platform.add_ons._argo_cd_args import ARGUMENTS, ArgoCDArgs, problems

CHART = Chart("argo-cd", "https://argoproj.github.io/argo-helm", versions.ARGO_CD_CHART)
UPSTREAM_REGISTRY = "quay.io"

CONTROLLER_SERVICE_ACCOUNT = "argocd-application-controller"
SERVER_SERVICE_ACCOUNT = "argocd-server"
APPLICATION_SET_SERVICE_ACCOUNT = "argocd-applicationset-controller"
REPOSITORY_SERVICE_ACCOUNT = "argocd-repo-server"
"""The four that may have an AWS identity: three reach other clusters, the repository server private charts."""

SERVICE_PORT = 80
TIMEOUT_SECONDS = 600  # Redis' three replicas start one after the other

KUBERNETES_QUERIES_PER_SECOND = "300"
"""The client's own default of 50 starves reconciliation once Crossplane's hundreds of kinds are listed."""


class ArgoCD(pulumi.ComponentResource):
    """Argo CD behind the Gateway, with logins by an identity provider and no account of its own.

    `argocd login <host> --sso --grpc-web` is the command line's way in: the route carries HTTP.

    ```python
    from pulumi_mlops.platform import ArgoCD

    login = {"oidc_issuer": "https://id.example.org", "oidc_client_id": "argocd", "oidc_secret_name": "argocd-oidc"}
    argo = ArgoCD("argocd", {"host": "argocd.example.org", "admin_groups": ["platform"], **login})
    pulumi.export("argocd", argo.url)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace, known before Argo CD is installed: the client's Secret is put here."""
    url: pulumi.Output[str]
    """Address of the web interface."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once Argo CD runs. Applications depend on it, so that they go first."""
    chart_version: pulumi.Output[str]
    """Version of the chart."""

    def __init__(self, name: str, args: ArgoCDArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(ArgoCD, name, args, ArgoCDArgs, ARGUMENTS, problems=problems)
        super().__init__("pulumi-mlops:index:ArgoCD", name, add_on_inputs(args), opts)
        self._called = checked["object_name"] or name
        self.namespace = ADD_ON.create_namespace(self, name, checked)
        redis = self._create_redis_secret(name)
        installed = ADD_ON.install(self, name, checked, namespace=self.namespace, needs=[redis])
        _published.route(
            f"{name}-route",
            self._metadata(self._called),
            checked,
            service=server_service(self._called),
            port=SERVICE_PORT,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main]),
        )
        self.url = pulumi.Output.concat("https://", checked["host"])
        self.release = installed.release
        self.chart_version = pulumi.Output.from_input(CHART.version)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "url": self.url,
                "release": self.release,
                "chart_version": self.chart_version,
            }
        )

    def _create_redis_secret(self, name: str) -> k8s.core.v1.Secret:
        """The chart would have a hook make it, which nobody sees in a preview and no `destroy` removes."""
        password = random.RandomPassword(
            f"{name}-redis-password", length=40, special=False, opts=pulumi.ResourceOptions(parent=self)
        )
        return k8s.core.v1.Secret(
            f"{name}-redis",
            metadata=self._metadata(_argo_cd_config.REDIS_SECRET),
            string_data={_argo_cd_config.REDIS_PASSWORD_KEY: password.result},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _metadata(self, object_name: str) -> Manifest:
        return {
            "name": object_name,
            "namespace": self.namespace,
            "labels": conventions.labels("argo-cd", self._called),
        }


def server_service(name: str) -> str:
    """Name of the Service in front of the web interface."""
    return f"{name}-server"


def values(name: str, args: ArgoCDArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]

    def part(account: str, count: int, cpu: str, memory: pulumi.Input[str]) -> HelmValues:
        return {
            "replicas": count,
            "pdb": budget(count),
            "resources": resources(cpu, memory),  # upstream's charts set none
            "serviceAccount": {"create": True, "name": account, "annotations": args["service_account_annotations"]},
        }

    return {
        "fullnameOverride": name,
        # In the chart, and not applied by the library: a Helm release creates them without the annotation that would
        # be too long for application sets.
        "crds": {"install": True, "keep": args["keep_definitions"]},
        "global": {
            "domain": args["host"],
            "image": {"repository": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, "argoproj/argocd")},
            "networkPolicy": {"create": True},  # Redis and the repository server are for Argo CD's own pods alone
            "topologySpreadConstraints": spread(),  # the chart adds each part's selector
        },
        "configs": {
            "cm": _argo_cd_config.config_map(args),
            "params": {"server.insecure": "true"},  # plain HTTP behind the Gateway, which ends TLS
            "rbac": _argo_cd_config.rbac(args),
        },
        "controller": {
            **part(CONTROLLER_SERVICE_ACCOUNT, 1, "500m", args["controller_memory"]),
            "env": [{"name": "ARGOCD_K8S_CLIENT_QPS", "value": KUBERNETES_QUERIES_PER_SECOND}],
        },
        "server": part(SERVER_SERVICE_ACCOUNT, replicas, "100m", "512Mi"),
        "repoServer": {
            **part(REPOSITORY_SERVICE_ACCOUNT, replicas, "250m", "1Gi"),
            "copyutil": {"resources": resources("50m", "64Mi")},  # the container that runs first
        },
        "applicationSet": part(APPLICATION_SET_SERVICE_ACCOUNT, replicas, "100m", "256Mi"),
        "dex": {"enabled": False},  # a second identity provider between the first and the server
        "notifications": {"enabled": False},  # a controller for what nobody has configured
        "redisSecretInit": {"enabled": False},  # the password is the component's
        **_argo_cd_config.redis(name, args),
    }


def statements(
    *, cluster_role_arns: Sequence[pulumi.Input[str]] = (), chart_registry_arns: Sequence[pulumi.Input[str]] = ()
) -> list[Statement]:
    """What its roles must be allowed: nothing for its own cluster and public repositories.

    `cluster_role_arns` are roles that other clusters trust, assumed by the controller, the server and the application
    sets; `chart_registry_arns` are ECR repositories with charts, read by the repository server.
    """
    found: list[Statement] = []
    if cluster_role_arns:
        found.append(statement(["sts:AssumeRole", "sts:TagSession"], cluster_role_arns))
    if chart_registry_arns:
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        found.append(statement(pull, chart_registry_arns))
        found.append(
            statement(
                ["ecr:GetAuthorizationToken"], ["*"], reason="a token of ECR is for the whole registry of the account"
            )
        )
    return found


ADD_ON = AddOn(
    component=ArgoCD,
    once_because=ONE_RELEASE,
    main=ChartRelease(chart=CHART, values=values, timeout_seconds=TIMEOUT_SECONDS),
    namespace=conventions.ARGO_CD_NAMESPACE,
    images=("argoproj/argocd", "docker/library/redis", "docker/library/haproxy"),
)
