"""What real previews cost: the stacks of this repository, and a change of a stack that exists."""

import json
from decimal import Decimal

import pulumi_aws
import pytest
from aws import Aws
from first_previews import FirstPreviews
from pulumi_cli import Cluster, Program, PulumiEnv, Stack
from pulumi_mlops import ModelEndpoint, PostgresDatabase, PostgresDatabaseArgs
from pulumi_mlops._args import check_args
from pulumi_mlops.database import _arguments
from pulumi_mlops.database._rds_settings import settings
from pulumi_mlops.review import reading, resource_types
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.estimate import Estimate, Requests
from pulumi_mlops.review.preview import Operation, Preview
from pulumi_mlops.review.resources import sides

from maintenance import cost_page as page
from tests.components.programs import DATABASE_RDS, ENDPOINT_FULL, database_with

pytestmark = pytest.mark.engine

HOURS = 730


@pytest.fixture(scope="module")
def previews(first_previews: FirstPreviews) -> dict[str, Preview]:
    """The first creation of each stack on AWS."""
    return {stack: reading.read(json.dumps(first_previews.of(stack)), stack) for stack in page.stacks()}


def test_the_foundation_stacks_are_among_them(previews: dict[str, Preview]) -> None:
    assert {"foundation-dev", "foundation-prod"} <= set(previews)
    assert all(one.complete for one in previews.values())


def test_every_type_is_priced_free_or_named(previews: dict[str, Preview]) -> None:
    types = {one.type for found in previews.values() for one in sides(found).after}
    assert len(types) > 30
    assert {one for one in types if resource_types.billing(one) is None} == set()


def test_nothing_of_them_is_without_a_price(previews: dict[str, Preview]) -> None:
    for found in map(estimate, previews.values()):
        assert not found.at_least, found.not_counted
        assert found.before == 0
        assert found.region == "eu-central-1"


def test_what_does_not_depend_on_use_is_what_the_settings_say(previews: dict[str, Preview]) -> None:
    def number(found: Estimate, start: str) -> int:
        return int(sum(one.number_after for one in found.items if one.what.startswith(start)))

    dev, prod = (estimate(previews[one]) for one in ("foundation-dev", "foundation-prod"))
    assert (number(dev, "NAT gateway"), number(prod, "NAT gateway")) == (1, 3)
    assert (number(dev, "node m7i.large, spot"), number(prod, "node m7i.xlarge, 0.2415")) == (3, 5)
    assert (number(dev, "disk of a node, gp3, 50 GiB"), number(prod, "disk of a node, gp3, 50 GiB")) == (3, 5)
    assert number(dev, "EKS control plane, 0.1") == number(prod, "EKS control plane, 0.1") == 1
    (nodes,) = [one for one in prod.items if one.what.startswith("node ")]
    assert float(nodes.after) == pytest.approx(5 * 0.2415 * HOURS)


def test_the_pages_say_what_the_code_says(previews: dict[str, Preview]) -> None:
    estimates = [estimate(one) for one in previews.values()]

    for place, content in ((page.PAGE, page.rendered(estimates)), (page.GUIDE, page.in_short(estimates))):
        assert page.between(place.read_text(encoding="utf-8")) == content, "run `python -m maintenance.cost_page`"


def first() -> None:
    pulumi_aws.kms.Key("kept", enable_key_rotation=True)
    pulumi_aws.kms.Key("gone")
    pulumi_aws.route53.Zone("moved", name="a.example.org")


def then() -> None:
    pulumi_aws.kms.Key("kept", enable_key_rotation=True)
    pulumi_aws.route53.Zone("moved", name="b.example.org")
    pulumi_aws.ec2.Eip("added", domain="vpc")


def seen(stack: Stack, program: Program, *options: str, **environment: str) -> Preview:
    stack.environment.environment.update(environment)
    stack.preview(program)
    done = stack.environment.run("preview", "--json", *options, cwd=stack.directory)
    assert done.returncode == 0, done.stderr
    return reading.read(done.stdout, "test")


def test_a_change_of_a_stack_that_exists(pulumi_env: PulumiEnv, aws: Aws) -> None:
    stack = pulumi_env.stack(first, {"aws:region": "eu-central-1"})
    stack.up()
    whole, short = seen(stack, then, "--show-sames"), seen(stack, then)
    assert whole.summary[Operation.SAME] == short.summary[Operation.SAME] >= 2

    found = estimate(whole)
    assert not found.at_least, found.not_counted
    assert (float(found.before), float(found.after)) == (2.5, 1 + 0.5 + 3.65)

    least = estimate(short)
    assert least.at_least
    assert least.delta == found.delta
    assert float(least.after) == 0.5 + 3.65

    events = estimate(seen(stack, then, "--show-sames", PULUMI_ENABLE_STREAMING_JSON_PREVIEW="true"))
    assert (events.before, events.after, events.at_least) == (found.before, found.after, False)


def team() -> None:
    ModelEndpoint("penguins", ENDPOINT_FULL)
    place: PostgresDatabaseArgs = database_with(DATABASE_RDS, instance_class="db.t4g.small")
    defaults = check_args(PostgresDatabase, "orders", place, PostgresDatabaseArgs, _arguments.ARGUMENTS)
    defaults = _arguments.with_environment(defaults)
    pulumi_aws.rds.Instance("orders", identifier="orders", final_snapshot_identifier="last", **settings(defaults))


def test_what_a_team_declares(pulumi_env: PulumiEnv, aws: Aws, cluster: Cluster) -> None:
    config = {"aws:region": "eu-central-1", "kubernetes:kubeconfig": str(cluster.kubeconfig)}
    found = estimate(seen(pulumi_env.stack(team, config), team))
    assert not found.at_least, found.not_counted
    assert float(found.after) == pytest.approx(0.149 / 4 * HOURS + 20 * 0.137 + 0.4)  # with its password's secret
    # The autoscaler's smallest number and one canary, each with 250m and 1Gi.
    assert found.requests_after == {"birds": Requests(Decimal("0.75"), Decimal(3))}
