"""The platform layer: what every team of a cluster shares."""

import pulumi
from pulumi_mlops.platform import Platform, PlatformArgs

from stacks import settings


def build() -> None:
    """Declares the stack."""
    chosen = settings.read(settings.PlatformSettings)
    names = PlatformArgs.__annotations__.keys() - settings.NO_SETTING
    platform = Platform("platform", settings.given(chosen, *sorted(names)), settings.cluster(chosen))
    pulumi.export("gateway_url", platform.gateway_url)
    pulumi.export("mlflow_url", platform.mlflow_url)
    pulumi.export("object_store_endpoint", platform.object_store_endpoint)
    pulumi.export("namespaces", platform.namespaces)
    pulumi.export("teams", platform.teams)
