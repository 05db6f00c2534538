"""The endpoint that a pipeline moves: which version it has, and moving it to another.

Two places, one shape: a Deployment of the cluster, or a file that a server on the same machine watches.
"""

import json
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pulumi_mlops.contract.containers import HELD_ANNOTATION, MODEL_VERSION_ANNOTATION, Variable

from ml.bundle_writer import replace_durably
from ml.errors import DeployError, PipelineError, RolledBack, SettingsError
from ml.step import say

FIELD_MANAGER = "training-pipeline"  # owns this one annotation; Pulumi ignores the annotations of pods
TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.5
REQUEST_SECONDS = 15


class Endpoint(Protocol):
    """Where a model is served."""

    name: str

    def current(self) -> str | None:
        """The version that is asked for now; None if there is none or no endpoint yet."""
        ...

    def held(self) -> str | None:
        """What a person has written down who holds it at its version; None if the pipeline may move it."""
        ...

    def put(self, version: str | None) -> None:
        """Asks for a version; None as before the first."""
        ...

    def wait(self, version: str | None) -> str | None:
        """Waits until the version serves; what went wrong if it does not in time, else None."""
        ...


def endpoint(environment: Mapping[str, str], name: str | None) -> Endpoint | None:
    """The pipeline's endpoint, None if it has none. ENDPOINT_FILE chooses the file, ENDPOINT names the Deployment."""
    timeout = environment.get(Variable.DEPLOY_TIMEOUT_SECONDS) or str(TIMEOUT_SECONDS)
    try:
        seconds = float(timeout)
    except ValueError:
        raise SettingsError(f"DEPLOY_TIMEOUT_SECONDS must be a number of seconds, got {timeout!r}") from None
    if file := environment.get(Variable.ENDPOINT_FILE):
        return FileEndpoint(Path(file), environment.get(Variable.ENDPOINT_METADATA_URL, ""), seconds)
    if name := environment.get(Variable.ENDPOINT) or name:
        namespace = environment.get(Variable.NAMESPACE, "")
        if not namespace:
            raise SettingsError("environment variable NAMESPACE is missing, the workflow template must set it")
        return KubernetesEndpoint(name, namespace, seconds)
    return None


def versions_in_use(environment: Mapping[str, str], name: str | None) -> set[str]:
    """The versions that something asks for now, or asked for so lately that it can be put back.

    In a cluster: what any Deployment or ReplicaSet of the namespace names, whosever it is, since all of them may mount
    the models' volume. Raises PipelineError if that cannot be known.
    """
    namespace = environment.get(Variable.NAMESPACE, "")
    if namespace and not environment.get(Variable.ENDPOINT_FILE):
        return versions_of_namespace(namespace)
    target = endpoint(environment, name)
    current = target.current() if target else None
    return {current} if current else set()


def versions_of_namespace(namespace: str, api: Any = None) -> set[str]:
    """The versions that Deployments and ReplicaSets of a namespace name; raises DeployError."""
    api = api or _apps_api()
    listed: list[Any] = []
    for kind in ("Deployment", "ReplicaSet"):
        method = f"list_namespaced_{'replica_set' if kind == 'ReplicaSet' else 'deployment'}"
        found = _call(api, method, f"{kind}s of {namespace}", namespace)
        listed += found.items if found else []
    return {version for one in listed if (version := _annotation(one))}


def move(target: Endpoint, version: str, previous: str | None) -> None:
    """Moves the endpoint and waits; if the version does not serve, puts `previous` back and raises RolledBack."""
    target.put(version)
    problem = target.wait(version)
    if problem is None:
        return
    if target.current() != version:  # another run, or a person: theirs is the newer wish
        raise DeployError(f"endpoint {target.name!r} did not take version {version} ({problem}), it is left as it is")
    say(f"{problem}; putting {previous or 'no version'} back")
    target.put(previous)
    again = target.wait(previous)
    failed = f"endpoint {target.name!r} did not take version {version} ({problem})"
    if again is not None:
        raise DeployError(f"{failed}, putting {previous or 'no version'} back failed: {again}")
    raise RolledBack(f"{failed}, it has {previous or 'no version'} again")


class KubernetesEndpoint:
    """A Deployment whose pod template names the version in an annotation."""

    def __init__(self, name: str, namespace: str, timeout_seconds: float, api: Any = None) -> None:
        self.name = name
        self._namespace = namespace
        self._timeout = timeout_seconds
        self._given_api = api

    def current(self) -> str | None:
        """See Endpoint."""
        deployment = self._read()
        return _annotation(deployment) or None if deployment else None

    def held(self) -> str | None:
        """See Endpoint."""
        deployment = self._read()
        return (deployment.metadata.annotations or {}).get(HELD_ANNOTATION) if deployment else None

    def put(self, version: str | None) -> None:
        """See Endpoint."""
        # Checked first: to apply something that does not exist is to create it, from one annotation.
        deployment = self._read()
        if deployment is None:
            raise DeployError(
                f"endpoint {self.name!r} has no Deployment in namespace {self._namespace!r}, create it first"
            )
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "namespace": self._namespace},
            "spec": {"template": {"metadata": {"annotations": {MODEL_VERSION_ANNOTATION: version or ""}}}},
        }
        self._call(
            "patch_namespaced_deployment",
            body=body,
            field_manager=FIELD_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
        )

    def wait(self, version: str | None) -> str | None:
        """See Endpoint: until every replica is of the new template and available, and no other is left."""
        deadline = time.monotonic() + self._timeout
        while True:
            deployment = self._read()
            if deployment is None:
                return "its Deployment is gone"
            if _annotation(deployment) != (version or ""):
                return f"somebody moved it to {_annotation(deployment) or 'no version'} meanwhile"
            done, problem = rollout_state(deployment)
            if done:
                return None
            if problem:
                return problem
            if time.monotonic() > deadline:
                return f"not ready after {self._timeout:g} s: {conditions(deployment)}"
            time.sleep(POLL_SECONDS)

    def _read(self) -> Any | None:
        return self._call("read_namespaced_deployment")

    def _call(self, method: str, **arguments: Any) -> Any | None:
        if self._given_api is None:
            self._given_api = _apps_api()
        place = f"Deployment {self._namespace}/{self.name}"
        return _call(self._given_api, method, place, self.name, self._namespace, **arguments)


class FileEndpoint:
    """A file that holds the version; a server on this machine watches it (MODEL_VERSION_FILE)."""

    def __init__(self, path: Path, metadata_url: str, timeout_seconds: float) -> None:
        self.name = path.name
        self._path = path
        self._metadata_url = metadata_url
        self._timeout = timeout_seconds

    def current(self) -> str | None:
        """See Endpoint."""
        try:
            return self._path.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def held(self) -> None:
        """See Endpoint: a file is not held."""

    def put(self, version: str | None) -> None:
        """See Endpoint."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_durably(self._path, (version or "").encode())

    def wait(self, version: str | None) -> str | None:
        """See Endpoint: until the server's metadata name the version, if its URL is known."""
        deadline = time.monotonic() + self._timeout
        while self._metadata_url and version:
            try:
                with urllib.request.urlopen(self._metadata_url, timeout=REQUEST_SECONDS) as answer:  # noqa: S310
                    serves = json.loads(answer.read())["versions"]
                if version in serves:
                    return None
                problem = f"the server has version {', '.join(serves)}"
            except (OSError, ValueError, KeyError) as error:
                problem = f"the server does not tell its version ({error})"
            if time.monotonic() > deadline:
                return f"not ready after {self._timeout:g} s: {problem}"
            time.sleep(POLL_SECONDS)
        return None


def rollout_state(deployment: Any) -> tuple[bool, str | None]:
    """Whether a Deployment's rollout is complete, and why it never will be, if that is known."""
    status, wanted = deployment.status, deployment.spec.replicas
    if (status.observed_generation or 0) < deployment.metadata.generation:
        return False, None  # the status speaks of the template before
    for condition in status.conditions or []:
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return False, conditions(deployment)
    updated, available, total = (status.updated_replicas or 0, status.available_replicas or 0, status.replicas or 0)
    return updated == available == total == wanted, None


def conditions(deployment: Any) -> str:
    """The Deployment's conditions that are not as they should be, in its own words."""
    found = []
    for condition in deployment.status.conditions or []:
        bad = (condition.status == "True") == (condition.type == "ReplicaFailure")
        if bad or condition.type == "Progressing":
            message = (condition.message or condition.reason or "").rstrip(".")
            found.append(f"condition {condition.type} is {condition.status}, {message}")
    return "; ".join(found) or "the Deployment has no conditions yet"


def _apps_api() -> Any:
    from kubernetes import client, config  # noqa: PLC0415 - only endpoints in a cluster pay for it

    try:
        config.load_incluster_config()
    except config.ConfigException:
        raise PipelineError("there is no service account to reach the Kubernetes API with") from None
    return client.AppsV1Api()


def _call(api: Any, method: str, place: str, *path: str, **arguments: Any) -> Any | None:
    """Calls the API; None if the object is not there. `place` is what the sentence names when it does not work."""
    from kubernetes.client import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        return getattr(api, method)(*path, _request_timeout=REQUEST_SECONDS, **arguments)
    except ApiException as error:
        if error.status == 404:
            return None
        if error.status == 403:
            verb = method.split("_", 1)[0].replace("read", "get")
            raise DeployError(
                f"the pipeline's service account may not {verb} {place}, its Role must allow it"
            ) from None
        raise DeployError(f"the Kubernetes API refused {place} ({error.status} {error.reason})") from None
    except HTTPError as error:
        raise DeployError(f"the Kubernetes API did not answer for {place} ({type(error).__name__})") from None


def _annotation(deployment: Any) -> str:
    return (deployment.spec.template.metadata.annotations or {}).get(MODEL_VERSION_ANNOTATION, "")
