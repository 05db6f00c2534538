"""The public API, found by reading the packages: what the contract tests go through one by one."""

import inspect
from typing import Any

import pulumi
import pulumi_mlops
import pulumi_mlops.foundation
import pulumi_mlops.platform

PACKAGES = (pulumi_mlops, pulumi_mlops.foundation, pulumi_mlops.platform)
EXPORTS: dict[str, Any] = {
    f"{package.__name__}.{name}": getattr(package, name) for package in PACKAGES for name in package.__all__
}
COMPONENTS: dict[str, type[pulumi.ComponentResource]] = {
    name: value
    for name, value in EXPORTS.items()
    if inspect.isclass(value) and issubclass(value, pulumi.ComponentResource)
}
DEVELOPER_COMPONENTS = [value for value in COMPONENTS.values() if value.__module__.count(".") == 1]


def args_of(component: type[pulumi.ComponentResource]) -> Any:
    """The TypedDict that the component takes."""
    return inspect.get_annotations(component.__init__)["args"]
