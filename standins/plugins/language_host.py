"""Stand-in for pulumi-language-python: starts a project's Python program for the Pulumi engine.

It serves what `pulumi preview`, `up`, `refresh` and `destroy` ask of a language host, and runs policy packs. It
installs nothing: programs run in an environment that exists. The program itself runs in `program.py`, in a process and
an interpreter of its own.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from standins.plugins.plugin import UNLIMITED, Lifetime, Refused, answers
from standins.plugins.program import SHOWN

PROGRAM = Path(__file__).with_name("program.py")
LIST_PACKAGES = """
import importlib.metadata, json
found = []
for distribution in importlib.metadata.distributions():
    name = distribution.metadata["Name"]
    file = distribution.locate_file(f"{name.replace('-', '_')}/pulumi-plugin.json")
    plugin = json.loads(file.read_text()) if file.is_file() else None
    found.append({"name": name, "version": distribution.version, "plugin": plugin})
print(json.dumps(found))
"""


def interpreter(root: str, options: dict[str, Any]) -> str:
    """The Python that runs the program: of the project's `virtualenv` option, else the one that runs this host.

    Raises:
        Refused: the environment is missing, or the project wants a toolchain that this stand-in does not have.
    """
    toolchain = options.get("toolchain", "pip")
    if toolchain not in ("pip", ""):
        raise Refused(
            f"Pulumi.yaml: runtime.options.toolchain {toolchain!r} is not implemented by the Python language host "
            "stand-in: use 'pip', or a Pulumi CLI that comes with its own language host"
        )
    if not options.get("virtualenv"):
        return sys.executable
    python = Path(root, options["virtualenv"], "bin", "python")
    if not python.is_file():
        raise Refused(
            f"Pulumi.yaml: runtime.options.virtualenv {options['virtualenv']!r} has no {python}: create the "
            "environment, then run the command again"
        )
    return str(python)


POLICY_PACK = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)
"""
"""Runs a policy pack so that it can be interrupted: whoever started the engine in the background ignores SIGINT, and
children inherit that."""


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """The language host's procedures."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.programs: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:
        """Learns the engine's address."""
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """No version of its own: it comes with the CLI."""
        return plugin_pb2.PluginInfo()

    @answers
    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """The provider plugins that the installed SDKs ask for."""
        needed = [
            plugin_pb2.PackageDependency(
                name=item["plugin"]["name"],
                kind="resource",
                version="v" + item["plugin"].get("version", item["version"]),
                server=item["plugin"].get("server", ""),
            )
            for item in _packages(request.info)
            if item["plugin"] and item["plugin"].get("resource") and item["plugin"].get("name")
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=needed)

    @answers
    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """The distributions in the program's environment."""
        found = sorted(_packages(request.info), key=lambda item: item["name"].lower())
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=item["name"], version=item["version"]) for item in found]
        )

    @answers
    def About(self, request: Any, context: Any) -> Any:
        """Which Python runs the program."""
        python = _interpreter(request.info)
        said = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
        return language_pb2.AboutResponse(executable=python, version=said.stdout.strip().removeprefix("Python "))

    @answers
    def Run(self, request: Any, context: Any) -> Any:
        """Runs the program to its end."""
        directory = request.info.program_directory or request.pwd
        settings = {
            "monitor": request.monitor_address,
            "engine": self.engine,
            "project": request.project,
            "stack": request.stack,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
        }
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        words = [json.dumps(settings), request.info.entry_point or ".", *request.args]
        # -P: this directory must not be on the program's import path.
        process = subprocess.Popen(
            [_interpreter(request.info), "-u", "-P", str(PROGRAM), *words], cwd=directory or None, env=environment
        )
        self.programs.add(process)
        context.add_callback(lambda: _interrupt(process))
        code = process.wait()
        self.programs.discard(process)
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=_ending(code))

    def Cancel(self, request: Any, context: Any) -> Any:
        """Interrupts the programs that run."""
        self.end_programs()
        return empty_pb2.Empty()

    def end_programs(self) -> None:
        """Interrupts the programs that run."""
        for process in list(self.programs):
            _interrupt(process)

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuses: this stand-in never changes an environment."""
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "the Python language host stand-in installs nothing: make the program's environment with pip or uv and "
            "name it in Pulumi.yaml as runtime.options.virtualenv",
        )

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Runs a policy pack until the engine ends it; other plugins written in Python need the real host."""
        if request.kind != "analyzer":
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED,
                "the Python language host stand-in runs policy packs and no other plugins: use a Pulumi CLI that comes "
                "with its own language host",
            )
        try:
            python = _interpreter(request.info)
        except Refused as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        command = [python, "-u", "-P", "-c", POLICY_PACK, *request.args, request.info.program_directory]
        environment = {**os.environ, **dict(one.split("=", 1) for one in request.env)}
        with subprocess.Popen(
            command, cwd=request.pwd or None, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            self.programs.add(process)
            context.add_callback(lambda: _interrupt(process))
            try:
                for name, data in _output(process):
                    yield language_pb2.RunPluginResponse(**{name: data})
                code = process.wait()
            finally:
                self.programs.discard(process)
                _interrupt(process)  # where the engine has stopped listening
        yield language_pb2.RunPluginResponse(exitcode=code)


def _output(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a process prints, as it comes, until it closes both streams."""
    with selectors.DefaultSelector() as waiting:
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None  # noqa: S101 - both are pipes
            waiting.register(stream, selectors.EVENT_READ, name)
        while waiting.get_map():
            for key, _ in waiting.select():
                if data := os.read(key.fd, 65536):
                    yield key.data, data
                else:
                    waiting.unregister(key.fileobj)


def _interpreter(info: Any) -> str:
    return interpreter(info.root_directory, dict(info.options) if info.HasField("options") else {})


def _packages(info: Any) -> list[dict[str, Any]]:
    python = _interpreter(info)
    done = subprocess.run([python, "-P", "-c", LIST_PACKAGES], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{python} could not list its packages: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


def _ending(code: int) -> str:
    if code < 0:
        return f"program was ended by signal {signal.Signals(-code).name}"
    return f"program exited with code {code}" if code else ""


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def main() -> None:
    """Serves until the engine ends it; the first line of the output is the port."""
    engine = next((word for word in reversed(sys.argv[1:]) if not word.startswith("-")), "")
    host = Host(engine)
    server = grpc.server(futures.ThreadPoolExecutor(16), options=UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    lifetime = Lifetime()
    print(port, flush=True)
    lifetime.wait()
    host.end_programs()
    server.stop(1)
