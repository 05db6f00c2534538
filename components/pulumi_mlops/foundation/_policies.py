"""IAM policy documents: from typed statements to the one JSON text that the same statements always give."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NotRequired, TypedDict, TypeVar, cast

import pulumi

from pulumi_mlops._args import ArgumentError
from pulumi_mlops.foundation._statement_rules import StatementArgs, statement_problems

LANGUAGE = "2012-10-17"
"""Version of IAM's policy language; the only other one, of 2008, knows no variables."""


class ResourceStatementArgs(TypedDict):
    """A statement of a policy that stands on a resource: a bucket, a key, or a role that is to be assumed."""

    principals: dict[str, list[pulumi.Input[str]]]
    """Who: `AWS` (ARNs, or `*` for everybody), `Service` or `Federated` → names."""
    actions: list[str]
    """Actions such as `sts:AssumeRole`."""
    resources: NotRequired[list[pulumi.Input[str]]]
    """ARNs; `*` in the policy of a key is that key. Default none, as in the trust policy of a role."""
    conditions: NotRequired[dict[str, dict[str, list[pulumi.Input[str]]]]]
    """As in `StatementArgs`. Required where everybody or an identity provider is allowed something."""
    deny: NotRequired[bool]
    """Whether this is refused instead of allowed, whatever other statements say; default false."""


AnyStatement = TypeVar("AnyStatement", StatementArgs, ResourceStatementArgs)


def policy_document(statements: Sequence[StatementArgs]) -> pulumi.Output[str]:
    """The JSON text of what a role may do; the same statements give the same text.

    Raises:
        ArgumentError: a statement is too broad or can allow nothing; at once where everything is known, else when the
            last value is.
    """
    return checked_document(statements, "policy_document", "statements")


def resource_policy_document(statements: Sequence[ResourceStatementArgs]) -> pulumi.Output[str]:
    """The JSON text of the policy of a bucket or a key, or of a role's trust; the same statements give the same text.

    Raises:
        ArgumentError: a statement allows everybody, or everyone whom an identity provider knows, without a condition.
    """
    for problem in resource_statement_problems(statements):
        raise ArgumentError(f"resource_policy_document: {problem}")
    return _resolved(statements).apply(text)


def checked_document(statements: Sequence[StatementArgs], owner: str, at: str) -> pulumi.Output[str]:
    """`policy_document` whose errors name the owner and the argument."""

    def check(known: Sequence[StatementArgs]) -> None:
        for problem in statement_problems(known, at):
            raise ArgumentError(f"{owner}: {problem}")

    def document(known: Sequence[StatementArgs]) -> str:
        check(known)
        return text(known)

    check(statements)
    return _resolved(statements).apply(document)


def resource_statement_problems(statements: Sequence[ResourceStatementArgs]) -> Iterator[str]:
    """What would open a resource to everybody."""
    for index, statement in enumerate(statements):
        principals = statement["principals"]
        open_to_all = "*" in principals.get("AWS", []) or "Federated" in principals
        conditions = any(values for keys in statement.get("conditions", {}).values() for values in keys.values())
        if open_to_all and not conditions and not statement.get("deny", False):
            yield (
                f"statements[{index}].conditions is required where everybody or everyone of an identity provider is "
                f"allowed {', '.join(statement['actions'])}"
            )


def text(statements: Sequence[StatementArgs | ResourceStatementArgs]) -> str:
    """The document of statements whose values are all known, without white space, which counts for no limit."""
    document = {"Version": LANGUAGE, "Statement": [_in_iam_notation(statement) for statement in statements]}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def pod_identity_trust(cluster: str, namespace: str, service_account: str) -> ResourceStatementArgs:
    """Trust in the pods of one service account of one cluster, by the session tags of EKS Pod Identity.

    Without the conditions every association in the account could use the role.
    """
    tags = {
        "eks-cluster-name": cluster,
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": service_account,
    }
    return {
        "principals": {"Service": ["pods.eks.amazonaws.com"]},
        "actions": ["sts:AssumeRole", "sts:TagSession"],
        "conditions": {"StringEquals": {f"aws:RequestTag/{tag}": [value] for tag, value in tags.items()}},
    }


def web_identity_trust(provider_arn: str, issuer: str, namespace: str, service_account: str) -> ResourceStatementArgs:
    """Trust in the tokens of one service account that were issued for AWS by the cluster's identity provider."""
    provider = issuer_name(issuer)
    return {
        "principals": {"Federated": [provider_arn]},
        "actions": ["sts:AssumeRoleWithWebIdentity"],
        "conditions": {
            "StringEquals": {
                f"{provider}:sub": [f"system:serviceaccount:{namespace}:{service_account}"],
                f"{provider}:aud": ["sts.amazonaws.com"],
            }
        },
    }


def issuer_name(issuer: str) -> str:
    """An issuer's URL as IAM writes it in condition keys and ARNs."""
    return issuer.removeprefix("https://").rstrip("/")


def _resolved(statements: Sequence[AnyStatement]) -> pulumi.Output[list[AnyStatement]]:
    return pulumi.Output.from_input([*statements])


def _in_iam_notation(statement: StatementArgs | ResourceStatementArgs) -> dict[str, object]:
    """One statement; lists are sorted, since their order means nothing and must change nothing."""
    parts: dict[str, object] = {
        "Effect": "Deny" if statement.get("deny", False) else "Allow",
        "Action": _set(statement["actions"]),
    }
    if "principals" in statement:
        parts["Principal"] = {kind: _set(names) for kind, names in statement["principals"].items()}
    if "resources" in statement:
        parts["Resource"] = _set(statement["resources"])
    if conditions := statement.get("conditions"):
        parts["Condition"] = {
            operator: {key: _set(values) for key, values in keys.items()} for operator, keys in conditions.items()
        }
    return parts


def _set(values: Iterable[pulumi.Input[str]]) -> list[str]:
    return sorted(set(cast("Iterable[str]", values)))  # `text` is about known values
