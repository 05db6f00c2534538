"""The stacks of this repository under the real engine, with AWS calls answered on this machine."""

import collections
import json
import subprocess
from dataclasses import dataclass
from typing import Any

from aws import Aws
from pulumi_cli import ONE_CHECKPOINT

from local.engine import Engine
from local.paths import ROOT
from standins import plugins


@dataclass(frozen=True)
class AwsEngine(Engine):
    """The Pulumi CLI led to an AWS API of a test."""

    aws: Aws | None = None

    def environment(self) -> dict[str, str]:
        """The engine's environment, with the API's address."""
        assert self.aws
        return {**super().environment(), **plugins.environment(), **ONE_CHECKPOINT, **self.aws.environment}

    def said(self, stack: str, word: str = "preview", *options: str, **settings: Any) -> str:
        """What a run says of the stack with other settings, also when it fails."""
        self.configure(stack, settings)
        return self.ran(stack, word, *options).stdout

    def planned(self, stack: str, **settings: Any) -> dict[str, set[str]]:
        """Operation → types of resources of a preview with other settings; what stays the same is left out."""
        self.configure(stack, settings)
        return changes(self.preview_json(stack)["steps"])

    def changed(self, stack: str, **settings: Any) -> dict[str, set[str]]:
        """Operation → types of resources of an `up` with other settings.

        The run says neither error nor warning, beyond that of what is simulated.
        """
        self.configure(stack, settings)
        planned = self.preview_json(stack)["steps"]
        self.quiet(stack, "up", "--yes", "--skip-preview")
        return changes(planned)

    def quiet(self, stack: str, word: str, *options: str) -> str:
        """What a run says that ends well, without a complaint."""
        done = self.ran(stack, word, *options)
        assert done.returncode == 0, done.stdout
        assert "error:" not in done.stdout
        assert "warning:" not in done.stdout.replace("warning: simulated by", ""), done.stdout
        return done.stdout

    def state(self, stack: str) -> dict[str, dict[str, Any]]:
        """The resources of the state by URN."""
        exported = json.loads(self._run("stack", "export", "--stack", stack, quiet=True))
        return {one["urn"]: one for one in exported["deployment"].get("resources") or []}

    def ran(self, stack: str, word: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """A run of the stack with the settings that it has, whether it ends well or not; all it says is the output."""
        return subprocess.run(
            [self.executable, word, "--non-interactive", "--color", "never", *options, *self._of(stack)],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def network_of_a_platform(aws: Aws) -> dict[str, Any]:
    """What the database needs of the foundation, in an account that has nothing else."""
    aws.reset()
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.10.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    return {
        "vpc_id": vpc,
        "private_subnet_ids": [one["Subnet"]["SubnetId"] for one in subnets],
        "client_security_group_id": group,
    }


def changes(steps: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Operation → types of resources; what stays the same is left out."""
    found: dict[str, set[str]] = collections.defaultdict(set)
    for step in steps:
        if step["op"] != "same":
            found[step["op"]].add(step["urn"].split("::")[2].rpartition(":")[2])
    return found


def updates(steps: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Type → names of the properties, at any depth, that a preview updates in resources of it."""
    found: dict[str, set[str]] = collections.defaultdict(set)
    for step in steps:
        if step["op"] == "update":
            old, new = (step[side]["inputs"] for side in ("oldState", "newState"))
            found[step["urn"].split("::")[2].rpartition(":")[2]] |= _differing(old, new)
    return found


def _differing(old: Any, new: Any) -> set[str]:
    """The keys, at any depth, whose values are not the same."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        pairs = list(zip(old, new, strict=False)) if isinstance(old, list) and isinstance(new, list) else []
        return {key for before, after in pairs for key in _differing(before, after)}
    found: set[str] = set()
    for key in old.keys() | new.keys():
        if old.get(key) != new.get(key):
            found |= {key} | _differing(old.get(key), new.get(key))
    return found
