"""The example team: predicts the species of a penguin from its measurements, trained anew every night.

What a team of its own would write, in a repository of its own, but for the upload of the example data.
"""

import pulumi
from pulumi_mlops import Metric, ModelEndpoint, SourceType, Task, TrainingPipeline, Workspace, conventions, versions

from stacks import configuration, sample_data, settings

TEAM = "penguins"
DATA_KEY = "penguins/penguins.csv"


def build() -> None:
    """Declares the stack."""
    chosen = configuration.read(settings.PenguinsSettings)
    cluster = settings.cluster(chosen)
    pipeline_image = chosen.pipeline_image or _image(chosen, "ml-pipeline")

    workspace = Workspace(
        TEAM,
        {
            "cpu_cores": chosen.cpu_cores,
            "memory_gib": chosen.memory_gib,
            "models_gib": chosen.models_gib,
            "storage_gib": 2 * chosen.models_gib,
            "protect_models": chosen.protect_models,
        },
        cluster,
    )
    sample_data.SampleData(
        "sample-data",
        {
            "namespace": workspace.namespace,
            "image": pipeline_image,
            "secret": workspace.object_store_secret,
            "bucket": conventions.DATA_BUCKET,
            "key": DATA_KEY,
        },
        cluster,
    )
    endpoint = ModelEndpoint(
        TEAM,
        {
            "namespace": workspace.namespace,
            "image": chosen.server_image or _image(chosen, "ml-server"),
            "replicas": chosen.replicas,
        },
        cluster,
    )
    pipeline = TrainingPipeline(
        TEAM,
        {
            "namespace": workspace.namespace,
            "image": pipeline_image,
            "task": Task.CLASSIFICATION,
            "source": {"type": SourceType.S3, "bucket": conventions.DATA_BUCKET, "key": DATA_KEY},
            "target": "species",
            "features": {
                "drop": ["year"],
                "numeric": ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"],
                "categorical": ["island", "sex"],
                "engineered": {"bill_ratio": "bill_length_mm / bill_depth_mm"},
            },
            "training": {"seed": 7, "rounds": 60, "parameters": {"max_depth": 3, "learning_rate": 0.2}},
            "evaluation": {"metric": Metric.ACCURACY, "threshold": 0.9},
            "schedule": chosen.schedule,
            "endpoint": endpoint.deployment,
        },
        cluster,
    )
    pulumi.export("namespace", workspace.namespace)
    pulumi.export("workflow_template", pipeline.workflow_template)
    pulumi.export("cron_workflow", pipeline.cron_workflow)
    pulumi.export("model_name", pipeline.model_name)
    pulumi.export("deployment", endpoint.deployment)
    pulumi.export("prediction_path", endpoint.path)
    pulumi.export("internal_url", endpoint.internal_url)


def _image(chosen: settings.PenguinsSettings, name: str) -> str:
    """The released image in the registry; PenguinsSettings has made sure that there is one."""
    return conventions.image(str(chosen.image_registry), f"{conventions.PACKAGE}/{name}", versions.ML)
