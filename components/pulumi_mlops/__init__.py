"""Pulumi components for an MLOps platform on Kubernetes: the developer API.

A name is imported when it is first used, so that importing the package costs no provider SDK.
"""

from typing import TYPE_CHECKING

from pulumi_mlops._lazy import lazy

if TYPE_CHECKING:
    from pulumi_mlops._args import ArgumentError
    from pulumi_mlops._manifests import ImagePullPolicy
    from pulumi_mlops._placement import TolerationArgs, TolerationEffect, TolerationOperator
    from pulumi_mlops.contract.notifications import NotificationForm
    from pulumi_mlops.contract.settings import (
        CategoricalImputation,
        ClassWeight,
        ColumnType,
        DataFormat,
        Metric,
        Monotone,
        NumericImputation,
        Objective,
        Scaling,
        SourceType,
        Task,
        UnknownCategory,
    )
    from pulumi_mlops.database import (
        DatabaseBackend,
        DatabaseBackupsArgs,
        DatabaseEnvironment,
        DatabaseManifestArgs,
        DatabaseRestoreArgs,
        PostgresDatabase,
        PostgresDatabaseArgs,
        RdsArgs,
        SinglePodArgs,
    )
    from pulumi_mlops.delivery_pipeline import (
        BuildArgs,
        ChecksArgs,
        DeliveryPipeline,
        DeliveryPipelineArgs,
        EnvironmentArgs,
        IntegrationTestsArgs,
        PromotionMode,
        RepositoryArgs,
        RepositoryHost,
    )
    from pulumi_mlops.model_endpoint import (
        AccessArgs,
        AutoscalingArgs,
        CanaryArgs,
        EndpointRuntime,
        JwtArgs,
        ModelEndpoint,
        ModelEndpointArgs,
        OpenAccessArgs,
    )
    from pulumi_mlops.training_pipeline import TrainingPipeline
    from pulumi_mlops.training_pipeline._arguments import NotificationArgs, StepArgs, StepsArgs, TrainingPipelineArgs
    from pulumi_mlops.training_pipeline._pipeline_settings import (
        EvaluationArgs,
        FeaturesArgs,
        SearchArgs,
        SourceArgs,
        TrainingArgs,
    )
    from pulumi_mlops.workspace import ObjectStoreAccess, Workspace, WorkspaceArgs

__all__ = [
    "AccessArgs",
    "ArgumentError",
    "AutoscalingArgs",
    "BuildArgs",
    "CanaryArgs",
    "CategoricalImputation",
    "ChecksArgs",
    "ClassWeight",
    "ColumnType",
    "DataFormat",
    "DatabaseBackend",
    "DatabaseBackupsArgs",
    "DatabaseEnvironment",
    "DatabaseManifestArgs",
    "DatabaseRestoreArgs",
    "DeliveryPipeline",
    "DeliveryPipelineArgs",
    "EndpointRuntime",
    "EnvironmentArgs",
    "EvaluationArgs",
    "FeaturesArgs",
    "ImagePullPolicy",
    "IntegrationTestsArgs",
    "JwtArgs",
    "Metric",
    "ModelEndpoint",
    "ModelEndpointArgs",
    "Monotone",
    "NotificationArgs",
    "NotificationForm",
    "NumericImputation",
    "ObjectStoreAccess",
    "Objective",
    "OpenAccessArgs",
    "PostgresDatabase",
    "PostgresDatabaseArgs",
    "PromotionMode",
    "RdsArgs",
    "RepositoryArgs",
    "RepositoryHost",
    "Scaling",
    "SearchArgs",
    "SinglePodArgs",
    "SourceArgs",
    "SourceType",
    "StepArgs",
    "StepsArgs",
    "Task",
    "TolerationArgs",
    "TolerationEffect",
    "TolerationOperator",
    "TrainingArgs",
    "TrainingPipeline",
    "TrainingPipelineArgs",
    "UnknownCategory",
    "Workspace",
    "WorkspaceArgs",
]

_MODULES = {
    "_args": ("ArgumentError",),
    "_manifests": ("ImagePullPolicy",),
    "_placement": ("TolerationArgs", "TolerationEffect", "TolerationOperator"),
    "contract.notifications": ("NotificationForm",),
    "contract.settings": (
        "CategoricalImputation",
        "ClassWeight",
        "ColumnType",
        "DataFormat",
        "Metric",
        "Monotone",
        "NumericImputation",
        "Objective",
        "Scaling",
        "SourceType",
        "Task",
        "UnknownCategory",
    ),
    "database": (
        "DatabaseBackend",
        "DatabaseBackupsArgs",
        "DatabaseEnvironment",
        "DatabaseManifestArgs",
        "DatabaseRestoreArgs",
        "PostgresDatabase",
        "PostgresDatabaseArgs",
        "RdsArgs",
        "SinglePodArgs",
    ),
    "delivery_pipeline": (
        "BuildArgs",
        "ChecksArgs",
        "DeliveryPipeline",
        "DeliveryPipelineArgs",
        "EnvironmentArgs",
        "IntegrationTestsArgs",
        "PromotionMode",
        "RepositoryArgs",
        "RepositoryHost",
    ),
    "model_endpoint": (
        "AccessArgs",
        "AutoscalingArgs",
        "CanaryArgs",
        "EndpointRuntime",
        "JwtArgs",
        "ModelEndpoint",
        "ModelEndpointArgs",
        "OpenAccessArgs",
    ),
    "training_pipeline._pipeline_settings": (
        "EvaluationArgs",
        "FeaturesArgs",
        "SearchArgs",
        "SourceArgs",
        "TrainingArgs",
    ),
    "training_pipeline": ("TrainingPipeline",),
    "training_pipeline._arguments": ("NotificationArgs", "StepArgs", "StepsArgs", "TrainingPipelineArgs"),
    "workspace": ("ObjectStoreAccess", "Workspace", "WorkspaceArgs"),
}
__getattr__, __dir__ = lazy(__name__, _MODULES)
