"""A delivery's bad days that take minutes, on the running platform: `make test-nightly`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from delivering import Delivery
from kubernetes import client
from pulumi_mlops import conventions
from pulumi_mlops.cli.errors import FINDINGS

from local.delivery import deliver, follow, secrets
from local.delivery.installation import kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.nightly, pytest.mark.timeout(1800)]

EVENTS = 200
ARRIVES_SECONDS = 180


@contextmanager
def stopped(delivery: Delivery, namespace: str, deployment: str) -> Iterator[None]:
    """A Deployment without pods."""
    scale(delivery, namespace, deployment, 0)
    try:
        yield
    finally:
        scale(delivery, namespace, deployment, 1)


def scale(delivery: Delivery, namespace: str, deployment: str, replicas: int) -> None:
    kubectl(delivery.loop.cluster, "scale", deployment, f"--namespace={namespace}", f"--replicas={replicas}")
    kubectl(
        delivery.loop.cluster, "rollout", "status", deployment, f"--namespace={namespace}", "--timeout=120s"
    )  # fmt: skip
    if not replicas:
        labels = client.AppsV1Api(delivery.loop.api).read_namespaced_deployment(deployment.partition("/")[2], namespace)
        selector = ",".join(f"{key}={value}" for key, value in labels.spec.selector.match_labels.items())
        pods = client.CoreV1Api(delivery.loop.api)
        assert follow.within(120, lambda: not pods.list_namespaced_pod(namespace, label_selector=selector).items), (
            f"{deployment} still has pods"
        )


def sensor(delivery: Delivery) -> str:
    """The Deployment of the sensor's pod."""
    listed = client.AppsV1Api(delivery.loop.api).list_namespaced_deployment(
        secrets.RUNS, label_selector="sensor-name=web-delivery"
    )
    return f"deployment/{listed.items[0].metadata.name}"


def commits(letter: str, number: int) -> list[str]:
    """Names of commits that there are not."""
    return [f"{letter}{one:011x}{'0' * 28}" for one in range(1, number + 1)]


@contextmanager
def no_controller(delivery: Delivery, letter: str) -> Iterator[None]:
    """Runs are created and stay as they are; those of `commits` are deleted afterwards."""
    namespace, deployment = controller(delivery)
    with stopped(delivery, namespace, deployment):
        try:
            yield
        finally:
            for name in delivery.runs():
                if name.startswith(f"web-{letter}000"):
                    options = (f"--namespace={secrets.RUNS}", "--wait=false")
                    kubectl(delivery.loop.cluster, "delete", "workflow", name, *options)


def controller(delivery: Delivery) -> tuple[str, str]:
    """Namespace and Deployment of Argo Workflows' controller."""
    listed = client.AppsV1Api(delivery.loop.api).list_namespaced_deployment(conventions.ARGO_NAMESPACE).items
    (name,) = [one.metadata.name for one in listed if "controller" in one.metadata.name]
    return conventions.ARGO_NAMESPACE, f"deployment/{name}"


def test_two_hundred_events_in_a_minute_make_one_run_of_each_commit(delivery: Delivery):
    sent = commits("a", EVENTS)
    key = delivery.key()
    with no_controller(delivery, "a"):
        started = time.monotonic()
        assert {delivery.webhook(one, key) for one in sent} == {200}
        assert time.monotonic() - started < 60
        wanted = {follow.run_name(one) for one in sent}
        assert follow.within(ARRIVES_SECONDS, lambda: wanted <= delivery.runs().keys()), sorted(
            wanted - delivery.runs().keys()
        )
        made = [one for one in delivery.runs() if one.startswith("web-a000")]
        assert sorted(made) == sorted(wanted)


def test_events_that_wait_on_the_bus_survive_its_restart(delivery: Delivery):
    sent = commits("b", 20)
    key = delivery.key()
    with no_controller(delivery, "b"):
        with stopped(delivery, secrets.RUNS, sensor(delivery)):
            assert {delivery.webhook(one, key) for one in sent} == {200}
            with stopped(delivery, secrets.EVENTS, "deployment/nats"):
                pass
        wanted = {follow.run_name(one) for one in sent}
        assert follow.within(ARRIVES_SECONDS, lambda: wanted <= delivery.runs().keys()), sorted(
            wanted - delivery.runs().keys()
        )


def test_a_build_without_enough_memory_changes_no_environment_and_says_so(delivery: Delivery):
    before = [delivery.image(one) for one in deliver.ENVIRONMENTS]
    greedy = 'RUN python -c "len(bytearray(3 << 30))"\nCOPY app.py .'
    commit = delivery.push("Build with too much memory", ("Dockerfile", "COPY app.py .", greedy))

    assert delivery.run(commit).phase == "Failed"
    assert follow.within(30, lambda: delivery.status(commit) == ("failure", "Failed: image."))
    assert "image:" in delivery.note(commit)
    assert [delivery.image(one) for one in deliver.ENVIRONMENTS] == before
    mended = delivery.push("Build with less", ("Dockerfile", greedy, "COPY app.py ."))
    assert delivery.run(mended).phase == "Succeeded"


def test_a_registry_that_is_down_changes_no_environment_and_the_next_push_is_delivered(delivery: Delivery):
    before = [delivery.image(one) for one in deliver.ENVIRONMENTS]
    with stopped(delivery, secrets.FORGE, "deployment/registry"):
        commit = delivery.push("Push to nowhere", greeting="Nowhere")
        assert delivery.run(commit).phase == "Failed"
    assert follow.within(30, lambda: delivery.status(commit) == ("failure", "Failed: image."))
    assert secrets.REGISTRY in delivery.note(commit)
    assert [delivery.image(one) for one in deliver.ENVIRONMENTS] == before

    assert delivery.run(delivery.push("Push again", greeting="Somewhere")).phase == "Succeeded"
    assert follow.serves(delivery.loop.cluster, "production", "Somewhere", 30)


def test_a_token_that_is_not_accepted_is_named_with_what_to_renew(delivery: Delivery):
    name, token = "web-delivery", "0" * 40
    known = secrets.read(delivery.loop.cluster, secrets.RUNS, name)
    assert known is not None
    secrets.apply(delivery.loop.cluster, [secrets.secret(secrets.RUNS, name, {**known, "token": token})])
    try:
        commit = delivery.push("Without a token", greeting="Without a token")
        assert delivery.run(commit).phase == "Failed"
        shown = delivery.command(FINDINGS, "status")
        assert "does not accept the token in /etc/git-host/token: put a new one into the Secret" in shown
        assert token not in shown
    finally:
        secrets.apply(delivery.loop.cluster, [secrets.secret(secrets.RUNS, name, known)])
