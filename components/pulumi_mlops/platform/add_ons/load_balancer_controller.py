"""AWS Load Balancer Controller: NLBs and ALBs for the Services and Ingresses that ask for one.

Owns its namespace, its definitions and, at run time, the load balancers, target groups and security groups that it
made. Does not own: the subnets (which bear the tags by which it finds them), the role behind its service account
(`WorkloadIdentity` with `statements`). Comes after `CertManager`, and goes after every Service and Ingress that has a
load balancer.
"""

from typing import NotRequired

import pulumi

from pulumi_mlops import _aws, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, resources
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import not_empty
from pulumi_mlops.platform import _definitions
from pulumi_mlops.platform._chart_values import mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, statement
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
from pulumi_mlops.platform.add_ons._load_balancer_permissions import STATEMENTS

CHART = Chart("aws-load-balancer-controller", "https://aws.github.io/eks-charts", versions.LOAD_BALANCER_CONTROLLER)
NAMESPACE = "load-balancer-controller"
SERVICE_ACCOUNT = "aws-load-balancer-controller"
"""Service account of the controller, which makes load balancers; a role's trust names it."""
UPSTREAM_REGISTRY = "public.ecr.aws"
REPOSITORY = "eks/aws-load-balancer-controller"
LOAD_BALANCER_CLASS = "service.k8s.aws/nlb"
"""`loadBalancerClass` of a Service that gets an NLB from this controller."""

CPU_REQUEST = "100m"


class LoadBalancerControllerArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `LoadBalancerController`."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster; the controller tags what it makes with it."""
    region: pulumi.Input[str]
    """AWS region of the cluster. Given, since pods cannot ask the instance metadata for it."""
    vpc_id: pulumi.Input[str]
    """VPC of the cluster, given for the same reason."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of every load balancer, target group and security group that the controller makes; default none."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a controller, request and limit; default "256Mi"."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true, as in `GatewayApiArgs`. When false, `destroy`
    deletes them, and hangs on what still bears the controller's finalizer."""


ARGUMENTS = {
    "cluster_name": Argument(rule=not_empty),
    "region": Argument(rule=_aws.region),
    "vpc_id": Argument(rule=_aws.vpc_id),
    "tags": Argument(default={}),
    "memory": Argument(default="256Mi", rule=quantity),
}


class LoadBalancerController(pulumi.ComponentResource):
    """AWS Load Balancer Controller for the whole cluster.

    ```python
    from pulumi_mlops.platform import LoadBalancerController

    where = {"cluster_name": "mlops", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"}
    load_balancers = LoadBalancerController("load-balancer-controller", where)
    pulumi.export("load_balancer_release", load_balancers.release)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the controller."""
    service_account: pulumi.Output[str]
    """Service account of the controller."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once the controller's webhooks answer."""

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(LoadBalancerController, name, args, LoadBalancerControllerArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:LoadBalancerController", name, add_on_inputs(args), opts)
        ADD_ON.claim(self, name)
        # Not by the chart, whose definitions an upgrade would leave as they are.
        known = _definitions.install(name, definitions(), self, keep=checked["keep_definitions"])
        installed = ADD_ON.install(self, name, checked, needs=list(known.values()))
        self.namespace = installed.namespace
        self.service_account = pulumi.Output.from_input(SERVICE_ACCOUNT)
        self.release = installed.release
        self.register_outputs(
            {"namespace": self.namespace, "service_account": self.service_account, "release": self.release}
        )


def values(name: str, args: LoadBalancerControllerArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]
    pods = {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": CHART.name}
    return {
        "fullnameOverride": name,
        "image": {"repository": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, REPOSITORY)},
        "clusterName": args["cluster_name"],
        "region": args["region"],
        "vpcId": args["vpc_id"],
        "serviceAccount": {
            "create": True,
            "name": SERVICE_ACCOUNT,
            "annotations": args["service_account_annotations"],
        },
        "defaultTags": args["tags"],
        "defaultTargetType": "ip",  # pods have addresses of the VPC; through a node's port is one hop more
        # This webhook refuses every Service of the cluster until the controller runs. Services that want a load
        # balancer of this controller say so by their class instead.
        "enableServiceMutatorWebhook": False,
        # Without cert-manager the chart makes a new certificate whenever it is rendered, and renews none.
        "enableCertManager": True,
        # Istio owns the Gateway API here; this controller also wants newer definitions than Istio and KServe do.
        "controllerConfig": {"featureGates": {"ALBGatewayAPI": False, "NLBGatewayAPI": False}},
        "replicaCount": replicas,
        "podDisruptionBudget": {"maxUnavailable": 1} if replicas > 1 else {},
        "topologySpreadConstraints": spread(pods),
        "resources": resources(CPU_REQUEST, args["memory"]),
        "podSecurityContext": {"fsGroup": 65534, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def definitions() -> list[Manifest]:
    """Metadata and spec of every definition of the controller."""
    return _definitions.read("aws-load-balancer-controller")


def statements(*, partition: str = "aws") -> list[Statement]:
    """What the controller's role must be allowed: upstream's policy of the pinned version."""
    return [
        statement(
            actions,
            [resource.replace("arn:aws:", f"arn:{partition}:") for resource in on],
            conditions=conditions,
            reason=reason,
        )
        for actions, on, conditions, reason in STATEMENTS
    ]


ADD_ON = AddOn(
    component=LoadBalancerController,
    once_because="its definitions have fixed names",
    built_into_auto_mode=True,
    needs=("cert_manager",),
    main=ChartRelease(chart=CHART, values=values, skip_crds=True),
    namespace=NAMESPACE,
    images=(REPOSITORY,),
    service_accounts={SERVICE_ACCOUNT: lambda _: statements()},
    endpoints=("ec2", "elasticloadbalancing"),
)
