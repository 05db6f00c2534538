"""The platform layer: what every team of a cluster shares."""

from typing import Any

import pulumi
from pulumi_mlops import conventions
from pulumi_mlops.platform import LocalDatabaseApi, Platform, PlatformArgs

from stacks import configuration, settings


def build() -> None:
    """Declares the stack."""
    chosen = configuration.read(settings.PlatformSettings)
    names = PlatformArgs.__annotations__.keys() - settings.NO_SETTING
    cluster = settings.cluster(chosen)
    databases = chosen.database_api if isinstance(chosen.database_api, dict) else None
    args = settings.given(chosen, *sorted(names))
    if databases is not None:
        args["database_group"] = databases.get("group", conventions.DATABASE_GROUP)
    platform = Platform("platform", args, cluster)
    if databases is not None:
        keeping: Any = {"keep_definitions": chosen.protect_data, **databases}
        LocalDatabaseApi("databases", keeping, cluster)
    pulumi.export("gateway_url", platform.gateway_url)
    pulumi.export("mlflow_url", platform.mlflow_url)
    pulumi.export("object_store_endpoint", platform.object_store_endpoint)
    pulumi.export("namespaces", platform.namespaces)
    pulumi.export("teams", platform.teams)
