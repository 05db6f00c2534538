"""The README's claims about code: its example runs, its words and its components exist."""

import re

import pulumi
import pulumi_mlops
import pytest

from local.paths import ROOT
from maintenance import comment_picture
from tests.contract.api import COMPONENTS

README = (ROOT / "README.md").read_text()


def example() -> str:
    """The program that the README shows."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    return code


def test_the_team_stack_of_the_readme_builds(build):
    graph = build(lambda: exec(example(), {"pulumi": pulumi}))

    built = {one.type for one in graph if one.type.startswith("pulumi-mlops:")}
    assert built == {f"pulumi-mlops:index:{name}" for name in ("Workspace", "ModelEndpoint", "TrainingPipeline")}


def test_the_team_stack_of_the_readme_is_about_fifteen_lines():
    assert len(example().splitlines()) <= 18


def test_the_error_of_the_readme_is_what_a_wrong_argument_gets(build):
    (shown,) = re.findall(r"```text\n(ModelEndpoint .*?)\n```", README)

    def wrong() -> None:
        pulumi_mlops.ModelEndpoint("churn", {"namespace": "churn", "image": "server:1", "replica": 2})

    with pytest.raises(pulumi_mlops.ArgumentError) as caught:
        build(wrong)
    assert str(caught.value) == shown


def test_the_readme_lists_every_component():
    table = README.split("## Components")[1].split("## Stacks")[0]

    assert {name.split(".")[-1] for name in re.findall(r"^\| `([\w.]+)`", table, re.MULTILINE)} == {
        component.__name__ for component in COMPONENTS.values()
    }


def test_the_readme_lists_every_stack():
    tracked = {path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml")}

    assert set(re.findall(r"^\| `(\w+-(?:local|dev|prod))`", README, re.MULTILINE)) == tracked


def test_every_make_target_of_the_readme_exists():
    words = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z]+)", README)) <= words
    assert {"help", "up", "train", "predict", "down", "plan", "test", "check", "bench"} <= words


def test_the_readme_shows_the_comment_of_a_review():
    (picture,) = re.findall(r"!\[A comment [^\]]+\]\((docs/\S+\.png)\)", README)

    content = (ROOT / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert comment_picture.checksum() in content, (
        "the comment is another one now: run `python -m maintenance.comment_picture`"
    )


def test_every_page_that_the_readme_leads_to_exists():
    places = set(re.findall(r"\]\(((?!https?:)[^)#\s]+)", README))

    assert "docs/review.md" in places
    assert [place for place in sorted(places) if not (ROOT / place).exists()] == []
