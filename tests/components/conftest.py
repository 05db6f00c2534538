"""Settings of the stacks of this repository, for tests of their programs."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml

from local.paths import ROOT


@pytest.fixture
def configure() -> Iterator[Any]:
    """`configure(stack, key=value)` sets what the stack's file sets, changed; None takes a setting away."""

    def _set(stack: str, **changes: Any) -> None:
        tracked = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
        wanted = {**tracked, **{f"pulumi-mlops:{key}": value for key, value in changes.items()}}
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in wanted.items()}
        pulumi.runtime.set_all_config({key: text for key, text in texts.items() if wanted[key] is not None})

    yield _set
    pulumi.runtime.set_all_config({})
