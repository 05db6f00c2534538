"""The platform of this machine in the hands of a person: a shell that reaches it, and MLflow in a browser."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local import model_registry, tools
from local.cluster import target
from local.engine import PENGUINS, Engine
from local.node import ports
from local.node.control_plane import http_ok
from local.progress import StepFailed, say

TOKEN_SECONDS = 12 * 3600
START_SECONDS = 30.0
SETTINGS = (
    "KUBECONFIG",
    "PULUMI_HOME",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_SKIP_UPDATE_CHECK",
)
"""Variables by which kubectl and pulumi find this cluster and the state of its stacks; none of them is a secret."""


def show_environment(engine: Engine) -> None:
    """Prints what a shell evaluates to have kubectl and pulumi of this platform: `eval "$(make env)"`."""
    programs = tools.ensure("kubectl", "pulumi")
    values = {name: value for name, value in engine.environment().items() if name in SETTINGS}
    directories = dict.fromkeys(str(program.parent) for program in programs.values())
    values["PATH"] = os.pathsep.join([*directories, os.environ.get("PATH", "")])
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")


def port_number(text: str) -> int:
    """The port that somebody typed; raises StepFailed unless it is one."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535:
        return int(text)
    raise StepFailed(f'PORT must be a number from 1 to 65535, got "{text}"')


def serve_mlflow(engine: Engine, port: int) -> None:
    """Serves MLflow at a loopback port as the example team's pipeline, until it is interrupted.

    Raises:
        StepFailed: the port is taken, or MLflow went away.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started ends with it
    cluster = target()
    namespace = engine.outputs(PENGUINS)["namespace"]
    if ports.in_use("127.0.0.1", port):
        raise StepFailed(f"port {port} of 127.0.0.1 is in use; `make mlflow PORT=…` takes another one")
    with cluster.api() as api:
        token = model_registry.pipeline_token(api, namespace, TOKEN_SECONDS)
    with model_registry.forwarded(cluster) as (url, forward), _signed_in(url, token, port) as proxy:
        say(f"MLflow: http://localhost:{port} as the pipeline of namespace {namespace}, for 12 hours; Ctrl-C ends it")
        while forward.poll() is None and proxy.poll() is None:
            time.sleep(0.5)
    raise StepFailed("MLflow went away; `make status` shows what runs, `make mlflow` connects again")


@contextmanager
def _signed_in(url: str, token: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Traefik on the loopback port, which adds the token to each request for this machine's own names."""
    program = Path(sys.executable).parent / "traefik"
    with TemporaryDirectory(prefix="pulumi-mlops-mlflow-") as directory:  # for its owner alone: it holds the token
        file = Path(directory) / "routes.json"
        file.write_text(json.dumps(_routes(url, token)))
        flags = (
            f"--entrypoints.mlflow.address=127.0.0.1:{port}",
            f"--providers.file.filename={file}",
            "--providers.file.watch=false",
            "--log.level=ERROR",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        )
        with subprocess.Popen([str(program), *flags], stdin=subprocess.DEVNULL) as proxy:
            try:
                _wait_until_it_answers(proxy, port)
                yield proxy
            finally:
                proxy.terminate()


def _routes(url: str, token: str) -> dict[str, object]:
    """Traefik's dynamic configuration. Another name than this machine's own is not answered (DNS rebinding)."""
    return {
        "http": {
            "routers": {
                "mlflow": {
                    "rule": "Host(`localhost`) || Host(`127.0.0.1`)",
                    "service": "mlflow",
                    "middlewares": ["identity"],
                }
            },
            "middlewares": {"identity": {"headers": {"customRequestHeaders": {"Authorization": f"Bearer {token}"}}}},
            "services": {"mlflow": {"loadBalancer": {"servers": [{"url": url}]}}},
        }
    }


def _wait_until_it_answers(proxy: subprocess.Popen[bytes], port: int) -> None:
    """Until MLflow answers through it: it listens before it knows the route."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if proxy.poll() is not None or time.monotonic() > deadline:
            raise StepFailed(
                f"MLflow does not answer through port {port}; `make status` shows what runs, "
                "`make mlflow PORT=…` takes another port"
            )
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        return http_ok(f"http://127.0.0.1:{port}/health")
    except OSError:
        return False
