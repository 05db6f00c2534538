"""The Argo Workflows objects of a training pipeline."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import EXECUTOR_PATCH, KEEP_FAILED_SECONDS, KEEP_SUCCEEDED_SECONDS
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources
from pulumi_mlops._placement import placement
from pulumi_mlops.contract.containers import (
    MODELS_PATH,
    OUTPUTS_DIRECTORY,
    SETTINGS_DIRECTORY,
    SETTINGS_FILE,
    Variable,
)
from pulumi_mlops.contract.steps import STEPS, module
from pulumi_mlops.training_pipeline import _notification
from pulumi_mlops.training_pipeline._arguments import StepArgs, TrainingPipelineArgs
from pulumi_mlops.training_pipeline._retries import retries

DATA_KEY = "data-key"
"""Workflow parameter: another key of the source's bucket for this run."""
DATE = "date"
"""Workflow parameter: what fills `{date}` in the key; a scheduled run has the time of its schedule."""
TOKEN_DIRECTORY = "/var/run/secrets/mlflow"  # noqa: S105 - a path
TOKEN_FILE = "token"  # noqa: S105 - a name
TOKEN_SECONDS = 3600
"""Life of the token by which MLflow knows a step; the kubelet renews it in time, and steps read it anew."""
SCRATCH_SIZE = "2Gi"
"""Of /tmp; what the steps hand on to each other is on the models' volume."""
_CPU_UNITS = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(1000)}
"""Of quantities that can be cores; more than thousands of them no machine has."""


_TOKEN: dict[str, object] = {
    "audience": conventions.MLFLOW_AUDIENCE,
    "expirationSeconds": TOKEN_SECONDS,
    "path": TOKEN_FILE,
}


def workflow_template(name: str, args: TrainingPipelineArgs, labels: Mapping[str, object]) -> Manifest:
    """Spec of the WorkflowTemplate; `args` are those of TrainingPipeline, `labels` go to workflows and pods."""
    steps = [name for name, step in STEPS.items() if args["endpoint"] is not None or not step.needs_endpoint]
    scratch: dict[str, object] = {"name": "tmp", "emptyDir": {"sizeLimit": SCRATCH_SIZE}}
    return {
        "entrypoint": "pipeline",
        **({} if args["notification"] is None else {"onExit": _notification.AT_END}),
        "arguments": {
            "parameters": [
                {
                    "name": DATA_KEY,
                    "value": "",
                    "description": "Another key of the source's bucket, for this run; empty: the pipeline's own.",
                },
                {
                    "name": DATE,
                    "value": "",
                    "description": "The date that fills {date} in the key, such as 2026-11-30; empty: today.",
                },
            ]
        },
        "workflowMetadata": {"labels": labels},
        "serviceAccountName": args["service_account"],
        "securityContext": pod_security(),
        "podSpecPatch": EXECUTOR_PATCH,
        "activeDeadlineSeconds": args["timeout_seconds"],
        # Two runs at a time could move the endpoint back to the older version.
        "synchronization": {"mutexes": [{"name": f"training-pipeline-{name}"}]},
        "archiveLogs": True,
        "podGC": {"strategy": "OnWorkflowSuccess"},
        "ttlStrategy": {
            "secondsAfterSuccess": KEEP_SUCCEEDED_SECONDS,
            "secondsAfterFailure": KEEP_FAILED_SECONDS,
        },
        "volumes": [
            {
                "name": "models",
                "persistentVolumeClaim": {"claimName": args["models_claim"]},
            },
            {"name": "settings", "configMap": {"name": settings_name(name)}},
            {"name": "mlflow-token", "projected": {"sources": [{"serviceAccountToken": _TOKEN}]}},
            scratch,
        ],
        "templates": [
            _dag(steps),
            *(_template(step, args, labels) for step in steps),
            *_notification.templates(args, labels),
        ],
    }


def cron_workflow(name: str, args: TrainingPipelineArgs, labels: Mapping[str, object]) -> Manifest:
    """Spec of the CronWorkflow, which starts the WorkflowTemplate of the same name."""
    return {
        "schedules": [args["schedule"]],
        "timezone": args["timezone"],
        "suspend": args["suspend"],
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": args["starting_deadline_seconds"],
        "successfulJobsHistoryLimit": args["successful_history"],
        "failedJobsHistoryLimit": args["failed_history"],
        "workflowMetadata": {"labels": labels},
        "workflowSpec": {
            "workflowTemplateRef": {"name": name},
            "arguments": {"parameters": [{"name": DATE, "value": "{{workflow.scheduledTime}}"}]},
        },
    }


def settings_name(name: str) -> str:
    """Name of the ConfigMap with the settings of pipeline `name`."""
    return f"{name}-settings"


def _dag(steps: list[str]) -> Manifest:
    """The steps, each after the one before it; the endpoint moves only after a passed evaluation."""
    tasks: list[dict[str, object]] = []
    for before, step in zip([None, *steps], steps, strict=False):
        task: dict[str, object] = {"name": step, "template": step}
        if before:
            task["depends"] = before
        if condition := STEPS[step].only_if:
            output = f"tasks.{condition.step}.outputs.parameters.{condition.output}"
            task["when"] = f"{{{{{output}}}}} == {condition.value}"
        tasks.append(task)
    return {"name": "pipeline", "dag": {"tasks": tasks}}


def _template(step: str, args: TrainingPipelineArgs, labels: Mapping[str, object]) -> Manifest:
    own = cast("dict[str, StepArgs]", args["steps"])[step]
    template: dict[str, object] = {
        "name": step,
        **placement(own["node_selector"], own["tolerations"], own["gpus"]),
        "metadata": {
            "labels": {
                **labels,
                "app.kubernetes.io/component": step,
                "sidecar.istio.io/inject": "false",  # a proxy that starts late and never ends
            }
        },
        "activeDeadlineSeconds": own["timeout_seconds"],
        "retryStrategy": retries(own["retries"]),
        "container": {
            "image": args["image"],
            "imagePullPolicy": args["image_pull_policy"],
            "command": ["python", "-m", module(step)],  # given, so that Argo asks no registry for the entrypoint
            "env": [*environment(args), *(_threads(own["cpu"]) if step == "train" else [])],
            "envFrom": [
                # A step without MLflow's address would track nothing and say nothing: then it must not start.
                {"configMapRef": {"name": conventions.PLATFORM_CONFIG_MAP, "optional": args["mlflow_url"] is not None}},
                {"secretRef": {"name": args["object_store_secret"], "optional": True}},
            ],
            "resources": resources(own["cpu"], own["memory"], own["gpus"]),
            "securityContext": container_security(),
            "volumeMounts": [
                {"name": "models", "mountPath": MODELS_PATH},
                {"name": "settings", "mountPath": SETTINGS_DIRECTORY, "readOnly": True},
                {"name": "mlflow-token", "mountPath": TOKEN_DIRECTORY, "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            ],
        },
    }
    if outputs := STEPS[step].outputs:
        template["outputs"] = {
            "parameters": [{"name": name, "valueFrom": {"path": f"{OUTPUTS_DIRECTORY}/{name}"}} for name in outputs]
        }
    return template


def _threads(cpu: pulumi.Input[str]) -> list[dict[str, object]]:
    """As many threads as the step requests whole cores, rounded up: more would only wait for each other."""
    if isinstance(cpu, str) and cores(cpu) == 1:
        return []  # the steps' own default
    return [
        {"name": Variable.THREADS.value, "value": pulumi.Output.from_input(cpu).apply(lambda known: str(cores(known)))}
    ]


def cores(cpu: str) -> int:
    """The whole cores of a quantity of CPU, rounded up."""
    number, unit = (cpu[:-1], cpu[-1]) if cpu[-1].isalpha() else (cpu, "")
    return max(math.ceil(Decimal(number) * _CPU_UNITS[unit]), 1)


def environment(args: TrainingPipelineArgs) -> list[dict[str, object]]:
    """Environment variables of every step besides its settings. Argo fills in the workflow variables."""
    values: dict[Variable, object] = {
        Variable.SETTINGS_PATH: f"{SETTINGS_DIRECTORY}/{SETTINGS_FILE}",
        Variable.MODELS_DIR: MODELS_PATH,
        Variable.RUN_ID: "{{workflow.uid}}",
        Variable.RUN_CREATED: "{{workflow.creationTimestamp.RFC3339}}",
        Variable.RUN_NAME: "{{workflow.name}}",
        Variable.DATA_KEY: f"{{{{workflow.parameters.{DATA_KEY}}}}}",
        Variable.DATA_DATE: f"{{{{workflow.parameters.{DATE}}}}}",
        Variable.TIMEZONE: args["timezone"],
        Variable.NAMESPACE: "{{workflow.namespace}}",
        Variable.CODE_VERSION: args["image"],
        Variable.MLFLOW_TRACKING_TOKEN_FILE: f"{TOKEN_DIRECTORY}/{TOKEN_FILE}",
    }
    given = {  # what is left out comes from the workspace's ConfigMap
        Variable.MLFLOW_TRACKING_URI: args["mlflow_url"],
        Variable.AWS_ENDPOINT_URL_S3: args["object_store_endpoint"],
        Variable.AWS_REGION: args["object_store_region"],
        Variable.ENDPOINT: args["endpoint"],
    }
    values |= {variable: value for variable, value in given.items() if value is not None}
    variables: list[dict[str, object]] = [{"name": key.value, "value": value} for key, value in values.items()]
    if (secret := args["source"]["secret"]) is not None:
        reference = {"name": secret, "key": conventions.DATABASE_URI_KEY}
        variables.append({"name": Variable.DATABASE_URI.value, "valueFrom": {"secretKeyRef": reference}})
    return variables
