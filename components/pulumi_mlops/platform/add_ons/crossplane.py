"""Crossplane: cloud resources that tenants ask for at run time, by compositions.

Owns its namespace, the AWS providers, the functions, which kinds exist, and the providers' configuration. Does not own:
compositions and their definitions, the roles behind the service accounts (`WorkloadIdentity` with
`s3_statements`, `rds_statements`, `ec2_statements` and `iam_statements`).
"""

from collections.abc import Mapping
from typing import NotRequired

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.platform import _crossplane_packages as packages
from pulumi_mlops.platform import _parts
from pulumi_mlops.platform._chart_values import mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_on import (
    AddOn,
    AddOnArgs,
    CallerArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)
from pulumi_mlops.platform.add_ons import _crossplane_permissions

CHART = Chart("crossplane", "https://charts.crossplane.io/stable", versions.CROSSPLANE)
REPOSITORY = "crossplane/crossplane"
PROVIDER_CONFIG = "default"
"""The configuration that a managed resource uses unless it names another."""
SERVICE_ACCOUNTS = packages.SERVICE_ACCOUNTS
"""AWS service → service account of its provider; a role's trust names it."""

CPU_LIMIT = "2"
HEALTHY = {"pulumi.com/waitFor": "condition=Healthy"}
"""A package is healthy once its kinds are in the API server and its pod runs."""


class CrossplaneArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `Crossplane`."""

    services: NotRequired[list[str]]
    """AWS services whose provider is installed, among `ec2`, `iam`, `rds` and `s3`; default: all four; empty for none,
    as in a cluster outside AWS. Plain: each is several resources."""
    activations: NotRequired[list[pulumi.Input[str]]]
    """Further managed resource definitions to activate, such as `clusters.rds.aws.m.upbound.io`; a kind that is not
    activated fails with "no matches for kind". Default: those that the permissions reach."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a replica, request and limit; default "1Gi"."""
    provider_memory: NotRequired[pulumi.Input[str]]
    """Memory of each provider, request and limit; default "1Gi"."""


ARGUMENTS = {
    "services": Argument(
        default=list(packages.SERVICES),
        rule=matches("|".join(packages.SERVICES), f"one of {', '.join(packages.SERVICES)}"),
    ),
    "activations": Argument(
        default=[],
        rule=matches(r"(\*|[a-z0-9]+)(\.[-a-z0-9]+)+", 'a definition such as "buckets.s3.aws.m.upbound.io"'),
    ),
    "memory": Argument(default="1Gi", rule=quantity),
    "provider_memory": Argument(default="1Gi", rule=quantity),
}


class Crossplane(pulumi.ComponentResource):
    """Crossplane with the AWS providers of a few services.

    What is composed goes first on `destroy`, while the providers still answer: let it depend on `provider_config`.

    ```python
    from pulumi_mlops.platform import Crossplane

    crossplane = Crossplane("crossplane", {"services": ["ec2", "rds"]})
    pulumi.export("provider_config", crossplane.provider_config)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of Crossplane and the providers."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once Crossplane runs."""
    functions: pulumi.Output[list[str]]
    """Names of the functions that compositions may use, known once they are healthy."""
    provider_config: pulumi.Output[str]
    """Name of the ClusterProviderConfig, known once the providers can make resources; empty without any."""

    def __init__(self, name: str, args: CrossplaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(Crossplane, name, args, CrossplaneArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:Crossplane", name, add_on_inputs(args), opts)
        self._name = name
        self._called = checked["object_name"] or name
        self._args = checked
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self._create_disruption_budgets()
        before = [installed.main, *self._create_mirror(installed.main)]
        functions = self._create_functions(before)
        configured = self._create_providers(before) if checked["services"] else None

        self.release = installed.release
        self.functions = pulumi.Output.all(*(name_of(one) for one in functions))
        self.provider_config = name_of(configured) if configured else pulumi.Output.from_input("")
        self.register_outputs(
            {
                "namespace": self.namespace,
                "release": self.release,
                "functions": self.functions,
                "provider_config": self.provider_config,
            }
        )

    def _create_disruption_budgets(self) -> None:
        """The chart has none."""
        if self._args["replicas"] == 1:
            return
        for role in ("crossplane", "crossplane-rbac-manager"):
            k8s.policy.v1.PodDisruptionBudget(
                f"{self._name}-{role.removeprefix('crossplane-')}-disruption-budget",
                metadata={
                    "name": f"{self._called}-{role}",
                    "namespace": self.namespace,
                    "labels": conventions.labels("crossplane", self._called),
                },
                spec=_parts.disruption_budget(_pods(role, self._called)),
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _create_mirror(self, installed: pulumi.Resource) -> list[pulumi.Resource]:
        mirror = self._args["image_mirror"]
        if mirror is None:
            return []
        spec = packages.mirror_spec(mirror)
        return [self._object("mirror", "pkg.crossplane.io/v1beta1", "ImageConfig", spec, [installed])]

    def _create_functions(self, before: list[pulumi.Resource]) -> list[pulumi.Resource]:
        spec = packages.runtime_spec(f"{self._called}-functions", {}, "50m", "256Mi")
        runtime = self._object("functions", "pkg.crossplane.io/v1beta1", "DeploymentRuntimeConfig", spec, before)
        return [
            self._package("Function", function, version, "functions", [runtime, *before])
            for function, version in packages.FUNCTIONS.items()
        ]

    def _create_providers(self, before: list[pulumi.Resource]) -> pulumi.Resource:
        """The family first, so that Crossplane does not install it by itself; what uses the providers last."""
        activate = packages.activations(self._args["services"], self._args["activations"])
        policy = self._object(
            "activation",
            "apiextensions.crossplane.io/v1alpha1",
            "ManagedResourceActivationPolicy",
            {"activate": activate},
            before,
        )
        family = self._create_provider(packages.FAMILY, packages.FAMILY_SERVICE_ACCOUNT, {}, "512Mi", before)
        annotations = self._args["service_account_annotations"]
        memory = self._args["provider_memory"]
        providers = [
            self._create_provider(
                f"provider-aws-{service}", SERVICE_ACCOUNTS[service], annotations, memory, [family, policy, *before]
            )
            for service in self._args["services"]
        ]
        return self._object(
            "provider-config",
            "aws.m.upbound.io/v1beta1",
            "ClusterProviderConfig",
            {"credentials": {"source": "PodIdentity"}},
            [family, *providers],
            called=PROVIDER_CONFIG,
        )

    def _create_provider(
        self,
        package: str,
        account: str,
        annotations: pulumi.Input[dict[str, pulumi.Input[str]]],
        memory: pulumi.Input[str],
        needs: list[pulumi.Resource],
    ) -> pulumi.Resource:
        role = f"{package}-runtime"
        spec = packages.runtime_spec(account, annotations, "100m", memory)
        runtime = self._object(role, "pkg.crossplane.io/v1beta1", "DeploymentRuntimeConfig", spec, needs)
        return self._package("Provider", package, versions.CROSSPLANE_AWS, role, [runtime, *needs])

    def _package(
        self, kind: str, package: str, version: str, runtime_role: str, needs: list[pulumi.Resource]
    ) -> pulumi.Resource:
        spec = packages.package_spec(package, version, f"{self._called}-{runtime_role}")
        return self._object(
            package,
            "pkg.crossplane.io/v1",
            kind,
            spec,
            needs,
            called=packages.package_name(package),
            annotations=HEALTHY,
        )

    def _object(
        self,
        role: str,
        api_version: str,
        kind: str,
        spec: Manifest,
        needs: list[pulumi.Resource],
        *,
        called: str | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> pulumi.Resource:
        """One of Crossplane's own objects, none of which lies in a namespace."""
        labels = conventions.labels("crossplane", self._called)
        metadata: Manifest = {"name": called or f"{self._called}-{role}", "labels": labels}
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{role}",
            api_version=api_version,
            kind=kind,
            metadata={**metadata, **({"annotations": annotations} if annotations else {})},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )


def values(name: str, args: CrossplaneArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]
    pod = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {"capabilities": {"drop": ["ALL"]}}
    return {
        "replicas": replicas,
        "image": {"repository": mirrored(args["image_mirror"], packages.PACKAGE_REGISTRY, REPOSITORY)},
        # By default every kind of every provider would become a definition of the API server.
        "provider": {"defaultActivations": []},
        "rbacManager": {
            "replicas": replicas,
            "topologySpreadConstraints": spread(_pods("crossplane-rbac-manager", name)),
        },
        "resourcesCrossplane": _sized("200m", args["memory"]),
        "resourcesRBACManager": _sized("50m", "512Mi"),
        "podSecurityContextCrossplane": pod,
        "podSecurityContextRBACManager": pod,
        "securityContextCrossplane": container,
        "securityContextRBACManager": container,
        "packageCache": {"sizeLimit": "512Mi"},  # upstream's 20 MiB do not hold the AWS family: the pod is evicted
        "metrics": {"enabled": True},
        "topologySpreadConstraints": spread(_pods("crossplane", name)),
    }


def _sized(cpu: str, memory: pulumi.Input[str]) -> Manifest:
    """With a CPU limit, unlike elsewhere: the chart reads it to tell Go how many threads to run."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": CPU_LIMIT, "memory": memory}}


def _pods(role: str, release_name: str) -> dict[str, str]:
    return {"app": role, "release": release_name}


s3_statements = _crossplane_permissions.s3
rds_statements = _crossplane_permissions.rds
ec2_statements = _crossplane_permissions.ec2
iam_statements = _crossplane_permissions.iam


ADD_ON = AddOn(
    component=Crossplane,
    once_because="it owns the definitions of the cluster",
    main=ChartRelease(chart=CHART, values=values),
    namespace=conventions.CROSSPLANE_NAMESPACE,
    images=(REPOSITORY,),
    endpoints=("ec2", "rds"),
    service_accounts={
        SERVICE_ACCOUNTS["ec2"]: lambda aws: ec2_statements(aws.account_id, aws.region, aws.vpc_id),
        SERVICE_ACCOUNTS["rds"]: lambda aws: rds_statements(aws.account_id, aws.region, aws.tenants_prefix),
        SERVICE_ACCOUNTS["s3"]: lambda aws: s3_statements(aws.tenants_prefix),
        # Its roles need a permissions boundary, which is the account's owner's to write.
        SERVICE_ACCOUNTS["iam"]: lambda _: [],
    },
)
