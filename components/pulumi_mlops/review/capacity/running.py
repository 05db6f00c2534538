"""Everything that runs on a platform's cluster all the time: charts, own objects, what controllers make, add-ons."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from pulumi_mlops.review.capacity import charts
from pulumi_mlops.review.capacity.workload import Workload, of_spec
from pulumi_mlops.review.cost.pods import pod
from pulumi_mlops.review.cost.requests import REPLICATED, replicas, smallest, template
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import NotReadable, number

ADD_ONS = Path(__file__).with_name("system.toml")
RELEASE = "Release"
BUS_CONTAINERS = ("containerTemplate", "reloaderContainerTemplate", "metricsContainerTemplate")
"""What a server of Argo Events' JetStream bus consists of."""
BUS_REPLICAS = 3  # of a bus that names none
PACKAGES = ("Provider", "Function")
"""Crossplane's packages: each is one pod, with the spec of its runtime configuration."""


@dataclass(frozen=True)
class Running:
    """What is known to run, and what runs besides."""

    workloads: tuple[Workload, ...]
    not_counted: tuple[str, ...] = ()
    """Resources of which the preview does not show how much they ask for, with the reason."""


def running(resources: Iterable[Resource]) -> Running:
    """What the resources of one stack start, and the add-ons of the cluster."""
    objects = [one for one in resources if one.kind]
    least = smallest(objects)
    runtimes = {_name(one): one for one in objects if one.kind == "DeploymentRuntimeConfig"}
    found: list[Workload] = [*_add_ons()]
    unread: list[str] = []
    for one in sorted(objects, key=lambda one: one.urn):
        try:
            found += _started(one, least, runtimes)
        except NotReadable as reason:
            unread.append(f"{one.kind} {one.name}: {reason}")
    return Running(tuple(one for one in found if one.number), tuple(unread))


@cache
def _add_ons() -> tuple[Workload, ...]:
    listed = tomllib.loads(ADD_ONS.read_text(encoding="utf-8"))["workload"]
    return tuple(
        Workload(
            one["name"],
            one.get("replicas", 1),
            pod({"containers": [{"resources": {"requests": one["requests"]}}]}),
            selector={},
            every_node=one.get("every_node", False),
        )
        for one in listed
    )


def _started(
    one: Resource, least: Mapping[tuple[str, str, str], Decimal], runtimes: Mapping[str, Resource]
) -> Iterator[Workload]:
    if one.kind == RELEASE:
        yield from charts.started(one.inputs)
    elif one.kind == "EventBus":
        yield from _bus(one)
    elif one.kind in PACKAGES and "pkg.crossplane.io" in one.type:
        yield _package(one, runtimes)
    elif one.kind in (*REPLICATED, "DaemonSet"):
        spec = template(one)
        every = one.kind == "DaemonSet"
        amount = 1 if every else int(replicas(one, least))
        yield of_spec(_name(one), amount, pod(spec), spec, every_node=every)
    elif one.kind == "Pod":
        spec = mapping(one.inputs.get("spec"))
        yield of_spec(_name(one), 1, pod(spec), spec)


def _bus(one: Resource) -> Iterator[Workload]:
    bus = mapping(mapping(one.inputs.get("spec")).get("jetstream"))
    if bus:
        spec = {**bus, "containers": [mapping(bus.get(part)) for part in BUS_CONTAINERS]}
        yield of_spec(f"{_name(one)} event bus", int(number(bus, "replicas", BUS_REPLICAS)), pod(spec), spec)


def _package(one: Resource, runtimes: Mapping[str, Resource]) -> Workload:
    named = mapping(mapping(one.inputs.get("spec")).get("runtimeConfigRef")).get("name")
    runtime = runtimes.get(str(named))
    if runtime is None:
        raise NotReadable("its runtime configuration is not in the preview")
    spec = mapping(mapping(mapping(runtime.inputs.get("spec")).get("deploymentTemplate")).get("spec"))
    inner = mapping(mapping(spec.get("template")).get("spec"))
    return of_spec(_name(one), 1, pod(inner), inner)


def _name(one: Resource) -> str:
    return str(mapping(one.inputs.get("metadata")).get("name") or one.name)
