"""Every stack of this repository, with the settings of its own file, as its program registers it under mocks."""

import importlib
import json
from typing import Any

import pulumi
import yaml

from local.paths import ROOT
from tests.conftest import Build, Graph

MACHINE: dict[str, dict[str, str]] = {
    "platform-local": {"gateway_class": "traefik", "gateway_url": "http://10.88.0.1"},
    "penguins-local": {"image_registry": "mirror.example.org"},
}
"""Settings that `make up` adds to those of the file."""

_tracked: dict[str, Graph] = {}


def names() -> list[str]:
    """Every stack that has a settings file."""
    return sorted(file.name.split(".")[1] for file in (ROOT / "stacks").glob("Pulumi.*.yaml"))


def configuration(stack: str, **changes: Any) -> dict[str, str]:
    """The stack's settings as Pulumi hands them to the program: texts, lists and mappings as JSON."""
    tracked = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    ours = {f"pulumi-mlops:{key}": value for key, value in {**MACHINE.get(stack, {}), **changes}.items()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in {**tracked, **ours}.items()}


def registered(build: Build, stack: str, preview: bool = False, region: str | None = None, **changes: Any) -> Graph:
    """What the stack's program registers; `changes` are settings other than those of the file."""
    chosen = configuration(stack, **changes)
    if region is not None:
        chosen["aws:region"] = region
    pulumi.runtime.set_all_config(chosen)
    try:
        return build(importlib.import_module(f"stacks.{chosen['pulumi-mlops:layer']}").build, preview=preview)
    finally:
        pulumi.runtime.set_all_config({})


def tracked(build: Build, stack: str) -> Graph:
    """What the stack's program registers with the settings of its file, run once a session: nobody changes it."""
    if stack not in _tracked:
        _tracked[stack] = registered(build, stack)
    return _tracked[stack]


def setting(stack: str, name: str) -> Any:
    """What the stack's file says of one setting."""
    return yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"][f"pulumi-mlops:{name}"]
