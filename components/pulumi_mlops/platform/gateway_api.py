"""The definitions of the Gateway API: what `Gateway` and `HTTPRoute` are, whatever implements them.

A cluster has them once. Istio, KServe and the load balancer controller each name a version that they want; the one here
is Istio's. Does not own: the objects of these kinds.
"""

from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import versions
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._manifests import Manifest
from pulumi_mlops._rules import object_name
from pulumi_mlops.platform import _definitions


class GatewayApiArgs(TypedDict):
    """Arguments of `GatewayApi`."""

    keep_definitions: NotRequired[bool]
    """Whether the definitions survive `destroy`; default true. When false, `destroy` deletes them and with them every
    Gateway and every route in the cluster, those of other stacks included. Where they survived and are to be managed
    again, the Kubernetes provider needs `upsert_existing_objects`, or they are imported."""


ARGUMENTS = {"keep_definitions": Argument(default=True)}


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
        checked = check_args(GatewayApi, name, args, GatewayApiArgs, ARGUMENTS, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:GatewayApi", name, inputs(args), opts)
        installed = _definitions.install(name, definitions(), self, keep=checked["keep_definitions"])
        ready = pulumi.Output.all(*(one.id for one in installed.values()))
        self.definitions = ready.apply(lambda _: list(installed))
        self.version = pulumi.Output.from_input(versions.GATEWAY_API)
        self.register_outputs({"definitions": self.definitions, "version": self.version})


def definitions() -> list[Manifest]:
    """Metadata and spec of every definition."""
    return _definitions.read("gateway-api")
