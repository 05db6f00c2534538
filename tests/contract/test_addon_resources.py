"""The infrastructure add-ons' custom resources are admitted by their CRDs, without a field that those do not know."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pulumi_mlops import versions
from pulumi_mlops.platform import (
    CertManager,
    ExternalSecrets,
    Karpenter,
    PublicGateway,
    gateway_api,
)

from tests.components.addons import ADDONS, PUBLIC, PUBLIC_FULL
from tests.conftest import Build
from tests.contract.test_custom_resources import _closed as closed
from tests.contract.test_custom_resources import problems

ARGS = {addon.component: (addon.least, addon.most) for addon in ADDONS}
SIZES = pytest.mark.parametrize("size", [0, 1], ids=["smallest", "fullest"])


def test_issuers_are_valid_for_cert_manager(build: Build) -> None:
    file = f"cert-manager-{versions.CERT_MANAGER.removeprefix('v')}"
    assert problems(build, lambda: CertManager("one", ARGS[CertManager][1]), file, {"ClusterIssuer"}) == []


@SIZES
def test_stores_are_valid_for_external_secrets(build: Build, size: int) -> None:
    file = f"external-secrets-{versions.EXTERNAL_SECRETS}"
    args: Any = ARGS[ExternalSecrets][size]
    assert problems(build, lambda: ExternalSecrets("one", args), file, {"ClusterSecretStore"}) == []


@SIZES
def test_nodes_are_valid_for_karpenter(build: Build, size: int) -> None:
    kinds = {"EC2NodeClass", "NodePool"}
    args: Any = ARGS[Karpenter][size]
    assert problems(build, lambda: Karpenter("one", args), f"karpenter-{versions.KARPENTER}", kinds) == []


def installed(kind: str) -> Draft7Validator:
    """By the very definition that the library installs."""
    (definition,) = [one for one in gateway_api.definitions() if one["spec"]["names"]["kind"] == kind]
    (schema,) = [one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"] if one["name"] == "v1"]
    root = closed(schema)
    root["properties"]["metadata"] = {"type": "object"}
    return Draft7Validator(root)


@pytest.mark.parametrize("kind", ["Gateway", "HTTPRoute"])
@pytest.mark.parametrize("args", [PUBLIC, PUBLIC_FULL], ids=["smallest", "fullest"])
def test_the_public_gateway_is_valid_for_the_gateway_api(build: Build, args: Any, kind: str) -> None:
    (one,) = build(lambda: PublicGateway("public", args)).of_kind(kind)

    assert [error.message for error in installed(kind).iter_errors(one.inputs)] == []


def test_a_field_that_the_gateway_api_does_not_know_would_be_found(build: Build) -> None:
    (one,) = build(lambda: PublicGateway("public", PUBLIC)).of_kind("Gateway")
    wrong = json.loads(json.dumps(one.inputs).replace("allowedRoutes", "allowedRutes"))

    assert "'allowedRutes' was unexpected" in next(installed("Gateway").iter_errors(wrong)).message
