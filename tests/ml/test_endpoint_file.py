"""The endpoint of a machine without a cluster: a file that a real server watches."""

from pathlib import Path

import pytest

from ml import endpoint
from ml.errors import DeployError, SettingsError
from tests.ml import bundles
from tests.ml.serving import running

pytestmark = pytest.mark.servers

OTHER = "20261125-120000-0123abcd"
BROKEN = "20261126-120000-0123abcd"


def test_a_server_follows_the_file_and_a_broken_version_is_taken_back(tmp_path: Path) -> None:
    models, file = tmp_path / "models", tmp_path / "endpoint" / "version"
    for version in (bundles.VERSION, OTHER):
        bundles.make_bundle(models, version)
    (bundles.make_bundle(models, BROKEN) / "model.ubj").write_bytes(b"spoiled")
    with running(models, MODEL_VERSION_FILE=str(file)) as server:
        url = f"http://127.0.0.1:{server.port}/metadata"
        patient, hasty = (endpoint.FileEndpoint(file, url, seconds) for seconds in (60, 3))
        assert patient.current() is None
        endpoint.move(patient, bundles.VERSION, None)
        endpoint.move(patient, OTHER, bundles.VERSION)
        assert patient.current() == OTHER
        with pytest.raises(DeployError) as caught:
            endpoint.move(hasty, BROKEN, OTHER)
        assert str(caught.value) == (
            f"endpoint 'version' did not take version {BROKEN} (not ready after 3 s: the server has version {OTHER}), "
            f"it has {OTHER} again"
        )
        assert server.ask("GET", "/metadata").json["versions"] == [OTHER]
    assert file.read_text() == OTHER


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    target = endpoint.FileEndpoint(tmp_path / "version", "http://127.0.0.1:9/metadata", 0)
    with pytest.raises(
        DeployError, match=r"the server does not tell its version \(.*Connection refused.*it has no version"
    ):
        endpoint.move(target, OTHER, None)


def test_without_a_url_the_file_is_all_there_is(tmp_path: Path) -> None:
    endpoint.move(endpoint.FileEndpoint(tmp_path / "version", "", 0), OTHER, None)
    assert (tmp_path / "version").read_text() == OTHER


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"ENDPOINT": "penguins"}, "environment variable NAMESPACE is missing, the workflow template must set it"),
        (
            {"DEPLOY_TIMEOUT_SECONDS": "soon"},
            "DEPLOY_TIMEOUT_SECONDS must be a number of seconds, got 'soon'",
        ),
    ],
)
def test_a_wrong_environment_is_named(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        endpoint.endpoint(environment, None)
    assert str(caught.value) == sentence


def test_the_environment_chooses_the_endpoint() -> None:
    cluster = endpoint.endpoint({"ENDPOINT": "a", "NAMESPACE": "team"}, "b")
    assert isinstance(cluster, endpoint.KubernetesEndpoint)
    assert cluster.name == "a"
    assert isinstance(endpoint.endpoint({"ENDPOINT_FILE": "/x"}, "b"), endpoint.FileEndpoint)
    assert endpoint.endpoint({}, None) is None
