"""Who last wrote a field, by managedFields as an API server of Kubernetes 1.36 wrote them."""

from typing import Any

import pytest

from local.field_owners import others

OWN = "pulumi-kubernetes-1"


def entry(manager: str, fields: dict[str, Any], time: str = "2026-11-30T10:00:00Z") -> dict[str, Any]:
    return {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields, "time": time}


MEMORY = {"f:resources": {"f:limits": {"f:memory": {}}}}
LIVE = {
    "metadata": {
        "managedFields": [
            entry(OWN, {"f:spec": {"f:replicas": {}}}),
            entry("kubectl-edit", {"f:spec": {"f:replicas": {}}}),
            entry("scaler", {"f:spec": {"f:replicas": {}}}, "2026-11-30T11:00:00Z"),
            entry("mutator", {"f:spec": {"f:containers": {'k:{"name":"server"}': {".": {}, **MEMORY}}}}),
            entry("labeller", {"f:metadata": {"f:labels": {"f:example.org/team": {}}}}),
            entry("finalizer", {"f:metadata": {"f:finalizers": {'v:"example.org/keep"': {}}}}),
            entry("lister", {"f:spec": {"f:args": {}}}),
        ],
        "finalizers": ["example.org/keep"],
    },
    "spec": {"containers": [{"name": "proxy"}, {"name": "server"}], "args": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("path", "managers"),
    [
        (("spec", "replicas"), ["scaler", "kubectl-edit"]),
        (("spec", "containers", 1, "resources", "limits", "memory"), ["mutator"]),
        (("spec", "containers", 1, "resources"), ["mutator"]),
        (("spec", "containers", 0, "resources"), []),
        (("spec", "containers", 7, "resources"), []),
        (("metadata", "labels", "example.org/team"), ["labeller"]),
        (("metadata", "finalizers", 0), ["finalizer"]),
        (("spec", "args", 1), ["lister"]),
        (("spec", "paused"), []),
    ],
)
def test_the_managers_of_a_field_are_named_the_latest_first(path: tuple[str | int, ...], managers: list[str]) -> None:
    assert others(LIVE, path, OWN) == managers


def test_an_object_without_a_record_has_no_managers() -> None:
    assert others({}, ("spec", "replicas"), OWN) == []
