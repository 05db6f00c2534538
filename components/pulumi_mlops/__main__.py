"""Serves the components to programs in other languages: what `pulumi package add` starts."""

from pulumi.provider.experimental import component_provider_host

from pulumi_mlops import DeliveryPipeline, ModelEndpoint, PostgresDatabase, TrainingPipeline, Workspace, conventions

if __name__ == "__main__":
    component_provider_host(
        name=conventions.PACKAGE,
        components=[DeliveryPipeline, ModelEndpoint, PostgresDatabase, TrainingPipeline, Workspace],
    )
