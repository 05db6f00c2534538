"""The foundation stacks of this repository under the real engine, with AWS calls answered on this machine."""

import collections
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws import Aws

from local import providers, tools
from local.engine import Engine
from local.paths import ROOT
from tests import iam
from tests.aws import takes_tags

pytestmark = pytest.mark.engine

DEV, PROD = "foundation-dev", "foundation-prod"


@dataclass(frozen=True)
class _Engine(Engine):
    aws: Aws | None = None

    def environment(self) -> dict[str, str]:
        assert self.aws
        return {**super().environment(), **providers.environment(), **self.aws.environment}

    def said(self, stack: str, word: str = "preview", **settings: Any) -> str:
        """What a run says of the stack with other settings, also when it fails."""
        self.configure(stack, settings)
        done = subprocess.run(
            [self.executable, word, "--non-interactive", "--color", "never", *self._of(stack)],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def planned(self, stack: str, **settings: Any) -> dict[str, set[str]]:
        """Operation → types of resources of a preview with other settings; what stays the same is left out."""
        self.configure(stack, settings)
        found: dict[str, set[str]] = collections.defaultdict(set)
        for step in self.preview_json(stack)["steps"]:
            if step["op"] != "same":
                found[step["op"]].add(step["urn"].split("::")[2].rpartition(":")[2])
        return found


@pytest.fixture
def engine(tmp_path: Path, pulumi_home: Path, aws: Aws) -> _Engine:
    (tmp_path / "home").symlink_to(pulumi_home)
    engine = _Engine(tools.ensure("pulumi")["pulumi"], tmp_path, tmp_path / "no-kubeconfig", aws=aws)
    engine.prepare()
    return engine


@pytest.mark.parametrize("stack", [DEV, PROD])
def test_the_whole_environment_can_be_previewed(engine: _Engine, stack: str):
    said = engine.said(stack)
    assert "error:" not in said
    assert "warning:" not in said
    planned = engine.planned(stack)
    assert set(planned) == {"create"}
    assert {"Network", "Cluster", "S3ObjectStore", "SharedFiles", "Registry", "Domain"} <= planned["create"]
    assert {"WorkloadIdentity", "NodeGroup", "PodIdentityAssociation", "Certificate", "FileSystem"} <= planned["create"]


def test_what_pulumi_eks_makes_is_tagged_and_trusts_one_service_as_well(engine: _Engine):
    engine.configure(DEV, {"tags": {"cost-center": "42"}})
    steps = engine.preview_json(DEV)["steps"]
    made = [step["newState"] for step in steps if step["newState"]["type"].startswith("aws:")]

    inside = [one for one in made if "eks:index:" in one["urn"]]
    assert {"Cluster", "Role", "NodeGroup"} <= {one["type"].rpartition(":")[2] for one in inside}
    tags = {"environment": "dev", "cost-center": "42"}.items()
    taggable = [one for one in made if takes_tags(one["type"])]
    bare = [one for one in taggable if not tags <= one["inputs"].get("tags", {}).items()]
    # pulumi-eks has no tags for the identity provider that it makes; the setting aws:defaultTags would reach it.
    assert [one["type"].rpartition(":")[2] for one in bare] == ["OpenIdConnectProvider"]
    assert len(taggable) > 40
    trusts = [json.loads(text) for one in inside if (text := one["inputs"].get("assumeRolePolicy"))]
    assert trusts
    for trust in trusts:
        (statement,) = iam.statements(trust)
        assert iam.listed(statement["Principal"]["Service"]) == ["eks.amazonaws.com"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"zones": ["eu-central-1a"]}, "zones"),
        ({"zones": ["eu-central-1a", "us-east-1b"]}, "us-east-1b"),
        ({"cidr": "10.0.0.0/24"}, "cidr"),
        ({"nat": "triple"}, "nat"),
        ({"zone": ["x"]}, 'pulumi-mlops:zone is unknown; did you mean "zones"?'),
    ],
)
def test_a_wrong_setting_is_one_line_before_the_first_resource(engine: _Engine, settings: Any, sentence: str):
    said = engine.said(DEV, **settings)
    (error, *_) = [line for line in said.splitlines() if "error: " in line]
    assert sentence in error
    assert "Traceback" not in said
    assert "aws:" not in said


def test_wrong_nodes_are_one_line(engine: _Engine):
    group = {"name": "a", "instance_types": ["m7i.large"], "min_size": 5, "max_size": 2}
    said = engine.said(DEV, node_groups=[group])
    assert len({line.strip() for line in said.splitlines() if "error: " in line and "max_size" in line}) >= 1
    assert "Traceback" not in said


def test_the_plan_of_a_stack_needs_no_account():
    done = subprocess.run(
        ["make", "--no-print-directory", "plan", f"STACK={PROD}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stand-in: AWS provider" in done.stdout + done.stderr
    assert "eks:index:Cluster" in done.stdout
    assert "error:" not in done.stdout


def test_a_stack_that_does_not_exist_is_answered_with_those_that_do():
    done = subprocess.run(
        ["make", "--no-print-directory", "plan", "STACK=foundation-prd"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "there is no stack 'foundation-prd'; there are foundation-dev, foundation-prod, penguins-local" in (
        done.stdout + done.stderr
    )
