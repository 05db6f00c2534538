"""The message about a run that failed or whose version did not pass: an exit handler of the workflow.

It never decides how a run ends: the address may be down while the run goes well.
"""

from collections.abc import Mapping
from typing import cast

import pulumi

from pulumi_mlops._manifests import Manifest, container_security, resources
from pulumi_mlops.contract.containers import MODELS_PATH, Variable
from pulumi_mlops.contract.notifications import URL_KEY
from pulumi_mlops.contract.steps import module
from pulumi_mlops.training_pipeline._arguments import NotificationArgs, TrainingPipelineArgs
from pulumi_mlops.training_pipeline._retries import retries

NOTIFY, AT_END = "notify", "notify-end"
PHASE, FAILURES = "phase", "failures"
NOTIFY_SECONDS = 300
"""Longest time of one attempt: a request of 30 s, and what the node needs to start the pod."""
RETRIES = 2


def templates(args: TrainingPipelineArgs, labels: Mapping[str, object]) -> list[Manifest]:
    """The exit handler and its step; none without a notification."""
    if (notification := args["notification"]) is None:
        return []
    step: Manifest = {
        "name": NOTIFY,
        "template": NOTIFY,
        "arguments": {
            "parameters": [
                {"name": PHASE, "value": "{{workflow.status}}"},
                {"name": FAILURES, "value": "{{workflow.failures}}"},
            ]
        },
        "continueOn": {"error": True, "failed": True},
    }
    return [{"name": AT_END, "steps": [[step]]}, _notify(notification, args, labels)]


def _notify(notification: NotificationArgs, args: TrainingPipelineArgs, labels: Mapping[str, object]) -> Manifest:
    return {
        "name": NOTIFY,
        "inputs": {"parameters": [{"name": PHASE}, {"name": FAILURES}]},
        "metadata": {"labels": {**labels, "app.kubernetes.io/component": NOTIFY, "sidecar.istio.io/inject": "false"}},
        "activeDeadlineSeconds": NOTIFY_SECONDS,
        "retryStrategy": retries(RETRIES),
        "container": {
            "image": args["image"],
            "imagePullPolicy": args["image_pull_policy"],
            "command": ["python", "-m", module(NOTIFY)],
            "env": _environment(notification),
            "resources": resources("50m", "256Mi"),
            "securityContext": container_security(),
            "volumeMounts": [
                {"name": "models", "mountPath": MODELS_PATH},
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            ],
        },
    }


def _environment(notification: NotificationArgs) -> list[dict[str, object]]:
    values: dict[Variable, object] = {
        Variable.MODELS_DIR: MODELS_PATH,
        Variable.RUN_ID: "{{workflow.uid}}",
        Variable.RUN_NAME: "{{workflow.name}}",
        Variable.NAMESPACE: "{{workflow.namespace}}",
        Variable.RUN_STATUS: f"{{{{inputs.parameters.{PHASE}}}}}",
        Variable.RUN_FAILURES: f"{{{{inputs.parameters.{FAILURES}}}}}",
        Variable.NOTIFICATION_FORM: cast("dict[str, object]", notification)["form"],
    }
    if (url := notification.get("argo_workflows_url")) is not None:
        base = pulumi.Output.from_input(url).apply(lambda text: text.rstrip("/"))
        values[Variable.RUN_URL] = pulumi.Output.concat(base, "/workflows/{{workflow.namespace}}/{{workflow.name}}")
    variables: list[dict[str, object]] = [{"name": key.value, "value": value} for key, value in values.items()]
    reference = {"name": notification["secret"], "key": URL_KEY}
    variables.append({"name": Variable.NOTIFICATION_URL.value, "valueFrom": {"secretKeyRef": reference}})
    return variables
