"""Delivery by Git on the running platform: real pushes to a real Gitea, and what must not be delivered."""

import time

import pytest
from delivering import Delivery
from pulumi_mlops.cli.errors import DONE, FINDINGS

from local.delivery import deliver, follow, secrets
from local.delivery.git_host import OWNER, REPOSITORY

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]  # the first test waits for builds of Argo CD and BuildKit

STAYS_SECONDS = 10
"""How long something that must not happen gets to happen."""


@pytest.fixture(scope="module")
def delivered(delivery: Delivery) -> tuple[str, follow.Run]:
    """A commit that was pushed and delivered, and its run."""
    commit = delivery.push("Deliver", greeting="Delivered")
    return commit, delivery.run(commit)


def test_a_push_is_checked_built_deployed_tested_and_put_into_production(
    delivery: Delivery, delivered: tuple[str, follow.Run]
):
    commit, run = delivered

    assert (run.phase, run.message) == ("Succeeded", "")
    assert dict(run.nodes) == dict.fromkeys(follow.STAGES, "Succeeded")
    for environment in deliver.ENVIRONMENTS:
        assert follow.serves(delivery.loop.cluster, environment, "Delivered", 30)
    assert follow.within(30, lambda: delivery.status(commit)[0] == "success")


def test_production_runs_the_very_image_that_staging_tested_by_its_digest(
    delivery: Delivery, delivered: tuple[str, follow.Run]
):
    staging, production = (delivery.image(one) for one in deliver.ENVIRONMENTS)

    assert production == staging
    assert staging.startswith(f"{secrets.REGISTRY}/{OWNER}/{REPOSITORY}@sha256:")


def test_the_promotions_are_commits_and_start_no_delivery_of_their_own(
    delivery: Delivery, delivered: tuple[str, follow.Run]
):
    commit, _ = delivered
    production, staging, source = delivery.commits()[:3]

    assert source["sha"] == commit
    for promotion, overlay in ((staging, "staging"), (production, "production")):
        assert f"Delivered-Commit: {commit}" in promotion["commit"]["message"]
        changed = sorted(file["filename"] for file in promotion["files"])
        assert changed == [f"deploy/overlays/{overlay}/{name}" for name in ("RELEASE", "kustomization.yaml")]
    time.sleep(STAYS_SECONDS)
    assert not {follow.run_name(one["sha"]) for one in (production, staging)} & delivery.runs().keys()


def test_an_event_that_is_signed_with_another_secret_starts_nothing(
    delivery: Delivery, delivered: tuple[str, follow.Run]
):
    commit = "1" * 40

    assert delivery.webhook(commit, "another secret") >= 400
    time.sleep(STAYS_SECONDS)
    assert follow.run_name(commit) not in delivery.runs()


def test_an_event_that_is_sent_again_starts_nothing(delivery: Delivery, delivered: tuple[str, follow.Run]):
    commit, _ = delivered
    before = delivery.runs()

    assert delivery.webhook(commit, delivery.key()) == 200
    time.sleep(STAYS_SECONDS)
    assert delivery.runs() == before


def test_a_push_to_another_branch_starts_nothing(delivery: Delivery, delivered: tuple[str, follow.Run]):
    commit = delivery.push("Try", ("app.py", "Delivered", "Tried"), branch="try")

    time.sleep(STAYS_SECONDS)
    assert follow.run_name(commit) not in delivery.runs()


def test_a_commit_whose_tests_fail_is_not_built_and_is_told_so(delivery: Delivery, delivered: tuple[str, follow.Run]):
    images = [delivery.image(one) for one in deliver.ENVIRONMENTS]
    commit = delivery.push("Break the tests", ("test_app.py", "[0], 404)", "[0], 200)"))
    run = delivery.run(commit)

    assert run.phase == "Failed"
    assert dict(run.nodes) == {"lint": "Succeeded", "tests": "Failed"}
    assert follow.within(30, lambda: delivery.status(commit) == ("failure", "Failed: tests."))
    assert follow.within(30, lambda: "AssertionError: 404 != 200" in delivery.note(commit))
    assert [delivery.image(one) for one in deliver.ENVIRONMENTS] == images

    mended = delivery.push("Mend the tests", ("test_app.py", "[0], 200)", "[0], 404)"))
    assert delivery.run(mended).phase == "Succeeded"


def test_a_release_that_fails_in_staging_is_taken_back_and_held_until_a_person_lifts_it(
    delivery: Delivery, delivered: tuple[str, follow.Run]
):
    image = delivery.image("staging")
    broken = ("integration.py", 'print(f"staging', 'raise SystemExit(f"staging')
    commit = delivery.push("Break staging", broken, greeting="Broken")
    run = delivery.run(commit)

    assert run.phase == "Failed"
    assert (run.nodes["staging-promote"], run.nodes["staging-tests"]) == ("Succeeded", "Failed")
    assert "production-promote" not in run.nodes
    assert follow.within(30, lambda: delivery.status(commit) == ("failure", "Failed: staging-tests."))
    assert follow.within(120, lambda: delivery.image("staging") == image)
    hold = delivery.host.ask("GET", f"repos/{OWNER}/{REPOSITORY}/contents/deploy/overlays/staging/HOLD")
    assert hold is not None

    mended = (broken[0], broken[2], broken[1])
    commit = delivery.push("Mend it", mended, greeting="Mended")
    run = delivery.run(commit)
    assert run.phase == "Failed"
    assert run.nodes["staging-promote"] == "Failed"
    assert delivery.image("staging") == image

    shown = delivery.command(FINDINGS, "status")
    assert f"\n  image       {image}\n" in shown
    assert f"by delivery: the release failed in staging: run {secrets.RUNS}/" in shown
    assert "\n  failed      staging-promote at " in shown
    delivery.command(DONE, "lift", "staging")

    commit = delivery.push("Deliver again", greeting="Delivered again")
    assert delivery.run(commit).phase == "Succeeded"
    for environment in deliver.ENVIRONMENTS:
        assert follow.serves(delivery.loop.cluster, environment, "Delivered again", 30)
    assert "\n  held        no\n" in delivery.command(DONE, "status")


def test_what_somebody_edits_in_the_cluster_is_put_back(delivery: Delivery, delivered: tuple[str, follow.Run]):
    image = delivery.image("production")
    delivery.run_by_hand("production", image.replace("@sha256:", "@sha256:0000"))

    assert follow.within(120, lambda: delivery.image("production") == image)
