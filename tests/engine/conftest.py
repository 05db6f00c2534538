"""The real Pulumi CLI with a throw-away home and backend, and a real Kubernetes API without nodes."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws import Aws, aws_api
from aws_stacks import AwsEngine
from first_previews import FirstPreviews
from pulumi_cli import Cluster, PulumiEnv

from local import tools
from local.node.control_plane import ControlPlane, control_plane
from standins import plugins


@pytest.fixture(scope="module", autouse=True)
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache of bytecode for all programs and plugins of this run, also where the environment forbids bytecode.

    Each run of the CLI starts several Python processes, which would otherwise compile the SDKs again.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(_shared_by_workers(tmp_path_factory) / "bytecode"))
        yield


def _shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of this run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Pulumi home with the plugins that `make up` would use, or those that PULUMI_MLOPS_PLUGINS chooses."""
    home = tmp_path_factory.mktemp("pulumi")
    for line in plugins.install(home, cloud=True):
        print(line, file=sys.stderr)
    return home


@pytest.fixture(scope="session")
def first_previews(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> FirstPreviews:
    """The first preview of each stack on AWS."""
    directory = _shared_by_workers(tmp_path_factory) / "first-previews"
    directory.mkdir(exist_ok=True)
    return FirstPreviews(directory, pulumi_home)


@pytest.fixture
def pulumi_env(pulumi_home: Path, tmp_path: Path) -> PulumiEnv:
    """The CLI with the session's plugins and a backend of this test alone."""
    return PulumiEnv.at(tmp_path, pulumi_home)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd, kube-apiserver and kube-controller-manager: everything is stored and checked, no pod ever runs."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(api_server: ControlPlane) -> Cluster:
    """Access to the session's API server."""
    return Cluster(api_server.kubeconfig)


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """An AWS API on this machine."""
    with aws_api(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def aws(aws_server: Aws, pulumi_env: PulumiEnv) -> Aws:
    """The API, empty, and the test's CLI led to it."""
    aws_server.reset()
    pulumi_env.environment.update(aws_server.environment)
    return aws_server


@pytest.fixture
def aws_engine(tmp_path: Path, pulumi_home: Path, aws: Aws) -> AwsEngine:
    """The CLI for the stacks of this repository, with an empty state and an empty API."""
    directory = tmp_path / "engine"
    directory.mkdir()
    (directory / "home").symlink_to(pulumi_home)
    engine = AwsEngine(tools.ensure("pulumi")["pulumi"], directory, directory / "no-kubeconfig", aws=aws)
    engine.prepare()
    return engine
