"""By what each of the old defects is seen: in a policy document, in a source, in what a program registers."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from tests.conftest import Graph
from tests.iam import listed, statements

PODS = "pods.eks.amazonaws.com"
SUBJECT = re.compile(r"system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+")
OBJECTS = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
REGION = re.compile(r"(?<![\w-])(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov)?-[a-z]+-\d(?![\d-])")
ACCOUNT = re.compile(r"(?<![\w-])\d{12}(?![\w-])")


def trusts_too_many(document: str | Mapping[str, Any]) -> bool:
    """Whether some statement lets pods or tokens take the role without naming one service account."""
    return any(
        _opens(one["Principal"]) and not _names_one_account(one.get("Condition", {})) for one in statements(document)
    )


def _opens(principal: Any) -> bool:
    return principal == "*" or "Federated" in principal or "AWS" in principal or PODS in listed(principal["Service"])


def _names_one_account(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    exact = {key: listed(value) for key, value in conditions.get("StringEquals", {}).items()}
    tags = [exact.get(f"aws:RequestTag/kubernetes-{one}", []) for one in ("namespace", "service-account")]
    subjects = [values for key, values in exact.items() if key.endswith(":sub")]
    return any(parts and all(len(one) == 1 for one in parts) for parts in (tags, subjects))


def wrong_subjects(document: str | Mapping[str, Any]) -> list[str]:
    """Subjects in the conditions of a trust that no token of a service account has."""
    found = [
        value
        for one in statements(document)
        for keys in one.get("Condition", {}).values()
        for key, values in keys.items()
        if key.endswith(":sub")
        for value in listed(values)
    ]
    return [value for value in found if not SUBJECT.fullmatch(value)]


def objects_missed(document: str | Mapping[str, Any]) -> list[str]:
    """Actions on objects that a policy allows on no object."""
    return sorted(
        action
        for one in statements(document)
        if one["Effect"] == "Allow"
        for action in OBJECTS & set(listed(one["Action"]))
        if not any("/" in resource.rpartition(":")[2] or resource == "*" for resource in listed(one["Resource"]))
    )


def literals(source: str) -> list[str]:
    """Regions and account numbers among the texts of a program; docstrings and sentences are for readers."""
    tree = ast.parse(source)
    prose = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    texts = [
        one.value
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in prose
    ]
    return [hit for text in texts if " " not in text for hit in (*REGION.findall(text), *ACCOUNT.findall(text))]


def careless(graph: Graph) -> list[str]:
    """Databases that are public, or that would go without a last snapshot although nobody gave their data up."""
    components = {one.urn: one.inputs for one in graph}
    return [
        one.name
        for one in graph
        if one.type == "aws:rds/instance:Instance"
        and (
            one.inputs.get("publiclyAccessible") is not False
            or (
                components[one.parent].get("protect_data") is not False
                and not (one.inputs.get("skipFinalSnapshot") is False and one.inputs.get("finalSnapshotIdentifier"))
            )
        )
    ]
