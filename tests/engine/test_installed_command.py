"""`pulumi-mlops` as a platform team has it: the wheel in an environment of its own, in the team's own project."""

import json
import os
import re
import site
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from aws import REGION, Aws

from local import tools
from local.paths import ROOT
from standins import plugins

pytestmark = pytest.mark.engine

STACK = "acme-dev"
MAIN = """
import pulumi
from pulumi_mlops.foundation import S3ObjectStore, adoption

config = pulumi.Config()
kept = adoption.keep(config.get_object("adopted") or {}, namespace=config.name)
protect = config.get_bool("protect_data")
S3ObjectStore("acme", {"region": "eu-central-1", "buckets": ["data"], "protect_data": protect is not False})
kept.complete()
"""
SET_REGION = f"`pulumi config set aws:region REGION --stack {STACK}`"
BUCKET = "acme-raw-data"
"""Of a Terraform state; ours ends with the same purpose."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of an environment that has the wheel, and what it needs from this one, which has no wheel."""
    directory = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    environment = directory / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # A directory that a .pth file names is searched last, and the .pth files in it are not read.
    (packages / "what-it-needs.pth").write_text("\n".join(site.getsitepackages()))
    return environment


@dataclass(frozen=True)
class Team:
    """A directory of a team's, and what its shell has."""

    directory: Path
    environment: dict[str, str]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def says(self, status: int, *command: str) -> str:
        """What a command prints that ends with this status."""
        done = self.run(*command)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def team(tmp_path: Path, installed: Path, pulumi_home: Path, aws: Aws) -> Team:
    """An empty directory, and a login."""
    (directory := tmp_path / "team").mkdir()
    (backend := tmp_path / "states").mkdir()
    pulumi = tools.ensure("pulumi")["pulumi"]
    return Team(
        directory,
        {
            **plugins.environment(), **aws.environment, "HOME": str(tmp_path), "PULUMI_HOME": str(pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{backend}", "PULUMI_CONFIG_PASSPHRASE": "a passphrase for tests",
            "PATH": f"{installed / 'bin'}{os.pathsep}{pulumi.parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        },
    )  # fmt: skip


def make_project(team: Team, installed: Path) -> None:
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(installed)}}
    (team.directory / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "acme", "runtime": runtime}))
    (team.directory / "__main__.py").write_text(MAIN)
    team.says(0, "pulumi", "stack", "init", STACK)


def test_the_library_is_the_installed_one(team: Team, installed: Path) -> None:
    code = "import pulumi_mlops, sys; print(pulumi_mlops.__file__, *(p for p in sys.path if p.endswith('components')))"

    (place,) = team.says(0, "python", "-c", code).split()
    assert Path(place).is_relative_to(installed)


def test_an_empty_directory_has_no_project_and_needs_none_for_the_versions(team: Team) -> None:
    for command in (
        ["plan", STACK],
        ["adopt", "terraform.tfstate", "--stack", STACK],
        ["destroy", STACK],
        ["leftovers", STACK],
    ):
        (line,) = team.says(1, "pulumi-mlops", *command).splitlines()
        assert line.startswith(f"{command[0]}: no Pulumi.yaml in {team.directory} or above it: ")
    assert "EKS add-on coredns" in team.run("pulumi-mlops", "versions").stdout
    assert re.fullmatch(r"pulumi-mlops \d+\.\d+\.\d+\n", team.run("pulumi-mlops", "--version").stdout)
    assert "usage: pulumi-mlops review comment" in team.says(0, "pulumi-mlops", "review", "comment", "--help")
    assert list(team.directory.iterdir()) == []


def test_what_pulumi_misses_is_one_sentence(team: Team, installed: Path) -> None:
    make_project(team, installed)
    lost = {**team.environment, "PULUMI_BACKEND_URL": "", "PULUMI_HOME": str(team.directory / "home")}

    for command in (["plan", "none"], ["destroy", "none"], ["leftovers", "none"]):
        assert (
            team.says(1, "pulumi-mlops", *command)
            .splitlines()[-1]
            .endswith(
                "failed: no stack named 'none' found; `pulumi stack ls` lists the stacks of this project, "
                "`pulumi stack init` makes one"
            )
        )
        said = Team(team.directory, lost).says(1, "pulumi-mlops", *command).splitlines()[-1]
        assert said.endswith(
            "log in to where the states of the stacks are first, by `pulumi login`, or set PULUMI_BACKEND_URL to its "
            "URL, such as s3://bucket"
        )


def test_a_plan_reads_the_preview_of_the_teams_own_project(team: Team, installed: Path) -> None:
    make_project(team, installed)

    plan = team.says(0, "pulumi-mlops", "plan", STACK)
    assert "S3ObjectStore acme" in plan
    assert "acme-data" in plan

    (team.directory / "__main__.py").write_text("import pulumi\nraise pulumi.RunError('no such bird')\n")
    assert "no such bird" in team.says(1, "pulumi-mlops", "plan", STACK)


def test_preflight_previews_the_teams_own_project_and_asks_the_account(team: Team, installed: Path) -> None:
    make_project(team, installed)

    said = team.says(1, "pulumi-mlops", "preflight", STACK)
    assert said.endswith(f"preflight: stack {STACK} names no region, or several: {SET_REGION}\n")

    team.says(0, "pulumi", "config", "set", "aws:region", REGION, "--stack", STACK)
    said = team.says(1, "pulumi-mlops", "preflight", STACK)  # the API here has no policy simulator
    assert f"stack {STACK}: account 123456789012, {REGION}, as arn:aws:" in said
    assert "not checked  permissions: " in said
    assert "ok           program pulumi: " in said
    assert "0 finding, 1 not checked, " in said


def test_a_stack_is_adopted_and_loses_its_data_only_when_told_so(team: Team, installed: Path, aws: Aws) -> None:
    make_project(team, installed)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    attributes = {"id": BUCKET, "bucket": BUCKET}
    resource = {"mode": "managed", "type": "aws_s3_bucket", "name": "raw", "instances": [{"attributes": attributes}]}
    (team.directory / "terraform.tfstate").write_text(json.dumps({"version": 4, "resources": [resource]}))
    before = (team.directory / f"Pulumi.{STACK}.yaml").read_text()

    said = team.says(0, "pulumi-mlops", "adopt", "terraform.tfstate", "--stack", STACK, "--bucket", f"data={BUCKET}")

    assert "aws_s3_bucket.raw -> acme-data (aws:s3/bucket:Bucket)" in said
    assert (team.directory / f"Pulumi.{STACK}.yaml").read_text() == before
    settings = yaml.safe_load((team.directory / f"{STACK}.settings.yaml").read_text())
    assert settings == {
        "acme:protect_data": True,
        "acme:adopted": {"aws:s3/bucket:Bucket::acme-data": {"bucket": BUCKET}},
    }
    configured = yaml.safe_load(before)
    (team.directory / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({**configured, "config": settings}))
    command = next(line for line in said.splitlines() if "pulumi import" in line).partition("pulumi import ")[2]
    team.says(0, "pulumi", "import", *command.split(), "--yes", "--skip-preview")
    team.says(0, "pulumi", "up", "--stack", STACK, "--yes", "--skip-preview")
    (made,) = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert made == BUCKET

    obstacle = team.says(3, "pulumi-mlops", "leftovers", STACK)
    assert f"stack {STACK} protects resources that hold data:\n  - acme-data (aws:s3/bucket:Bucket)\n" in obstacle
    refused = team.says(3, "pulumi-mlops", "destroy", STACK, "--yes")
    assert f"destroy: nothing was deleted, since {obstacle}" == refused
    team.says(0, "pulumi-mlops", "leftovers", STACK, "--keep-data")
    kept = team.says(0, "pulumi-mlops", "destroy", STACK, "--keep-data", "--yes")
    assert f"stays: acme-data ({BUCKET}), protected" in kept
    imports = json.loads((team.directory / f"{STACK}.kept.import.json").read_text())
    assert BUCKET in {one.get("id") for one in imports["resources"]}
    assert len(s3.list_buckets()["Buckets"]) == 1

    team.says(0, "pulumi", "config", "set", "protect_data", "false", "--stack", STACK)
    team.says(0, "pulumi", "up", "--stack", STACK, "--yes", "--skip-preview")
    assert team.says(0, "pulumi-mlops", "leftovers", STACK) == (
        f"nothing prevents stack {STACK} from being destroyed\n"
    )
    team.says(0, "pulumi-mlops", "destroy", STACK, "--yes")
    assert s3.list_buckets()["Buckets"] == []


def test_a_stack_without_a_component_of_the_library_is_refused(team: Team, installed: Path) -> None:
    make_project(team, installed)
    (team.directory / "__main__.py").write_text("import pulumi_random\npulumi_random.RandomId('a', byte_length=4)\n")
    team.says(0, "pulumi", "up", "--stack", STACK, "--yes", "--skip-preview")

    said = team.says(1, "pulumi-mlops", "destroy", STACK, "--yes")
    assert f"nothing was deleted, since stack {STACK} has no component of pulumi-mlops, such as a (random:" in said
