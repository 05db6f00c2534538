"""`make deliver`: the option `delivery`, brought up, and one change of the example delivered by a push."""

import time

from local import images, node, up
from local.cluster import NODE, Cluster, target
from local.delivery import example, follow, git_host, installation, secrets
from local.engine import WEB, Engine
from local.exclusive import exclusive
from local.images.catalogue import BASE, DELIVERY
from local.progress import StepFailed, say, step

NAME = "web"
"""The stack's layer."""

RUN_SECONDS = 900
ENVIRONMENTS = ("staging", "production")


def deliver() -> None:
    """Brings up what is missing, changes a line of the example, pushes, and follows it into production."""
    with exclusive("deliver"):
        cluster = _own()
        host = bring_up(cluster)
        change(cluster, host)


def bring_up(cluster: Cluster) -> git_host.GitHost:
    """The option's parts and the example's pipeline; returns the Git host."""
    references = images.build(cluster.registry_push, cluster.registry, (*DELIVERY, BASE))
    with step("delivery: installing"):
        secrets.namespaces(cluster)
        secrets.of_parts(cluster)
        installation.install(cluster, references)
        secrets.event_bus(cluster)
    with step("delivery: Git host"):
        node.pull_from(secrets.REGISTRY, git_host.registry_address(cluster))
        host = git_host.prepare(cluster)
        example.publish(host, references[BASE])
    with step(f"pulumi up {WEB}"):
        engine = up.engine_of(cluster)
        configure(engine, cluster, references)
        up.continue_interrupted(engine, WEB)
        engine.up(WEB, "--refresh")
    git_host.webhooks(cluster, host, engine.outputs(WEB)["webhook_path"])
    with step("delivery: webhook"):
        if not follow.within(installation.READY_SECONDS, lambda: _listens(cluster)):
            raise StepFailed(
                "the event source or the sensor does not get ready; `kubectl get pods -n delivery` says why"
            )
    return host


def remove() -> None:
    """Takes the option away again, with its repositories and images; the platform stays."""
    with exclusive("deliver"):
        take_down(_own())


def take_down(cluster: Cluster) -> None:
    """What `remove` does, on this cluster."""
    engine = up.engine_of(cluster)
    if WEB in engine.stacks():
        with step(f"pulumi destroy {WEB}"):
            engine.destroy(WEB)
        engine.forget(WEB)
    with step("delivery: removing"):
        # While its controller is there to let go of it.
        installation.kubectl(cluster, "delete", "eventbus", "--all", f"--namespace={secrets.RUNS}", "--timeout=60s")
        installation.remove(cluster, images.references(cluster.registry, DELIVERY), secrets.LEVELS)


def _own() -> Cluster:
    cluster = target(whole=True)
    if cluster.name != NODE:
        raise StepFailed("`make deliver` works on this machine's own node alone; unset KUBE_CONTEXT")
    return cluster


def change(cluster: Cluster, host: git_host.GitHost) -> tuple[follow.Run, float]:
    """Changes the example's answer, and says when staging and production give the new one.

    Returns the run, and the seconds from the push to the answer in production.
    """
    text = f"Hello at {time.strftime('%H:%M:%S')}"
    with example.checkout(host) as checkout:
        checkout.greet(text)
        pushed = time.time()
        commit = checkout.push(f"Greet with {text!r}")
    say(f"pushed {commit[: follow.NAME_DIGITS]}: the application now answers {text!r}")
    with cluster.api() as api:
        run = follow.follow(api, commit, pushed, RUN_SECONDS)
    if run.phase != "Succeeded":
        raise StepFailed(f"the delivery ended as {run.phase}: {run.message}")
    for environment in ENVIRONMENTS:
        if not follow.serves(cluster, environment, text, 30):
            raise StepFailed(f"{environment} does not answer {text!r} at {cluster.gateway_url}/web-{environment}/")
    seconds = time.time() - pushed
    say(f"{cluster.gateway_url}/web-production/ answers {text!r}, {seconds:.0f}s after the push")
    return run, seconds


def configure(engine: Engine, cluster: Cluster, references: dict[str, str], **others: str) -> None:
    """Writes the settings of the example's stack; `others` are those that `make deliver` leaves at their defaults."""
    machine = {"kube_context": cluster.context} if cluster.context else {}
    settings = {
        "layer": NAME,
        # Two cores and 8 GiB hold the platform and a delivery together.
        "checks_memory": "256Mi",
        "build_memory": "2Gi",
        "repository_url": git_host.URL,
        "image": f"{secrets.REGISTRY}/{git_host.OWNER}/{git_host.REPOSITORY}",
        "delivery_image": references["delivery"],
        "checks_image": references[BASE],
        "builder_image": references["buildkit"],
        **others,
    }
    engine.configure(WEB, {**machine, **settings})


def _listens(cluster: Cluster) -> bool:
    wanted = "--output=jsonpath={.items[*].status.readyReplicas}"
    counts = installation.kubectl(cluster, "get", "deployments", f"--namespace={secrets.RUNS}", wanted)
    return counts.split() == ["1", "1"]
