"""A scheduled training run: load → preprocess → train → evaluate → deploy.

Owns the workflow, its schedule, its settings and the right to move one endpoint. Does not own: the namespace and its
service account (`Workspace`), the endpoint (`ModelEndpoint`), the data, the models on the shared volume.
"""

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import API_VERSION
from pulumi_mlops._args import check_args, inputs
from pulumi_mlops._derived import json_text
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.containers import SETTINGS_FILE
from pulumi_mlops.training_pipeline import _document, _workflow
from pulumi_mlops.training_pipeline._arguments import ARGUMENTS, MAX_NAME, TrainingPipelineArgs


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
        document = _document.document(self._args, self._name)
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
        problems=lambda checked: _document.problems(checked, args),
        name_rule=object_name(MAX_NAME),
    )
