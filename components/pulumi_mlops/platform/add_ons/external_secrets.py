"""External Secrets: copies of AWS Secrets Manager's secrets in the namespaces that ask for them.

Owns its namespace and one ClusterSecretStore. Does not own: the secrets, the role behind its service account
(`WorkloadIdentity` with `statements`), the ExternalSecrets of other components.
"""

from collections.abc import Sequence
from typing import NotRequired

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _aws, conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import name_of, resources
from pulumi_mlops._rules import quantity
from pulumi_mlops._text import formatted
from pulumi_mlops.contract.rules import dns_label
from pulumi_mlops.platform._chart_values import PRIORITY_CLASS, mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, statement
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    AddOnArgs,
    CallerArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)

CHART = Chart("external-secrets", "https://charts.external-secrets.io", versions.EXTERNAL_SECRETS)
NAMESPACE = "external-secrets"
SERVICE_ACCOUNT = "external-secrets"
"""Service account of the controller, which reads the secrets; a role's trust names it."""
UPSTREAM_REGISTRY = "ghcr.io"
REPOSITORY = "external-secrets/external-secrets"
RDS_PREFIX = "rds!"
"""Prefix of the master passwords that RDS manages."""

CPU_REQUEST = "50m"


class ExternalSecretsArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `ExternalSecrets`."""

    region: pulumi.Input[str]
    """AWS region whose Secrets Manager the store reads."""
    secret_store: NotRequired[pulumi.Input[str]]
    """Name of the ClusterSecretStore; default "aws-secrets-manager", which other components expect."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a controller, request and limit; default "256Mi"."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true. When false, `destroy` deletes them and with
    them every ExternalSecret, and the Secrets that those made."""


ARGUMENTS = {
    "region": Argument(rule=_aws.region),
    "secret_store": Argument(default=conventions.SECRET_STORE, rule=dns_label),
    "memory": Argument(default="256Mi", rule=quantity),
}


class ExternalSecrets(pulumi.ComponentResource):
    """External Secrets for the whole cluster, with the store that other components refer to.

    ```python
    from pulumi_mlops.platform import ExternalSecrets

    secrets = ExternalSecrets("external-secrets", {"region": "eu-central-1"})
    pulumi.export("secret_store", secrets.secret_store)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of External Secrets."""
    service_account: pulumi.Output[str]
    """Service account of the controller."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once its webhook answers."""
    secret_store: pulumi.Output[str]
    """Name of the ClusterSecretStore."""

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(ExternalSecrets, name, args, ExternalSecretsArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:ExternalSecrets", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        store = k8s.apiextensions.CustomResource(
            f"{name}-store",
            api_version="external-secrets.io/v1",
            kind="ClusterSecretStore",
            metadata={
                "name": checked["secret_store"],
                "labels": conventions.labels("secret-store", checked["object_name"] or name),
            },
            # Without `auth` the controller's own role is used, by Pod Identity and by IRSA alike.
            spec={"provider": {"aws": {"service": "SecretsManager", "region": checked["region"]}}},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main]),
        )
        self.service_account = pulumi.Output.from_input(SERVICE_ACCOUNT)
        self.release = installed.release
        self.secret_store = name_of(store)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "service_account": self.service_account,
                "release": self.release,
                "secret_store": self.secret_store,
            }
        )


def values(name: str, args: ExternalSecretsArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]
    image = {"repository": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, REPOSITORY)}

    def part(program: str, count: int, memory: pulumi.Input[str]) -> HelmValues:
        pods = {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": program}
        return {
            "image": image,
            "replicaCount": count,
            "resources": resources(CPU_REQUEST, memory),
            "topologySpreadConstraints": spread(pods),
            "podDisruptionBudget": {"enabled": count > 1, "minAvailable": 1},
            "priorityClassName": PRIORITY_CLASS,
        }

    return {
        "fullnameOverride": name,
        **part("external-secrets", replicas, args["memory"]),
        "leaderElect": True,  # off by default; without it two controllers would write the same Secrets
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": args["service_account_annotations"],
        },
        "webhook": part("external-secrets-webhook", replicas, "128Mi"),
        # It renews the webhook's certificate and stands in no request's way, so that one is enough; it has no lock.
        "certController": part("external-secrets-cert-controller", 1, "256Mi"),
        # The platform reads secrets and nothing else: kinds that write to the cloud or reach across namespaces are left
        # out, and the controller is told not to look for them.
        **{f"process{kind}": False for kind in ("ClusterPushSecret", "PushSecret", "ClusterGenerator")},
        "crds": {
            **{f"create{kind}": False for kind in ("ClusterPushSecret", "PushSecret", "ClusterGenerator")},
            # The chart has no switch for it: the definitions are ordinary templates, which Helm would delete.
            "annotations": {"helm.sh/resource-policy": "keep"} if args["keep_definitions"] else {},
        },
    }


def statements(
    region: pulumi.Input[str],
    account_id: pulumi.Input[str],
    prefixes: Sequence[str] = (RDS_PREFIX,),
    kms_key_arns: Sequence[pulumi.Input[str]] = (),
    *,
    partition: str = "aws",
) -> list[Statement]:
    """What the controller's role must be allowed to read the secrets whose names begin with one of the prefixes.

    `kms_key_arns` are the keys that encrypt them, where it is not Secrets Manager's own.
    """
    pattern = "arn:" + partition + ":secretsmanager:{0}:{1}:secret:{2}*"
    found = [
        statement(
            [
                "secretsmanager:GetSecretValue",
                "secretsmanager:DescribeSecret",
                "secretsmanager:ListSecretVersionIds",
                "secretsmanager:GetResourcePolicy",
            ],
            [formatted(pattern, region, account_id, prefix) for prefix in prefixes],
        )
    ]
    if kms_key_arns:
        service = formatted("secretsmanager.{0}.amazonaws.com", region)
        condition = {"StringEquals": {"kms:ViaService": service}}
        found.append(statement(["kms:Decrypt"], list(kms_key_arns), conditions=condition))
    return found


ADD_ON = AddOn(
    component=ExternalSecrets,
    once_because=ONE_RELEASE,
    main=ChartRelease(chart=CHART, values=values),
    namespace=NAMESPACE,
    images=(REPOSITORY,),
    service_accounts={
        SERVICE_ACCOUNT: lambda aws: statements(aws.region, aws.account_id, (RDS_PREFIX, aws.secrets_prefix))
    },
    endpoints=("secretsmanager",),
)
