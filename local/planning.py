"""`make plan STACK=…`: what a stack on AWS would make in an empty account, without an account, a login or a cluster.

The stack's own settings, the real engine, and the stand-ins of this project in the place of the AWS plugins, which
would ask for credentials. Nothing is made, and nothing is kept.
"""

import os
import tempfile
from pathlib import Path

from local import providers, tools
from local.engine import Engine
from local.paths import ROOT
from local.progress import StepFailed, say
from local.providers.installation import CHOICE

CLOUD_LAYERS = ("foundation",)


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
    return stack.startswith(tuple(f"{layer}-" for layer in CLOUD_LAYERS))


def plan(stack: str) -> None:
    """Previews the stack."""
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(tools.ensure("pulumi")["pulumi"], Path(directory), Path(os.devnull))
        engine.prepare()
        os.environ[CHOICE] = "stand-in"
        for line in providers.install(engine.home, engine.executable, cloud=True):
            say(line)
        engine.configure(stack, {})
        engine.preview(stack)
