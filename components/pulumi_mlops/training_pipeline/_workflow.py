"""The Argo Workflows objects of a training pipeline."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import DAY_SECONDS, EXECUTOR_PATCH, KEEP_FAILED_SECONDS, KEEP_SUCCEEDED_SECONDS
from pulumi_mlops._manifests import ImagePullPolicy, Manifest, container_security, pod_security, resources

SETTINGS_DIRECTORY = "/etc/pipeline"
SETTINGS_FILE = "settings.json"
OUTPUTS_DIRECTORY = "/tmp/outputs"  # noqa: S108 - inside the container, on its own volume
DATA_KEY = "data-key"
"""Workflow parameter: another key of the source's bucket for this run."""
TOKEN_DIRECTORY = "/var/run/secrets/mlflow"  # noqa: S105 - a path
TOKEN_FILE = "token"  # noqa: S105 - a name
TOKEN_SECONDS = 3600
"""Life of the token by which MLflow knows a step; the kubelet renews it in time, and steps read it anew."""
WRONG_DATA_EXIT_CODE = 65
"""EX_DATAERR of sysexits.h: the data or the settings are wrong, and would be so again."""

SCRATCH_SIZE = "2Gi"
"""Of /tmp; what the steps hand on to each other is on the models' volume."""
DEFAULT_RETRIES = 2
FIRST_RETRY_SECONDS = 10
DEFAULT_RUN_TIMEOUT_SECONDS = DAY_SECONDS // 2


class Step(NamedTuple):
    """One step of the pipeline: what it needs unless the arguments say otherwise, and what it hands on."""

    cpu: str
    memory: str
    timeout_seconds: int
    outputs: tuple[str, ...] = ()


STEPS: dict[str, Step] = {
    "load": Step("250m", "1Gi", 1800),
    "preprocess": Step("250m", "1Gi", 1800),
    "train": Step("500m", "2Gi", 6 * 3600, ("version",)),
    "evaluate": Step("250m", "1Gi", 1800, ("passed", "verdict")),
    "deploy": Step("100m", "512Mi", 900),
}
"""In the order they run. `deploy` exists only where there is an endpoint to move."""

_TOKEN: dict[str, Any] = {
    "audience": conventions.MLFLOW_AUDIENCE,
    "expirationSeconds": TOKEN_SECONDS,
    "path": TOKEN_FILE,
}


def workflow_template(name: str, args: Mapping[str, Any], labels: Mapping[str, Any]) -> Manifest:
    """Spec of the WorkflowTemplate; `args` are those of TrainingPipeline, `labels` go to workflows and pods."""
    steps = [step for step in STEPS if step != "deploy" or "endpoint" in args]
    scratch: dict[str, Any] = {"name": "tmp", "emptyDir": {"sizeLimit": SCRATCH_SIZE}}
    return {
        "entrypoint": "pipeline",
        "arguments": {
            "parameters": [
                {
                    "name": DATA_KEY,
                    "value": "",
                    "description": "Another key of the source's bucket, for this run; empty: the pipeline's own.",
                }
            ]
        },
        "workflowMetadata": {"labels": labels},
        "serviceAccountName": args.get("service_account", conventions.PIPELINE_SERVICE_ACCOUNT),
        "securityContext": pod_security(),
        "podSpecPatch": EXECUTOR_PATCH,
        "activeDeadlineSeconds": args.get("timeout_seconds", DEFAULT_RUN_TIMEOUT_SECONDS),
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
                "persistentVolumeClaim": {"claimName": args.get("models_claim", conventions.MODELS_CLAIM)},
            },
            {"name": "settings", "configMap": {"name": settings_name(name)}},
            {"name": "mlflow-token", "projected": {"sources": [{"serviceAccountToken": _TOKEN}]}},
            scratch,
        ],
        "templates": [_dag(steps), *(_template(step, args, labels) for step in steps)],
    }


def cron_workflow(name: str, args: Mapping[str, Any], labels: Mapping[str, Any]) -> Manifest:
    """Spec of the CronWorkflow, which starts the WorkflowTemplate of the same name."""
    return {
        "schedules": [args["schedule"]],
        "timezone": args.get("timezone", "Etc/UTC"),
        "suspend": args.get("suspend", False),
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": args.get("starting_deadline_seconds", 3600),
        "successfulJobsHistoryLimit": args.get("successful_history", 3),
        "failedJobsHistoryLimit": args.get("failed_history", 3),
        "workflowMetadata": {"labels": labels},
        "workflowSpec": {"workflowTemplateRef": {"name": name}},
    }


def settings_name(name: str) -> str:
    """Name of the ConfigMap with the settings of pipeline `name`."""
    return f"{name}-settings"


def _dag(steps: list[str]) -> Manifest:
    """The steps, each after the one before it; the endpoint moves only after a passed evaluation."""
    tasks: list[dict[str, Any]] = []
    for before, step in zip([None, *steps], steps, strict=False):
        task: dict[str, Any] = {"name": step, "template": step}
        if before:
            task["depends"] = before
        if step == "deploy":
            task["when"] = "{{tasks.evaluate.outputs.parameters.passed}} == true"
        tasks.append(task)
    return {"name": "pipeline", "dag": {"tasks": tasks}}


def _template(step: str, args: Mapping[str, Any], labels: Mapping[str, Any]) -> Manifest:
    own = args.get("steps", {}).get(step, {})
    default = STEPS[step]
    template: dict[str, Any] = {
        "name": step,
        "metadata": {
            "labels": {
                **labels,
                "app.kubernetes.io/component": step,
                "sidecar.istio.io/inject": "false",  # a proxy that starts late and never ends
            }
        },
        "activeDeadlineSeconds": own.get("timeout_seconds", default.timeout_seconds),
        "retryStrategy": {
            "limit": own.get("retries", DEFAULT_RETRIES),
            "retryPolicy": "Always",
            "backoff": {"duration": f"{FIRST_RETRY_SECONDS}s", "factor": 2},
            "expression": f"asInt(lastRetry.exitCode) != {WRONG_DATA_EXIT_CODE}",
        },
        "container": {
            "image": args["image"],
            "imagePullPolicy": args.get("image_pull_policy", ImagePullPolicy.IF_NOT_PRESENT.value),
            "command": ["python", "-m", f"ml.{step}"],  # given, so that Argo asks no registry for the entrypoint
            "env": environment(args),
            "envFrom": [{"secretRef": {"name": _object_store_secret(args), "optional": True}}],
            "resources": resources(own.get("cpu", default.cpu), own.get("memory", default.memory)),
            "securityContext": container_security(),
            "volumeMounts": [
                {"name": "models", "mountPath": conventions.MODELS_PATH},
                {"name": "settings", "mountPath": SETTINGS_DIRECTORY, "readOnly": True},
                {"name": "mlflow-token", "mountPath": TOKEN_DIRECTORY, "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            ],
        },
    }
    if default.outputs:
        template["outputs"] = {
            "parameters": [
                {"name": output, "valueFrom": {"path": f"{OUTPUTS_DIRECTORY}/{output}"}} for output in default.outputs
            ]
        }
    return template


def environment(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What every step is told besides its settings. Workflow variables are filled in by Argo."""
    values: dict[str, Any] = {
        "SETTINGS_PATH": f"{SETTINGS_DIRECTORY}/{SETTINGS_FILE}",
        "MODELS_DIR": conventions.MODELS_PATH,
        "RUN_ID": "{{workflow.uid}}",
        "RUN_CREATED": "{{workflow.creationTimestamp.RFC3339}}",
        "RUN_NAME": "{{workflow.name}}",
        "DATA_KEY": f"{{{{workflow.parameters.{DATA_KEY}}}}}",
        "NAMESPACE": "{{workflow.namespace}}",
        "CODE_VERSION": args["image"],
        "MLFLOW_TRACKING_URI": args.get("mlflow_url", conventions.MLFLOW_URL),
        "MLFLOW_TRACKING_TOKEN_FILE": f"{TOKEN_DIRECTORY}/{TOKEN_FILE}",
        "AWS_REGION": args.get("object_store_region", conventions.OBJECT_STORE_REGION),
    }
    endpoint_url = args.get("object_store_endpoint", conventions.OBJECT_STORE_ENDPOINT)
    if endpoint_url != "":  # empty: the SDK's own choice, AWS
        values["AWS_ENDPOINT_URL_S3"] = endpoint_url
    if "endpoint" in args:
        values["ENDPOINT"] = args["endpoint"]
    variables: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in values.items()]
    if secret := args["source"].get("secret"):
        reference = {"name": secret, "key": conventions.DATABASE_URI_KEY}
        variables.append({"name": "DATABASE_URI", "valueFrom": {"secretKeyRef": reference}})
    return variables


def _object_store_secret(args: Mapping[str, Any]) -> Any:
    return args.get("object_store_secret", conventions.OBJECT_STORE_CREDENTIALS_SECRET)
