"""Arguments that `EksPlatform` had before `add_ons`: each still works, with a warning that names its place now."""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from pulumi_mlops._args import ArgumentError, field_problems
from pulumi_mlops.platform.add_on import merged
from pulumi_mlops.platform.eks_platform._args import EksPlatformArgs


class OldSizes(TypedDict):
    """Keys of `sizes`."""

    mlflow_memory: NotRequired[pulumi.Input[str]]
    argo_workflows_memory: NotRequired[str]
    argo_cd_controller_memory: NotRequired[pulumi.Input[str]]
    istio_memory: NotRequired[pulumi.Input[str]]
    event_bus_storage_gib: NotRequired[int]
    monitoring_storage_gib: NotRequired[int]


class OldArgs(TypedDict):
    """The deprecated arguments."""

    options: NotRequired[list[str]]
    karpenter: NotRequired[dict[str, Any]]
    crossplane_services: NotRequired[list[str]]
    sizes: NotRequired[OldSizes]


SIZES = {
    "mlflow_memory": "mlflow.memory",
    "argo_workflows_memory": "add_ons.argo_workflows.memory",
    "argo_cd_controller_memory": "add_ons.argo_cd.controller_memory",
    "istio_memory": "add_ons.istio.memory",
    "event_bus_storage_gib": "add_ons.argo_events.bus_storage_gib",
    "monitoring_storage_gib": "add_ons.monitoring.storage_gib",
}
"""Key of `sizes` → path of the argument now."""


def translated(owner: str, args: EksPlatformArgs) -> EksPlatformArgs:
    """The arguments with the names that they have now; what is given under both names keeps the new one's value.

    Raises:
        ArgumentError: a deprecated argument is not what it had to be; `owner` is whose arguments they are.
    """
    if not isinstance(args, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - check_args says so
        return args
    old = cast("OldArgs", {key: args[key] for key in OldArgs.__annotations__ if args.get(key) is not None})
    if not old:
        return args
    if found := field_problems(old, OldArgs, {}):
        raise ArgumentError(owner, *found)
    tree: dict[str, Any] = {}
    for before, now, value in _moves(old):
        pulumi.log.warn(f"{owner}: args.{before} is deprecated, write args.{now}")
        *path, last = now.split(".")
        place = tree
        for key in path:
            place = place.setdefault(key, {})
        place.setdefault(last, value)
    new = merged(tree, {key: value for key, value in args.items() if key not in old and value is not None})
    if "monitoring_storage_gib" in old.get("sizes", {}) and "monitoring" not in _asked(old, args):
        raise ArgumentError(owner, "args.sizes.monitoring_storage_gib requires monitoring in args.add_ons")
    return cast("EksPlatformArgs", new)


def _moves(old: OldArgs) -> Iterator[tuple[str, str, object]]:
    """Old path, new path and value of each."""
    for index, option in enumerate(old.get("options", [])):
        yield f"options[{index}]", f"add_ons.{option.lower()}", {}
    if "karpenter" in old:
        yield "karpenter", "add_ons.karpenter", old["karpenter"]
    if "crossplane_services" in old:
        yield "crossplane_services", "add_ons.crossplane.services", old["crossplane_services"]
    for key, value in old.get("sizes", {}).items():
        yield f"sizes.{key}", SIZES[key], value


def _asked(old: OldArgs, args: EksPlatformArgs) -> set[str]:
    """Add-ons that are asked for by name, in the old way or the new one."""
    return {option.lower() for option in old.get("options", [])} | set(args.get("add_ons") or ())
