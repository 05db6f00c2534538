"""`make plan STACK=…`: what a stack on AWS would make in an empty account, without an account, a login or a cluster.

The stack's own settings, the real engine, and the stand-ins of this project in the place of the AWS plugins, which
would ask for credentials. Nothing is made, and nothing is kept.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local import foundation_outputs, providers, tools
from local.engine import PROJECT, Engine
from local.paths import ROOT
from local.progress import StepFailed, say
from local.providers.installation import CHOICE

FOUNDATION, PLATFORM = "foundation", "platform_eks"
CLOUD_LAYERS = (FOUNDATION, PLATFORM)


def stacks() -> list[str]:
    """Names of the stacks that have a settings file here."""
    return sorted(file.name.split(".")[1] for file in (ROOT / "stacks").glob("Pulumi.*.yaml"))


def on_aws(stack: str) -> bool:
    """Whether the stack is one on AWS.

    Raises:
        StepFailed: there is no stack of this name.
    """
    if stack not in stacks():
        raise StepFailed(f"there is no stack {stack!r}; there are {', '.join(stacks())}")
    return settings(stack).get("layer") in CLOUD_LAYERS


def settings(stack: str) -> dict[str, Any]:
    """What the stack's file sets for this project."""
    config = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def plan(stack: str) -> None:
    """Previews the stack."""
    with offline_engine() as engine:
        configure(engine, stack)
        engine.preview(stack)


@contextmanager
def offline_engine() -> Iterator[Engine]:
    """An engine with the stand-ins and a state of its own, which goes with it."""
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(tools.ensure("pulumi")["pulumi"], Path(directory), Path(os.devnull))
        engine.prepare()
        os.environ[CHOICE] = "stand-in"
        for line in providers.install(engine.home, engine.executable, cloud=True):
            say(line)
        yield engine


def configure(engine: Engine, stack: str) -> None:
    """Makes the stack ready for a preview with its own settings, on a foundation if it stands on one."""
    if settings(stack).get("layer") == PLATFORM:
        say(pretend_foundation(engine, f"{FOUNDATION}-{settings(stack).get('environment')}"))
    engine.configure(stack, {})


def pretend_foundation(engine: Engine, stack: str) -> str:
    """Gives the engine's backend a foundation stack with example outputs; returns the line that says so."""
    outputs = foundation_outputs.example(stack)
    engine.pretend(stack, [foundation_outputs.resource(PROJECT, stack, outputs)])
    return (
        f"stand-in: outputs of {stack} (cluster {outputs['cluster_name']} in {outputs['region']}, "
        f"{outputs['domain_name']}; identifiers are examples)"
    )
