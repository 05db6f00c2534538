"""The MLflow server as the component starts it, and whom it lets in, by a real API server's tokens.

No pod runs here: the container's command runs as a process, with another directory in the place of the one where the
kubelet puts the service account's files.
"""

import base64
import concurrent.futures
import functools
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pulumi_kubernetes as k8s
import pytest
import yaml
from kubernetes import client, config
from pulumi_cli import PulumiEnv
from pulumi_mlops._manifests import RESTRICTED, name_of
from pulumi_mlops.conventions import WORKSPACE, labels
from pulumi_mlops.platform import MLflow

from local.node.control_plane import ControlPlane, control_plane
from ml import tracking
from tests import servers
from tests.engine.kubelet import pretending

pytestmark = pytest.mark.engine

NAMESPACE = "tracking"
ACCOUNT_FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
SETTINGS_FILE = "/tmp/authentication.ini"
ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts"
EXPERIMENTS = "/api/2.0/mlflow/experiments"


@dataclass(frozen=True)
class Server:
    """A running MLflow, and the API server that it asks."""

    url: str
    api: client.CoreV1Api
    store: str
    log: Path

    def token(self, namespace: str, audience: str | None = "mlflow", account: str = "default") -> str:
        """What `kubectl create token` prints; without an audience it is one for the API server."""
        spec = {"audiences": [audience] if audience else [], "expirationSeconds": 3600}
        return self.api.create_namespaced_service_account_token(account, namespace, {"spec": spec}).status.token

    def ask(self, path: str, token: str = "", body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """Status and text of an answer."""
        credentials = {"Authorization": f"Bearer {token}"} if token else {}
        method = None if body is None else "PUT" if path.startswith(ARTIFACT) else "POST"
        content = {"Content-Type": "application/json"} if method == "POST" else {}
        request = urllib.request.Request(
            f"{self.url}{path}", body, {**credentials, **content, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def tracker(self, directory: Path, namespace: str) -> tracking.Tracker:
        """What a step in that namespace has."""
        file = directory / f"token-of-{namespace}"
        file.write_text(self.token(namespace))
        return tracking.tracker({"MLFLOW_TRACKING_URI": self.url, "MLFLOW_TRACKING_TOKEN_FILE": str(file)})


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server of this module alone: on its node, pods are said to run."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running, pretending(running.kubeconfig):
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, api_server: ControlPlane, pulumi_home: Path) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("mlflow")
    with servers.object_store(tmp_path_factory.mktemp("store")) as store:
        kubeconfig = {"kubernetes:kubeconfig": str(api_server.kubeconfig)}
        up = PulumiEnv.at(tmp_path_factory.mktemp("pulumi"), pulumi_home).stack(_program(store), kubeconfig).up()
        assert set(up.changed) == {"create"}
        api = client.CoreV1Api(config.new_client_from_config(str(api_server.kubeconfig)))
        for team in ("birds", "fish", "newcomers"):
            api.create_namespace({"metadata": {"name": team, "labels": labels(WORKSPACE, team)}})
        api.create_namespace({"metadata": {"name": "squatters"}})
        (port,) = servers.free_ports(1)
        command, variables = _as_the_pod_starts(api, api_server, directory)
        variables |= {"MLFLOW_HOST": "127.0.0.1", "MLFLOW_PORT": str(port), **servers.KEYS["mlflow"]}
        log = directory / "log"
        with servers.running(command, variables, log):
            servers.wait_for(f"http://127.0.0.1:{port}/health", 240, log)
            yield Server(f"http://127.0.0.1:{port}", api, store, log)


def _program(store: str) -> Any:
    def run() -> None:
        place = k8s.core.v1.Namespace("place", metadata={"name": NAMESPACE, "labels": RESTRICTED})
        artifacts = {"uri": "s3://mlflow/artifacts", "endpoint": store}
        MLflow(
            "mlflow", {"namespace": name_of(place), "artifact_store": artifacts, "workers": 2, "protect_data": False}
        )

    return run


def _as_the_pod_starts(
    api: client.CoreV1Api, api_server: ControlPlane, directory: Path
) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the container, from the objects that the API server has."""
    deployment = client.AppsV1Api(api.api_client).read_namespaced_deployment("mlflow", NAMESPACE)
    pod = deployment.spec.template.spec
    (container,) = pod.containers
    volumes = {one.name: one.config_map.name for one in pod.volumes if one.config_map}
    (mount,) = [one for one in container.volume_mounts if one.name in volumes]
    files = api.read_namespaced_config_map(volumes[mount.name], NAMESPACE).data
    code, account = directory / "code", directory / "account"
    code.mkdir()
    account.mkdir()
    moved = {ACCOUNT_FILES: str(account), SETTINGS_FILE: str(directory / "authentication.ini")}
    for name, text in files.items():
        (code / name).write_text(functools.reduce(lambda text, path: text.replace(*path), moved.items(), text))
    assert all(after in "".join(one.read_text() for one in code.iterdir()) for after in moved.values())
    own = api.create_namespaced_service_account_token(pod.service_account_name, NAMESPACE, {"spec": {}}).status.token
    (account / "token").write_text(own)
    (account / "namespace").write_text(NAMESPACE)
    (account / "ca.crt").write_bytes(_authority(api_server.kubeconfig))
    host, _, port = api_server.url.removeprefix("https://").partition(":")
    variables = {one.name: one.value.replace(mount.mount_path, str(code)) for one in container.env}
    variables |= {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(directory),
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{directory / 'mlflow.db'}",
        "PYTHONWARNINGS": "ignore",
    }
    return [word.replace(mount.mount_path, str(code)) for word in container.command], variables


def _authority(kubeconfig: Path) -> bytes:
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    if "certificate-authority-data" in cluster:
        return base64.b64decode(cluster["certificate-authority-data"])
    return Path(cluster["certificate-authority"]).read_bytes()


@pytest.mark.parametrize("path", ["/", f"{EXPERIMENTS}/search?max_results=1", f"{ARTIFACT}/1/file", "/signup"])
def test_without_a_token_there_is_no_answer_but_how_to_get_one(server: Server, path: str) -> None:
    status, text = server.ask(path)

    assert status == 401
    assert text.startswith("MLflow: the request has no token.")
    assert "kubectl create token ACCOUNT --namespace TEAM --audience mlflow" in text


def test_probes_need_no_token(server: Server) -> None:
    assert server.ask("/health") == (200, "OK")


def test_a_token_that_kubernetes_does_not_accept_is_refused_with_its_reason(server: Server) -> None:
    server.api.create_namespaced_service_account("birds", {"metadata": {"name": "gone"}})
    of_nobody = server.token("birds", account="gone")
    server.api.delete_namespaced_service_account("gone", "birds")

    for token, reason in (
        ("guessed", "invalid bearer token"),
        (server.token("birds", audience=None), "is invalid for the target audiences"),
        (of_nobody, 'serviceaccounts "gone" not found'),
    ):
        status, text = server.ask(f"{EXPERIMENTS}/search?max_results=1", token)
        assert status == 401
        assert text.startswith("MLflow: Kubernetes does not accept the token: ")
        assert reason in text


def test_a_browser_sends_the_token_as_password(server: Server) -> None:
    credentials = base64.b64encode(f"anybody:{server.token('birds')}".encode()).decode()

    assert server.ask("/", Authorization=f"Basic {credentials}")[0] == 200
    assert "MLflow" in server.ask("/", Authorization=f"Basic {credentials}")[1]


def test_a_team_has_what_it_made_and_its_neighbour_has_not(server: Server, tmp_path: Path) -> None:
    run = server.tracker(tmp_path, "birds").begin("penguins", "1")
    assert server.tracker(tmp_path, "birds").begin("penguins", "1") == run

    with pytest.raises(tracking.TrackingError) as refusal:
        server.tracker(tmp_path, "fish").begin("penguins", "1")
    assert "another namespace has an experiment or a model of this name, choose another model_name" in str(
        refusal.value
    )

    look = f"/api/2.0/mlflow/runs/get?run_id={run}"
    assert server.ask(look, server.token("birds"))[0] == 200
    assert server.ask(look, server.token("fish")) == (403, "Permission denied")
    assert server.ask(look, server.token(NAMESPACE, account="mlflow"))[0] == 200


def test_artifacts_pass_through_the_server_for_their_team_alone(server: Server) -> None:
    birds, fish = server.token("birds"), server.token("fish")
    made = server.ask(f"{EXPERIMENTS}/create", birds, b'{"name": "with-files"}')[1]
    experiment = made.partition('"experiment_id": "')[2].partition('"')[0]
    path = f"{ARTIFACT}/{experiment}/run/artifacts/file.txt"

    assert server.ask(path, birds, b"through")[0] == 200
    assert server.ask(path, birds) == (200, "through")
    assert server.ask(path, fish)[0] == 403
    assert server.ask(path, fish, b"over it")[0] == 403
    keys = servers.KEYS["mlflow"]
    s3 = boto3.client(
        "s3",
        endpoint_url=server.store,
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    stored = s3.get_object(Bucket="mlflow", Key=f"artifacts/{experiment}/run/artifacts/file.txt")
    assert stored["Body"].read() == b"through"


def test_a_team_removes_its_old_versions_and_none_of_its_neighbours(server: Server, tmp_path: Path) -> None:
    birds, fish = (server.tracker(tmp_path, team) for team in ("birds", "fish"))
    assert isinstance(birds, tracking.MLflowTracker)
    run = birds.begin("gulls", "1")
    client = birds._client
    client.log_text(run, "bytes", f"{tracking.ARTIFACT_PATH}/model.ubj")
    client.log_text(run, "notes", "notes.txt")
    client.create_registered_model("gulls")
    tags = {tracking.VERSION_TAG: "1"}
    client.create_model_version("gulls", f"{client.get_run(run).info.artifact_uri}/model", run, tags=tags)
    (registered,) = birds.registered("gulls")
    assert registered == ("gulls", "1", "1", run, ())
    assert client.list_artifacts(run, tracking.ARTIFACT_PATH)

    assert fish.registered("gulls") == []
    with pytest.raises(tracking.TrackingError, match="could not remove version 1 of gulls"):
        fish.remove(registered)
    birds.remove(registered)

    assert birds.registered("gulls") == []
    # SeaweedFS still lists a directory for a while whose last object is gone.
    assert client.list_artifacts(run, tracking.ARTIFACT_PATH) == []
    assert "notes.txt" in [one.path for one in client.list_artifacts(run)]


def test_a_team_makes_no_users_and_sees_no_others(server: Server) -> None:
    body = b'{"username": "mallory", "password": "a-long-password"}'

    assert server.ask("/api/2.0/mlflow/users/create", server.token("fish"), body)[0] == 403
    assert server.ask("/api/2.0/mlflow/users/get?username=birds", server.token("fish"))[0] == 403


def test_a_namespace_that_is_no_workspace_takes_no_names_until_an_administrator_labels_it(server: Server) -> None:
    body = b'{"name": "taken"}'

    status, text = server.ask(f"{EXPERIMENTS}/create", server.token("squatters"), body)

    assert status == 403
    assert text.startswith("MLflow: the namespace 'squatters' is no workspace")
    label = text.rpartition(" ")[2].strip()
    assert text.endswith(f"kubectl label namespace squatters {label}")
    key, _, value = label.partition("=")
    server.api.patch_namespace("squatters", {"metadata": {"labels": {key: value}}})
    assert server.ask(f"{EXPERIMENTS}/create", server.token("squatters"), body)[0] == 200


def test_many_first_requests_of_a_team_at_once_are_all_answered(server: Server) -> None:
    tokens = [server.token("newcomers") for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(len(tokens)) as pool:
        answers = pool.map(lambda token: server.ask(f"{EXPERIMENTS}/search?max_results=1", token)[0], tokens)
    assert set(answers) == {200}


def test_other_host_names_are_refused(server: Server) -> None:
    token = server.token("birds")
    for host in ("mlflow.tracking.svc.cluster.local", "mlflow.tracking:5000", "localhost:5000"):
        assert server.ask(f"{EXPERIMENTS}/search?max_results=1", token, Host=host)[0] == 200
    assert server.ask(f"{EXPERIMENTS}/search?max_results=1", token, Host="evil.example.org")[0] == 403


def test_no_secret_is_in_the_log_or_the_arguments(server: Server) -> None:
    token = server.token("birds")
    server.ask(f"{EXPERIMENTS}/search?max_results=1", token)

    log = server.log.read_text()
    assert "Traceback" not in log
    assert token not in log
    assert servers.KEYS["mlflow"]["AWS_SECRET_ACCESS_KEY"] not in log
    arguments = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert token not in arguments
    assert "mlflow.db" not in "".join(line for line in arguments.splitlines() if str(server.log.parent) in line)
