"""The settings files of the stacks, `stacks/Pulumi.<stack>.yaml`, as the commands of the Makefile read them."""

from typing import Any

import yaml

from local.paths import ROOT
from local.progress import StepFailed

PREFIX = "pulumi-mlops:"
"""How the keys of this project begin; the AWS provider's begin with `aws:`."""
STACKS = ROOT / "stacks"


def names() -> list[str]:
    """Names of the stacks that have a settings file."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in STACKS.glob("Pulumi.*.yaml"))


def config(stack: str) -> dict[str, Any]:
    """What the stack's file sets, by whole keys such as `aws:region`.

    Raises:
        StepFailed: there is no such stack, or its file is no YAML with a mapping under `config:`.
    """
    if stack not in names():
        raise StepFailed(f"there is no stack {stack!r}; there are {', '.join(names())}")
    file = STACKS / f"Pulumi.{stack}.yaml"
    place = f"stacks/{file.name}"
    try:
        content = yaml.safe_load(file.read_text())
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise StepFailed(f"{place}{line} is not YAML: {error.problem or error.context}; mend it there") from error
    except ValueError as error:  # a date that does not exist
        raise StepFailed(f"{place} has a value that cannot be read: {error}; write it in quotes") from error
    found = content.get("config") if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise StepFailed(f"{place} must have a mapping `config:` with the stack's settings, got {found!r}")
    return found


def settings(stack: str) -> dict[str, Any]:
    """What the stack's file sets for this project, by its own keys such as `environment`; raises as `config` does."""
    return {key.removeprefix(PREFIX): value for key, value in config(stack).items() if key.startswith(PREFIX)}
