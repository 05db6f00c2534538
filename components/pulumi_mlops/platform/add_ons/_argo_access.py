"""The service accounts as which people act in all of Argo Workflows: admins, readers, and everybody else."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _workflow_access, conventions
from pulumi_mlops._manifests import Manifest
from pulumi_mlops._workflow_access import ADMIN, EVERYBODY, LOGIN, READ, READER, RUN, WATCH

EVERYWHERE: list[Manifest] = [
    *READ,
    {
        "apiGroups": ["argoproj.io"],
        "resources": ["clusterworkflowtemplates", "workfloweventbindings", "eventsources", "sensors"],
        "verbs": WATCH,
    },
]
"""What a reader's pages ask for: those of each namespace, and those that no team has."""


def create(
    name: str,
    called: str,
    namespace: pulumi.Input[str],
    *,
    admin_groups: Sequence[str] | None,
    reader_groups: Sequence[str] | None,
    child: pulumi.ResourceOptions,
) -> None:
    """Creates the accounts of the groups in the server's arguments, and the one of everybody else.

    `name` is the component's, `called` what its objects are called.
    """
    for role, groups, precedence, rules in (
        ("admin", admin_groups, ADMIN, [*EVERYWHERE, *RUN]),
        ("reader", reader_groups, READER, EVERYWHERE),
    ):
        if not groups:
            continue
        expression = _workflow_access.rule(groups)
        account = _workflow_access.account(
            f"{name}-{role}", _metadata(called, role, namespace), expression, precedence, child
        )
        cluster_role = k8s.rbac.v1.ClusterRole(
            f"{name}-{role}-role", metadata=_metadata(called, role), rules=rules, opts=child
        )
        k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-{role}-role-binding",
            metadata=_metadata(called, role),
            role_ref=_workflow_access.role_reference(cluster_role),
            subjects=[_workflow_access.subject(account)],
            opts=child,
        )
    # Without rights. The server asks for an account of its own namespace before it looks at that of a team.
    _workflow_access.account(f"{name}-login", _metadata(called, "login", namespace), EVERYBODY, LOGIN, child)


def account_name(name: str, role: str) -> str:
    """Name of an account and of its ClusterRole; the chart itself makes the ClusterRoles `<name>-admin` and `-view`."""
    return f"{name}-sso-{role}"


def tokens(name: str) -> list[str]:
    """The Secrets with tokens that the server has to read, those of all workspaces included."""
    accounts = [account_name(name, role) for role in ("admin", "reader", "login")]
    return [_workflow_access.token_secret(one) for one in (*accounts, conventions.MEMBER_SERVICE_ACCOUNT)]


def _metadata(name: str, role: str, namespace: pulumi.Input[str] | None = None) -> Manifest:
    metadata = {"name": account_name(name, role), "labels": conventions.labels("argo-workflows", name)}
    return metadata if namespace is None else {**metadata, "namespace": namespace}
