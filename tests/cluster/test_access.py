"""A person looks around: kubectl and pulumi in a shell, MLflow in a browser."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from loop import Loop, eventually

from local.engine import PLATFORM
from local.node import ports
from local.paths import ROOT

pytestmark = pytest.mark.cluster

PORT = 5123


def test_one_line_gives_a_shell_kubectl_and_pulumi(loop: Loop) -> None:
    script = (
        'eval "$(make --no-print-directory env)" && kubectl get namespace penguins -o name && pulumi stack ls --json'
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    namespace, _, stacks = done.stdout.partition("\n")
    assert namespace == "namespace/penguins"
    assert PLATFORM in {stack["name"] for stack in json.loads(stacks)}


@pytest.fixture(scope="module")
def mlflow(loop: Loop) -> Iterator[subprocess.Popen[str]]:
    """`make mlflow`, until it is interrupted as Ctrl-C does."""
    command = ["make", "--no-print-directory", "mlflow", f"PORT={PORT}"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as run:
        assert run.stderr
        line = next((line for line in run.stderr if "MLflow: http" in line), None)
        assert line is not None, "it ended before it served"
        assert f"http://localhost:{PORT} as the pipeline of namespace penguins" in line
        yield run
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=30)
    eventually(lambda: not ports.in_use("127.0.0.1", PORT), 10, "the port is free again")


def test_the_browser_is_signed_in_as_the_team(mlflow: subprocess.Popen[str]) -> None:
    with urllib.request.urlopen(f"http://localhost:{PORT}/", timeout=10) as page:
        assert "<title>MLflow</title>" in page.read().decode()
    url = f"http://127.0.0.1:{PORT}/api/2.0/mlflow/registered-models/get?name=penguins"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert json.load(answer)["registered_model"]["name"] == "penguins"


def test_a_page_that_calls_itself_by_another_name_gets_nothing(mlflow: subprocess.Popen[str]) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/", headers={"Host": "example.org"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value as answer:
        assert answer.code == 404


def test_a_port_that_is_taken_is_named(mlflow: subprocess.Popen[str]) -> None:
    command = ["make", "--no-print-directory", "mlflow", f"PORT={PORT}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert f"port {PORT} of 127.0.0.1 is in use; `make mlflow PORT=…` takes another one" in done.stderr
