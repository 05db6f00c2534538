"""The platform layer: what every team of a cluster shares."""

from typing import Any

import pulumi
from pulumi_mlops.platform import LocalDatabaseApi, Platform, PlatformArgs

from stacks import settings


def build() -> None:
    """Declares the stack."""
    chosen = settings.read(settings.PlatformSettings)
    names = PlatformArgs.__annotations__.keys() - settings.NO_SETTING
    cluster = settings.cluster(chosen)
    platform = Platform("platform", settings.given(chosen, *sorted(names)), cluster)
    if isinstance(databases := chosen.database_api, dict):
        keeping: Any = {"keep_definitions": chosen.protect_data, **databases}
        LocalDatabaseApi("databases", keeping, cluster)
    pulumi.export("gateway_url", platform.gateway_url)
    pulumi.export("mlflow_url", platform.mlflow_url)
    pulumi.export("object_store_endpoint", platform.object_store_endpoint)
    pulumi.export("namespaces", platform.namespaces)
    pulumi.export("teams", platform.teams)
