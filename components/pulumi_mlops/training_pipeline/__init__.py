"""A scheduled training run: load → preprocess → train → evaluate → deploy.

Owns the workflow, its schedule, its settings and the right to move one endpoint. Does not own: the namespace and its
service account (`Workspace`), the endpoint (`ModelEndpoint`), the data, the models on the shared volume.
"""

import zoneinfo
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import API_VERSION, DAY_SECONDS
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._derived import json_text
from pulumi_mlops._manifests import ImagePullPolicy, Manifest, name_of
from pulumi_mlops._placement import TolerationArgs, TolerationOperator, toleration_problem
from pulumi_mlops._rules import object_name, quantity, url
from pulumi_mlops.contract.containers import SETTINGS_FILE
from pulumi_mlops.contract.rules import between, dns_label, not_empty
from pulumi_mlops.contract.settings import Task
from pulumi_mlops.contract.steps import STEPS
from pulumi_mlops.training_pipeline import _pipeline_settings, _workflow
from pulumi_mlops.training_pipeline._cron import schedule
from pulumi_mlops.training_pipeline._pipeline_settings import (
    EvaluationArgs,
    FeaturesArgs,
    SourceArgs,
    TrainingArgs,
)

MAX_NAME = 52  # Argo appends a time stamp to a CronWorkflow's name and refuses a longer one
MAX_TIMEOUT_SECONDS = 7 * DAY_SECONDS


class StepArgs(TypedDict):
    """What one step may use, and when to give up."""

    cpu: NotRequired[pulumi.Input[str]]
    """CPU requested, such as "500m"; default 250m, train 500m, deploy 100m. There is no CPU limit. In the
    step `train` it is, rounded up, also the number of threads."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory requested, which is also the limit, such as "2Gi"; default 1Gi, train 2Gi, deploy 512Mi."""
    timeout_seconds: NotRequired[pulumi.Input[int]]
    """Longest time of one attempt in seconds; default 1800, train 21600, deploy 900."""
    retries: NotRequired[pulumi.Input[int]]
    """Attempts after the first, from 0 to 10; default 2. Wrong data or settings are not tried again."""
    gpus: NotRequired[int]
    """NVIDIA GPUs of the step's own, from 0 to 16; default 0. The cluster needs nodes that offer `nvidia.com/gpu`, and
    the step an image whose XGBoost was built with CUDA, and `training.parameters.device` "cuda": the library's own
    image computes on CPUs."""
    node_selector: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Labels of the nodes that the step may run on; default: any node."""
    tolerations: NotRequired[list[TolerationArgs] | None]
    """Taints that do not keep the step away; default none, with `gpus` that of `nvidia.com/gpu`."""


class StepsArgs(TypedDict):
    """The steps whose defaults do not fit."""

    load: NotRequired[StepArgs]
    """Reading the source."""
    preprocess: NotRequired[StepArgs]
    """Renaming, engineering, imputing and scaling."""
    train: NotRequired[StepArgs]
    """Fitting and registering the model."""
    evaluate: NotRequired[StepArgs]
    """Measuring the model on the held-out rows."""
    deploy: NotRequired[StepArgs]
    """Moving the endpoint."""


class TrainingPipelineArgs(TypedDict):
    """Arguments of `TrainingPipeline`."""

    namespace: pulumi.Input[str]
    """Namespace of a `Workspace`."""
    image: pulumi.Input[str]
    """Image of the steps, by tag or digest; it runs `python -m ml.<step>`."""
    task: Task
    """What the model predicts. Plain, because the metric is checked against it."""
    source: SourceArgs
    """Where the training data are."""
    target: pulumi.Input[str]
    """Column to predict, after the renames."""
    evaluation: EvaluationArgs
    """The gate that a new model passes before the endpoint serves it."""
    schedule: pulumi.Input[str]
    """When it runs: a cron schedule of five fields, or a descriptor such as `@daily`; refused if it never comes."""
    model_name: NotRequired[pulumi.Input[str] | None]
    """Name of the model in MLflow and on the shared volume; default: the component's name."""
    endpoint: NotRequired[pulumi.Input[str] | None]
    """Name of the `ModelEndpoint` in the same namespace that serves the model; default none: nothing is deployed."""
    features: NotRequired[FeaturesArgs]
    """What becomes of the columns; default: all of them are used."""
    training: NotRequired[TrainingArgs]
    """How the model is trained."""
    version_history: NotRequired[pulumi.Input[int]]
    """Number of model versions that are kept on the shared volume and in MLflow's registry, from 2 to 10000; default
    20. Older ones stay while an endpoint of the namespace has them or could be rolled back to them, and while they
    carry an alias in MLflow. Runs stay in MLflow, with parameters and metrics."""
    timezone: NotRequired[pulumi.Input[str]]
    """Time zone of the schedule by its IANA name, such as "Europe/Berlin"; default Etc/UTC. Where clocks change, Argo
    skips a time that does not exist that day (of `@daily` too, where midnight does not), and runs twice at a time that
    comes twice: its policy `Forbid` holds a run back only while the one before it is under way."""
    suspend: NotRequired[pulumi.Input[bool]]
    """Whether the schedule rests, so that the pipeline runs by hand only; default false."""
    starting_deadline_seconds: NotRequired[pulumi.Input[int]]
    """How late a missed run may still start, in seconds, say after an outage; default 3600."""
    successful_history: NotRequired[pulumi.Input[int]]
    """Number of succeeded scheduled runs that are kept, for a day at most; default 3."""
    failed_history: NotRequired[pulumi.Input[int]]
    """Number of failed scheduled runs that are kept, for a week at most; default 3."""
    timeout_seconds: NotRequired[pulumi.Input[int]]
    """Longest time of a whole run in seconds, at most a week; default 43200. The next run waits for it."""
    steps: NotRequired[StepsArgs]
    """Resources, timeouts and retries by step."""
    image_pull_policy: NotRequired[pulumi.Input[ImagePullPolicy]]
    """When the node pulls the image; default IfNotPresent."""
    service_account: NotRequired[pulumi.Input[str]]
    """Service account of the runs; default `pipeline`, the workspace's."""
    models_claim: NotRequired[pulumi.Input[str]]
    """Volume claim that holds the models; default `models`, the workspace's."""
    mlflow_url: NotRequired[pulumi.Input[str] | None]
    """URL of the MLflow server; default: what the workspace's ConfigMap `platform` says. Steps send it a token of their
    service account for the audience `mlflow`, which is worth nothing anywhere else."""
    object_store_endpoint: NotRequired[pulumi.Input[str] | None]
    """URL of the S3 API; default: what the workspace's ConfigMap `platform` says."""
    object_store_region: NotRequired[pulumi.Input[str] | None]
    """Region of the bucket; default: what the workspace's ConfigMap `platform` says."""
    object_store_secret: NotRequired[pulumi.Input[str]]
    """Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; default `object-store-credentials`, the workspace's.
    It may be absent, as with workload identity."""
    labels: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Labels of every object, workflow and pod, besides the standard ones."""


def _timezone(value: Any) -> str | None:
    """Rule: the zone exists; any is taken on a machine without a time zone database."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return 'must be an IANA time zone such as "Europe/Berlin"' if zoneinfo.available_timezones() else None
    return None


MAX_GPUS = 16  # of the largest EC2 machines

ARGUMENTS = {
    **_pipeline_settings.ARGUMENTS,
    "namespace": Argument(rule=dns_label),
    "image": Argument(rule=not_empty),
    "schedule": Argument(rule=schedule),
    "timezone": Argument(default="Etc/UTC", rule=_timezone),
    "suspend": Argument(default=False),
    "starting_deadline_seconds": Argument(default=3600, rule=between(0, MAX_TIMEOUT_SECONDS, "seconds")),
    "successful_history": Argument(default=3, rule=between(0, 100, "runs")),
    "failed_history": Argument(default=3, rule=between(0, 100, "runs")),
    "timeout_seconds": Argument(default=DAY_SECONDS // 2, rule=between(60, MAX_TIMEOUT_SECONDS, "seconds")),
    "steps": Argument(default={}),
    **{
        f"steps.{name}{field}": argument
        for name, step in STEPS.items()
        for field, argument in {
            "": Argument(default={}),
            ".cpu": Argument(default=step.cpu, rule=quantity),
            ".memory": Argument(default=step.memory, rule=quantity),
            ".timeout_seconds": Argument(
                default=step.timeout_seconds, rule=between(10, MAX_TIMEOUT_SECONDS, "seconds")
            ),
            ".retries": Argument(default=2, rule=between(0, 10)),
            ".gpus": Argument(default=0, rule=between(0, MAX_GPUS)),
            ".tolerations": Argument(rule=toleration_problem),
            ".tolerations.operator": Argument(default=TolerationOperator.EQUAL),
        }.items()
    },
    "image_pull_policy": Argument(default=ImagePullPolicy.IF_NOT_PRESENT),
    "service_account": Argument(default=conventions.PIPELINE_SERVICE_ACCOUNT, rule=dns_label),
    "models_claim": Argument(default=conventions.MODELS_CLAIM, rule=dns_label),
    "mlflow_url": Argument(rule=url),
    "object_store_endpoint": Argument(rule=url),
    "object_store_secret": Argument(default=conventions.OBJECT_STORE_CREDENTIALS_SECRET, rule=dns_label),
}


class TrainingPipeline(pulumi.ComponentResource):
    """A model trained on a schedule, or by hand, and served only if it passed its evaluation.

    A run by hand: `argo submit --from workflowtemplate/<name>`, with `-p data-key=<key>` for another file.

    ```python
    from pulumi_mlops import Metric, SourceType, Task, TrainingPipeline

    TrainingPipeline("penguins", {
        "namespace": "penguins", "image": "registry.example.org/ml-pipeline:1", "schedule": "0 3 * * *",
        "source": {"type": SourceType.S3, "bucket": "data", "key": "penguins.csv"}, "target": "species",
        "task": Task.CLASSIFICATION, "evaluation": {"metric": Metric.ACCURACY, "threshold": 0.9},
    })
    ```
    """

    workflow_template: pulumi.Output[str]
    """Name of the WorkflowTemplate, to submit by hand."""
    cron_workflow: pulumi.Output[str]
    """Name of the CronWorkflow."""
    settings: pulumi.Output[str]
    """Name of the ConfigMap with the settings document."""
    model_name: pulumi.Output[str]
    """Name of the model in MLflow and on the shared volume."""

    def __init__(self, name: str, args: TrainingPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = checked_args(name, args)
        super().__init__("pulumi-mlops:index:TrainingPipeline", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._labels = conventions.labels(conventions.TRAINING_PIPELINE, name, checked["labels"])

        settings = self._create_settings()
        template = self._create_workflow_template([settings, *self._create_permission(checked["endpoint"])])
        cron = self._create_cron_workflow(template)

        self.workflow_template = name_of(template)
        self.cron_workflow = name_of(cron)
        self.settings = name_of(settings)
        self.model_name = pulumi.Output.from_input(name if checked["model_name"] is None else checked["model_name"])
        self.register_outputs(
            {
                "workflow_template": self.workflow_template,
                "cron_workflow": self.cron_workflow,
                "settings": self.settings,
                "model_name": self.model_name,
            }
        )

    def _create_settings(self) -> k8s.core.v1.ConfigMap:
        """Under a fixed name: a new document replaces the old one, and the next step that starts reads it."""
        document = _pipeline_settings.document(self._args, self._name)
        return k8s.core.v1.ConfigMap(
            f"{self._name}-settings",
            metadata=self._metadata(_workflow.settings_name(self._name)),
            data={SETTINGS_FILE: json_text(document, indent=2)},
            opts=self._child,
        )

    def _create_permission(self, endpoint: pulumi.Input[str] | None) -> list[pulumi.Resource]:
        """The right to move this one endpoint and to see what versions are in use, for the workspace's account."""
        see: Manifest = {"api_groups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["list"]}
        move: Manifest = {
            "api_groups": ["apps"],
            "resources": ["deployments"],
            "resource_names": [endpoint],
            "verbs": ["get", "patch"],
        }
        role = k8s.rbac.v1.Role(
            f"{self._name}-role",
            metadata=self._metadata(f"{self._name}-deploy"),
            rules=[see] if endpoint is None else [move, see],
            opts=self._child,
        )
        binding = k8s.rbac.v1.RoleBinding(
            f"{self._name}-role-binding",
            metadata=self._metadata(f"{self._name}-deploy"),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": name_of(role)},
            subjects=[
                {"kind": "ServiceAccount", "name": self._args["service_account"], "namespace": self._args["namespace"]}
            ],
            opts=self._child,
        )
        return [role, binding]

    def _create_workflow_template(self, needs: list[pulumi.Resource]) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            f"{self._name}-workflow-template",
            api_version=API_VERSION,
            kind="WorkflowTemplate",
            metadata=self._metadata(self._name),
            spec=_workflow.workflow_template(self._name, self._args, self._labels),
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )

    def _create_cron_workflow(self, template: pulumi.Resource) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            f"{self._name}-cron-workflow",
            api_version=API_VERSION,
            kind="CronWorkflow",
            metadata=self._metadata(self._name),
            spec=_workflow.cron_workflow(self._name, self._args, self._labels),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[template]),
        )

    def _metadata(self, name: str) -> Manifest:
        return {"name": name, "namespace": self._args["namespace"], "labels": self._labels}


def checked_args(name: str, args: TrainingPipelineArgs) -> TrainingPipelineArgs:
    """The arguments with their defaults; raises ArgumentError."""
    return check_args(
        TrainingPipeline,
        name,
        args,
        TrainingPipelineArgs,
        ARGUMENTS,
        problems=lambda checked: _pipeline_settings.problems(checked, args),
        name_rule=object_name(MAX_NAME),
    )
