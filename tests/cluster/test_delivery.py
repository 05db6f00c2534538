"""Delivery by Git on the running platform: real pushes to a real Gitea, and what must not be delivered."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes import client
from loop import Loop

from local.delivery import deliver, example, follow, git_host, secrets
from local.delivery.git_host import OWNER, REPOSITORY, GitHost

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]  # the first test waits for builds of Argo CD and BuildKit

RUN_SECONDS = 600
STATUS = "delivery/web"
STAYS_SECONDS = 10
"""How long something that must not happen gets to happen."""


@dataclass(frozen=True)
class Delivery:
    """The example's delivery on the running platform."""

    loop: Loop
    host: GitHost

    def push(
        self, message: str, *changes: tuple[str, str, str], greeting: str | None = None, branch: str = "main"
    ) -> str:
        """Replaces texts in files, each (file, old, new), and what the application answers; returns the commit."""
        with example.checkout(self.host) as checkout:
            if greeting is not None:
                checkout.greet(greeting)
            for name, old, new in changes:
                file = checkout.directory / name
                text = file.read_text()
                assert old in text, f"{old!r} is not in {name}"
                file.write_text(text.replace(old, new))
            return checkout.push(message, branch)

    def run(self, commit: str) -> follow.Run:
        return follow.follow(self.loop.api, commit, time.time(), RUN_SECONDS)

    def answers(self) -> dict[str, str | None]:
        return {one: follow.greeting(self.loop.cluster, one) for one in deliver.ENVIRONMENTS}

    def image(self, environment: str) -> str:
        """The image that an environment's pods run."""
        apps = client.AppsV1Api(self.loop.api)
        return apps.read_namespaced_deployment("web", f"web-{environment}").spec.template.spec.containers[0].image

    def runs(self) -> dict[str, str]:
        """Name and UID of every run."""
        listed = client.CustomObjectsApi(self.loop.api).list_namespaced_custom_object(
            "argoproj.io", "v1alpha1", secrets.RUNS, "workflows"
        )
        return {one["metadata"]["name"]: one["metadata"]["uid"] for one in listed["items"]}

    def commits(self) -> list[dict[str, Any]]:
        """The commits of the branch, the newest first."""
        return self.host.ask("GET", f"repos/{OWNER}/{REPOSITORY}/commits?sha=main&limit=20")

    def status(self, commit: str) -> tuple[str, str]:
        """State and description of the delivery's newest status of a commit."""
        newest = next(one for one in self.host.statuses(commit) if one["context"] == STATUS)
        return newest["status"], newest["description"]

    def webhook(self, commit: str, key: str) -> int:
        """Sends the event of a push of the commit, signed with the key; returns the HTTP status."""
        repository = {"full_name": f"{OWNER}/{REPOSITORY}", "name": REPOSITORY, "owner": {"login": OWNER}}
        changed = [{"id": commit, "added": [], "removed": [], "modified": ["app.py"]}]
        event = {"ref": "refs/heads/main", "after": commit, "repository": repository, "commits": changed}
        body = json.dumps(event).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": commit,
            "X-Hub-Signature-256": f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}",
        }
        url = f"{self.loop.cluster.gateway_url}/webhooks/{secrets.RUNS}/web"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture(scope="module")
def delivery(loop: Loop) -> Iterator[Delivery]:
    """The option `delivery`, brought up as `make deliver` does and taken away as `make deliver REMOVE=1` does."""
    yield Delivery(loop, deliver.bring_up(loop.cluster))
    deliver.take_down(loop.cluster)


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
        assert [file["filename"] for file in promotion["files"]] == [f"deploy/overlays/{overlay}/kustomization.yaml"]
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
    known = secrets.read(delivery.loop.cluster, secrets.RUNS, git_host.CREDENTIALS)
    assert known is not None

    assert delivery.webhook(commit, known["webhook"]) == 200
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

    with example.checkout(delivery.host) as checkout:
        (checkout.directory / "deploy/overlays/staging/HOLD").unlink()
        checkout.greet("Delivered again")
        commit = checkout.push("Lift the hold")
    assert delivery.run(commit).phase == "Succeeded"
    for environment in deliver.ENVIRONMENTS:
        assert follow.serves(delivery.loop.cluster, environment, "Delivered again", 30)
