"""The platform layer of an environment on AWS. Everything that it stands on comes from the environment's foundation."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
from pulumi_mlops import conventions
from pulumi_mlops.platform import EksPlatform, EksPlatformArgs

from stacks import configuration, references, settings
from stacks.values import tenants_prefix

FROM_FOUNDATION = sorted(EksPlatformArgs.__required_keys__ - {"login"})
"""The component's arguments that are outputs of the foundation, by the same names."""
KARPENTER = "karpenter"
OF_KARPENTER: dict[str, str] = dict.fromkeys(("karpenter_node_role", "karpenter_queue"), "pulumi-mlops:karpenter")
"""Outputs that the foundation has by a setting of its own."""

NODE_GROUPS = "node_groups"
"""Output that foundations have which make their cluster."""


AUTO_MODE = "auto_mode"
"""Output that foundations have whose cluster is one of EKS Auto Mode."""


def unlike(chosen: settings.PlatformEksSettings, foundation: str) -> Callable[[Mapping[str, Any]], str]:
    """What says whether the cluster that a foundation has made is of the mode that the settings have."""

    def problem(known: Mapping[str, Any]) -> str:
        made = True if known.get(AUTO_MODE) else False if known.get(NODE_GROUPS) else None
        if made is None or made is bool(chosen.auto_mode):
            return ""
        is_one = "is" if made else "is not"
        return (
            f"setting pulumi-mlops:auto_mode must be {str(made).lower()}: the cluster of {foundation} {is_one} one of "
            "EKS Auto Mode"
        )

    return problem


def build() -> None:
    """Declares the stack."""
    chosen = configuration.read(settings.PlatformEksSettings)
    add_ons = dict(chosen.add_ons or {})
    more: list[str] = [
        "cluster_arn",
        *([] if chosen.kube_context else ["kubeconfig"]),
        *(OF_KARPENTER if KARPENTER in add_ons else []),
    ]
    foundation = f"foundation-{chosen.environment}"
    found = references.outputs(
        foundation, [*FROM_FOUNDATION, *more], OF_KARPENTER, optional=[NODE_GROUPS], problem=unlike(chosen, foundation)
    )
    place: Any = {"context": chosen.kube_context} if chosen.kube_context else {"kubeconfig": found["kubeconfig"]}
    # With the identifier, another kubeconfig of the same cluster is no other cluster.
    cluster = k8s.Provider("cluster", cluster_identifier=found["cluster_arn"], **place)
    account = aws.Provider("account", region=found["region"])
    names = EksPlatformArgs.__annotations__.keys() - {*FROM_FOUNDATION, NODE_GROUPS} - settings.NO_SETTING
    args: Any = {
        **{name: found[name] for name in (*FROM_FOUNDATION, NODE_GROUPS)},
        **settings.given(chosen, *sorted(names)),
        "tags": {"environment": chosen.environment, "managed-by": conventions.PACKAGE, **(chosen.tags or {})},
    }
    if isinstance(chosen.database_api, dict):
        args["database_api"] = {"name_prefix": tenants_prefix(chosen.environment), **chosen.database_api}
    if isinstance(chosen_nodes := add_ons.get(KARPENTER), dict):
        nodes = {"node_role": found["karpenter_node_role"], "interruption_queue": found["karpenter_queue"]}
        args["add_ons"] = {**add_ons, KARPENTER: {**nodes, **chosen_nodes}}
    platform = EksPlatform("platform", args, pulumi.ResourceOptions(providers=[cluster, account]))
    pulumi.export("gateway_url", platform.gateway_url)
    pulumi.export("mlflow_url", platform.mlflow_url)
    pulumi.export("argo_cd_url", platform.argo_cd_url)
    pulumi.export("argo_workflows_url", platform.argo_workflows_url)
    pulumi.export("secret_store", platform.secret_store)
    pulumi.export("teams", platform.teams)
