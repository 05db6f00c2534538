"""What roles may do, and who may take them."""

import re
from collections.abc import Iterator

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.iam_documents import (
    BROAD_MANAGED,
    Statement,
    allows,
    has_condition,
    is_every_action,
    is_every_resource,
    principals,
    statements,
)
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping, strings
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import is_hidden

POLICIES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
ROLE = "aws:iam/role:Role"
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)
SHARED_BROKERS = ("pods.eks.amazonaws.com", "cognito-identity.amazonaws.com")
"""Services that take a role for many others. The rest take only a role that somebody with iam:PassRole gave them."""
ACCOUNT = re.compile(r"\d{12}|arn:aws[a-z-]*:iam::\d{12}:root")


def _wildcard(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    for path, value in _documents(resource):
        found = statements(value)
        if found is None:
            yield Unknown(path)
            continue
        reasoned = _reasoned(resource, resources)
        for statement in found:
            if allows(statement) and frozenset(strings(statement.get("Action"))) not in reasoned:
                yield from _broad(statement, path)
    for path, arn in _attached(resource):
        if is_hidden(arn):
            yield Unknown(path)
        elif match := BROAD_MANAGED.fullmatch(str(arn)):
            yield Violation(f"{path} is {match[1]}, which allows everything of a service or of the account")


def _documents(resource: Resource) -> Iterator[tuple[str, Json]]:
    if resource.type in POLICIES:
        yield "policy", resource.inputs.get("policy")
    if resource.type == ROLE:
        for index, one in enumerate(items(resource.inputs.get("inlinePolicies"))):
            yield f"inlinePolicies[{index}].policy", mapping(one).get("policy", one if is_hidden(one) else None)


def _attached(resource: Resource) -> Iterator[tuple[str, Json]]:
    if resource.type in ATTACHMENTS:
        yield "policyArn", resource.inputs.get("policyArn")
    if resource.type == ROLE:
        for index, arn in enumerate(items(resource.inputs.get("managedPolicyArns"))):
            yield f"managedPolicyArns[{index}]", arn


def _reasoned(resource: Resource, resources: Resources) -> set[frozenset[str]]:
    """The actions of each statement for which the component that made the policy was given a `reason`."""
    declared = [one for above in resources.ancestors(resource) for one in items(above.inputs.get("statements"))]
    return {_actions(one) for one in map(mapping, declared) if one.get("reason")}


def _actions(statement: JsonObject) -> frozenset[str]:
    return frozenset(str(one) for one in items(statement.get("actions")))


def _broad(statement: Statement, path: str) -> Iterator[Verdict]:
    actions = strings(statement.get("Action"))
    shown = ", ".join(actions[:3]) + (" …" if len(actions) > 3 else "")
    if "NotAction" in statement or "NotResource" in statement:
        yield Violation(f"{path} allows all but some, by {'NotAction' if 'NotAction' in statement else 'NotResource'}")
    elif any(is_every_action(one) for one in actions):
        yield Violation(f"{path} allows every action ({shown})")
    elif any(is_every_resource(one) for one in strings(statement.get("Resource"))):
        yield Violation(f"{path} allows {shown} on every resource")


def _trust(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if resource.type != ROLE:
        return
    found = statements(resource.inputs.get("assumeRolePolicy"))
    if found is None:
        yield Unknown("assumeRolePolicy")
    for statement in found or []:
        if not allows(statement) or has_condition(statement):
            continue
        for kind, name in principals(statement):
            if is_hidden(name):
                yield Unknown("assumeRolePolicy")
            elif _needs_condition(kind, name):
                yield Violation(f"assumeRolePolicy lets {name} take the role without a condition")


def _needs_condition(kind: str, name: str) -> bool:
    if kind == "AWS":
        return name == "*" or ACCOUNT.fullmatch(name) is not None
    return kind == "Federated" or name in SHARED_BROKERS


RULES = (
    Rule(
        id="iam-wildcard",
        level=Level.BLOCKING,
        title="policies must not allow every action or every resource without a reason",
        why="an attacker who takes over a pod has all permissions of its role",
        fix="name the actions and the ARNs, or give `reason` to the statement of foundation.WorkloadIdentity",
        unknown="a document that is known only after `up` is not judged in a preview; the policy pack "
        "judges it during `up`",
        check=_wildcard,
    ),
    Rule(
        id="iam-trust",
        level=Level.BLOCKING,
        title="trust in an identity provider, or in a whole account, must have a condition",
        why="without a condition every pod, workflow or user of that provider or account can assume the role",
        fix="add a Condition on subject and audience (OIDC), session tags (Pod Identity) or organization (accounts)",
        unknown="a document or a principal that is known only after `up` is not judged",
        check=_trust,
    ),
)
