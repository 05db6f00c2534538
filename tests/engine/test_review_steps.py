"""The commands of the reusable workflows that ask Pulumi, with the real CLI and its JSON."""

from pathlib import Path

import pytest
from pulumi_cli import PulumiEnv
from pulumi_mlops.review import preview
from pulumi_mlops.review.preview import Operation

from tests.git_host import TOKEN, git_host
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
    return preview.read((runner.temporary / "test.json").read_text(), "test")


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
    found = preview.read((runner.temporary / "test.json").read_text(), "test")

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
