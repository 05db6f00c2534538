"""`make plan STACK=…`: what a stack on AWS would make in an empty account, without an account, a login or a cluster.

The stack's own settings, the real engine, and the stand-ins of this project in the place of the AWS plugins, which
would ask for credentials. Nothing is made, and nothing is kept.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import foundation_outputs, stack_files, tools
from local.engine import PROJECT, Engine
from local.progress import StepFailed, say
from stacks.configuration import LAYER, LAYERS
from standins import plugins
from standins.plugins.installation import CHOICE

FOUNDATION, PLATFORM = "foundation", "platform_eks"
CLOUD_LAYERS = (FOUNDATION, PLATFORM)


def on_aws(stack: str) -> bool:
    """Whether the stack is one on AWS.

    Raises:
        StepFailed: there is no stack of this name, or its file cannot be read.
    """
    return layer(stack) in CLOUD_LAYERS


def layer(stack: str) -> str:
    """The layer that the stack's file names.

    Raises:
        StepFailed: there is no stack of this name, its file cannot be read, or names no layer that there is.
    """
    named = stack_files.settings(stack).get(LAYER)
    if named not in LAYERS:
        raise StepFailed(
            f"stacks/Pulumi.{stack}.yaml: {stack_files.PREFIX}{LAYER} must be one of {', '.join(LAYERS)}, got {named!r}"
        )
    return named


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
        for line in plugins.install(engine.home, engine.executable, cloud=True):
            say(line)
        yield engine


def configure(engine: Engine, stack: str) -> None:
    """Makes the stack ready for a preview with its own settings, on a foundation if it stands on one."""
    if layer(stack) == PLATFORM and (environment := stack_files.settings(stack).get("environment")):
        say(pretend_foundation(engine, f"{FOUNDATION}-{environment}"))
    engine.configure(stack, {})


def pretend_foundation(engine: Engine, stack: str) -> str:
    """Gives the engine's backend a foundation stack with example outputs; returns the line that says so."""
    outputs = foundation_outputs.example(stack)
    engine.pretend(stack, [foundation_outputs.resource(PROJECT, stack, outputs)])
    return (
        f"stand-in: outputs of {stack} (cluster {outputs['cluster_name']} in {outputs['region']}, "
        f"{outputs['domain_name']}; identifiers are examples)"
    )
