"""The example team's endpoint in the hands of an operator: moved to an earlier version, held there, and released.

A hold is an annotation of the Deployment. While it is there, a pipeline registers what it trains and leaves the
endpoint alone (`ml.deploy`), so that no later run takes back what a person has decided.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kubernetes import client
from pulumi_mlops.contract.containers import HELD_ANNOTATION, MODEL_VERSION_ANNOTATION

from local import model_registry
from local.cluster import Cluster
from local.progress import StepFailed, say, step
from ml.endpoint import KubernetesEndpoint, move
from ml.errors import PipelineError

REVISION = "deployment.kubernetes.io/revision"
FIELD_MANAGER = "pulumi-mlops-operator"
MOVE_SECONDS = 300.0


def served(cluster: Cluster, outputs: dict[str, Any]) -> str | None:
    """The version that the endpoint serves, once a rollout that is under way has ended; None before the first.

    A run goes on without the command that started it, so its rollout may be half done: until the last pod of the
    version before is gone, some requests are still answered by that one, or refused where there was none.

    Raises:
        StepFailed: the endpoint is asked for a version and does not come to serve it.
    """
    with _reached(cluster, outputs) as endpoint:
        while version := endpoint.current():
            problem = endpoint.wait(version)
            if problem is None:
                return version
            if endpoint.current() == version:
                raise StepFailed(
                    f"endpoint {endpoint.name} is asked for version {version} and does not serve it: {problem}; "
                    "`make status` shows what runs, `make rollback` moves it to the version before"
                )
        return None


def held(cluster: Cluster, outputs: dict[str, Any]) -> str | None:
    """Since when and for whom the endpoint is held; None if the pipeline may move it."""
    with _reached(cluster, outputs) as endpoint:
        return endpoint.held()


def rollback(cluster: Cluster, outputs: dict[str, Any], version: str | None) -> None:
    """Moves the endpoint to `version`, by default to the one served before, and holds it there; MLflow's alias follows.

    Raises:
        StepFailed: there is no such version, or it did not come up; the endpoint then serves what it did.
    """
    with cluster.api() as api, model_registry.connected(cluster, api, outputs) as registry:
        endpoint = _endpoint(api, outputs)
        now = endpoint.current()
        if now is None:
            raise StepFailed("the endpoint serves no version yet; `make train` brings the first one")
        wanted = version or _previous(api, outputs, now)
        registered = registry.versions()
        if wanted not in registered:
            raise StepFailed(
                f"MLflow has no version {wanted} of model {outputs['model_name']}; it has "
                f"{', '.join(sorted(registered, reverse=True)) or 'none'}: `make rollback VERSION=…` takes one of these"
            )
        # Before it moves: a run that is about to end must not move it again.
        _hold(api, outputs, f"at {wanted} by {getpass.getuser()} at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        with step(f"endpoint {endpoint.name}: from version {now} to {wanted}"):
            try:
                move(endpoint, wanted, now)
            except PipelineError as error:
                raise StepFailed(f"{error}; it stays held, `make release` ends that") from None
        registry.promote(registered[wanted])
    say(f"version {wanted} is served and held: runs register new versions and do not deploy them until `make release`")


def release(cluster: Cluster, outputs: dict[str, Any]) -> None:
    """Lets the pipeline move the endpoint again; moves nothing itself."""
    with cluster.api() as api:
        endpoint = _endpoint(api, outputs)
        if endpoint.held() is None:
            say(f"endpoint {endpoint.name} is not held; the pipeline's next run that passes its gate moves it")
            return
        _hold(api, outputs, None)
        say(
            f"endpoint {endpoint.name} is released at version {endpoint.current()}; "
            "the pipeline's next run that passes its gate moves it"
        )


@contextmanager
def _reached(cluster: Cluster, outputs: dict[str, Any]) -> Iterator[KubernetesEndpoint]:
    with cluster.api() as api:
        try:
            yield _endpoint(api, outputs)
        except PipelineError as error:
            raise StepFailed(str(error)) from None


def _endpoint(api: client.ApiClient, outputs: dict[str, Any]) -> KubernetesEndpoint:
    return KubernetesEndpoint(outputs["deployment"], outputs["namespace"], MOVE_SECONDS, client.AppsV1Api(api))


def _previous(api: client.ApiClient, outputs: dict[str, Any], now: str) -> str:
    """The version of the Deployment's latest revision that had another one."""
    listed = client.AppsV1Api(api).list_namespaced_replica_set(outputs["namespace"]).items
    ours = [one for one in listed if _owner(one) == outputs["deployment"]]
    for replica_set in sorted(ours, key=lambda one: -int((one.metadata.annotations or {}).get(REVISION, "0"))):
        version = (replica_set.spec.template.metadata.annotations or {}).get(MODEL_VERSION_ANNOTATION)
        if version and version != now:
            return version
    raise StepFailed(
        f"there is no version before {now} that this endpoint has served lately; name one: `make rollback VERSION=…`"
    )


def _owner(replica_set: Any) -> str:
    return next((owner.name for owner in replica_set.metadata.owner_references or []), "")


def _hold(api: client.ApiClient, outputs: dict[str, Any], reason: str | None) -> None:
    body = {"metadata": {"annotations": {HELD_ANNOTATION: reason}}}
    client.AppsV1Api(api).patch_namespaced_deployment(
        outputs["deployment"],
        outputs["namespace"],
        body,
        field_manager=FIELD_MANAGER,
        _content_type="application/merge-patch+json",
    )
