"""`pulumi-mlops preflight` as a whole: recordings of the real engine's previews against a simulated account."""

import json
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from pulumi_mlops.cli.errors import DONE, FAILED, FINDINGS
from pulumi_mlops.cli.main import main
from pulumi_mlops.cli.preflight import account as aws_account
from pulumi_mlops.cli.preflight import command
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import domains, identity, tools
from pulumi_mlops.cli.preflight.results import NotChecked, Outcome, finding, not_checked, ok
from simulated_account import CALLER, SimulatedAws, new, planned
from web_server import serving

from tests.review import recorded

ACCOUNT = "123456789012"
Preflight = Callable[..., int]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a project and a recorded preview in it."""
    (tmp_path / "preview.json").write_text(recorded.text("new-foundation-prod"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What a failed command said: one line."""
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


@pytest.fixture
def preflight(aws: SimulatedAws, project: Path, monkeypatch: pytest.MonkeyPatch) -> Preflight:
    """The command on the recorded preview, without the check that asks the internet, and of a zone nobody announces."""
    monkeypatch.setattr(aws_account, "session", lambda profile: aws.session)
    left_out = (tools.oidc_endpoint, domains.delegation)
    monkeypatch.setattr(command, "CHECKS", {name: one for name, one in command.CHECKS.items() if one not in left_out})
    for name, version in (("pulumi", "v3.272.0"), ("aws", "aws-cli/2.31.0 Python/3.13")):
        program(project, monkeypatch, name, f"echo '{version}'")
    return lambda *options: main(["preflight", "foundation-prod", "--preview", "preview.json", *options])


def program(directory: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Puts a program on PATH, where there is nothing else."""
    place = directory / "bin"
    place.mkdir(exist_ok=True)
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(place))


def roomy(aws: SimulatedAws) -> None:
    """An account in which nothing is missing."""
    add_ons: dict[str, str] = {
        step.state.inputs["addonName"]: step.state.inputs["addonVersion"]
        for step in recorded.preview("new-foundation-prod").steps
        if step.type == "aws:eks/addon:Addon"
    }
    aws.answer("service-quotas", "GetServiceQuota", {"Quota": {"Value": 1000.0}})
    ends = datetime(2099, 1, 1)
    version = {"clusterVersion": "1.36", "versionStatus": "STANDARD_SUPPORT", "endOfStandardSupportDate": ends}
    aws.answer("eks", "DescribeClusterVersions", {"clusterVersions": [version]})

    def versions(call: Any) -> Any:
        name = call["addonName"]
        return {"addons": [{"addonName": name, "addonVersions": [{"addonVersion": add_ons[name]}]}]}

    aws.answer("eks", "DescribeAddonVersions", versions)
    aws.answer(
        "iam",
        "SimulatePrincipalPolicy",
        lambda call: {
            "EvaluationResults": [{"EvalActionName": one, "EvalDecision": "allowed"} for one in call["ActionNames"]]
        },
    )


def test_an_account_with_all_that_is_needed_is_fine(
    aws: SimulatedAws, preflight: Preflight, capsys: pytest.CaptureFixture[str]
) -> None:
    roomy(aws)

    assert preflight() == DONE, capsys.readouterr().out
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"stack foundation-prod: account {ACCOUNT}, eu-central-1, as arn:aws:sts::{ACCOUNT}:")
    assert "ok           vCPUs on demand, types A, C, D, H, I, M, R, T, Z: 20 at the start, 48 at most; " in "\n".join(
        lines
    )
    assert lines[-2].startswith("0 finding, 0 not checked, ")
    assert lines[-1].startswith("Not known before `up`: ")


def test_it_only_reads(aws: SimulatedAws, preflight: Preflight) -> None:
    roomy(aws)
    preflight()

    assert len(aws.calls) > 15
    changing = [
        one for one in aws.calls if not one.partition(":")[2].startswith(("Describe", "Get", "List", "Simulate"))
    ]
    assert changing == []


def test_findings_and_what_was_not_checked_are_told_apart_in_json(
    aws: SimulatedAws, preflight: Preflight, capsys: pytest.CaptureFixture[str]
) -> None:
    roomy(aws)
    aws.answer("service-quotas", "GetServiceQuota", {"Quota": {"Value": 2.0}})
    aws.refuse("eks", "DescribeClusterVersions", "AccessDeniedException")

    assert preflight("--json") == FINDINGS
    report = json.loads(capsys.readouterr().out)
    assert (report["account"], report["region"]) == (ACCOUNT, "eu-central-1")
    outcomes = {one["check"]: one["outcome"] for one in report["results"]}
    assert outcomes["Elastic IPs"] == "finding"
    assert outcomes["Kubernetes version"] == "not checked"
    assert all(one["why"] and one["fix"] for one in report["results"] if one["outcome"] == "finding")


def test_what_a_failed_preview_did_not_show_is_not_checked(
    aws: SimulatedAws, preflight: Preflight, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roomy(aws)
    document = json.loads(recorded.text("new-foundation-prod"))
    document["diagnostics"] = [{"message": "the program failed", "severity": "error"}]
    (project / "preview.json").write_text(json.dumps(document))

    assert preflight() == FAILED
    assert "is not checked: the program failed" in capsys.readouterr().out


def test_a_program_that_is_missing_or_too_old_is_a_finding(
    aws: SimulatedAws, account: Account, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(project, monkeypatch, "pulumi", "echo v3.100.1")

    old, missing = tools.programs(planned(new(tools.KUBERNETES_PROVIDER)), account)

    assert (old.outcome, old.what) == (Outcome.FINDING, "3.100.1 is older than 3.200")
    assert (missing.outcome, missing.what) == (Outcome.FINDING, "it is not on PATH")


def test_an_oidc_endpoint_that_this_machine_does_not_reach_is_a_finding_where_a_cluster_is_made(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refused(address: object, **_: object) -> None:
        asked.append(address)
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(socket, "create_connection", refused)

    assert [*tools.oidc_endpoint(planned(), account)] == []
    (found,) = tools.oidc_endpoint(planned(new(tools.EKS)), account)
    assert asked == [("oidc.eks.eu-central-1.amazonaws.com", 443)]
    assert (found.outcome, found.what.endswith("connection refused")) == (Outcome.FINDING, True)
    assert found.fix == "let this machine make HTTPS connections to oidc.eks.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("config", "outcome"),
    [
        ({}, Outcome.OK),
        ({"allowedAccountIds": f'["{ACCOUNT}"]'}, Outcome.OK),
        ({"allowedAccountIds": '["999999999999"]'}, Outcome.FINDING),
        ({"forbiddenAccountIds": f'["{ACCOUNT}"]'}, Outcome.FINDING),
    ],
)
def test_the_settings_say_which_accounts_are_right(account: Account, config: dict[str, str], outcome: Outcome) -> None:
    (found,) = identity.account(planned(**config), account)

    assert found.outcome is outcome


def test_a_cluster_of_another_account_is_a_finding(account: Account) -> None:
    cluster = new(tools.KUBERNETES_PROVIDER, clusterIdentifier="arn:aws:eks:eu-central-1:999999999999:cluster/mlops")

    (found,) = identity.account(planned(cluster), account)

    assert "use credentials of the right account: 999999999999" in found.fix


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredToken", "the credentials have expired"),
        ("InvalidClientTokenId", "AWS does not accept the credentials"),
        ("InternalFailure", "AWS cannot be asked"),
    ],
)
def test_credentials_that_are_of_no_use_are_one_sentence(
    aws: SimulatedAws, preflight: Preflight, code: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.refuse("sts", "GetCallerIdentity", code)

    assert preflight() == FAILED
    assert sentence(capsys).startswith(f"preflight: {words}")


def test_a_region_that_the_account_has_not_turned_on_is_one_sentence(
    aws: SimulatedAws, preflight: Preflight, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([{"Error": {"Code": "InvalidClientTokenId"}}, {"Account": ACCOUNT, "Arn": CALLER, "UserId": "me"}])
    aws.answer("sts", "GetCallerIdentity", lambda _: next(answers))

    assert preflight() == FAILED
    assert sentence(capsys).endswith("`aws account enable-region --region-name eu-central-1` does")


def test_without_credentials_it_says_how_to_log_in(
    aws: SimulatedAws, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # moto's own signs every call, so boto3 is asked for a session that has none.
    monkeypatch.setattr(aws_account, "session", lambda profile: boto3.Session())

    assert main(["preflight", "foundation-prod", "--preview", "preview.json"]) == FAILED
    assert sentence(capsys).startswith("preflight: no AWS credentials: log in by ")


@pytest.mark.parametrize("text", ["", "hello", '{"a": 1}'])
def test_a_preview_file_that_is_none_is_one_sentence(
    preflight: Preflight, project: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "preview.json").write_text(text)

    assert preflight() == FAILED
    assert sentence(capsys).startswith("preflight: the preview of ")


def test_a_preview_without_a_region_is_one_sentence(
    preflight: Preflight, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(recorded.text("new-foundation-prod"))
    del document["config"]["aws:region"]
    (project / "preview.json").write_text(json.dumps(document))

    assert preflight() == FAILED
    assert "`pulumi config set aws:region REGION --stack foundation-prod`" in sentence(capsys)


def test_a_profile_that_there_is_not_is_one_sentence(aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exception, match=r"\(nobody\) could not be found: `aws configure list-profiles` lists"):
        aws_account.session("nobody")


def test_without_boto3_it_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(Exception, match=r"not installed: pip install 'pulumi-mlops\[preflight\]'$"):
        aws_account.session("")


def test_an_endpoint_that_is_dead_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", f"http://127.0.0.1:{server.getsockname()[1]}")
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")

    with pytest.raises(NotChecked, match="Could not connect to the endpoint URL"):
        Account(session, "eu-central-1", ACCOUNT, "me").ask("ec2", "DescribeVpcs")


def test_a_page_of_a_proxy_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    with serving(lambda *_: (500, {}, b"<!doctype html>\n<p>no</p>")) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", address)
        with pytest.raises(NotChecked, match="does not answer GetRole as AWS does: a proxy in between"):
            Account(session, "eu-central-1", ACCOUNT, "me").ask("iam", "GetRole", RoleName="r")


def test_a_finding_counts_more_than_what_was_not_checked() -> None:
    fine, broken, unknown = ok("a", "b"), finding("a", "b", "c", "d"), not_checked("a", "b")

    assert command.exit_status([fine]) == DONE
    assert command.exit_status([fine, unknown]) == FAILED
    assert command.exit_status([unknown, broken, fine]) == FINDINGS
