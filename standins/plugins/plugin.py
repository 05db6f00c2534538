"""What every provider stand-in shares: the plugin protocol's server, errors, and lines to the engine's log.

Does not own: what a provider does with a resource.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from functools import wraps
from typing import Any

# Helm runs as a child process; without this, gRPC prints a note about forking for each one.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from standins.plugins.values import Object, encode

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
WORKERS = 512
"""Threads at most. Each waiting resource holds one; the engine's own --parallel decides how many there are."""


class Refused(Exception):
    """An operation that fails, with the one message that the user sees."""


class NotReady(Exception):
    """The object was written but did not become ready: the engine keeps its state and tries again on the next run."""

    def __init__(self, message: str, identifier: str, state: Object) -> None:
        super().__init__(message)
        self.identifier = identifier
        self.state = state


class EngineLog:
    """Lines on the terminal of the person who runs Pulumi."""

    def __init__(self, address: str) -> None:
        channel = grpc.insecure_channel(address, options=UNLIMITED) if address else None
        self._engine = engine_pb2_grpc.EngineStub(channel) if channel else None

    def _log(self, severity: int, urn: str, message: str, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=ephemeral)
        try:
            self._engine.Log(request, timeout=10)
        except grpc.RpcError:
            self._engine = None  # the engine has gone; the operation itself will say so

    def status(self, urn: str, message: str) -> None:
        """Shows what is being waited for, beside the resource, until the next message."""
        self._log(engine_pb2.INFO, urn, message, ephemeral=True)

    def warning(self, urn: str, message: str) -> None:
        """Shows a warning that stays."""
        self._log(engine_pb2.WARNING, urn, message, ephemeral=False)


def _abort(context: grpc.ServicerContext, error: Exception) -> None:
    if isinstance(error, NotReady):
        detail = any_pb2.Any()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=error.identifier, properties=encode(error.state), reasons=[str(error)]
            )
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    if isinstance(error, Refused):
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    if os.environ.get("PULUMI_MLOPS_DEBUG"):
        import traceback

        traceback.print_exception(error)
    name = type(error).__name__
    context.abort(
        grpc.StatusCode.INTERNAL,
        f"the provider stand-in failed ({name}: {error}); this is a defect of standins/plugins, "
        "PULUMI_MLOPS_DEBUG=1 prints where",
    )


def answers(method: Callable[..., Any]) -> Callable[..., Any]:
    """Turns exceptions of a remote procedure into the errors that the engine understands."""

    @wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except Exception as error:  # noqa: BLE001, RUF100 - every error must reach the engine in words
            _abort(context, error)

    return answer


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The procedures that are alike in every stand-in."""

    name: str
    version: str

    def __init__(self, log: EngineLog) -> None:
        self.log = log
        self.cancelled = threading.Event()

    def warm_up(self) -> None:
        """What can be done before the first request."""

    def Handshake(self, request: Any, context: Any) -> Any:
        """Says that secrets come as typed values and that the engine's naming rules are followed."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The version of the published provider that this one stands in for."""
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """No schema: the installed SDK has it."""
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "{self.name}", "version": "{self.version}"}}')

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Accepts the configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Configuration changes update the provider in place."""
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME
            if request.news != request.old_inputs
            else provider_pb2.DiffResponse.DIFF_NONE
        )

    def Configure(self, request: Any, context: Any) -> Any:
        """Nothing to configure."""
        return configured()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Ends every wait."""
        self.cancelled.set()
        return empty_pb2.Empty()

    @answers
    def Invoke(self, request: Any, context: Any) -> Any:
        """Refuses functions."""
        raise Refused(
            f"the {self.name} provider stand-in has no functions, so {request.tok} cannot be called; "
            "where the published plugin can be downloaded it is used instead"
        )

    @answers
    def Construct(self, request: Any, context: Any) -> Any:
        """Refuses the provider's own components."""
        raise Refused(
            f"{request.type} is not implemented by the {self.name} provider stand-in: declare its objects as resources "
            "of their own, or use the published plugin"
        )


def configured() -> Any:
    """The answer to Configure: previews are computed here, secrets are typed."""
    return provider_pb2.ConfigureResponse(
        acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
    )


def serve(make: Callable[[EngineLog], Provider]) -> None:
    """Serves a provider until the engine ends it; the first line of the output is the port, as the protocol wants."""
    address = next((word for word in reversed(sys.argv[1:]) if not word.startswith("-")), "")
    provider = make(EngineLog(address))
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS), options=UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    lifetime = Lifetime()
    print(port, flush=True)
    provider.warm_up()
    lifetime.wait()
    provider.cancelled.set()
    server.stop(LAST_WORDS_SECONDS).wait()
    os._exit(0)  # threads that still wait for a cluster must not hold up the end


LAST_WORDS_SECONDS = 1.0
"""How long running operations may take to end: enough for each to see that it is cancelled and to end its helm."""
ORPHAN_SECONDS = 1.0
"""How often a plugin looks whether its engine is still there."""


class Lifetime:
    """How long a plugin serves: until SIGTERM or SIGINT, or until the engine that started it has gone.

    An engine that is killed ends none of its plugins, and what they would still write is in nobody's state.
    """

    def __init__(self) -> None:
        self._engine = os.getppid()
        self._stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def wait(self) -> None:
        """Returns at the end."""
        while not self._stop.wait(ORPHAN_SECONDS):
            if os.getppid() != self._engine:
                return
