"""Who acts as whom in Argo Workflows' web interface once he has logged in, and with which rights.

The server knows a person by the groups that the identity provider names. It does what he asks for as a service account
whose rule holds for these groups: one of its own namespace or, if it has a higher precedence, one of the namespace that
he asks about. No account has the right to read Secrets: the server alone takes a token out of one.
"""

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops._manifests import Manifest, name_of

EVERYBODY = "true"
"""The rule that holds for whoever logs in."""
LOGIN, READER, MEMBER, ADMIN = -1, 10, 20, 30
"""Precedences. A reader who is a member of a team acts as a member in that team's namespace, an admin as an admin
everywhere. LOGIN is below 0, which an account without a precedence has."""

WATCH = ["get", "list", "watch"]
READ: list[Manifest] = [
    {
        "apiGroups": ["argoproj.io"],
        "resources": ["workflows", "workflowtemplates", "cronworkflows"],
        "verbs": WATCH,
    },
    {"apiGroups": [""], "resources": ["events", "pods"], "verbs": WATCH},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
]
"""What the pages of a namespace ask for: lists, one workflow with its events, the logs of its pods."""
RUN: list[Manifest] = [
    {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["create", "update", "patch", "delete"]},
    {"apiGroups": ["argoproj.io"], "resources": ["cronworkflows"], "verbs": ["patch"]},  # suspend, resume
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},  # those that a retry runs again
]
"""What its buttons do besides: submit, stop, retry and delete workflows, suspend schedules. Templates and schedules
themselves belong to the stacks that make them."""


def group(value: str) -> str | None:
    """The name of a group can be that of the claim, and a text in a rule."""
    if not value or value != value.strip() or not value.isprintable():
        return "must be the name of a group: not empty, of printable characters, without spaces around it"
    return None


def rule(groups: Sequence[str]) -> str:
    """The expression that holds for the members of any of the groups.

    A text of the expression language is what JSON calls a string, as long as it has no control characters, which
    `group` keeps out; other characters stand for themselves, since the language knows no surrogate pairs.
    """
    return " || ".join(f"{json.dumps(name, ensure_ascii=False)} in groups" for name in groups)


def token_secret(account: str) -> str:
    """Name of the Secret in which the server looks for an account's token."""
    return f"{account}.service-account-token"


def account(
    name: str, metadata: Manifest, expression: str, precedence: int, child: pulumi.ResourceOptions
) -> k8s.core.v1.ServiceAccount:
    """Creates a service account as which people act, and the Secret that Kubernetes fills with its token.

    Pods get no token of it. `metadata` has the name, the namespace and the labels.
    """
    made = k8s.core.v1.ServiceAccount(
        name,
        metadata=_annotated(
            metadata,
            {
                "workflows.argoproj.io/rbac-rule": expression,
                "workflows.argoproj.io/rbac-rule-precedence": str(precedence),
            },
        ),
        automount_service_account_token=False,
        opts=child,
    )
    k8s.core.v1.Secret(
        f"{name}-token",
        metadata=_annotated(
            {**metadata, "name": token_secret(metadata["name"])},
            {"kubernetes.io/service-account.name": name_of(made)},
        ),
        type="kubernetes.io/service-account-token",
        opts=child,
    )
    return made


def members(name: str, metadata: Manifest, groups: Sequence[str], child: pulumi.ResourceOptions) -> None:
    """Creates the account of a namespace's own people, whose rights end with the namespace; `metadata` as above."""
    made = account(f"{name}-member", metadata, rule(groups), MEMBER, child)
    role = k8s.rbac.v1.Role(f"{name}-member-role", metadata=metadata, rules=[*READ, *RUN], opts=child)
    k8s.rbac.v1.RoleBinding(
        f"{name}-member-role-binding",
        metadata=metadata,
        role_ref=role_reference(role),
        subjects=[subject(made)],
        opts=child,
    )


def role_reference(role: object) -> Manifest:
    """How a binding names a Role or ClusterRole."""
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": type(role).__name__, "name": name_of(role)}


def subject(account: k8s.core.v1.ServiceAccount) -> Manifest:
    """How a binding names a service account."""
    return {"kind": "ServiceAccount", "name": name_of(account), "namespace": account.metadata["namespace"]}


def _annotated(metadata: Manifest, annotations: Mapping[str, object]) -> Manifest:
    return {**metadata, "annotations": annotations}
