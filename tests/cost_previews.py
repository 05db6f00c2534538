"""Previews for tests of the cost, one resource after the other."""

from typing import Any

from pulumi_mlops.review.preview import Operation, Preview, State, Step

EU = "eu-central-1"


def urn(type_token: str, name: str = "it") -> str:
    return f"urn:pulumi:dev::shop::{type_token}::{name}"


def state(inputs: dict[str, Any], **more: Any) -> State:
    return State(inputs=inputs, custom=True, **more)


def made(type_token: str, name: str = "it", **inputs: Any) -> Step:
    return Step(Operation.CREATE, urn(type_token, name), new=state(inputs))


def gone(type_token: str, name: str = "it", **inputs: Any) -> Step:
    return Step(Operation.DELETE, urn(type_token, name), old=state(inputs, id="old"))


def same(type_token: str, name: str = "it", **inputs: Any) -> Step:
    there = state(inputs, id="old")
    return Step(Operation.SAME, urn(type_token, name), old=there, new=there)


def changed(type_token: str, old: dict[str, Any], new: dict[str, Any], name: str = "it") -> Step:
    return Step(Operation.UPDATE, urn(type_token, name), old=state(old, id="old"), new=state(new, id="old"))


def preview(*steps: Step, region: str = EU, **more: Any) -> Preview:
    config = {"aws:region": region} if region else {}
    return Preview("dev", steps, **{"config": config, **more})


def node_group(
    name: str = "nodes",
    *,
    sizes: tuple[Any, Any, Any] = (2, 2, 5),
    spot: bool = False,
    types: tuple[str, ...] = ("m7i.large",),
    **more: Any,
) -> dict[str, Any]:
    """Inputs of a group: smallest, desired and largest number of nodes."""
    least, desired, most = sizes
    return {
        "capacityType": "SPOT" if spot else "ON_DEMAND",
        "instanceTypes": list(types),
        "scalingConfig": {"minSize": least, "desiredSize": desired, "maxSize": most},
        **more,
    }
