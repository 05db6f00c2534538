"""What all infrastructure add-ons have in common; what is special about one stands in its own file."""

import inspect
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_mlops import ArgumentError

from tests.components.addons import ADDONS, CHARTS, IRSA, MIRROR, Addon
from tests.conftest import UNKNOWN, Build, unknown

each = pytest.mark.parametrize("addon", ADDONS, ids=str)


@pytest.mark.parametrize("size", ["least", "most"])
@each
def test_what_an_addon_registers_is_this(build: Build, addon: Addon, size: str, snapshot: Any) -> None:
    graph = build(lambda: addon.component("one", getattr(addon, size)))

    # Definitions are another project's data, far larger than all the rest; their own tests compare them.
    definitions = {one.urn for one in graph.of_kind("CustomResourceDefinition")}
    assert {urn: inputs for urn, inputs in graph.contract().items() if urn not in definitions} == snapshot


@each
def test_the_chart_is_pinned_and_comes_from_upstream(build: Build, addon: Addon) -> None:
    release = build(lambda: addon.component("one", addon.least))["one-release"].inputs

    assert release["version"] == addon.chart.version
    assert release["chart"].rpartition("/")[2] == addon.chart.name
    assert release["name"] == "one"


@each
def test_chart_and_images_come_from_the_mirrors(build: Build, addon: Addon) -> None:
    mirrored = {**addon.least, "image_mirror": MIRROR, "chart_repository": CHARTS}
    release = build(lambda: addon.component("one", mirrored))["one-release"].inputs

    assert release["chart"] == f"{CHARTS}/{addon.chart.name}"
    assert "repositoryOpts" not in release
    assert [leaf for leaf in _leaves(release["values"]) if leaf.startswith(MIRROR)]


@each
def test_the_namespace_admits_restricted_pods_only_and_comes_first(build: Build, addon: Addon) -> None:
    graph = build(lambda: addon.component("one", {**addon.least, "namespace": "elsewhere"}))

    metadata = graph["one-namespace"].inputs["metadata"]
    assert metadata["name"] == "elsewhere"
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert graph["one-release"].inputs["namespace"] == "elsewhere"
    assert graph["one-namespace"].urn in graph["one-release"].dependencies


@each
def test_the_service_account_is_the_one_that_a_roles_trust_names(addon: Addon) -> None:
    account = addon.values("one", addon.most)["serviceAccount"]

    assert account["create"] is True
    assert account["name"] == addon.values("one", addon.least)["serviceAccount"]["name"] == addon.service_account
    assert account["annotations"] == IRSA


@each
def test_whoever_uses_the_release_waits_until_it_is_ready(build: Build, addon: Addon) -> None:
    def release(preview: bool) -> Any:
        return build(lambda: addon.component("one", addon.least), preview=preview).outputs_of("one")["release"]

    assert release(preview=True) == UNKNOWN
    assert release(preview=False) == "one"


@each
def test_registered_outputs_are_the_attributes_of_the_class(build: Build, addon: Addon) -> None:
    outputs = build(lambda: addon.component("one", addon.least)).outputs_of("one")

    assert outputs.keys() == inspect.get_annotations(addon.component).keys()
    assert outputs["service_account"] == addon.service_account


@each
def test_two_live_in_one_stack(build: Build, addon: Addon) -> None:
    def program() -> None:
        west = pulumi.ResourceOptions(providers=[k8s.Provider("west", kubeconfig="{}")])
        addon.component("one", addon.most)
        addon.component("two", {**addon.most, "namespace": "other", **addon.second}, west)

    graph = build(program)

    assert len({one.urn for one in graph}) == len(graph.registrations)
    named = [one for one in graph if "metadata" in one.inputs and one.kind != "CustomResourceDefinition"]
    physical = [(one.type, one.kind, one.inputs["metadata"]["name"]) for one in named]
    assert len(set(physical)) == len(physical)


@each
def test_what_is_not_known_yet_is_no_obstacle(build: Build, addon: Addon) -> None:
    def program() -> None:
        annotations = unknown("role").apply(lambda arn: {"eks.amazonaws.com/role-arn": arn})
        later = {"namespace": unknown("n"), "image_mirror": unknown("r"), "service_account_annotations": annotations}
        addon.component("one", {**addon.least, **later})

    assert "Release" in build(program, preview=True).kinds()
    account = build(program)["one-release"].inputs["values"]["serviceAccount"]
    assert account["annotations"] == {"eks.amazonaws.com/role-arn": "role-id"}


@each
def test_every_pod_says_how_much_memory_it_takes(addon: Addon) -> None:
    found = list(_resources(addon.values("one", addon.least)))

    assert found
    assert all(one["limits"]["memory"] == one["requests"]["memory"] and one["requests"]["cpu"] for one in found)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"namespace": "No Namespace"}, "args.namespace must be a DNS label"),
        ({"chart_repository": ""}, "args.chart_repository must not be empty"),
        ({"image_mirror": ""}, "args.image_mirror must be a registry as images name it"),
        ({"name_space": "x"}, 'did you mean "namespace"?'),
    ],
)
@each
def test_wrong_arguments_cost_one_line_and_no_resource(
    build: Build, addon: Addon, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: addon.component("one", {**addon.least, **changes}))

    assert complaint in str(error.value)


@each
def test_an_instance_name_that_helm_cannot_take_is_refused(build: Build, addon: Addon) -> None:
    with pytest.raises(ArgumentError, match="name must be a name of lower-case letters"):
        build(lambda: addon.component("One", addon.least))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value] if isinstance(value, str) else []


def _resources(values: dict[str, Any]) -> Any:
    for key, value in values.items():
        if key == "resources":
            yield value
        elif isinstance(value, dict):
            yield from _resources(value)
