"""Who may do more after a change than before: IAM documents, attachments, cluster roles and access to clusters.

Compares text with text. It does not evaluate policies: a grant that another statement denies is reported all the same.
"""

from collections.abc import Iterator, Mapping

from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.iam_documents import BROAD_MANAGED, Grant, grants
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping, strings
from pulumi_mlops.review.preview import Operation, State, Step
from pulumi_mlops.review.resources import kind
from pulumi_mlops.review.values import is_secret, is_unknown

DOCUMENTS = frozenset({"policy", "assumeRolePolicy", "inlinePolicy", "policyDocument", "accessPolicies"})
"""Inputs that hold an IAM document."""
INLINE = "inlinePolicies"
"""Input of a role: a list of documents with names."""
ATTACHMENTS: Mapping[str, tuple[str, str]] = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role", "policyArn"),
    "aws:iam/rolePolicy:RolePolicy": ("role", "name"),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("user", "policyArn"),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("group", "policyArn"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("roleArn", "serviceAccount"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ("principalArn", "policyArn"),
    "aws:eks/accessEntry:AccessEntry": ("principalArn", "type"),
}
"""Type whose creation gives to something that exists → the input that says to what, and the one that says what."""
MAX_NAMED = 4
"""How many new grants a sentence names."""


def widened(step: Step, stack: str, fresh: frozenset[str]) -> Iterator[Danger]:
    """What the step lets somebody do. `fresh` are the names of roles that the same preview creates."""
    new, old = step.new, step.old
    if new is None or not new.custom or new.external:
        return
    found = _created(step, new, fresh) if old is None else [*_documents(old, new), *_cluster_role(step, old, new)]
    for meaning in found:
        yield Danger(DangerKind.IDENTITY, stack, step.urn, meaning)


def _created(step: Step, new: State, fresh: frozenset[str]) -> list[str]:
    if step.operation != Operation.CREATE:
        return []
    broad = [arn for key in ("policyArn", "managedPolicyArns") for arn in strings(new.inputs.get(key))]
    if named := sorted(match[1] for arn in broad if (match := BROAD_MANAGED.fullmatch(arn))):
        return [f"gives {', '.join(named)} to {_receiver(step, new)}"]
    if step.type in ATTACHMENTS:
        to, what = (_known(new.inputs.get(key)) for key in ATTACHMENTS[step.type])
        if to and to.rpartition("/")[2] not in fresh:
            return [f"gives {what or 'more rights'} to {to}, which exists already"]
    if (
        kind(step.type, new.inputs) == "ClusterRoleBinding"
        and mapping(new.inputs.get("roleRef")).get("name") == "cluster-admin"
    ):
        return [f"lets {_listed(sorted(_subjects(new.inputs)))} do everything in the cluster"]
    return []


def _receiver(step: Step, new: State) -> str:
    """Who gets what a new role or attachment gives."""
    if step.type not in ATTACHMENTS:
        return "a new role"
    return _known(new.inputs.get(ATTACHMENTS[step.type][0])) or "a role that is known after apply"


def _known(value: object) -> str:
    return value if isinstance(value, str) and not is_unknown(value) and not is_secret(value) else ""


def _documents(old: State, new: State) -> Iterator[str]:
    earlier, later = _held(old.inputs), _held(new.inputs)
    for key in sorted({*earlier, *later}):
        before, after = earlier.get(key), later.get(key)
        if before == after and not is_secret(after):
            continue
        if is_unknown(after) or is_secret(after):
            why = "secret" if is_secret(after) else "known after apply"
            yield f"gets another {key}, which cannot be compared: its text is {why}"
            continue
        gained = grants(after) - grants(before)
        if gained:
            yield f"allows more in its {key}: {_named(gained)}"
        lifted = grants(before, "Deny") - grants(after, "Deny")
        if lifted:
            yield f"no longer denies in its {key}: {_named(lifted)}"
    arns = sorted({*strings(new.inputs.get("managedPolicyArns"))} - {*strings(old.inputs.get("managedPolicyArns"))})
    if arns:
        yield f"gets the policies {_listed(arns)}"


def _held(inputs: JsonObject) -> dict[str, Json]:
    """The documents of a resource by the input that holds each."""
    inline = {f"inline policy {one.get('name')}": one.get("policy") for one in map(mapping, items(inputs.get(INLINE)))}
    return {**{key: inputs[key] for key in DOCUMENTS & {*inputs}}, **inline}


def _named(grants: frozenset[Grant]) -> str:
    return _listed([_said(*grant) for grant in sorted(grants)])


def _said(who: str, what: str, where: str, condition: str) -> str:
    parts = [
        f"{who} may" if who else "",
        what,
        f"on {where}" if where else "",
        "" if condition or not who else "without condition",
    ]
    return " ".join(part for part in parts if part)


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
    return ", ".join(texts[:MAX_NAMED]) + more


def _cluster_role(step: Step, old: State, new: State) -> Iterator[str]:
    object_kind = kind(step.type, new.inputs)
    if object_kind in ("Role", "ClusterRole"):
        gained = sorted(_rules(new.inputs) - _rules(old.inputs))
        if gained:
            yield f"allows more: {_listed(gained)}"
    if object_kind in ("RoleBinding", "ClusterRoleBinding"):
        subjects = sorted(_subjects(new.inputs) - _subjects(old.inputs))
        if subjects:
            yield f"gives its role to {_listed(subjects)}"


def _rules(inputs: JsonObject) -> set[str]:
    return {
        f"{verb} {resource}" + (f" of {group}" if group else "") + (f" named {name}" if name else "")
        for rule in map(mapping, items(inputs.get("rules")))
        for verb in strings(rule.get("verbs"))
        for resource in (*strings(rule.get("resources")), *strings(rule.get("nonResourceURLs")))
        for group in strings(rule.get("apiGroups")) or ("",)
        for name in strings(rule.get("resourceNames")) or ("",)
    }


def _subjects(inputs: JsonObject) -> set[str]:
    return {
        " ".join(str(one[key]) for key in ("kind", "namespace", "name") if one.get(key))
        for one in map(mapping, items(inputs.get("subjects")))
    }
