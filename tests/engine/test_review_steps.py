"""The commands of the reusable workflows that ask Pulumi, with the real CLI and its JSON."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws import Aws
from pulumi_cli import PulumiEnv
from pulumi_mlops.review import preview, reading
from pulumi_mlops.review.preview import Operation

from tests.git_host import TOKEN, GitHost, git_host
from tests.workflows import Runner, step

pytestmark = pytest.mark.engine

PROGRAM = "import pulumi_random\npulumi_random.RandomId('id', byte_length={})\n"


@pytest.fixture
def runner(pulumi_env: PulumiEnv, tmp_path: Path) -> Runner:
    """A runner in a project whose stack `test` has no resource yet."""
    project = pulumi_env.project(tmp_path / "project", PROGRAM.format(4))
    temporary = tmp_path / "runner"
    return Runner(
        project,
        temporary,
        context={
            "inputs.backend": pulumi_env.environment["PULUMI_BACKEND_URL"],
            "matrix.name": "test",
            "matrix.stack": "test",
            "runner.temp": str(temporary),
            "secrets.passphrase": pulumi_env.environment["PULUMI_CONFIG_PASSPHRASE"],
        },
        environment={**pulumi_env.environment, "PATH": f"{temporary / 'bin'}:{pulumi_env.environment['PATH']}"},
    )


def look(runner: Runner) -> preview.Preview:
    """What the preview step leaves for the comment."""
    runner.run(step("review-preview.yml", "preview", "Preview"))
    return reading.read((runner.temporary / "test.json").read_text(), "test")


def test_the_preview_of_the_workflow_is_read_whole(runner: Runner, pulumi_env: PulumiEnv) -> None:
    new = look(runner)
    assert new.complete
    assert new.summary == {Operation.CREATE: 2}

    up = pulumi_env.run("up", "--yes", "--skip-preview", "--stack", "test", cwd=runner.directory)
    assert up.returncode == 0, up.stdout + up.stderr
    (runner.directory / "__main__.py").write_text(PROGRAM.format(5) + "pulumi_random.RandomId('b', byte_length=4)\n")
    changed = look(runner)
    assert changed.summary == {Operation.CREATE: 1, Operation.REPLACE: 1, Operation.SAME: 1}
    assert {one.name for one in changed.steps if one.operation is Operation.SAME}  # rules and cost want all of them


def test_a_preview_that_fails_fails_its_job_and_leaves_the_reason(runner: Runner) -> None:
    (runner.directory / "__main__.py").write_text("import pulumi\nraise pulumi.RunError('no such zone')\n")
    done = runner.run(step("review-preview.yml", "preview", "Preview"))
    found = reading.read((runner.temporary / "test.json").read_text(), "test")

    assert done.returncode != 0
    assert not found.complete
    assert "no such zone" in "".join(found.errors)


def test_a_look_at_a_clean_stack_writes_nothing(runner: Runner, pulumi_env: PulumiEnv) -> None:
    up = pulumi_env.run("up", "--yes", "--skip-preview", "--stack", "test", cwd=runner.directory)
    assert up.returncode == 0, up.stdout + up.stderr
    with git_host("github", user="github-actions[bot]") as host:
        runner.environment |= {"GITHUB_API_URL": host.url, "GITHUB_REPOSITORY": "team/birds"}
        runner.context["github.token"] = TOKEN
        for name in ("Look", "Open or close the issue"):
            done = runner.run(step("review-drift.yml", "drift", name))
            assert done.returncode == 0, done.stderr

        assert host.issues == []
        assert set(host.methods()) == {"GET"}


BUCKET = """
import pulumi_aws as aws
tags = {"environment": "test", "managed-by": "test"}
bucket = aws.s3.Bucket("models", bucket="models", tags=tags)
"""
CLOSED = """
aws.s3.BucketPublicAccessBlock("models", bucket=bucket.id, block_public_acls=True, block_public_policy=True,
    ignore_public_acls=True, restrict_public_buckets=True)
"""
ADDRESS = """
aws.ec2.Eip("address", domain="vpc", tags=tags)
"""


@pytest.fixture
def host() -> Iterator[GitHost]:
    """GitHub, as the bot of its workflows sees it."""
    with git_host("github", user="github-actions[bot]") as running:
        yield running


@pytest.fixture
def team(pulumi_env: PulumiEnv, aws: Aws, tmp_path: Path, host: GitHost) -> Runner:
    """A runner with a team's repository, whose stack `test` is up and has a bucket that is closed."""
    project = pulumi_env.project(tmp_path / "team", BUCKET + CLOSED, {"aws:region": "eu-central-1"})
    (project / ".gitignore").write_text("review/\n")
    git(project, "init", "--quiet", "--initial-branch", "main")
    commit(project)
    git(project, "update-ref", "refs/remotes/origin/main", "main")
    git(project, "switch", "--quiet", "--create", "change")
    up = pulumi_env.run("up", "--yes", "--skip-preview", "--stack", "test", cwd=project)
    assert up.returncode == 0, up.stdout + up.stderr
    temporary = tmp_path / "team-runner"
    environment = {"GITHUB_API_URL": host.url, "GITHUB_REPOSITORY": "team/birds"}
    return Runner(
        project,
        temporary,
        context={
            "github.base_ref": "main",
            "github.event.pull_request.head.sha": "abc123",
            "github.event.pull_request.number": "12",
            "github.repository": "team/birds",
            "github.run_id": "99",
            "github.server_url": "https://git.example.org",
            "github.token": TOKEN,
            "inputs.backend": pulumi_env.environment["PULUMI_BACKEND_URL"],
            "inputs.name": "preview",
            "inputs.stacks": "*",
            "matrix.name": "test",
            "matrix.stack": "test",
            "runner.temp": str(temporary),
            "secrets.passphrase": pulumi_env.environment["PULUMI_CONFIG_PASSPHRASE"],
        },
        environment={
            **pulumi_env.environment,
            **environment,
            "PATH": f"{temporary / 'bin'}:{pulumi_env.environment['PATH']}",
        },
    )


def git(directory: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


def commit(directory: Path) -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "a change")


def pushed(team: Runner, program: str) -> int:
    """All steps of the workflow for a push with the program; returns the status of the last."""
    (team.directory / "__main__.py").write_text(program)
    commit(team.directory)
    run(team, "stacks", "Find the stacks")
    for part in ("matrix", "names"):
        team.context[f"needs.stacks.outputs.{part}"] = team.context[f"steps.stacks.outputs.{part}"]
    assert team.context["needs.stacks.outputs.names"].split() == ["test"]
    run(team, "preview", "Preview")
    (team.directory / "review").mkdir(exist_ok=True)
    shutil.copy(team.temporary / "test.json", team.directory / "review")  # as an artifact goes from job to job
    run(team, "comment", "Write the comment")
    run(team, "comment", "Post the comment")
    return team.run(step("review-preview.yml", "comment", "Pass or fail")).returncode


def run(team: Runner, job: str, name: str, workflow: str = "review-preview.yml") -> None:
    done = team.run(step(workflow, job, name))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bad_change_is_refused_with_its_cost_and_the_comment_of_its_fix_is_the_same_one(
    team: Runner, host: GitHost
) -> None:
    assert pushed(team, BUCKET + CLOSED.replace("block_public_policy=True", "block_public_policy=False") + ADDRESS) == 3
    (bad,) = [dict(one) for one in host.comments]
    assert "**1 blocking finding**" in bad["body"]
    assert "`s3-public`" in bad["body"]
    assert "Cost: +3.65 USD a month, to" in bad["body"]

    assert pushed(team, BUCKET + CLOSED + ADDRESS) == 0
    (good,) = host.comments
    assert good["id"] == bad["id"]
    assert "blocking" not in good["body"]
    assert "danger" not in good["body"]
    assert "`test`: 1 to create" in good["body"]
    assert "Cost: +3.65 USD a month, to" in good["body"]


def test_what_somebody_changed_by_hand_is_an_issue_until_it_is_undone(team: Runner, host: GitHost, aws: Aws) -> None:
    def look() -> None:
        for name in ("Look", "Open or close the issue"):
            run(team, "drift", name, "review-drift.yml")

    look()
    assert host.issues == []
    tags = {"TagSet": [{"Key": "environment", "Value": "test"}, {"Key": "managed-by", "Value": "hand"}]}
    aws.client("s3").put_bucket_tagging(Bucket="models", Tagging=tags)
    look()
    (issue,) = host.issues
    assert issue["title"] == "Drift of test"
    assert "<code>test</code> → <code>hand</code>" in issue["body"]

    tags["TagSet"][1]["Value"] = "test"
    aws.client("s3").put_bucket_tagging(Bucket="models", Tagging=tags)
    look()
    assert issue["state"] == "closed"
