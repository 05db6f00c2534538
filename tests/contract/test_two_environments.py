"""Two environments of one account: no name that has to be different there is the same in both.

What the library leaves without a name gets one from Pulumi, with random letters at its end. What it names itself is
seen.
"""

from collections.abc import Iterator

import pytest

from tests import stacks
from tests.conftest import Build, Graph

PAIRS = [("foundation-dev", "foundation-prod"), ("platform-dev", "platform-prod")]
NAMES = ("name", "bucket", "identifier", "clusterName", "clusterIdentifier", "creationToken", "finalSnapshotIdentifier")
"""Inputs that are a resource's physical name, or part of it."""
RANDOM = "0a1b2c3d"
"""What a random suffix is under mocks: it is another one in each environment."""
BELONG_TO_ANOTHER = ("aws:iam/rolePolicy", "aws:iam/rolePolicyAttachment", "aws:s3/bucket", "aws:route53/record")
"""Types whose name is one only within another resource, which has a name of its own."""


def names(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """The names that are not random: type, input, value."""
    for one in graph:
        inner = one.type.startswith(BELONG_TO_ANOTHER) and one.type != "aws:s3/bucket:Bucket"
        if not one.type.startswith(("aws:", "eks:")) or inner:
            continue
        for key in NAMES:
            value = one.inputs.get(key)
            if isinstance(value, str) and RANDOM not in value:
                yield one.type, key, value


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_the_library_names_itself_is_called_after_its_environment(build: Build, one: str, other: str) -> None:
    first, second = (set(names(stacks.tracked(build, stack))) for stack in (one, other))

    assert first & second == set()
    assert first or one.startswith("platform")


def test_a_name_that_both_have_would_be_seen(build: Build) -> None:
    shared = {"cluster_name": "ml"}
    first, second = (set(names(stacks.registered(build, stack, **shared))) for stack in PAIRS[0])

    assert ("aws:cloudwatch/logGroup:LogGroup", "name", "/aws/eks/ml/cluster") in first & second
