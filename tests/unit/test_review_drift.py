"""`drift`: which stacks a refresh found changed, and never "none" where the refresh did not end."""

import argparse
import json
from pathlib import Path

import pytest
from pulumi_mlops.review import drift
from pulumi_mlops.review.host import add_commands


def command(*options: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["drift", *options])
    return arguments.run(arguments)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "refresh.json"


@pytest.mark.parametrize(
    ("summary", "prints"),
    [
        ({"same": 4}, ""),
        ({"same": 4, "refresh": 1, "read": 1, "update": 0}, ""),
        ({"same": 4, "update": 1}, "prod\n"),
        ({"delete": 1}, "prod\n"),
        ({}, ""),
    ],
)
def test_a_stack_that_drifted_is_listed(
    file: Path, capsys: pytest.CaptureFixture[str], summary: dict[str, int], prints: str
) -> None:
    file.write_text(json.dumps({"changeSummary": summary}))

    assert command("--stack", f"prod={file}") == 0
    assert capsys.readouterr().out == prints


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the refresh of prod is empty"),
        ("{}", "did not come to its end: its output is cut off"),
        (
            '{"diagnostics": [{"severity": "error", "message": "no access\\nat all"}]}',
            "did not come to its end: no access",
        ),
        (
            '{"diagnostics": [{"severity": "error", "message": ""}]}',
            "it ended with an error without a message",
        ),
        (
            '{"diagnostics": [{"severity": "error", "message": "no \\u001b[31maccess"}]}',
            "did not come to its end: no access",
        ),
        (
            '{"diagnostics": [{"severity": "error", "message": "a \\u001b]0;title\\u0007"}]}',
            r"did not come to its end: a \u001b]0;title\u0007",
        ),
        ("[]", "the refresh of prod is neither"),
    ],
)
def test_a_refresh_that_failed_is_an_error_and_the_others_are_still_told(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    file.write_text(text)
    other = tmp_path / "other.json"
    other.write_text('{"changeSummary": {"delete": 1}}')

    assert command("--stack", f"prod={file}", "--stack", f"dev={other}") == 1
    said = capsys.readouterr()
    assert says in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == "dev\n"


def test_what_is_no_refresh_names_the_command_that_writes_one(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[]")

    assert command("--stack", f"prod={file}") == 1
    assert "make it again by `pulumi refresh --preview-only --json > FILE`" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--stack", "prod=/no/such/file") == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["prod", "=file", "prod="])
def test_what_is_no_name_and_file_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be NAME=FILE"):
        drift._stack(text)
