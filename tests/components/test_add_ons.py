"""What the description of an add-on promises for all of them, and for one that the library does not know."""

import fnmatch
import importlib
import itertools
import pkgutil
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.platform import ADD_ONS, AddOn, Chart, ChartRelease, HelmAddOn, add_ons
from pulumi_mlops.platform.add_on import merged
from pulumi_mlops.platform.add_ons import CONTROLLERS

from tests.components.addons import ADD_ON_ARGUMENTS, CHARTS, MIRROR
from tests.conftest import UNKNOWN, Build

each = pytest.mark.parametrize("name", ADD_ONS)
NO_IMAGES = {"public_gateway"}
"""Add-ons whose charts name no image: Istio puts its own into the gateway's pods."""
SEVERAL = {"external_dns", "public_gateway"}
"""Add-ons of which a cluster may have several: for zones, or load balancers, of their own."""
each_with_images = pytest.mark.parametrize("name", sorted(ADD_ONS.keys() - NO_IMAGES))

RELOADER = AddOn(
    main=ChartRelease(
        chart=Chart("reloader", "https://charts.example.org", "2.2"),
        values=lambda name, args: {
            "fullnameOverride": name,
            "replicas": args.get("replicas", 2),
            "image": {"repository": f"{args.get('image_mirror', 'docker.io')}/example/reloader", "tag": "v2"},
        },
    ),
    before=(
        ChartRelease(chart=Chart("reloader-crds", "https://charts.example.org", "2.2"), role="crds", suffix="-crds"),
    ),
    namespace="reloader",
    images=("example/reloader",),
)
"""A chart of upstream's as an add-on: this description and a version are all there is to write."""


def made(build: Build, name: str, **changes: Any) -> Any:
    component, least, _ = ADD_ON_ARGUMENTS[name]
    return build(lambda: component("one", {**least, **changes}))


def main(name: str) -> str:
    return f"one-{ADD_ONS[name].main.role}"


def test_every_module_with_an_add_on_is_in_the_table() -> None:
    modules = [one.name for one in pkgutil.iter_modules(add_ons.__path__) if not one.name.startswith("_")]
    described = {name for name in modules if hasattr(importlib.import_module(f"{add_ons.__name__}.{name}"), "ADD_ON")}

    assert described == set(ADD_ONS) == set(CONTROLLERS)


@each
def test_a_destroy_finds_the_add_on_in_a_state_by_its_main_chart(name: str) -> None:
    assert CONTROLLERS[name].chart == ADD_ONS[name].chart.name


@each
def test_the_releases_are_those_of_the_description_one_after_the_other(build: Build, name: str) -> None:
    graph = made(build, name)
    releases = [graph[f"one-{one.role}"] for one in ADD_ONS[name].releases]

    assert len(releases) == len(graph.of_kind("Release"))
    for earlier, later in itertools.pairwise(releases):
        assert earlier.urn in later.dependencies


@each
def test_values_of_the_user_are_merged_over_ours_and_change_nothing_else(build: Build, name: str) -> None:
    ours = made(build, name)[main(name)].inputs.get("values", {})
    theirs = {"unknown-to-us": {"deep": [1]}}
    nested = next((key for key, value in ours.items() if isinstance(value, dict)), None)
    theirs |= {nested: {"more": True}} if nested else {}

    found = made(build, name, values=theirs)[main(name)].inputs["values"]

    assert found == merged(ours, theirs)
    assert found["unknown-to-us"] == {"deep": [1]}
    assert not nested or found[nested] == {**ours[nested], "more": True}


def test_a_mapping_is_merged_into_a_mapping_and_all_else_replaces() -> None:
    ours = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}

    assert merged(ours, {"a": {"c": [3], "x": 0}, "d": 2, "f": {"g": 1}}) == {
        "a": {"b": 1, "c": [3], "x": 0},
        "d": 2,
        "f": {"g": 1},
    }
    assert ours == {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}


def test_an_add_on_without_images_takes_no_mirror(build: Build) -> None:
    for name in NO_IMAGES:
        assert ADD_ONS[name].images == ()
        with pytest.raises(ArgumentError, match='args has no argument "image_mirror"'):
            made(build, name, image_mirror=MIRROR)


@each_with_images
def test_every_image_from_the_mirror_is_one_that_the_description_names(build: Build, name: str) -> None:
    component, least, most = ADD_ON_ARGUMENTS[name]
    for args in (least, most):
        graph = build(lambda given=args: component("one", {**given, "image_mirror": MIRROR}))
        texts = [text for one in graph.of_kind("Release") for text in _texts(one.inputs.get("values", {}))]
        images = {text.removeprefix(f"{MIRROR}/").rpartition(":")[0] or text for text in texts if f"{MIRROR}/" in text}
        paths = {image.removeprefix(f"{MIRROR}/") for image in images}
        known = ADD_ONS[name].images
        # A registry's folder alone (`hub`) is what the chart puts the images' names behind.
        strangers = {one for one in paths if not any(_fits(one, pattern) for pattern in known)}
        assert strangers == set()


def _fits(path: str, pattern: str) -> bool:
    return fnmatch.fnmatch(path, pattern) or pattern.startswith(f"{path}/")


def _texts(value: Any) -> list[str]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for part in parts for text in _texts(part)]


@each_with_images
def test_the_old_name_of_the_mirror_works_with_a_warning(
    build: Build, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))

    old, new = made(build, name, image_registry=MIRROR), made(build, name, image_mirror=MIRROR)

    assert old.contract() == new.contract()
    assert ["args.image_registry is deprecated, call it image_mirror" in one for one in warnings] == [True]


@each
def test_its_objects_can_have_another_name_than_its_component(build: Build, name: str) -> None:
    component, least, most = ADD_ON_ARGUMENTS[name]
    for args in (least, most):
        usual = build(lambda given=args: component("one", given))
        other = build(lambda given=args: component("another-platform-one", {**given, "object_name": "one"}))

        found = {one.name.replace("another-platform-one", "one"): one.inputs for one in other}
        expected = {one.name: one.inputs for one in usual}
        found["one"].pop("object_name")
        for inputs in (found, expected):  # the password bears the name of its resource in the mock
            inputs.get("one-redis", {}).pop("stringData", None)
        assert found == expected


def two(name: str, args: dict[str, Any], opts: pulumi.ResourceOptions | None) -> None:
    """Two in one stack, with other names and in other namespaces; the second one with `opts`."""
    component = ADD_ON_ARGUMENTS[name][0]
    component("one", args)
    component("two", {**args, "namespace": "elsewhere"}, opts)


@each
def test_two_live_in_one_stack_in_clusters_of_their_own(build: Build, name: str) -> None:
    def program(args: dict[str, Any]) -> None:
        two(name, args, pulumi.ResourceOptions(providers=[k8s.Provider("west", kubeconfig="{}")]))

    for args in ADD_ON_ARGUMENTS[name][1:]:
        graph = build(lambda given=args: program(given))
        assert len({one.urn for one in graph}) == len(graph.registrations)


@each
def test_a_cluster_takes_a_second_one_only_where_nothing_of_it_is_the_clusters(build: Build, name: str) -> None:
    args = ADD_ON_ARGUMENTS[name][1]
    if name in SEVERAL:
        graph = build(lambda: two(name, args, None))
        assert len({one.urn for one in graph}) == len(graph.registrations)
        return
    add_on = ADD_ONS[name]
    component = add_on.component or HelmAddOn
    refusals: list[str] = []

    def program() -> None:
        with pytest.raises(ArgumentError) as caught:
            two(name, args, None)
        refusals.append(str(caught.value))

    graph = build(program)
    assert refusals == [
        f'{component.__name__} "two": its cluster already has {component.__name__} "one", and can have only one '
        f"{component.__name__}, since {add_on.once_because}; pass the Kubernetes provider of another cluster in "
        "opts.providers"
    ]
    assert not [one for one in graph if one.name.startswith("two-")], "it is refused before it makes anything"


@pytest.mark.parametrize("upstream", ["https://charts.example.org", "oci://registry.example.org/charts"])
@pytest.mark.parametrize(
    ("mirror", "source"),
    [
        (
            "https://mirror.example.org/charts/",
            {"chart": "one", "version": "1.2", "repository_opts": {"repo": "https://mirror.example.org/charts"}},
        ),
        ("oci://mirror.example.org/charts", {"chart": "oci://mirror.example.org/charts/one", "version": "1.2"}),
        ("/var/charts", {"chart": "/var/charts/one"}),
    ],
)
def test_a_chart_comes_from_the_mirror_alone(upstream: str, mirror: str, source: dict[str, Any]) -> None:
    assert Chart("one", upstream, "1.2").source(mirror) == source


def test_a_chart_that_the_library_does_not_know_is_one_description(build: Build) -> None:
    args: Any = {
        "add_on": RELOADER,
        "replicas": 3,
        "image_mirror": MIRROR,
        "chart_repository": CHARTS,
        "values": {"image": {"tag": "v3"}, "logFormat": "json"},
    }
    graph = build(lambda: HelmAddOn("reloader", args))

    release = graph["reloader-release"].inputs
    assert release["chart"] == f"{CHARTS}/reloader"
    assert (release["name"], release["namespace"], release["version"]) == ("reloader", "reloader", "2.2")
    assert release["values"] == {
        "fullnameOverride": "reloader",
        "replicas": 3,
        "image": {"repository": f"{MIRROR}/example/reloader", "tag": "v3"},
        "logFormat": "json",
    }
    assert graph["reloader-crds"].urn in graph["reloader-release"].dependencies
    labels = graph["reloader-namespace"].inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert graph.outputs_of("reloader")["chart_version"] == "2.2"
    assert build(lambda: HelmAddOn("reloader", args), preview=True).outputs_of("reloader")["release"] == UNKNOWN


def test_wrong_arguments_of_such_an_add_on_cost_one_line(build: Build) -> None:
    for args, complaint in (
        ({}, "args.add_on is required"),
        ({"add_on": RELOADER, "replica": 2}, 'did you mean "replicas"?'),
        ({"add_on": RELOADER, "replicas": 0}, "args.replicas must be between 1 and 10 replicas"),
        ({"add_on": RELOADER, "values": []}, "args.values must be a dict"),
        ({"add_on": "reloader"}, "args.add_on must be AddOn, got 'reloader'"),
        (None, "args must be a dict of arguments, got None"),
        ({"add_on": RELOADER, "object_name": "A"}, "args.object_name must be a name of lower-case letters"),
    ):
        with pytest.raises(ArgumentError, match='HelmAddOn "reloader"') as error:
            build(lambda given=args: HelmAddOn("reloader", given))  # type: ignore[arg-type]
        assert complaint in str(error.value)
