"""The command on files: what it prints, its exit status, and what it says of files that are no previews."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi_mlops.review import cli
from pulumi_mlops.review.findings import Finding, Judgement, Level

from tests.review import recorded
from tests.review.reviews import NEW, many_text


@pytest.fixture
def file(tmp_path: Path):
    """Writes a recording into a file."""

    def write(recording: str, name: str = "") -> str:
        path = tmp_path / f"{name or recording}.json"
        path.write_text(recorded.text(recording))
        return str(path)

    return write


def test_a_comment_is_printed(file, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["comment", "--format", "github", file("database-replacement")]) == 0
    assert capsys.readouterr().out.startswith("## Preview: 1 danger")


def test_the_stack_is_named_by_its_resources_or_by_the_caller(file, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["comment", "--format", "json", "--stack", f"prod={file('image-bump')}", file("owners")])
    assert [one["stack"] for one in json.loads(capsys.readouterr().out)["stacks"]] == ["prod", "test"]


@pytest.mark.parametrize("stack", NEW)
def test_no_stack_of_this_repository_has_a_finding(file, capsys: pytest.CaptureFixture[str], stack: str) -> None:
    assert cli.main(["comment", "--format", "json", "--fail-on", "warning", file(stack)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["findings"] == []


def test_the_comment_says_what_the_stack_costs_and_what_a_team_asks_for(file, capsys) -> None:
    cli.main(["comment", "--format", "github", file("new-foundation-dev"), file("new-penguins-local")])
    said = capsys.readouterr().out
    cost, _, requests = (line for line in said.splitlines() if line.startswith(("Cost: ", "Requests: ")))
    assert re.match(r"Cost: \+[\d.]+ USD a month, to [\d.]+ \(between [\d.]+ and [\d.]+; list prices of 20", cost)
    assert "`eu-central-1`" in cost
    assert " Not counted: " in cost
    assert re.match(r"Requests: `penguins` \+\S+ CPU \(to \S+\), \+\S+ GiB memory \(to ", requests)


def test_what_has_no_price_is_named_and_the_total_is_at_least_that(tmp_path: Path, capsys) -> None:
    document = json.loads(recorded.text("node-group"))
    for one in document["steps"]:
        one["urn"] = one["urn"].replace("aws:ec2/securityGroup:SecurityGroup", "aws:msk/cluster:Cluster")
    file = tmp_path / "streams.json"
    file.write_text(json.dumps(document))
    cli.main(["comment", "--format", "github", str(file)])
    (cost,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Cost: "))
    assert " USD a month, to at least " in cost
    assert "aws:msk/cluster:Cluster" in cost
    cli.main(["comment", "--format", "json", str(file)])
    assert json.loads(capsys.readouterr().out)["stacks"][0]["estimate"]["at_least"]


@pytest.mark.parametrize(
    ("recording", "on", "status"),
    [
        ("database-replacement", "danger", 3),
        ("database-replacement", "blocking", 0),
        ("image-bump", "danger", 0),
        ("failed", "error", 3),
        ("failed", "blocking", 0),
        ("image-bump", "error", 0),
    ],
)
def test_the_caller_chooses_what_fails(file, recording: str, on: str, status: int) -> None:
    assert cli.main(["comment", "--fail-on", on, file(recording)]) == status


WORKFLOW = ["--fail-on", "blocking", "--fail-on", "error"]
"""What review-preview.yml passes; a test below compares them."""


def _security_group(protocol: str, first: int, last: int, cidr: str) -> str:
    """A preview that creates a security group which lets a CIDR block in."""
    key = "ipv6CidrBlocks" if ":" in cidr else "cidrBlocks"
    entry = {"protocol": protocol, "fromPort": first, "toPort": last, key: [cidr]}
    urn = "urn:pulumi:dev::birds::aws:ec2/securityGroup:SecurityGroup::ssh"
    state = {"urn": urn, "custom": True, "type": "aws:ec2/securityGroup:SecurityGroup", "inputs": {"ingress": [entry]}}
    return json.dumps({"steps": [{"op": "create", "urn": urn, "newState": state}], "changeSummary": {"create": 1}})


@pytest.mark.parametrize(
    ("group", "status"),
    [
        (_security_group("tcp", 22, 22, "0.0.0.0/0"), 3),
        (_security_group("tcp", 22, 22, "::/0"), 3),
        (_security_group("-1", 0, 0, "0.0.0.0/0"), 3),
        (_security_group("tcp", 443, 443, "0.0.0.0/0"), 0),
        (_security_group("tcp", 22, 22, "203.0.113.0/24"), 0),
    ],
)
def test_the_workflow_refuses_a_security_group_that_lets_the_internet_in(
    tmp_path: Path, group: str, status: int
) -> None:
    file = tmp_path / "dev.json"
    file.write_text(group)
    assert cli.main(["comment", *WORKFLOW, str(file)]) == status
    workflow = Path(__file__).parents[2] / ".github/workflows/review-preview.yml"
    assert f"comment --format github {' '.join(WORKFLOW)} " in workflow.read_text()


@pytest.mark.parametrize(
    ("level", "options", "status"),
    [
        (Level.BLOCKING, [], 3),
        (Level.BLOCKING, ["--fail-on", "never"], 0),
        (Level.BLOCKING, ["--fail-on", "danger"], 0),
        (Level.WARNING, [], 0),
        (Level.WARNING, ["--fail-on", "warning"], 3),
        (Level.BLOCKING, ["--fail-on", "danger", "--fail-on", "blocking"], 3),
    ],
)
def test_a_finding_fails_by_its_level(file, monkeypatch, level: Level, options: list[str], status: int) -> None:
    found = Finding("a-rule", level, "test", "", "It is wrong.", "Make it right.")
    monkeypatch.setattr(cli, "JUDGES", (lambda previews: Judgement([found]),))
    assert cli.main(["comment", *options, file("image-bump")]) == status


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty; the engine's own message is on its standard error"),
        ("error: no stack selected", "is neither a document nor events of the Pulumi CLI"),
        ('{"a": 1}', 'is a JSON document of something else: it has "a";'),
        ('{"steps": [{}]}', "is not in the form that the engine writes"),
        ('{"steps": [1], "changeSummary": 7}', "is not in the form that the engine writes"),
        (
            '{"steps": [{"op": "create", "urn": "x"}]}',
            'of prod is not in the form that the engine writes: "x" is no URN',
        ),
        (
            '{"steps": [{"op": "dance", "urn": "urn:pulumi:s::p::t::n"}]}',
            'not know the operation "dance"',
        ),
        ("[" * 100_000, "is neither a document nor events"),
        ("[]", "is neither a document nor events"),
    ],
)
def test_a_file_that_is_no_preview_is_one_sentence(tmp_path: Path, capsys, content: str, sentence: str) -> None:
    path = tmp_path / "prod.json"
    path.write_text(content)
    assert cli.main(["comment", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path, capsys) -> None:
    path = tmp_path / "prod.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert cli.main(["comment", str(path)]) == 1
    assert "it is not text in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "there is no preview to read"),
        (["--stack", "prod"], "--stack must be NAME=FILE, got 'prod'"),
        (["/nowhere/prod.json"], "No such file"),
    ],
)
def test_wrong_words_are_one_sentence(words: list[str], sentence: str, capsys) -> None:
    assert cli.main(["comment", *words]) == 1
    assert sentence in capsys.readouterr().err


def test_two_previews_of_one_stack_are_refused(file, capsys) -> None:
    assert cli.main(["comment", file("image-bump"), file("owners")]) == 1
    assert "two files are previews of the stack 'test'" in capsys.readouterr().err


def test_colour_and_width_are_the_callers(file, capsys) -> None:
    cli.main(["comment", "--colour", "always", "--width", "50", file("image-bump")])
    assert "\x1b[" in capsys.readouterr().out
    cli.main(["comment", file("image-bump")])
    assert "\x1b[" not in capsys.readouterr().out


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "options", "coloured"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": ""}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({"NO_COLOR": "1"}, ["--colour", "always"], True),
        ({}, ["--colour", "never"], False),
    ],
)
def test_a_terminal_has_colours_unless_somebody_says_no(
    file, monkeypatch, environment: dict[str, str], options: list[str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", terminal := _Terminal())
    assert cli.main(["comment", *options, file("image-bump")]) == 0
    assert ("\x1b[" in terminal.getvalue()) is coloured


@pytest.mark.parametrize("width", ["0", "-3", "39", "wide", ""])
def test_a_width_that_holds_no_text_is_refused(file, capsys, width: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["comment", "--width", width, file("image-bump")])
    assert f"must be at least 40 columns, got {width!r}" in capsys.readouterr().err


def test_a_terminal_without_the_characters_gets_their_numbers(file) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_mlops.review.cli", "comment", file("image-bump")], capture_output=True,
        env={**os.environ, "PYTHONPATH": "components", "PYTHONIOENCODING": "latin-1"}, cwd=Path(__file__).parents[2],
        check=True,
    )  # fmt: skip
    assert rb" \u2192 " in done.stdout


def test_the_command_runs_without_the_sdk_and_says_how_it_is_used() -> None:
    code = "import sys\nfrom pulumi_mlops.review import cli\nprint('pulumi' in sys.modules)\ncli.main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": "components"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith("False\nusage: pulumi-mlops-review")
    assert "comment" in done.stdout


def test_the_guide_lists_every_word_and_only_options_that_there_are(capsys) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "review.md").read_text()
    shown = re.findall(r"^\| `(\w+) ?([^`]*)` \|", guide, re.MULTILINE)
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    words = set(re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE))

    assert {word for word, _ in shown if word in words} == words == {word for word, rest in shown if rest}
    for word, rest in shown:
        if word in words:
            with pytest.raises(SystemExit):
                cli.main([word, "--help"])
            assert set(re.findall(r"--[a-z-]+", rest)) <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_a_helm_that_is_no_program_is_one_sentence(file, capsys) -> None:
    assert cli.main(["comment", "--helm", "/nowhere/helm", file("image-bump")]) == 1
    assert "--helm: no executable named '/nowhere/helm' on PATH" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["github", "gitlab", "text", "json"])
def test_two_runs_print_the_same_bytes(file, form: str) -> None:
    words = ["comment", "--fail-on", "never", "--format", form, *map(file, ("node-group", "new-platform-dev"))]
    said = {
        subprocess.run(
            [sys.executable, "-m", "pulumi_mlops.review.cli", *words], capture_output=True, check=True,
            env={**os.environ, "PYTHONPATH": "components", "PYTHONHASHSEED": seed}, cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
    assert said != {b""}


def test_what_is_decided_only_later_is_one_line(file, capsys) -> None:
    cli.main(["comment", "--format", "github", "--fail-on", "never", file("node-group")])
    said = capsys.readouterr().out
    assert "\nDecided only during `up`, where the policy pack runs: `end-of-support` (2 resources).\n" in said
    cli.main(["comment", "--format", "github", file("owners")])
    assert "Decided only" not in capsys.readouterr().out


def test_a_change_of_five_thousand_resources_has_its_comment(tmp_path: Path, capsys) -> None:
    """How long it takes, `python -m bench review` measures."""
    file = tmp_path / "large.json"
    file.write_text(many_text(5_000))
    assert cli.main(["comment", "--format", "github", str(file)]) == 0
    assert "5000 to update" in capsys.readouterr().out
