"""Who has access to a cluster that is taken over: by access entries, as in the stack, or by the ConfigMap aws-auth."""

import re
from collections.abc import Iterable, Iterator

import yaml

from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.values import items, mapping

CONFIG_MAPS = ("kubernetes_config_map", "kubernetes_config_map_v1", "kubernetes_config_map_v1_data")
AWS_AUTH = "aws-auth"
ADMINISTRATORS = "system:masters"
NODES = "system:nodes"
ENTRY = "aws_eks_access_entry"
ASSOCIATION = "aws_eks_access_policy_association"
ADMINISTRATORS_POLICY = "AmazonEKSClusterAdminPolicy"


def administrators(found: Iterable[Found], cluster: Found | None) -> list[str]:
    """ARNs of the cluster's administrators: by access entries, or by aws-auth alone, which the stack replaces by them.

    For a principal that has both, EKS looks at the access entry.
    """
    found = list(found)
    if cluster is None:
        return []
    name = cluster.get("name")
    entries = {one.get("principal_arn") for one in found if one.type == ENTRY and one.get("cluster_name") == name}
    associated = (str(one.get("principal_arn")) for one in found if _makes_administrator(one, name))
    mapped = (arn for arn, groups in _mapped(found) if _administrates(arn, groups) and arn not in entries)
    return list(dict.fromkeys((*(arn for arn in associated if arn in entries), *mapped)))


def _makes_administrator(one: Found, cluster: object) -> bool:
    return (
        one.type == ASSOCIATION
        and one.get("cluster_name") == cluster
        and str(one.get("policy_arn")).endswith(f"/{ADMINISTRATORS_POLICY}")
        and one.get("access_scope.0.type") == "cluster"
    )


def access_notes(found: Iterable[Found], cluster: Found | None) -> Iterator[str]:
    """What becomes of the access to the cluster, before anything else that somebody has to know."""
    if cluster is None:
        return
    mode = cluster.get("access_config.0.authentication_mode")
    if mode == "API":
        return
    if mode != "API_AND_CONFIG_MAP":
        why = "" if mode else ", as that of every cluster whose state does not say otherwise"
        yield (
            f"the cluster's access is by the ConfigMap aws-auth{why}, the stack's by access entries, and EKS goes "
            "there by way of both: `aws eks update-cluster-config --access-config "
            "authenticationMode=API_AND_CONFIG_MAP`, name the `administrators` in the settings, then adopt it"
        )
    found = list(found)
    mapped, accounts = list(_mapped(found)), _accounts(found)
    if not mapped and not accounts:
        yield (
            "the cluster's ConfigMap aws-auth is not in the state: whoever it lets in loses access unless an access "
            "entry does; `kubectl -n kube-system get configmap aws-auth -o yaml` lists them"
        )
    for arn, groups in mapped:
        listed = ", ".join(groups) or "no group"
        if NODES in groups:
            yield (
                f"{arn} is a role of nodes in aws-auth: nodes of groups that the stack does not take over lose the "
                "cluster without an access entry of type EC2_LINUX for it"
            )
        elif _administrates(arn, groups):
            yield f"{arn} is an administrator by aws-auth and stays one by the setting `administrators`"
        else:
            yield f"{arn} ({listed}) has access by aws-auth alone and loses it: give it an access entry"
    for account in accounts:
        yield (
            f"everybody of the account {account} has access by aws-auth alone and loses it: access entries name "
            "single roles and users"
        )


def _administrates(arn: str, groups: list[str]) -> bool:
    return ADMINISTRATORS in groups and NODES not in groups and re.search(r":iam::\d+:(role|user)/", arn) is not None


def _accounts(found: Iterable[Found]) -> list[str]:
    """Accounts whose people all have access by aws-auth."""
    texts = (mapping(one.get("data")).get("mapAccounts") for one in found if _is_aws_auth(one))
    return [str(account) for text in texts for account in items(_parsed(text))]


def _is_aws_auth(one: Found) -> bool:
    return one.type in CONFIG_MAPS and one.get("metadata.0.name") == AWS_AUTH


def _mapped(found: Iterable[Found]) -> Iterator[tuple[str, list[str]]]:
    """The roles and users of aws-auth with their groups."""
    for one in found:
        if not _is_aws_auth(one):
            continue
        for field, arn in (("mapRoles", "rolearn"), ("mapUsers", "userarn")):
            for entry in map(mapping, items(_parsed(mapping(one.get("data")).get(field)))):
                yield str(entry.get(arn)), [str(group) for group in items(entry.get("groups"))]


def _parsed(text: object) -> object:
    try:
        return yaml.safe_load(text) if isinstance(text, str) else None
    except (yaml.YAMLError, ValueError):  # a date that does not exist is a ValueError
        return None
