"""The example of every component's docstring runs as it is printed."""

import inspect
import re

import pulumi
import pytest

from tests.conftest import Build
from tests.contract.api import COMPONENTS

CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
@pytest.mark.parametrize("name", COMPONENTS)
def test_the_example_builds_its_component(build: Build, name: str, preview: bool) -> None:
    component = COMPONENTS[name]
    (code,) = CODE.findall(inspect.getdoc(component) or "")
    assert len(code.strip().splitlines()) <= 8
    graph = build(lambda: exec(code, {"pulumi": pulumi}), preview=preview)
    assert [one for one in graph if one.type == f"pulumi-mlops:index:{component.__name__}"]
