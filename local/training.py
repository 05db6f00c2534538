"""Runs the example team's training pipeline by hand: submits the WorkflowTemplate and follows it to its end."""

import time
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from local.progress import StepFailed, say

GROUP, VERSION = "argoproj.io", "v1alpha1"
TERMINAL = ("Succeeded", "Failed", "Error")


UNSEEN = 'workflowtemplates.argoproj.io "{template}" not found'
"""What Argo's controller says of a template that it has not seen."""
UNSEEN_SECONDS = 60.0
"""How long it may lag behind: after an outage of the API server its watches come back within half a minute."""

REQUEST_SECONDS = 10
UNTAKEN_SECONDS = 30.0
"""When a run that no controller has taken up is spoken of."""
OUTAGE_SECONDS = 300.0
"""How long the API server may be away before a run is no longer followed. The run itself does not need us."""


def run(api: client.ApiClient, namespace: str, template: str, data_key: str | None = None) -> dict[str, Any]:
    """Submits a run and follows it to its end.

    A run that ended because the controller had not yet seen the template is submitted again.

    Raises:
        StepFailed: it did not succeed.
    """
    deadline = time.monotonic() + UNSEEN_SECONDS
    while True:
        try:
            return follow(api, namespace, submit(api, namespace, template, data_key))
        except StepFailed as failure:
            unseen = UNSEEN.format(template=template) in str(failure) and _exists(api, namespace, template)
            if not unseen or time.monotonic() > deadline:
                raise
            say("Argo Workflows has not seen the pipeline's template yet; again …")
            time.sleep(1)


def _exists(api: client.ApiClient, namespace: str, template: str) -> bool:
    try:
        client.CustomObjectsApi(api).get_namespaced_custom_object(
            GROUP, VERSION, namespace, "workflowtemplates", template
        )
    except client.ApiException as error:
        if error.status != 404:
            raise
        return False
    return True


def submit(api: client.ApiClient, namespace: str, template: str, data_key: str | None = None) -> str:
    """Starts one run of a WorkflowTemplate and returns its name; `data_key` trains on another object of the bucket."""
    parameters = [{"name": "data-key", "value": data_key}] if data_key else []
    body: dict[str, Any] = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Workflow",
        "metadata": {"generateName": f"{template}-", "namespace": namespace},
        "spec": {"workflowTemplateRef": {"name": template}, "arguments": {"parameters": parameters}},
    }
    try:
        made = client.CustomObjectsApi(api).create_namespaced_custom_object(
            GROUP, VERSION, namespace, "workflows", body, _request_timeout=REQUEST_SECONDS
        )
    except client.ApiException as error:
        raise StepFailed(
            f"the run of WorkflowTemplate {template} in namespace {namespace} could not be submitted: "
            f"{error.reason}; is the stack up? `make up` brings it up"
        ) from None
    except HTTPError:
        raise StepFailed(
            f"the run of WorkflowTemplate {template} in namespace {namespace} could not be submitted: the Kubernetes "
            "API does not answer; `make status` shows what runs, `make up` starts what does not"
        ) from None
    return made["metadata"]["name"]


def follow(api: client.ApiClient, namespace: str, workflow: str, timeout_seconds: float = 600) -> dict[str, Any]:
    """Prints each step as it ends; returns the finished Workflow, or raises with the failing step's own sentence.

    While the API server is away the run goes on: it is followed again as soon as there are answers.
    """
    said: dict[str, str] = {}
    begin = time.monotonic()
    deadline = begin + timeout_seconds
    away_since: float | None = None
    waits = False
    while time.monotonic() < deadline:
        found = _read(api, namespace, workflow)
        if found is None:
            away_since = away_since or _say_away(workflow)
            if time.monotonic() - away_since > OUTAGE_SECONDS:
                raise StepFailed(
                    f"the Kubernetes API has not answered for {OUTAGE_SECONDS:.0f} s, so workflow {workflow} is no "
                    f"longer followed; it goes on where it can: after `make up`, {_look(namespace, workflow)}"
                )
            time.sleep(1)
            continue
        if away_since:
            say(f"  the Kubernetes API answers again; following workflow {workflow}")
            away_since = None
        status = found.get("status") or {}
        if not status.get("phase") and not waits and time.monotonic() - begin > UNTAKEN_SECONDS:
            waits = True
            say(f"  no controller has taken up workflow {workflow} yet; `make status` says whether one runs")
        for node in sorted((status.get("nodes") or {}).values(), key=lambda node: node.get("startedAt") or ""):
            _report(node, said)
        if status.get("phase") in TERMINAL:
            if status["phase"] != "Succeeded":
                raise StepFailed(f"workflow {workflow} {status['phase'].lower()}: {reason(status)}")
            return found
        time.sleep(0.3)
    raise StepFailed(
        f"workflow {workflow} did not end within {timeout_seconds:.0f}s and goes on; {_look(namespace, workflow)}"
    )


def _read(api: client.ApiClient, namespace: str, workflow: str) -> dict[str, Any] | None:
    """The Workflow as it is now; None while the API server does not answer, or answers that it cannot."""
    try:
        return client.CustomObjectsApi(api).get_namespaced_custom_object(
            GROUP, VERSION, namespace, "workflows", workflow, _request_timeout=REQUEST_SECONDS
        )
    except HTTPError:
        return None
    except client.ApiException as error:
        if error.status == 404:
            raise StepFailed(
                f"workflow {workflow} in namespace {namespace} is gone, somebody deleted it; `make train` starts one"
            ) from None
        if error.status == 429 or (error.status or 500) >= 500:
            return None
        raise StepFailed(
            f"workflow {workflow} in namespace {namespace} cannot be read: {error.reason}; it goes on by itself"
        ) from None


def _say_away(workflow: str) -> float:
    say(f"  the Kubernetes API does not answer; workflow {workflow} goes on, waiting to follow it again …")
    return time.monotonic()


def _look(namespace: str, workflow: str) -> str:
    return f"`kubectl --namespace {namespace} get workflow {workflow} --output yaml` shows where it is"


def outputs(workflow: dict[str, Any]) -> dict[str, str]:
    """The output parameters of the steps that succeeded; a try that was killed has them as well, without values."""
    return {
        parameter["name"]: parameter.get("value", "")
        for node in workflow["status"]["nodes"].values()
        if node.get("phase") == "Succeeded"
        for parameter in (node.get("outputs") or {}).get("parameters") or []
    }


def _report(node: dict[str, Any], said: dict[str, str]) -> None:
    if node.get("type") not in ("Pod", "Skipped") or node.get("phase") not in (*TERMINAL, "Skipped", "Omitted"):
        return
    if said.get(node["id"]) != node["phase"]:
        said[node["id"]] = node["phase"]
        message = f": {node['message']}" if node.get("message") else ""
        say(f"  {_name(node)} {node['phase'].lower()}{message}")


def _name(node: dict[str, Any]) -> str:
    """A step's name; Argo numbers the tries of a step from 0 in parentheses."""
    step, _, attempt = node["displayName"].rstrip(")").partition("(")
    return f"{step}, try {int(attempt) + 1}," if attempt.isdigit() and attempt != "0" else step


def reason(status: dict[str, Any]) -> str:
    """Why a workflow failed: the sentence of the step that failed last, else that of the workflow."""
    failed = [
        f"step {_name(node)}: {node.get('message', 'no reason given')}"
        for node in (status.get("nodes") or {}).values()
        if node.get("type") == "Pod" and node.get("phase") in ("Failed", "Error")
    ]
    return failed[-1] if failed else status.get("message", "no reason given")
