"""Who may do what on AWS by what a program registers: from a service account by its association to a role's policies.

Covers roles, their inline and attached policies, Pod Identity associations and those of managed add-ons. Attached
policies are AWS's own, as moto carries them. The role that pulumi-eks makes for the control plane is inside its remote
component and hence not seen.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

from tests import iam
from tests.aws import computed
from tests.conftest import Graph, Registration

EKS = ("Service", "pods.eks.amazonaws.com")
SYSTEM_NAMESPACE = "kube-system"
"""Where every managed add-on of EKS runs."""


@dataclass(frozen=True)
class Role:
    """One IAM role with everything that it is allowed."""

    name: str
    """Name of the resource in the program."""
    arn: str
    trust: str
    policies: list[str | Mapping[str, Any]] = field(default_factory=list)

    def may(self, action: str, resource: str, context: iam.Context | None = None) -> bool:
        """Whether the role's policies together allow the action."""
        every = [statement for one in self.policies for statement in iam.statements(one)]
        return iam.allowed({"Version": "2012-10-17", "Statement": every}, action, resource, context)

    def may_ever(self, action: str, resource: str) -> bool:
        """Whether there are any circumstances in which they do."""
        return any(iam.reachable(one, action, resource) for one in self.policies)


@functools.cache
def published() -> dict[str, Mapping[str, Any]]:
    """The policies that AWS manages, by ARN."""
    known = json.loads(aws_managed_policies_data)
    return {f"arn:aws:iam::aws:policy{one['Path']}{name}": one["Document"] for name, one in known.items()}


def roles(graph: Graph) -> dict[str, Role]:
    """Every role of a program by its ARN."""
    found = {}
    for one in graph:
        if one.type == "aws:iam/role:Role":
            physical = computed(one.type, one.name, one.inputs)
            found[physical["name"]] = Role(one.name, physical["arn"], one.inputs["assumeRolePolicy"])
    for one in graph:
        if one.type == "aws:iam/rolePolicy:RolePolicy":
            found[one.inputs["role"]].policies.append(one.inputs["policy"])
        if one.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            found[one.inputs["role"]].policies.append(published()[one.inputs["policyArn"]])
    return {role.arn: role for role in found.values()}


def associations(graph: Graph) -> dict[tuple[str, str], tuple[str, str]]:
    """(namespace, service account) → (cluster, ARN of the role that its pods get from EKS)."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for account, place in _associations(graph):
        assert account not in found, f"two roles for {account}"
        found[account] = place
    return found


def _associations(graph: Graph) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for one in graph:
        given = one.inputs
        if one.type == "aws:eks/podIdentityAssociation:PodIdentityAssociation":
            yield (given["namespace"], given["serviceAccount"]), (given["clusterName"], given["roleArn"])
        if one.type == "aws:eks/addon:Addon":
            for pods in given.get("podIdentityAssociations", []):
                yield (SYSTEM_NAMESPACE, pods["serviceAccount"]), (given["clusterName"], pods["roleArn"])


def assumed(graph: Graph, namespace: str, service_account: str) -> Role:
    """The role that the pods of a service account get, if the role trusts them as well."""
    cluster, arn = associations(graph)[namespace, service_account]
    role = roles(graph)[arn]
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert iam.allowed(role.trust, action, None, session(cluster, namespace, service_account), EKS)
    return role


def session(cluster: str, namespace: str, service_account: str) -> dict[str, str]:
    """The tags with which EKS takes a role for a pod."""
    return {
        "aws:RequestTag/eks-cluster-name": cluster,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }


def documents(graph: Graph) -> Iterator[tuple[Registration, str, Mapping[str, Any]]]:
    """Every policy document among the inputs: its resource, its field, the parsed document."""
    for one in graph:
        for key, value in one.inputs.items():
            if isinstance(value, str) and value.startswith("{") and "Statement" in (parsed := json.loads(value)):
                yield one, key, parsed
