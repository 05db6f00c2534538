"""Whether pods have room on nodes: what a node leaves to them, who may run where, and the verdict in words."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops.review import cli, reading, rules
from pulumi_mlops.review.capacity import instances
from pulumi_mlops.review.capacity.fit import PLATFORM, Fit, Verdict, fit, fits
from pulumi_mlops.review.capacity.nodes import NodeGroup, NodePool, node_groups, node_pool
from pulumi_mlops.review.capacity.packing import packed
from pulumi_mlops.review.capacity.running import running
from pulumi_mlops.review.capacity.workload import Workload, of_spec
from pulumi_mlops.review.cost.pods import Pod, pod
from pulumi_mlops.review.preview import UNKNOWN, Operation, Preview, State, Step
from pulumi_mlops.review.resources import Resource, after
from pulumi_mlops.review.values import NotReadable

from local import stack_files
from local.paths import ROOT
from maintenance import instance_types

GPU = {"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}
GENERAL: dict[str, Any] = {"name": "general", "instance_types": ["m7i.large", "m6i.large"], "min_size": 2}


def group(**changes: Any) -> NodeGroup:
    return node_groups([{**GENERAL, **changes}])[0]


def pods(name: str = "app", number: int = 1, cpu: str = "0.1", gib: str = "0.1", **more: Any) -> Workload:
    return Workload(name, number, Pod(Decimal(cpu), Decimal(gib), silent=False), **{"selector": {}, **more})


# A node.


def test_a_node_leaves_what_the_image_of_eks_reserves_nothing_of() -> None:
    # 60 + 10 millicores; 255 + 11 × 29 MiB reserved, 100 MiB until eviction, 7.5 % of 8 GiB not seen by Linux.
    large = instances.capacity("m7i.large")
    assert (large.cpu_cores, large.pods) == (Decimal("1.93"), 29)
    assert large.memory_gib * 1024 == Decimal("8192") * Decimal("0.925") - 255 - 11 * 29 - 100


@pytest.mark.parametrize(
    ("instance_type", "millicores"),
    [("m7i.xlarge", 80), ("m7i.2xlarge", 90), ("m7i.16xlarge", 230), ("c7g.medium", 60)],
)
def test_more_cores_reserve_less_of_each(instance_type: str, millicores: int) -> None:
    cores = {"medium": 1, "xlarge": 4, "2xlarge": 8, "16xlarge": 64}[instance_type.partition(".")[2]]
    assert (cores - instances.capacity(instance_type).cpu_cores) * 1000 == millicores


@pytest.mark.parametrize(
    ("instance_type", "number"),
    # Of the list that the image of EKS brings; the last has two network cards, of which pods use the first.
    [("t3.medium", 17), ("m5.large", 29), ("m7i.xlarge", 58), ("c7a.medium", 8), ("c6in.32xlarge", 394)],
)
def test_the_number_of_pods_is_that_of_the_addresses(instance_type: str, number: int) -> None:
    assert instances.capacity(instance_type).pods == number


def test_an_instance_type_that_the_table_lacks_is_said() -> None:
    with pytest.raises(NotReadable, match=r"the size of instances of type z9\.huge is not known"):
        instances.capacity("z9.huge")


def test_the_table_of_instances_is_what_the_script_makes() -> None:
    assert instances.FILE.read_text(encoding="utf-8") == instance_types.document(), (
        "run `python -m maintenance.instance_types`"
    )


def test_of_several_instance_types_the_smallest_counts() -> None:
    mixed = group(instance_types=["c7i.large", "m7i.large"])
    assert mixed.capacity == instances.capacity("c7i.large")
    assert str(mixed) == "2 nodes of `c7i.large` or `m7i.large`"


# Who may run where.


@pytest.mark.parametrize(
    ("tolerations", "runs"),
    [
        ([], False),
        ([{"key": "nvidia.com/gpu", "operator": "Exists"}], True),
        ([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}], True),
        ([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}], False),
        ([{"key": "nvidia.com/gpu", "value": "true"}], True),
        ([{"key": "nvidia.com/gpu", "value": "false"}], False),
        ([{"key": "other", "operator": "Exists"}], False),
        ([{"operator": "Exists"}], True),
    ],
)
def test_a_taint_keeps_out_what_does_not_tolerate_it(tolerations: list[dict[str, str]], runs: bool) -> None:
    assert group(taints=[GPU]).takes(pods(tolerations=tolerations)) is runs
    assert group(taints=[{**GPU, "effect": "PREFER_NO_SCHEDULE"}]).takes(pods(tolerations=tolerations))
    assert group(taints=[GPU]).takes(pods(every_node=True))


@pytest.mark.parametrize(
    ("selector", "runs"),
    [
        ({"disk": "fast"}, True),
        ({"disk": "slow"}, False),
        ({"eks.amazonaws.com/nodegroup": "general"}, True),
        ({"kubernetes.io/os": "linux"}, True),
        ({"kubernetes.io/os": "windows"}, False),
    ],
)
def test_a_node_selector_asks_for_labels_of_the_group(selector: dict[str, str], runs: bool) -> None:
    assert group(labels={"disk": "fast"}).takes(pods(selector=selector)) is runs


POOL = node_pool(
    {
        "template": {
            "metadata": {"labels": {"team": "ml"}},
            "spec": {
                "taints": [{"key": "team", "value": "ml", "effect": "NoSchedule"}],
                "requirements": [
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                    {"key": "karpenter.k8s.aws/instance-generation", "operator": "Gt", "values": ["4"]},
                ],
            },
        }
    }
)
TOLERATES = [{"key": "team", "value": "ml"}]


@pytest.mark.parametrize(
    ("workload", "runs"),
    [
        (pods(), False),
        (pods(tolerations=TOLERATES), True),
        (pods(tolerations=TOLERATES, selector={"team": "ml", "kubernetes.io/arch": "amd64"}), True),
        (pods(tolerations=TOLERATES, selector={"kubernetes.io/arch": "arm64"}), False),
        (pods(tolerations=TOLERATES, selector={"karpenter.k8s.aws/instance-generation": "4"}), False),
        (pods(tolerations=TOLERATES, not_on_karpenter=True), False),
    ],
)
def test_karpenter_adds_nodes_for_pods_that_tolerate_and_select_them(workload: Workload, runs: bool) -> None:
    assert POOL.takes(workload) is runs


@pytest.mark.parametrize(("key", "apart"), [("kubernetes.io/hostname", True), ("topology.kubernetes.io/zone", False)])
def test_a_required_anti_affinity_keeps_replicas_on_different_nodes(key: str, apart: bool) -> None:
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": key}]}}
    spec = {"affinity": affinity, "containers": [{"resources": {"requests": {"cpu": "1"}}}]}
    assert of_spec("app", 2, pod(spec), spec).apart is apart


# The packing.


@pytest.mark.parametrize(
    ("workload", "no_room"),
    [
        (pods(number=3, cpu="1"), 1),  # one core a node
        (pods(number=5, gib="3"), 1),  # two a node by memory
        (pods(number=60, cpu="0", gib="0"), 2),  # 29 pods a node
        (pods(number=3, apart=True), 1),
        (pods(number=1, selector={"disk": "fast"}), 1),
        (pods(number=1, cpu="2"), 1),
        (pods(every_node=True, cpu="1.9"), 0),
        (pods(every_node=True, cpu="2"), 2),
    ],
)
def test_what_has_no_room_is_counted(workload: Workload, no_room: int) -> None:
    assert dict(packed([group()], [], [workload]).no_room) == ({"app": no_room} if no_room else {})


def test_pods_of_every_node_come_first() -> None:
    found = packed([group()], [], [pods("big", 2, cpu="1.9"), pods("agent", every_node=True, cpu="0.1")])
    assert found.no_room == (("big", 2),)


def test_the_largest_come_first_so_that_small_ones_fill_the_rest() -> None:
    assert packed([group(min_size=1)], [], [pods("small", 9), pods("large", 1, cpu="1")]).no_room == ()


def test_what_has_no_room_is_left_to_karpenter_unless_karpenter_cannot_take_it() -> None:
    anything = NodePool(labels={}, requirements=(), taints=[])
    found = packed(
        [group()], [anything], [pods(number=9, cpu="1"), pods("karpenter", 2, cpu="1", not_on_karpenter=True)]
    )
    assert (found.no_room, found.on_karpenter) == ((), 9)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2500), st.integers(0, 9000)), max_size=12),
    st.integers(0, 4),
)
def test_as_many_pods_as_there_are_have_a_place_or_none_and_no_node_is_overfull(
    sizes: list[tuple[int, int, int]], nodes: int
) -> None:
    asked = [
        pods(f"app-{place}", number, str(Decimal(millicores) / 1000), str(Decimal(mib) / 1024))
        for place, (number, millicores, mib) in enumerate(sizes)
    ]
    there = group(min_size=nodes)
    left = dict(packed([there], [], asked).no_room)

    placed = {one.name: one.number - left.get(one.name, 0) for one in asked}
    assert all(0 <= placed[one.name] <= one.number for one in asked)
    assert sum(placed.values()) <= nodes * there.capacity.pods
    assert sum(placed[one.name] * one.pod.cpu_cores for one in asked) <= nodes * there.capacity.cpu_cores
    assert sum(placed[one.name] * one.pod.memory_gib for one in asked) <= nodes * there.capacity.memory_gib


# The verdict on the platforms of this repository, as the engine previews them.


RECORDINGS = ROOT / "tests" / "review" / "data"


def recorded(stack: str) -> Preview:
    return reading.read(gzip.decompress(RECORDINGS.joinpath(f"new-{stack}.json.gz").read_bytes()).decode(), stack)


def on(preview: Preview, node_groups: Any) -> Preview:
    """The preview of the platform on other nodes."""

    def moved(step: Step) -> Step:
        if step.type != PLATFORM or step.new is None:
            return step
        return replace(step, new=replace(step.new, inputs={**step.new.inputs, "node_groups": node_groups}))

    return replace(preview, steps=tuple(map(moved, preview.steps)))


def verdict(preview: Preview) -> Fit:
    (found,) = fits([preview])
    return found


@pytest.mark.parametrize("stack", ["platform-dev", "platform-prod"])
def test_each_tracked_platform_fits_on_the_nodes_of_its_foundation_alone(stack: str) -> None:
    foundation = stack_files.settings(stack.replace("platform", "foundation"))
    found = verdict(on(recorded(stack), foundation["node_groups"]))
    assert found.verdict is Verdict.FITS
    assert "Karpenter" not in found.message
    assert "not counted" not in found.message
    assert found == verdict(recorded(stack)), "the preview was recorded with other nodes"


def test_the_dev_platform_does_not_fit_on_two_nodes_and_the_review_blocks_it() -> None:
    preview = on(recorded("platform-dev"), [GENERAL])

    found = verdict(preview)

    assert found.verdict is Verdict.DOES_NOT_FIT
    assert found.message.startswith(
        "does not fit on the smallest node set, 2 nodes of `m7i.large` or `m6i.large`: needs 4.34 CPU cores, 16.4 GiB "
        "of memory and 48 pods, has 3.86 CPU cores, 13.5 GiB of memory and 58 pods; no room for "
    )
    assert found.message.endswith("; with min_size 3 of the node group `general` it fits")
    (finding,) = [one for one in rules.check([preview]) if one.rule == "platform-fits"]
    assert (finding.urn, finding.message) == (found.urn, f"platform-dev {found.message}")


@pytest.mark.parametrize(
    ("nodes", "status", "line"),
    [(2, 3, "  Nodes: does not fit, see the finding."), (3, 0, "  Nodes: fits on the smallest node set, 3 nodes of")],
)
def test_the_command_says_it_and_refuses_what_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nodes: int, status: int, line: str
) -> None:
    document = json.loads(gzip.decompress(RECORDINGS.joinpath("new-platform-dev.json.gz").read_bytes()))
    (platform,) = [one for one in document["steps"] if f"{PLATFORM}::" in one["urn"]]
    platform["newState"]["inputs"]["node_groups"] = [{**GENERAL, "min_size": nodes}]
    file = tmp_path / "platform-dev.json"
    file.write_text(json.dumps(document))

    assert cli.main(["comment", "--width", "200", "--colour", "never", str(file)]) == status

    said = capsys.readouterr().out
    assert [one for one in said.splitlines() if one.startswith(line)] != []
    assert ("platform-fits: EksPlatform platform: platform-dev does not fit" in said) is bool(status)


def test_a_platform_that_fits_is_no_finding() -> None:
    preview = on(recorded("platform-dev"), [{**GENERAL, "min_size": 3}])
    assert [one for one in rules.check([preview]) if one.rule == "platform-fits"] == []


def test_karpenter_takes_what_the_node_groups_do_not() -> None:
    few = [{"name": "general", "instance_types": ["m7i.xlarge"], "min_size": 3}]
    found = verdict(on(recorded("platform-prod"), few))
    assert found.verdict is Verdict.FITS
    assert "3 nodes of `m7i.xlarge`, with nodes that Karpenter adds for " in found.message


def test_karpenter_itself_needs_the_node_groups() -> None:
    none = [{"name": "general", "instance_types": ["m7i.xlarge"], "min_size": 2}]
    found = verdict(on(recorded("platform-prod"), none))
    assert found.verdict is Verdict.DOES_NOT_FIT
    assert "no room for karpenter;" in found.message
    assert found.message.endswith("with min_size 3 of the node group `general` it fits")


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        (None, "the platform is not told its node groups"),
        (UNKNOWN, "the platform is not told its node groups"),
        ([{**GENERAL, "instance_types": ["z9.huge"]}], "the size of instances of type z9.huge is not known"),
        ([{**GENERAL, "instance_types": []}], "a node group names no instance type"),
        ([{**GENERAL, "min_size": UNKNOWN}], "min_size is known only after apply"),
    ],
)
def test_what_cannot_be_checked_is_said_and_is_no_finding(groups: Any, reason: str) -> None:
    preview = on(recorded("platform-dev"), groups)
    found = verdict(preview)
    assert found.verdict is Verdict.NOT_CHECKED
    assert found.message.startswith(f"whether it fits on its nodes was not checked: {reason}")
    assert [one for one in rules.check([preview]) if one.rule == "platform-fits"] == []


def test_nodes_that_eks_starts_itself_are_said_and_not_counted() -> None:
    preview = on(recorded("platform-dev"), None)
    steps = tuple(
        replace(step, new=replace(step.new, inputs={**step.new.inputs, "auto_mode": True}))
        if step.new and step.type == PLATFORM
        else step
        for step in preview.steps
    )
    found = verdict(replace(preview, steps=steps))
    assert found.verdict is Verdict.NOT_CHECKED
    assert found.message.endswith("was not checked: EKS Auto Mode starts the nodes that the pods ask for")


def test_a_chart_that_nobody_knows_is_named() -> None:
    preview = recorded("platform-dev")
    inputs = {"chart": "oci://charts.example.org/unheard-of", "name": "x", "values": {}}
    urn = "urn:pulumi:platform-dev::pulumi-mlops::kubernetes:helm.sh/v3:Release::strange"
    more = Step(Operation.CREATE, urn, new=State(urn=urn, inputs=inputs, custom=True))
    found = verdict(replace(preview, steps=(*preview.steps, more)))
    assert found.message.endswith("; not counted: Release strange: what the chart starts is not known")


@pytest.mark.parametrize(("nodes", "expected"), [(3, Verdict.NOT_CHECKED), (0, Verdict.DOES_NOT_FIT)])
def test_a_preview_that_leaves_out_what_stays_the_same_proves_no_room(nodes: int, expected: Verdict) -> None:
    preview = on(recorded("platform-dev"), [{**GENERAL, "min_size": nodes}])
    short = replace(preview, summary={**preview.summary, Operation.SAME: 7})
    assert verdict(short).verdict is expected
    assert ("--show-sames" in verdict(short).message) is (expected is Verdict.NOT_CHECKED)


def test_nodes_that_the_foundation_would_have_go_before_those_that_it_has() -> None:
    platform, foundation = recorded("platform-dev"), recorded("foundation-dev")

    def of(nodes: int) -> Preview:
        def moved(step: Step) -> Step:
            if step.type != "pulumi-mlops:index:Cluster" or step.new is None:
                return step
            inputs = {**step.new.inputs, "node_groups": [{**GENERAL, "min_size": nodes, "max_size": 9}]}
            return replace(step, new=replace(step.new, inputs=inputs))

        return replace(foundation, steps=tuple(map(moved, foundation.steps)))

    assert [one.verdict for one in fits([of(2), platform])] == [Verdict.DOES_NOT_FIT]
    assert [one.verdict for one in fits([of(3), platform])] == [Verdict.FITS]
    elsewhere = replace(of(2), stack="foundation-prod")
    assert [one.verdict for one in fits([elsewhere, platform])] == [Verdict.FITS]
    assert [one.stack for one in rules.check([of(2), platform]) if one.rule == "platform-fits"] == ["platform-dev"]


def test_a_preview_that_did_not_end_is_not_judged() -> None:
    assert fits([replace(recorded("platform-dev"), complete=False)]) == []


def test_each_of_two_platforms_in_a_stack_is_judged_by_what_is_its_own() -> None:
    resources = list(after([recorded("platform-dev")]).all)
    (first,) = [one for one in resources if one.type == PLATFORM]
    first = replace(first, inputs={**first.inputs, "node_groups": [{**GENERAL, "min_size": 3}]})
    second = replace(first, urn=f"{first.urn}-2", name="second")
    everything = [*(one for one in resources if one.type != PLATFORM), first, second]

    assert fit(first, everything).verdict is Verdict.FITS
    assert "needs 1.06 CPU cores" in fit(second, everything).message  # the add-ons of EKS alone


def test_there_is_room_for_a_rolling_update_of_the_largest_pod() -> None:
    (recorded_platform,) = [one for one in after([recorded("platform-dev")]).all if one.type == PLATFORM]
    platform = replace(recorded_platform, inputs={"node_groups": [{**GENERAL, "min_size": 1}]})

    def judged(cpu: str) -> Fit:
        spec = {"template": {"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}}}
        inputs = {"metadata": {"name": "app"}, "spec": {"replicas": 1, **spec}}
        app = Resource(platform.stack, "urn:app", "kubernetes:apps/v1:Deployment", "app", inputs)
        return fit(platform, [platform, app])

    assert judged("500m").verdict is Verdict.FITS
    found = judged("700m")
    assert found.verdict is Verdict.DOES_NOT_FIT
    assert "needs 1.40 CPU cores" in found.message
    assert "has 1.93 CPU cores" in found.message, "it would fit without a second pod of the same size"


# What runs.


def release(chart: str, **values: Any) -> Resource:
    inputs = {"chart": chart, "name": chart, "values": values}
    return Resource("s", f"urn:{chart}", "kubernetes:helm.sh/v3:Release", chart, inputs)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (release("gateway", autoscaling={"minReplicas": 4}), {"gateway": 4}),
        (release("gateway", replicaCount=2), {"gateway": 2}),
        (release("cert-manager", cainjector={"enabled": False}), {"cert-manager": 1, "cert-manager-webhook": 1}),
        (release("/charts/istiod", autoscaleMin=3), {"/charts/istiod-istiod": 3}),
    ],
)
def test_the_values_of_a_release_say_how_many_pods_there_are(one: Resource, expected: dict[str, int]) -> None:
    system = {each.name for each in running([]).workloads}
    found = {each.name: each.number for each in running([one]).workloads if each.name not in system}
    assert found == expected


def test_an_init_container_of_a_chart_that_needs_more_than_the_others_is_counted() -> None:
    def needs(cpu: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}

    one = release("argo-cd", repoServer={**needs("250m"), "copyutil": needs("2")})
    (server,) = [each for each in running([one]).workloads if each.name == "argo-cd-repo-server"]
    assert (server.pod.cpu_cores, server.pod.memory_gib) == (2, 1)


def test_hidden_values_of_a_release_are_not_counted_and_said() -> None:
    hidden = replace(release("gateway"), inputs={"chart": "gateway", "name": "g", "values": {"replicaCount": UNKNOWN}})
    assert running([hidden]).not_counted == ("Release gateway: replicaCount is not known",)


def test_a_package_of_crossplane_without_its_configuration_is_said() -> None:
    package = Resource("s", "urn:p", "kubernetes:pkg.crossplane.io/v1:Provider", "s3", {"spec": {}})
    assert running([package]).not_counted == ("Provider s3: its runtime configuration is not in the preview",)


def test_own_objects_count_with_the_fewest_replicas_of_their_autoscaler() -> None:
    inner = {"containers": [{"resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}}], "nodeSelector": {"a": "b"}}
    template = {"template": {"spec": inner}}
    metadata = {"name": "app", "namespace": "n"}
    objects = [
        Resource(
            "s",
            "urn:a",
            "kubernetes:apps/v1:Deployment",
            "a",
            {"metadata": metadata, "spec": {"replicas": 9, **template}},
        ),
        Resource("s", "urn:b", "kubernetes:apps/v1:DaemonSet", "b", {"metadata": {"name": "agent"}, "spec": template}),
        Resource("s", "urn:c", "kubernetes:core/v1:Pod", "c", {"metadata": {"name": "one"}, "spec": inner}),
        Resource(
            "s",
            "urn:d",
            "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
            "d",
            {
                "metadata": metadata,
                "spec": {"minReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "app"}},
            },
        ),
    ]
    found = {one.name: one for one in running(objects).workloads}
    assert (found["app"].number, found["app"].pod.memory_gib, found["app"].selector) == (2, 1, {"a": "b"})
    assert (found["agent"].every_node, found["one"].number) == (True, 1)
