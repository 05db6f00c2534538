"""The arguments of a training pipeline, with their defaults and rules; those of its settings: `_pipeline_settings`."""

import zoneinfo
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import DAY_SECONDS
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import ImagePullPolicy
from pulumi_mlops._placement import MAX_GPUS, TolerationArgs, TolerationOperator, toleration_problem
from pulumi_mlops._rules import quantity, url
from pulumi_mlops.contract.notifications import NotificationForm
from pulumi_mlops.contract.rules import between, dns_label, not_empty
from pulumi_mlops.contract.settings import Task
from pulumi_mlops.contract.steps import STEPS
from pulumi_mlops.training_pipeline import _pipeline_settings
from pulumi_mlops.training_pipeline._cron import schedule
from pulumi_mlops.training_pipeline._pipeline_settings import EvaluationArgs, FeaturesArgs, SourceArgs, TrainingArgs

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


class NotificationArgs(TypedDict):
    """Where a message goes when a run fails, or when its version does not pass the evaluation.

    It has the sentence that says why, the last lines of the run's log, and a link to the run.
    """

    secret: pulumi.Input[str]
    """Name of a Secret in the namespace whose key `url` holds the address, which gets a POST request. A workspace with
    narrowed egress has to allow it."""
    form: NotRequired[pulumi.Input[NotificationForm]]
    """What the request's body is; default JSON."""
    argo_workflows_url: NotRequired[pulumi.Input[str] | None]
    """Address of Argo Workflows' user interface, such as https://workflows.example.org; default none: no link."""


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
    notification: NotRequired[NotificationArgs | None]
    """Who is told when a run fails or its version does not pass; default none."""
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


def _timezone(value: str) -> str | None:
    """Rule: the zone exists; any is taken on a machine without a time zone database."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return 'must be an IANA time zone such as "Europe/Berlin"' if zoneinfo.available_timezones() else None
    return None


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
    "notification.secret": Argument(rule=dns_label),
    "notification.form": Argument(default=NotificationForm.JSON),
    "notification.argo_workflows_url": Argument(rule=url),
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
