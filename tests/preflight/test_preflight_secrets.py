"""Secrets that must exist before `up`, against moto's Secrets Manager."""

import json
from typing import Any

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import secrets
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Outcome, Result
from simulated_account import REGION, SimulatedAws, new, planned

from tests.review import recorded

PREFIX = "kubernetes:external-secrets.io/v1"
CLIENT = {"client-secret": "shh"}


@pytest.fixture
def platform() -> Planned:
    """The platform of production, as the engine previewed it."""
    return Planned(recorded.preview("new-platform-prod"))


def found(stack: Planned, account: Account) -> dict[str, Result]:
    """Results by the secret that they begin with or name."""
    return {one.what: one for one in secrets.secrets(stack, account)}


def put(aws: SimulatedAws, name: str, content: Any) -> None:
    aws.session.client("secretsmanager", REGION).create_secret(Name=name, SecretString=json.dumps(content))


def test_a_secret_that_is_missing_is_a_finding_with_the_command_that_makes_it(
    platform: Planned, account: Account
) -> None:
    results = found(platform, account)

    assert {one.outcome for one in results.values()} == {Outcome.FINDING}
    assert len(results) == 3
    assert results["Secrets Manager in eu-central-1 has no mlops-prod/argo-workflows-oidc"].fix == (
        "aws secretsmanager create-secret --name mlops-prod/argo-workflows-oidc "
        '--secret-string \'{"client-id": "…", "client-secret": "…"}\' --region eu-central-1'
    )


def test_secrets_with_their_keys_are_fine(aws: SimulatedAws, platform: Planned, account: Account) -> None:
    put(aws, "mlops-prod/argocd-oidc", CLIENT)
    put(aws, "mlops-prod/argo-workflows-oidc", {**CLIENT, "client-id": "me"})
    put(aws, "mlops-prod/grafana-admin", {"admin-user": "me", "admin-password": "shh"})

    results = found(platform, account)

    assert {one.outcome for one in results.values()} == {Outcome.OK}
    assert "mlops-prod/argocd-oidc has client-secret" in results
    assert "shh" not in str(results)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (CLIENT, "mlops-prod/argo-workflows-oidc lacks client-id"),
        ("text", "mlops-prod/argo-workflows-oidc lacks client-id, client-secret"),
        ({**CLIENT, "client-id": ""}, "mlops-prod/argo-workflows-oidc has nothing under client-id"),
    ],
)
def test_a_secret_without_a_key_is_a_finding_that_shows_no_value(
    aws: SimulatedAws, platform: Planned, account: Account, content: Any, what: str
) -> None:
    put(aws, "mlops-prod/argo-workflows-oidc", content)

    results = found(platform, account)

    assert results[what].outcome is Outcome.FINDING
    assert "shh" not in str(results)


def test_a_secret_that_may_not_be_read_is_not_checked(aws: SimulatedAws, platform: Planned, account: Account) -> None:
    aws.refuse("secrets-manager", "GetSecretValue", "AccessDeniedException")

    results = list(secrets.secrets(platform, account))

    assert {one.outcome for one in results} == {Outcome.NOT_CHECKED}
    assert results[0].fix == "allow secretsmanager:GetSecretValue in a policy of the caller"


def test_a_store_of_another_kind_is_not_checked(account: Account) -> None:
    secret = new(
        f"{PREFIX}:ExternalSecret", "db", kind="ExternalSecret", spec={"secretStoreRef": {"name": "vault"}, "data": []}
    )

    (result,) = secrets.secrets(planned(secret), account)

    assert (result.outcome, "db reads the store vault" in result.what) == (Outcome.NOT_CHECKED, True)
