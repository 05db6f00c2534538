"""The definitions of the Gateway API: what `Gateway` and `HTTPRoute` are, whatever implements them.

A cluster has them once. Istio, KServe and the load balancer controller each name a version that they want; the one here
is Istio's. Does not own: the objects of these kinds.
"""

import gzip
import json
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import versions
from pulumi_mlops._args import check_args, object_name

DATA = Path(__file__).parent / "data" / f"gateway-api-{versions.GATEWAY_API}.json.gz"


class GatewayApiArgs(TypedDict):
    """Arguments of `GatewayApi`."""

    keep_definitions: NotRequired[bool]
    """Whether the definitions survive `destroy`; default true. When false, `destroy` deletes them and with them every
    Gateway and every route in the cluster, those of other stacks included. Where they survived and are to be managed
    again, the Kubernetes provider needs `upsert_existing_objects`, or they are imported."""


class GatewayApi(pulumi.ComponentResource):
    """The Gateway API's standard channel.

    ```python
    from pulumi_mlops.platform import GatewayApi

    api = GatewayApi("gateway-api", {})
    pulumi.export("gateway_api_version", api.version)
    ```
    """

    definitions: pulumi.Output[list[str]]
    """Names of the definitions, known once all of them are there."""
    version: pulumi.Output[str]
    """Version of the Gateway API."""

    def __init__(self, name: str, args: GatewayApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(GatewayApi, name, args, GatewayApiArgs, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:GatewayApi", name, {**checked}, opts)
        # A resource each, instead of a chart's: Helm installs definitions once and never updates them.
        installed = {
            one["metadata"]["name"]: k8s.apiextensions.v1.CustomResourceDefinition(
                f"{name}-{one['spec']['names']['plural']}",
                metadata=one["metadata"],
                spec=one["spec"],
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=checked.get("keep_definitions", True)),
            )
            for one in definitions()
        }
        ready = pulumi.Output.all(*(one.id for one in installed.values()))
        self.definitions = ready.apply(lambda _: list(installed))
        self.version = pulumi.Output.from_input(versions.GATEWAY_API)
        self.register_outputs({"definitions": self.definitions, "version": self.version})


def definitions() -> list[dict[str, Any]]:
    """Metadata and spec of every definition, in the order of their names."""
    return json.loads(gzip.decompress(DATA.read_bytes()))
