"""The plugin: answers the engine's Construct with a component, whose resources it registers with the same engine.

The SDK's own provider server turns references into resources again; that needs the SDKs of every resource that may
come as an input to be imported here, which the components' modules do.
"""

import asyncio
import importlib.metadata
import os
import sys
from typing import Any

# isort: off
from standins.plugins.plugin import LAST_WORDS_SECONDS, ORPHAN_SECONDS, UNLIMITED, Lifetime

# isort: on
import grpc
import grpc.aio
import pulumi
from google.protobuf import empty_pb2
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from standins.plugins.eks.addon import Addon
from standins.plugins.eks.cluster import Cluster
from standins.plugins.eks.node_group import ManagedNodeGroup

COMPONENTS = {
    "eks:index:Addon": Addon,
    "eks:index:Cluster": Cluster,
    "eks:index:ManagedNodeGroup": ManagedNodeGroup,
}


class Eks(Provider):
    """Stand-in for pulumi-resource-eks."""

    def __init__(self) -> None:
        version = importlib.metadata.version("pulumi-eks")
        super().__init__(version, f'{{"name": "eks", "version": "{version}"}}')

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Builds a component."""
        if resource_type not in COMPONENTS:
            sentence = f"{resource_type} is not implemented by the EKS stand-in, which has: {', '.join(COMPONENTS)}"
            raise InputPropertiesError(sentence)
        component = COMPONENTS[resource_type](name, inputs, options or pulumi.ResourceOptions())
        return ConstructResult(component.urn, component.outputs)


class Servicer(ProviderServicer):
    """The SDK's server, with errors in words and the configuration that it leaves out."""

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        """Accepts the configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        """Configuration changes nothing that exists."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Construct(self, request: Any, context: Any) -> Any:
        """Builds a component; a failure is one sentence."""
        try:
            return await self._construct(request, context)
        except InputPropertiesError as error:
            await context.abort_with_status(self.create_grpc_invalid_properties_status(error.message, error.errors))
        except Exception as error:  # noqa: BLE001, RUF100 - every error must reach the engine in words
            if os.environ.get("PULUMI_MLOPS_DEBUG"):
                import traceback

                traceback.print_exception(error)
            await context.abort(grpc.StatusCode.INTERNAL, f"{request.type} {request.name!r} failed: {error}")

    async def Call(self, request: Any, context: Any) -> Any:
        """Refuses methods of components."""
        await context.abort(
            grpc.StatusCode.UNKNOWN,
            f"{request.tok} is not implemented by the EKS stand-in: use the output kubeconfigJson, or the published "
            "pulumi-eks plugin",
        )

    async def Invoke(self, request: Any, context: Any) -> Any:
        """Refuses functions; the published plugin has none either."""
        await context.abort(grpc.StatusCode.UNKNOWN, f"{request.tok} is not implemented by the EKS stand-in")

    async def Cancel(self, request: Any, context: Any) -> Any:
        """Nothing waits here: the engine ends what the components registered."""
        return empty_pb2.Empty()


async def _serve(lifetime: Lifetime) -> None:
    address = next((word for word in reversed(sys.argv[1:]) if not word.startswith("-")), "")
    server = grpc.aio.server(options=UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(Eks(), sys.argv[1:], address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    ended = asyncio.create_task(asyncio.to_thread(lifetime.wait))
    while not ended.done():
        # Python runs signal handlers in this thread, which must wake up for them.
        await asyncio.wait({ended}, timeout=ORPHAN_SECONDS)
    await server.stop(LAST_WORDS_SECONDS)


def main() -> None:
    """Runs the plugin."""
    asyncio.run(_serve(Lifetime()))
    os._exit(0)
