"""Requests to one API server through the official Kubernetes client, which the extra `cli` brings."""

import importlib
import json
import os
from collections.abc import Mapping
from typing import Any

import yaml

from pulumi_mlops.cli.errors import CommandError

CONNECT_SECONDS, READ_SECONDS = 5, 60
ATTEMPTS = 2

ADVICE = (
    (
        "No configuration found",
        " Set KUBECONFIG to its file; `aws eks update-kubeconfig --name CLUSTER` writes one for a cluster on EKS",
    ),
    ("/contexts list", "; `kubectl config get-contexts` lists them"),
)
"""Part of a message of the Kubernetes client about a kubeconfig, and what to do about it."""


class Unanswered(Exception):
    """The cluster could not be asked; the message says why."""


class Refused(Unanswered):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"its API server answers {status}: {message}")
        self.status = status


class Cluster:
    """An API server."""

    def __init__(self, kubeconfig: str | None, context: str | None) -> None:
        """Reads the kubeconfig, and asks nothing yet.

        Args:
            kubeconfig: its text, or the path of its file; None: what kubectl would take.
            context: one of its contexts; None: the current one.

        Raises:
            CommandError: the Kubernetes client is not installed.
            Unanswered: the kubeconfig leads nowhere.
        """
        client, config, urllib3 = map(_package, ("kubernetes.client", "kubernetes.config", "urllib3"))
        settings = client.Configuration()
        settings.retries = False  # its own attempts are logged as warnings
        options = {"context": context, "client_configuration": settings, "persist_config": False}
        try:
            if kubeconfig and _is_text(kubeconfig):
                config.load_kube_config_from_dict(_parsed(kubeconfig), **options)
            else:
                config.load_kube_config(kubeconfig and os.path.expanduser(kubeconfig), **options)
        except config.ConfigException as error:
            problem = str(error).removeprefix("Invalid kube-config file. ")
            advice = next((what_to_do for part, what_to_do in ADVICE if part in problem), "")
            raise Unanswered(f"the kubeconfig cannot be used: {problem}{advice}") from None
        except (OSError, yaml.YAMLError) as error:
            raise Unanswered(f"the kubeconfig cannot be read: {error}") from None
        self._host: str = settings.host
        self._api = client.ApiClient(settings)
        self._errors: tuple[type[Exception], ...] = (urllib3.exceptions.HTTPError, client.ApiException, OSError)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The decoded answer to a request.

        Raises:
            Refused: the server refused.
            Unanswered: it did not answer.
        """
        return self._request("GET", path, query)

    def delete(self, path: str) -> None:
        """Deletes one object.

        Raises:
            Refused: the server refused, with status 404 where there is none.
            Unanswered: it did not answer.
        """
        self._request("DELETE", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The decoded answer to an object that is posted; raises as `get` does."""
        return self._request("POST", path, None, body, "application/json")

    def patch(self, path: str, body: Mapping[str, object]) -> None:
        """Changes an object by a JSON merge patch; raises as `get` does."""
        self._request("PATCH", path, None, body, "application/merge-patch+json")

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None, body: object = None, kind: str | None = None
    ) -> Any:
        headers = {"Accept": "application/json", **({} if kind is None else {"Content-Type": kind})}
        request = self._api.param_serialize(
            method, path, query_params=list((query or {}).items()), header_params=headers, body=body,
            auth_settings=["BearerToken"],
        )  # fmt: skip
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._api.call_api(*request, _request_timeout=(CONNECT_SECONDS, READ_SECONDS))
                content: bytes = answer.read()
            except self._errors as error:
                if attempt == ATTEMPTS:
                    raise Unanswered(f"{self._host} cannot be reached ({_reason(error)})") from None
            else:
                if answer.status >= 300:
                    raise Refused(answer.status, _message(content))
                return self._decoded(content)

    def _decoded(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError:
            raise Unanswered(f"{self._host} is not an API server: it answers {content!r:.60}") from None


def _package(name: str) -> Any:
    """A module of the official client, or of what it needs."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise CommandError(
            "the cluster is asked through the official Kubernetes client, which is not installed: "
            "pip install 'pulumi-mlops[cli]'"
        ) from error


def _is_text(kubeconfig: str) -> bool:
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def _parsed(text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # its text holds credentials: no part of it is shown
        raise Unanswered("the provider's kubeconfig is not YAML") from None
    if not isinstance(content, dict):
        raise Unanswered("the provider's kubeconfig is not a mapping")
    return content  # pyright: ignore[reportUnknownVariableType]


def _reason(error: Exception) -> str:
    """The cause of an error of a connection, without the objects that its text names."""
    cause = getattr(error, "reason", error)
    return str(cause).rpartition(": ")[2] or type(cause).__name__


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:200] or "nothing more"
