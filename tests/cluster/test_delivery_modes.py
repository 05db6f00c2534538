"""The ways into production in which a person takes part, on the running platform: `make test-nightly`."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from delivering import Delivery
from pulumi_mlops.cli.errors import DONE

from local import images, up
from local.delivery import deliver, follow
from local.delivery.git_host import OWNER, REPOSITORY
from local.engine import WEB
from local.images.catalogue import BASE, DELIVERY

pytestmark = [pytest.mark.cluster, pytest.mark.nightly, pytest.mark.timeout(1800)]

PULLS = f"repos/{OWNER}/{REPOSITORY}/pulls"


@contextmanager
def configured(delivery: Delivery, **settings: str) -> Iterator[None]:
    """The example's pipeline with other settings."""
    engine = up.engine_of(delivery.loop.cluster)
    references = images.references(delivery.loop.cluster.registry, (*DELIVERY, BASE))
    deliver.configure(engine, delivery.loop.cluster, references, **settings)
    engine.up(WEB)
    try:
        yield
    finally:
        deliver.configure(engine, delivery.loop.cluster, references, promotion="AUTOMATIC", soak_seconds="0")
        engine.up(WEB)


def test_a_release_soaks_waits_for_a_person_and_is_approved_by_the_command(delivery: Delivery):
    with configured(delivery, promotion="APPROVAL", soak_seconds="30"):
        before = delivery.image("production")
        commit = delivery.push("To approve", greeting="Approved")
        assert follow.within(300, lambda: "  waits       soak" in delivery.command(None, "status"))
        assert follow.serves(delivery.loop.cluster, "staging", "Approved", 30)
        assert follow.within(120, lambda: "  waits       approval" in delivery.command(None, "status"))
        assert delivery.image("production") == before

        delivery.command(DONE, "approve")
        assert delivery.run(commit).phase == "Succeeded"
        assert follow.serves(delivery.loop.cluster, "production", "Approved", 30)
        assert "  approval    approved by " in delivery.command(DONE, "status")


def test_a_release_is_a_pull_request_that_shows_the_change_and_is_served_once_it_is_merged(delivery: Delivery):
    with configured(delivery, promotion="PULL_REQUEST"):
        before = delivery.image("production")
        commit = delivery.push("To merge", greeting="Merged")
        assert delivery.run(commit).phase == "Succeeded"
        assert follow.serves(delivery.loop.cluster, "staging", "Merged", 30)
        assert delivery.image("production") == before
        (proposed,) = delivery.host.ask("GET", f"{PULLS}?state=open")
        assert proposed["title"].endswith(f"of {commit[: follow.NAME_DIGITS]}")
        diff = {line.replace(" ", "") for line in proposed["body"].splitlines()}
        assert {f"-image:{before}", f"+image:{delivery.image('staging')}"} <= diff

        delivery.merge(proposed["number"])
        assert follow.serves(delivery.loop.cluster, "production", "Merged", 120)
        assert delivery.image("production") == delivery.image("staging")
