"""Every add-on's values are values of its chart, at the pinned version."""

from collections.abc import Iterator, Mapping
from typing import Any

import chart_keys
import pytest
from jsonschema import Draft202012Validator
from pulumi_mlops.platform.add_ons import istio, public_gateway

from maintenance.extraction import ANYTHING
from tests.components.addons import ADDONS, ISTIO_FULL, PUBLIC, PUBLIC_FULL, filled

IN_COMMENTS = {
    "cert-manager": {
        "fullnameOverride": "str",
        "serviceAccount.name": "str",
        "serviceAccount.annotations": ANYTHING,
        **{f"{part}podDisruptionBudget.maxUnavailable": "int" for part in ("", "webhook.", "cainjector.")},
    },
    "base": {"base.validationFailurePolicy": "str"},
    "istiod": {"base.validationFailurePolicy": "str"},
}
"""Keys that the chart's templates read, while its values.yaml shows them in a comment only: cert-manager's schema has
them as well, and istiod's values.yaml says it of the webhook that it shares with the chart `base`."""

FREE_FORM = {
    "aws-load-balancer-controller": {"podSecurityContext", "securityContext"},
    "istiod": {"resources", "meshConfig"},
}
"""Values with defaults that the chart copies as they are: their keys are Kubernetes' or Istio's, not the chart's."""

WITHOUT_SCHEMA = {"aws-load-balancer-controller", "base", "istiod", "karpenter"}

VALUES = [
    pytest.param(addon.chart.name, addon.values("one", args), id=f"{addon}-{size}")
    for addon in ADDONS
    for size, args in (("smallest", addon.least), ("fullest", addon.most))
] + [
    pytest.param(chart.name, values, id=f"{chart.name}-{size}")
    for size, mesh, public in (("smallest", {}, PUBLIC), ("fullest", ISTIO_FULL, PUBLIC_FULL))
    for chart, values in (
        (istio.BASE, istio.base_values("one", filled(istio.Istio, mesh))),
        (istio.ISTIOD, istio.values("one", filled(istio.Istio, mesh))),
        (public_gateway.CHART, public_gateway.values("one", filled(public_gateway.PublicGateway, public))),
    )
]
"""(chart, values): one line for each way in which an add-on is installed."""


def known_keys(chart: str) -> dict[str, Any]:
    keys = chart_keys.read(chart)["keys"]
    for path, kind in IN_COMMENTS.get(chart, {}).items():
        *above, last = path.split(".")
        node = keys
        for key in above:
            node = node[key]
        assert last not in node, f"{path} is no longer in a comment"
        node[last] = kind
    return keys | dict.fromkeys(FREE_FORM.get(chart, ()), ANYTHING)


def schema_errors(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    # The newest draft for all of them: Istio names none, and each has what the older ones have.
    for error in Draft202012Validator(schema).iter_errors(values):
        yield f"{'.'.join(map(str, error.path))}: {error.message}"


@pytest.mark.parametrize(("chart", "values"), VALUES)
def test_the_chart_has_every_key_that_we_set(chart: str, values: dict[str, Any]) -> None:
    assert list(chart_keys.unknown_keys(values, known_keys(chart))) == []


@pytest.mark.parametrize(("chart", "values"), VALUES)
def test_the_charts_schema_admits_what_we_set(chart: str, values: dict[str, Any]) -> None:
    schema = chart_keys.read(chart)["schema"]
    assert (schema is None) == (chart in WITHOUT_SCHEMA)  # there the keys are all that can be checked
    assert list(schema_errors(values, schema or {})) == []


@pytest.mark.parametrize(("chart", "values"), VALUES)
def test_a_key_that_the_chart_does_not_know_would_be_found(chart: str, values: dict[str, Any]) -> None:
    key = next(iter(values))
    misspelt = {f"{key}z" if each == key else each: value for each, value in values.items()}

    (found,) = chart_keys.unknown_keys(misspelt, known_keys(chart))

    assert f"{key}z is no value of the chart; did you mean {key}?" in found


def test_a_value_of_another_type_would_be_found() -> None:
    schema = chart_keys.read("cert-manager")["schema"]

    assert "replicaCount" in next(schema_errors({"replicaCount": "two"}, schema))
