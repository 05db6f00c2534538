"""A merge request's way through the pipeline that docs/review.md shows for GitLab: its commands, Git, a stand-in host.

`pulumi` answers with recordings of the real engine. Not run here: what GitLab itself does with rules and environments.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.paths import ROOT
from tests.git_host import TOKEN, GitHost, git_host
from tests.review import recorded
from tests.workflows import COMMAND

pytestmark = pytest.mark.servers

PULUMI = f"""#!/bin/sh
recording="{recorded.DATA}/$(cat "$PLAN/$3").json"
if [ -e "$recording" ]; then cat "$recording"; else exit 255; fi
"""


def jobs() -> dict[str, Any]:
    """The pipeline of the page."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "review.md").read_text(), re.DOTALL)
    (text,) = (block for block in blocks if "CI_PIPELINE_SOURCE" in block)
    return yaml.safe_load(text)


@dataclass
class Pipeline:
    """A checkout in which the jobs' commands run."""

    directory: Path
    plan: Path
    host: GitHost

    def run(self, **previews: str) -> int:
        """Runs both jobs, where the previews are recordings; returns the status of the second."""
        for stack, recording in previews.items():
            (self.plan / stack).write_text(recording)
        assert self.job("preview") == 0
        return self.job("comment", GITLAB_TOKEN=TOKEN)

    def job(self, name: str, **variables: str) -> int:
        given = {
            "PATH": f"{self.plan / 'bin'}:{os.environ['PATH']}",
            "PLAN": str(self.plan),
            "CI_API_V4_URL": self.host.url,
            "CI_PROJECT_PATH": "team/birds",
            "CI_MERGE_REQUEST_IID": "12",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }
        script = "\n".join(jobs()[name]["script"])
        command = ["bash", "-e", "-o", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=self.directory, env={**given, **variables}, timeout=120, check=False
        ).returncode


def git(directory: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    origin, plan = tmp_path / "origin", tmp_path / "plan"
    origin.mkdir()
    for name, text in (
        ("Pulumi.yaml", "name: churn\nruntime: python\n"),
        ("__main__.py", ""),
        (".gitignore", "review/\n"),
    ):
        (origin / name).write_text(text)
    for stack in ("dev", "prod"):
        (origin / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    git(origin, "init", "--quiet", "--initial-branch", "main")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", str(origin), "checkout")
    (plan / "bin").mkdir(parents=True)
    for name, text in (("pulumi-mlops-review", COMMAND), ("pulumi", PULUMI)):
        (plan / "bin" / name).write_text(text)
        (plan / "bin" / name).chmod(0o755)
    with git_host("gitlab") as host:
        yield Pipeline(tmp_path / "checkout", plan, host)


def test_a_merge_request_gets_one_comment(pipeline: Pipeline) -> None:
    (pipeline.directory / "__main__.py").write_text("import os\n")
    assert pipeline.run(dev="image-bump", prod="node-group") == 3
    (body,) = pipeline.host.bodies()
    assert "**1 blocking finding**" in body
    assert "> [!caution]" in body

    assert pipeline.run(dev="image-bump", prod="image-bump") == 0
    (body,) = pipeline.host.bodies()
    assert "blocking" not in body


def test_a_preview_that_did_not_start_is_told(pipeline: Pipeline) -> None:
    (pipeline.directory / "Pulumi.prod.yaml").write_text("config: {a: b}\n")

    assert pipeline.run(prod="nothing") == 3
    (body,) = pipeline.host.bodies()
    assert "The preview did not start; its job says why." in body


def test_what_touches_no_stack_is_silent_and_what_cannot_be_made_is_told(pipeline: Pipeline) -> None:
    assert pipeline.run() == 0
    assert pipeline.host.comments == []

    (pipeline.directory / "Pulumi.prod.yaml").write_text("config: {a: b}\n")
    (pipeline.directory / "review-exceptions.toml").write_text("[[exception]]\n")
    assert pipeline.run(prod="image-bump") == 1
    (body,) = pipeline.host.bodies()
    assert "The review could not be produced" in body


def test_nothing_of_a_fork_is_run_and_the_token_is_that_of_the_second_job_alone() -> None:
    said = jobs()
    (rule,) = said[".review"]["rules"]

    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]
    assert {said[name]["extends"] for name in ("preview", "comment")} == {".review"}
    assert "environment" not in said["preview"]
    assert said["comment"]["environment"]["name"] == "review"
