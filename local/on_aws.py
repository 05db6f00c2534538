"""`make adopt`, `destroy`, `leftovers` and `preflight`: the library's commands on the stacks of this repository.

They add what only a checkout has: a Pulumi CLI that may have been built here, stacks that are of this machine, and
previews of a foundation without an account.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops.cli import adopt as adopting
from pulumi_mlops.cli.main import main
from pulumi_mlops.cli.project import Project

from local import planning, tools
from local.paths import ROOT
from local.progress import StepFailed


def adopt(states: Sequence[Path], stack: str, named: Sequence[str] = ()) -> None:
    """Writes the import file and the settings for a foundation into the current directory.

    Args:
        states: files of Terraform states.
        stack: the foundation.
        named: buckets that it takes over, as `USE=NAME`.

    Raises:
        StepFailed: there is no such stack, or it is no foundation.
        CommandError: the state cannot be read, or the stack makes nothing like it.
    """
    if not states:
        raise StepFailed("which state? `make adopt STATE=terraform.tfstate`; `terraform state pull` writes one")
    if planning.layer(stack) != planning.FOUNDATION:
        raise StepFailed(
            f"stack {stack} makes no network and no cluster; a Terraform state is adopted into a foundation on AWS: "
            "STACK=foundation-dev"
        )

    buckets = adopting.buckets.uses(named)

    def preview(settings: adopting.Settings) -> dict[str, Any]:
        with planning.offline_engine() as engine:
            engine.configure(stack, settings)
            return engine.preview_json(stack)

    adopting.adopt(states, stack, Project.find(ROOT), Path.cwd(), preview, named=buckets)


def run(command: str, stack: str, options: Sequence[str]) -> int:
    """Runs `pulumi-mlops destroy`, `leftovers` or `preflight` on a stack on AWS; returns the exit status.

    Raises:
        StepFailed: there is no such stack, or it is none on AWS.
    """
    if not stack:
        raise StepFailed(f"which stack? `make {command} STACK=foundation-dev`")
    if not planning.on_aws(stack):
        raise StepFailed(f"stack {stack} is of this machine, not on AWS: `make down` removes it")
    pulumi = tools.ensure("pulumi")["pulumi"]
    os.environ["PATH"] = f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}"
    return main([command, stack, *options])
