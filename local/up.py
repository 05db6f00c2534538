"""From a bare machine, or a cluster that is there, to a served prediction; and back. Every step may be run again."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pulumi_mlops.cli import helm_releases

from local import (
    access,
    containerless,
    database_api,
    drift,
    endpoints,
    images,
    node,
    prediction,
    services,
    tools,
    training,
)
from local.cluster import NODE, Cluster, chosen_context, from_context, of_node, target
from local.engine import PENGUINS, PLATFORM, STACKS, Engine
from local.exclusive import exclusive
from local.node import control_plane, parts
from local.paths import STATE
from local.progress import StepFailed, say, step
from standins import charts, plugins

ENGINE_TOOLS = ("pulumi", "helm")
IMAGE_TOOLS = ("workflow-controller", "argoexec", "pause")
USER_TOOLS = ("kubectl",)
TEST_TOOLS = (
    "crossplane",
    "function-auto-ready",
    "function-patch-and-transform",
    "gitea",
    "kustomize",
    "sensor-filter",
)
TEAM_IMAGES = ("ml-pipeline", "ml-server")
"""Those that the example team's stack names."""


def up() -> None:
    """Brings everything up, trains the example's model and prints a prediction."""
    with exclusive("up"):
        if not chosen_context() and (reason := node.can_run_containers()):
            say(f"containers cannot run here ({reason}): the same code runs as plain processes instead")
            url = containerless.up()
            _say_prediction(url)
            _say_end(url)
            return
        cluster = _started()
        references = images.build(cluster.registry_push, cluster.registry)
        engine = engine_of(cluster)
        database_api.install(cluster)
        _configure(engine, cluster, references)
        for stack in STACKS:
            continue_interrupted(engine, stack)
            if engine.has_resources(stack):
                for line in drift.sentences(engine, cluster, stack):
                    say(f"repairs drift: {line}")
            with step(f"pulumi up {stack}"):
                engine.up(stack, "--refresh")
        if version := endpoints.served(cluster, engine.outputs(PENGUINS)):
            say(f"version {version} is served already, so there is no training run; `make train` starts one")
        else:
            _train(engine, cluster, None)
        _say_end(_predict(engine, cluster))


def prepare() -> None:
    """Builds what `up` and the tests need and what can be kept; starts nothing."""
    if node.can_run_containers():
        tools.ensure(*ENGINE_TOOLS, *control_plane.BINARIES, *USER_TOOLS, *TEST_TOOLS)
        return
    with ThreadPoolExecutor(2) as pool:  # images that need no tool are made while the tools compile
        compiled = (*parts.BINARIES, *ENGINE_TOOLS, *IMAGE_TOOLS, *USER_TOOLS, *TEST_TOOLS)
        for done in (pool.submit(tools.ensure, *compiled), pool.submit(images.prepare)):
            done.result()


def plan() -> None:
    """Previews both local stacks: on the cluster that is up, or, where none is, against an API server without nodes."""
    with exclusive("plan"):
        if _is_there():
            cluster = target(whole=True)
            engine = engine_of(cluster)
            # As `up` would: by the tracked files as they are now, and the images as their sources are now.
            _configure(engine, cluster, images.references(cluster.registry, TEAM_IMAGES))
            for one in STACKS:
                changed = drift.sentences(engine, cluster, one)
                for line in [f"drift: {said}; `make up` repairs it" for said in changed] or [f"drift: none in {one}"]:
                    say(line)
                engine.preview(one, "--refresh")
        else:
            say("no platform is up here: planning against a Kubernetes API without nodes")
            containerless.plan()


def train(data_key: str | None) -> None:
    """Runs the example's pipeline once."""
    with exclusive("train"):
        if services.running():
            containerless.train(data_key)
        else:
            cluster = target(whole=True)
            _train(engine_of(cluster), cluster, data_key)


def rollback(version: str | None) -> None:
    """Moves the example's endpoint to an earlier version and holds it there."""
    with exclusive("rollback"):
        cluster = _of_pods("rollback")
        endpoints.rollback(cluster, engine_of(cluster).outputs(PENGUINS), version)


def release() -> None:
    """Lets the pipeline move the example's endpoint again."""
    with exclusive("release"):
        cluster = _of_pods("release")
        endpoints.release(cluster, engine_of(cluster).outputs(PENGUINS))


def _of_pods(command: str) -> Cluster:
    if services.running():
        raise StepFailed(f"there is no `make {command}` where the platform runs as plain processes, without a cluster")
    return target(whole=True)


def predict() -> None:
    """Asks the example's endpoint for a prediction."""
    if services.running():
        _say_prediction(containerless.url())
    else:
        cluster = target()
        _predict(engine_of(cluster), cluster)


def env() -> None:
    """Prints the variables by which a shell's kubectl and pulumi work on this platform."""
    access.show_environment(engine_of(_of_pods("env")))


def mlflow(port: str) -> None:
    """Serves MLflow at a loopback port, signed in, until it is interrupted."""
    number = access.port_number(port)
    access.serve_mlflow(engine_of(_of_pods("mlflow")), number)


def down() -> None:
    """Removes what `up` started: the node with all that runs in it; from somebody else's cluster, by Pulumi."""
    with exclusive("down"):
        found = containerless.down()
        if context := chosen_context():
            cluster = from_context(context)
            engine = engine_of(cluster)
            for stack in reversed(STACKS):
                if stack in engine.stacks():
                    engine.select(stack)
                    continue_interrupted(engine, stack)
                    with step(f"pulumi destroy {stack}"):
                        engine.destroy(stack)
                    engine.forget(stack)
                    found.append(f"stack {stack}")
        elif node.status() or node.home().exists():
            found += node.stop()
            if (STATE / f"{NODE}-stacks").exists():
                # The stacks describe a cluster that is gone: nothing of them is left to destroy.
                shutil.rmtree(STATE / f"{NODE}-stacks")
                found.append("the state of the stacks")
        for item in found:
            say(f"removed: {item}")
        say("nothing of the platform is left on this machine" if found else "nothing was there to remove")


def _started() -> Cluster:
    """The cluster that KUBE_CONTEXT names, else this machine's node, started or completed."""
    if context := chosen_context():
        return from_context(context)
    prepare()
    return of_node(node.ensure())


def _is_there() -> bool:
    return bool(chosen_context() or node.status())


def engine_of(cluster: Cluster) -> Engine:
    """The Pulumi CLI with the state and the plugins for this cluster."""
    programs = tools.ensure(*ENGINE_TOOLS)
    os.environ["PULUMI_MLOPS_HELM"] = str(programs["helm"])
    engine = Engine(
        programs["pulumi"], STATE / f"{cluster.name}-stacks", cluster.kubeconfig, takes_over=cluster.name == NODE
    )
    engine.prepare()
    for line in plugins.install(engine.home):
        say(line)
    return engine


def continue_interrupted(engine: Engine, stack: str) -> None:
    """Repairs what a run that was killed during a Helm operation left, which the next run would refuse."""
    helm_releases.continue_interrupted(
        stack, engine, lambda: str(tools.ensure("helm")["helm"]), engine.environment(), say
    )


def _configure(engine: Engine, cluster: Cluster, references: dict[str, str]) -> None:
    machine = {"kube_context": cluster.context} if cluster.context else {}
    repository, announcement = charts.repository()
    if announcement:
        say(announcement)
    gateway = {"gateway_class": cluster.gateway_class, "gateway_url": cluster.gateway_url}
    mirrors = {"image_mirror": cluster.registry, "chart_repository": repository}
    engine.configure(PLATFORM, {**machine, **gateway, **mirrors, **database_api.setting(cluster)})
    used = {f"{name.removeprefix('ml-')}_image": references[name] for name in TEAM_IMAGES}
    engine.configure(PENGUINS, {**machine, **used, "image_registry": cluster.registry})


def _train(engine: Engine, cluster: Cluster, data_key: str | None) -> None:
    outputs = engine.outputs(PENGUINS)
    with step("training run"), cluster.api() as api:
        workflow = training.run(api, outputs["namespace"], outputs["workflow_template"], data_key)
    results = training.outputs(workflow)
    say(f"model version {results.get('version')}: {results.get('verdict')}")
    if held := endpoints.held(cluster, outputs):
        say(f"the endpoint is held {held}, so this version is not deployed; `make release` ends the hold")


def _predict(engine: Engine, cluster: Cluster) -> str:
    url = f"{cluster.gateway_url}{engine.outputs(PENGUINS)['prediction_path']}"
    _say_prediction(url)
    return url


def _say_prediction(url: str) -> None:
    answer = prediction.predict(url, prediction.EXAMPLE_ROWS)
    say(f"POST {url}")
    for row, guess in zip(prediction.EXAMPLE_ROWS, prediction.best_guess(answer), strict=True):
        say(f"  {row} -> {guess}")
    with suppress(KeyError):
        say(f"  by model {answer['meta']['tags']['model']} version {answer['meta']['tags']['version']}")


def _say_end(url: str) -> None:
    say(f"up: {url}")
    say("next: make predict · make train · make rollback · make status · make plan · make mlflow · make down")
    say('to look around: eval "$(make env)" gives this shell kubectl and pulumi, `make mlflow` a page in the browser')
