"""The add-ons of the platform on EKS: which are there, what each of them gets, and what is wrong with it.

An add-on gets what its arguments name: of `_offered`, everything that it has an argument for. So one that is new in
`ADD_ONS` needs no code here, unless it wants something that no other add-on does.
"""

import difflib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import Arguments, field_problems
from pulumi_mlops._text import formatted
from pulumi_mlops.contract.rules import Rule
from pulumi_mlops.platform._part_names import PartNames
from pulumi_mlops.platform.add_on import COMMON, merged
from pulumi_mlops.platform.add_ons import _argo_server
from pulumi_mlops.platform.add_ons._descriptions import ADD_ONS
from pulumi_mlops.platform.add_ons._public_gateway_args import AUTO_MODE_CLASS
from pulumi_mlops.platform.add_ons.argo_workflows import ArgoWorkflowsLine
from pulumi_mlops.platform.eks_platform import _objects
from pulumi_mlops.platform.eks_platform._args import CROSSPLANE_SERVICES, EksPlatformArgs
from pulumi_mlops.platform.helm_add_on import HelmAddOn

ALWAYS = (
    "external_secrets",
    "cert_manager",
    "load_balancer_controller",
    "external_dns",
    "istio",
    "public_gateway",
    "argo_workflows",
    "argo_cd",
    "argo_events",
    "crossplane",
)
"""What the library's components for teams rely on, and what those need in turn. All others come on request."""
RESOURCE_NAMES = {
    "argo_cd": "argocd",
    "load_balancer_controller": "aws-load-balancer-controller",
    "public_gateway": conventions.GATEWAY_NAME,
}
"""Names of components that are not the add-on's own."""
FIXED = ("namespace", "object_name", "add_on")
"""Arguments of add-ons that are the platform's: workspaces look for these names, and roles on AWS are bound to them."""


@dataclass(frozen=True, kw_only=True)
class Links:
    """What add-ons get from other parts. The defaults stand for it until those parts are declared."""

    gateway_name: pulumi.Input[str] = conventions.GATEWAY_NAME
    storage_class: pulumi.Input[str] = _objects.BLOCK_STORAGE_CLASS
    """Of volumes that one pod has to itself."""
    argo_namespace: pulumi.Input[str] = conventions.ARGO_NAMESPACE
    argo_secret: pulumi.Input[str] = _objects.ARGO_WORKFLOWS_SECRET
    workflows_bucket: pulumi.Input[str] = conventions.WORKFLOWS_BUCKET


def installed(args: EksPlatformArgs) -> list[str]:
    """Names of the platform's add-ons."""
    return [name for name in dict.fromkeys((*ALWAYS, *args["add_ons"])) if not _by_eks(name, args)]


def needs(name: str, args: EksPlatformArgs) -> list[str]:
    """Names of the parts that come before this add-on."""
    return [one for one in ADD_ONS[name].needs if not _by_eks(one, args)]


def _by_eks(name: str, args: EksPlatformArgs) -> bool:
    """Whether the cluster itself does what the add-on does."""
    return args["auto_mode"] and name in ADD_ONS and ADD_ONS[name].built_into_auto_mode


def resource_name(name: str) -> str:
    """Name of the add-on's component."""
    return RESOURCE_NAMES.get(name, name.replace("_", "-"))


def component(name: str) -> Callable[..., pulumi.ComponentResource]:
    """The class that installs the add-on."""
    return ADD_ONS[name].component or HelmAddOn


def arguments(name: str, args: EksPlatformArgs, links: Links) -> dict[str, object]:
    """What the platform gives to the add-on, with the user's own arguments of it merged over that; None: left out."""
    schema = _schema(name)
    offered = {key: value for key, value in _offered(args, links).items() if key in schema.__annotations__}
    given = args["add_ons"].get(name, {})
    if name == "cert_manager" and "acme_email" not in given:
        del offered["region"]  # it has no other use than the issuer
    special = _SPECIAL[name](args, links) if name in _SPECIAL else {}
    own: dict[str, object] = {} if ADD_ONS[name].component else {"add_on": ADD_ONS[name]}
    own |= PartNames(args["resource_prefix"]).objects(resource_name(name))
    return merged(merged({**own, **offered}, special), given)


def problems(args: EksPlatformArgs) -> Iterator[str]:
    """What is wrong with `add_ons`, once the platform's other arguments are sound."""
    for name, given in args["add_ons"].items():
        at = f"args.add_ons.{name}"
        if name not in ADD_ONS:
            yield f"{at} is not an add-on; {_near(name, list(ADD_ONS))}known: {', '.join(ADD_ONS)}"
            continue
        if _by_eks(name, args):
            yield f"{at} must be left out with auto_mode: EKS does the same in a cluster of Auto Mode"
            continue
        known = sorted(_schema(name).__annotations__.keys() - set(FIXED))
        for key in given:
            if key in FIXED:
                yield f"{at}.{key} cannot be set: other parts of the platform rely on its fixed value"
            elif key not in known:
                yield f"{at}.{key} is not an argument of the add-on; {_near(key, known)}known: {', '.join(known)}"
        sound = {**args["add_ons"], name: {key: value for key, value in given.items() if key in known}}
        whole = arguments(name, {**args, "add_ons": sound}, Links())
        yield from field_problems(whole, _schema(name), _rules(name), at)


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"? ' if near else ""


def _schema(name: str) -> type:
    """The TypedDict of the add-on's arguments."""
    return inspect.get_annotations(component(name).__init__)["args"]


def _rules(name: str) -> dict[str, Rule]:
    module = vars(sys.modules[component(name).__module__])
    rows: Arguments = {**COMMON, **module["ARGUMENTS"]}
    return {path: row.rule for path, row in rows.items() if row.rule}


def _offered(args: EksPlatformArgs, links: Links) -> dict[str, object]:
    """What any add-on can have, by the name of the argument."""
    domain = args["domain_name"]
    return {
        **{key: args[key] for key in ("region", "cluster_name", "vpc_id", "certificate_arn", "tags")},
        **{key: args[key] for key in ("internal", "source_ranges", "image_mirror", "chart_repository", "replicas")},
        "keep_definitions": args["protect_data"],
        # Nodes like the cluster's own: in its private subnets and in the group that the database admits.
        "subnet_ids": args["private_subnet_ids"],
        "security_group_ids": [args["client_security_group_id"]],
        "domain": domain,
        "domain_filters": [domain],
        "zone_ids": [args["zone_id"]],
        "hostnames": [domain, host(args, "argocd"), host(args, "workflows")],
        "gateway_name": links.gateway_name,
        "storage_class": links.storage_class,
        "bus_storage_class": links.storage_class,
        "grafana_secret_name": _objects.GRAFANA_SECRET,
    }


def host(args: EksPlatformArgs, label: str) -> pulumi.Input[str]:
    """A host name directly below the platform's domain."""
    return formatted(label + ".{0}", args["domain_name"])


def _argo_cd(args: EksPlatformArgs, _: Links) -> dict[str, object]:
    login = args["login"]
    return {
        "host": host(args, "argocd"),
        "oidc_issuer": login["issuer"],
        "oidc_client_id": login["argo_cd_client_id"],
        "oidc_secret_name": _objects.ARGO_CD_SECRET,
        "redis_high_availability": args["replicas"] > 1,
        "admin_groups": login["admin_groups"],
        "reader_groups": login["reader_groups"] or None,
        "groups_scope": login["groups_scope"],
    }


def _argo_workflows(args: EksPlatformArgs, links: Links) -> dict[str, object]:
    login = args["login"]
    scopes = [] if login["groups_scope"] is None else [login["groups_scope"]]
    return {
        "namespace": links.argo_namespace,
        "line": ArgoWorkflowsLine.V4_0,
        "server": {
            "host": host(args, "workflows"),
            "sso_issuer": login["issuer"],
            "sso_secret_name": links.argo_secret,
            "sso_scopes": [*_argo_server.DEFAULT_SCOPES, *scopes],
            "sso_admin_groups": login["admin_groups"],
            "sso_reader_groups": login["reader_groups"],
            "replicas": args["replicas"],
            "gateway_name": links.gateway_name,
        },
        "artifact_repository": {
            "bucket": links.workflows_bucket,
            "region": args["region"],
        },
    }


def _crossplane(_: EksPlatformArgs, __: Links) -> dict[str, object]:
    return {"services": list(CROSSPLANE_SERVICES)}


def _public_gateway(args: EksPlatformArgs, _: Links) -> dict[str, object]:
    # The role of a cluster may not set tags of ours, and then Auto Mode makes no load balancer at all.
    return {"load_balancer_class": AUTO_MODE_CLASS, "tags": None} if args["auto_mode"] else {}


_SPECIAL: Mapping[str, Callable[[EksPlatformArgs, Links], dict[str, object]]] = {
    "argo_cd": _argo_cd,
    "argo_workflows": _argo_workflows,
    "crossplane": _crossplane,
    "public_gateway": _public_gateway,
}
"""What one add-on alone gets."""
