"""An account of moto's, with the answers that moto does not have."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from pulumi_mlops.cli.preflight.account import Account
from simulated_account import REGION, SimulatedAws


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedAws]:
    """AWS in this process: nothing leaves it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield SimulatedAws(boto3.Session())


@pytest.fixture
def account(aws: SimulatedAws) -> Account:
    """The account in the stacks' region."""
    return Account.open(aws.session, REGION)
