"""A team's program under the real engine: what it learns of its platform."""

from pathlib import Path

import pytest
from pulumi_cli import PROJECT, PulumiEnv
from pulumi_mlops import platform_outputs

pytestmark = pytest.mark.engine

READ = """
import pulumi
from pulumi_mlops import platform_outputs
pulumi.export("found", platform_outputs.read("Workspace", "churn"))
"""


def test_a_team_reads_the_outputs_of_the_stack_that_its_setting_names(pulumi_env: PulumiEnv, tmp_path: Path):
    wanted = {**platform_outputs.IN_CLUSTER, "region": "eu-central-1", "cluster_name": "mlops-dev"}
    platform = pulumi_env.project(
        tmp_path / "platform",
        f'import pulumi\npulumi.export("teams", {wanted!r})\npulumi.export("kubeconfig", pulumi.Output.secret("x"))\n',
        stack="platform-dev",
    )
    team = pulumi_env.project(tmp_path / "team", READ, stack="churn-dev")
    named = f"organization/{PROJECT}/platform-dev"
    pulumi_env.run("config", "set", "pulumi-mlops:platform", named, cwd=team)

    early = pulumi_env.run("preview", cwd=team)
    assert early.returncode
    assert (
        "whose output `teams` lacks buckets, mlflow_url, object_store_endpoint, region, storage_class: " in early.stdout
    )
    assert "Traceback" not in early.stdout + early.stderr

    assert pulumi_env.run("up", "--yes", "--skip-preview", cwd=platform).returncode == 0
    done = pulumi_env.run("up", "--yes", "--skip-preview", cwd=team)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"cluster_name": "mlops-dev"' in pulumi_env.run("stack", "output", "found", "--json", cwd=team).stdout
    assert "StackReference" not in pulumi_env.run("stack", "export", cwd=team).stdout


def test_a_platform_that_does_not_exist_is_one_sentence(pulumi_env: PulumiEnv, tmp_path: Path):
    team = pulumi_env.project(tmp_path / "team", READ, stack="churn-dev")
    named = f"organization/{PROJECT}/platform-prod"
    pulumi_env.run("config", "set", "pulumi-mlops:platform", named, cwd=team)

    done = pulumi_env.run("preview", cwd=team)

    assert done.returncode
    setting = f'Workspace "churn": the setting pulumi-mlops:platform names stack {named}'
    assert f'{setting}, which cannot be read (unknown stack "{named}"); it must be in the backend' in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
