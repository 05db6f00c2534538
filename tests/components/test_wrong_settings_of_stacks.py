"""Wrong settings of the stacks: one sentence, before the program has registered anything.

That the engine prints such a sentence as one line is tested once a layer, in tests/engine.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from tests import stacks
from tests.conftest import Build

# A program that fails leaves outputs that nobody awaits.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

OWN = "pulumi:pulumi:Stack", "pulumi:providers:"
"""Types of what a program may register before it has read all of its settings."""


@pytest.fixture(autouse=True)
def left_behind() -> Iterator[None]:
    """Collects what a failed program leaves, before it can warn in another test."""
    yield
    gc.collect()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The types of the resources that programs register, also those of a program that fails."""
    types: list[str] = []
    register = mocks.MockMonitor.RegisterResource

    def recording(monitor: mocks.MockMonitor, request: Any) -> Any:
        types.append(request.type)
        return register(monitor, request)

    monkeypatch.setattr(mocks.MockMonitor, "RegisterResource", recording)
    return types


def complaint(build: Build, stack: str, region: str | None = None, **changes: Any) -> str:
    """The sentence by which the stack's program fails."""
    with pytest.raises(pulumi.RunError) as error:
        stacks.registered(build, stack, region=region, **changes)
    return str(error.value)


@pytest.mark.parametrize(
    ("stack", "settings", "sentence"),
    [
        ("foundation-dev", {"zones": ["eu-central-1a"]}, "zones"),
        ("foundation-dev", {"zones": ["eu-central-1a", "us-east-1b"]}, "us-east-1b"),
        ("foundation-dev", {"cidr": "10.0.0.0/24"}, "cidr"),
        ("foundation-dev", {"nat": "triple"}, "nat"),
        ("foundation-dev", {"environment": "Dev"}, "pulumi-mlops:environment must be 1 to 16 lower-case letters"),
        (
            "foundation-dev",
            {"certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/1"},
            "setting pulumi-mlops:certificate_arn must be a certificate of eu-central-1",
        ),
        ("foundation-dev", {"adopted": {"Vpc": {}}}, "adopted must have `type::name` of a resource as keys"),
        ("platform-dev", {"environment": ""}, "pulumi-mlops:environment must be a text that is not empty"),
        (
            "platform-dev",
            {"add_ons": {"karpenter": {"cpu_limit": 9}}},
            "stack foundation-dev has no output karpenter_node_role, no output karpenter_queue; set "
            "pulumi-mlops:karpenter in stacks/Pulumi.foundation-dev.yaml first: `pulumi up --stack foundation-dev`",
        ),
        ("platform-dev", {"replicas": 11}, "args.replicas must be between 1 and 10 replicas, got 11"),
        (
            "platform-dev",
            {"login": {"issuer": "https://id.example.org", "admin_groups": ["a"]}},
            "args.login.argo_cd_client_id is required",
        ),
        (
            "platform-dev",
            {"add_ons": {"knative": {}}},
            "args.add_ons.knative is not an add-on; known: argo_cd, argo_even",
        ),
        (
            "platform-dev",
            {"database": {"storage": 5}},
            'args.database has no argument "storage"; did you mean "storage_gib"?',
        ),
        ("platform-dev", {"sources": []}, 'pulumi-mlops:sources is unknown; did you mean "source_ranges"?'),
        ("platform-local", {"gateway_url": "nowhere"}, "args.gateway_url must be a URL without a path"),
        ("penguins-local", {"replicas": "many"}, "replicas must be a whole number, got 'many'"),
    ],
)
def test_a_wrong_setting_is_named_before_the_first_resource(
    build: Build, made: list[str], stack: str, settings: dict[str, Any], sentence: str
) -> None:
    assert sentence in complaint(build, stack, **settings)
    assert [one for one in made if not one.startswith(OWN)] == []


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ("mars-1", "setting aws:region must be a region of AWS, got 'mars-1'; `pulumi config set aws:region"),
        ("eu-centrl-1", """must be a region of AWS, got 'eu-centrl-1'; did you mean "eu-central-1"?"""),
        ("us-gov-west-1", 'setting aws:region must be a region of the partition "aws"'),
        ("cn-north-1", 'setting aws:region must be a region of the partition "aws"'),
        ("", "setting aws:region is required"),
        ("eu-west-1", 'args.zones must be zones of eu-west-1 such as "eu-west-1a", got "eu-central-1a"'),
    ],
)
def test_a_wrong_region_is_named_before_the_first_resource(
    build: Build, made: list[str], region: str, sentence: str
) -> None:
    assert sentence in complaint(build, "foundation-dev", region=region)
    assert [one for one in made if not one.startswith(OWN)] == []


def test_wrong_nodes_are_named(build: Build) -> None:
    """By the cluster, which comes after the network: `pulumi up` ends at its preview."""
    group = {"name": "a", "instance_types": ["m7i.large"], "min_size": 5, "max_size": 2}
    assert "max_size" in complaint(build, "foundation-dev", node_groups=[group])
