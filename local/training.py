"""Runs the example team's training pipeline by hand: submits the WorkflowTemplate and follows it to its end."""

import time
from typing import Any

from kubernetes import client

from local.progress import StepFailed, say

GROUP, VERSION = "argoproj.io", "v1alpha1"
TERMINAL = ("Succeeded", "Failed", "Error")


UNSEEN = 'workflowtemplates.argoproj.io "{template}" not found'
"""What Argo's controller says of a template that it has not seen."""
UNSEEN_SECONDS = 60.0
"""How long it may lag behind: after an outage of the API server its watches come back within half a minute."""


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
            GROUP, VERSION, namespace, "workflows", body
        )
    except client.ApiException as error:
        raise StepFailed(
            f"the run of WorkflowTemplate {template} in namespace {namespace} could not be submitted: "
            f"{error.reason}; is the stack up? `make up` brings it up"
        ) from None
    return made["metadata"]["name"]


def follow(api: client.ApiClient, namespace: str, workflow: str, timeout_seconds: float = 600) -> dict[str, Any]:
    """Prints each step as it ends; returns the finished Workflow, or raises with the failing step's own sentence."""
    workflows = client.CustomObjectsApi(api)
    said: dict[str, str] = {}
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        found = workflows.get_namespaced_custom_object(GROUP, VERSION, namespace, "workflows", workflow)
        status = found.get("status") or {}
        for node in sorted((status.get("nodes") or {}).values(), key=lambda node: node.get("startedAt") or ""):
            _report(node, said)
        if status.get("phase") in TERMINAL:
            if status["phase"] != "Succeeded":
                raise StepFailed(f"workflow {workflow} {status['phase'].lower()}: {_reason(status)}")
            return found
        time.sleep(0.3)
    raise StepFailed(
        f"workflow {workflow} did not end within {timeout_seconds:.0f}s; "
        f"`kubectl --namespace {namespace} get workflow {workflow} --output yaml` shows where it is"
    )


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


def _reason(status: dict[str, Any]) -> str:
    failed = [
        f"step {_name(node)}: {node.get('message', 'no reason given')}"
        for node in (status.get("nodes") or {}).values()
        if node.get("type") == "Pod" and node.get("phase") in ("Failed", "Error")
    ]
    return failed[-1] if failed else status.get("message", "no reason given")
