"""Scans of images, asked of moto's ECR."""

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks.scans import REGISTRY, REPOSITORY, scans
from pulumi_mlops.cli.preflight.results import Outcome
from pulumi_mlops.review.preview import Step
from simulated_account import REGION, SimulatedAws, kept, new, planned

EVERY = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}


def repository(name: str, asks: bool) -> Step:
    scan = {"imageScanningConfiguration": {"scanOnPush": True}} if asks else {}
    return new(REPOSITORY, name, **{"name": f"mlops-dev/{name}", **scan})


def configured(aws: SimulatedAws, *filters: str) -> None:
    client = aws.session.client("ecr", region_name=REGION)
    rules = [{**EVERY, "repositoryFilters": [{"filter": one, "filterType": "WILDCARD"}]} for one in filters or ("*",)]
    client.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)


def test_repositories_that_ask_for_scans_are_fine(account: Account) -> None:
    (result,) = scans(planned(repository("server", asks=True)), account)
    assert (result.outcome, result.what) == (Outcome.OK, "each repository asks for them")


def test_a_registry_that_asks_for_all_is_fine(aws: SimulatedAws, account: Account) -> None:
    ours = planned(repository("server", asks=False), new(REGISTRY, scanType="BASIC", rules=[EVERY]))
    (result,) = scans(ours, account)
    assert (result.outcome, result.what) == (Outcome.OK, "the scanning configuration of the registry asks for them")
    configured(aws)
    (result,) = scans(planned(repository("server", asks=False)), account)
    assert result.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("filters", "silent"),
    [
        (("mlops-dev/*",), ""),
        (("mlops-dev",), ""),
        (("*/server", "*pipe*"), ""),
        (("*/server",), "pipeline"),
        (("server", "mlops-prod/*"), "pipeline"),
        (("mlops.dev/*",), "pipeline, server"),
    ],
)
def test_a_registry_that_asks_for_some_is_a_finding_for_the_others(
    aws: SimulatedAws, account: Account, filters: tuple[str, ...], silent: str
) -> None:
    configured(aws, *filters)
    (result,) = scans(planned(repository("server", asks=True), repository("pipeline", asks=True)), account)
    expected = f"nobody asks for those of {silent}" if silent else "the scanning configuration of the registry asks for"
    assert result.what.startswith(expected)
    assert (result.outcome is Outcome.FINDING) == bool(silent)
    assert "put-registry" not in result.fix  # which would replace the rules


def test_images_that_nobody_scans_are_a_finding_with_the_command(account: Account) -> None:
    (result,) = scans(planned(repository("server", asks=False), repository("pipeline", asks=True)), account)
    assert (result.outcome, result.what) == (Outcome.FINDING, "nobody asks for those of server")
    assert result.fix.startswith("aws ecr put-registry-scanning-configuration --scan-type BASIC --rules '[{")
    assert result.fix.endswith(f"--region {REGION}")


def test_a_configuration_that_would_be_overwritten_is_a_finding(aws: SimulatedAws, account: Account) -> None:
    configured(aws)
    (result,) = scans(planned(new(REGISTRY, scanType="BASIC", rules=[EVERY])), account)
    assert result.outcome is Outcome.FINDING
    assert result.what == f"the account's registry in {REGION} has a scanning configuration: ENHANCED, 1 rules"
    assert (result.why, result.fix.partition(";")[0]) == (
        "`up` overwrites it, and `destroy` leaves an empty one", "set scan_whole_registry to false",
    )  # fmt: skip


def test_a_configuration_that_the_stack_has_made_is_its_own(aws: SimulatedAws, account: Account) -> None:
    configured(aws)
    (result,) = scans(planned(kept(REGISTRY), repository("server", asks=False)), account)
    assert result.outcome is Outcome.OK


def test_a_stack_without_repositories_asks_nothing(aws: SimulatedAws, account: Account) -> None:
    assert [*scans(planned(), account)] == []
    assert "ecr:GetRegistryScanningConfiguration" not in aws.calls
