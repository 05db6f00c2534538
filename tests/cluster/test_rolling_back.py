"""`make rollback` and `make release` on the running platform, under requests that never stop."""

import json

import pytest
from kubernetes import client
from loop import Loop, eventually, make
from pulumi_mlops import conventions

from ml.tracking import CHAMPION, VERSION_TAG

pytestmark = pytest.mark.cluster


def test_a_rollback_fails_no_request_and_stays_until_it_is_released(loop: Loop):
    first = loop.served_version()
    loop.train()
    second = loop.served_version()
    assert second != first

    with loop.asking() as answers:
        done = make("rollback")
        assert done.returncode == 0, done.stdout
        eventually(lambda: answers.versions[-1] == first, 30, "an answer by the version before")
    assert answers.failures == []
    assert set(answers.versions) == {first, second}
    assert champion(loop) == first
    assert f"version {first}, 1 of 1 replicas ready, HELD" in make("status").stdout

    assert "is served already, so there is no training run" in make("up").stdout
    trained = make("train")
    assert "the endpoint is held at" in trained.stdout
    assert loop.served_version() == first
    assert champion(loop) == first

    assert make("release").returncode == 0
    loop.train()
    assert loop.served_version() not in (first, second)
    assert champion(loop) == loop.served_version()


def test_a_rollback_to_a_version_that_is_not_there_names_those_that_are(loop: Loop):
    before = loop.served_version()

    done = make("rollback", VERSION="20200101-000000-00000000")

    assert done.returncode != 0
    assert "MLflow has no version 20200101-000000-00000000" in done.stdout
    assert before in done.stdout
    assert loop.served_version() == before


def champion(loop: Loop) -> str:
    """The version that MLflow's alias names."""
    token = client.CoreV1Api(loop.api).create_namespaced_service_account_token(
        conventions.PIPELINE_SERVICE_ACCOUNT,
        loop.outputs["namespace"],
        {"spec": {"audiences": [conventions.MLFLOW_AUDIENCE]}},
    )
    path = f"/api/2.0/mlflow/registered-models/alias?name={loop.outputs['model_name']}&alias={CHAMPION}"
    version = json.loads(loop.ask_mlflow(path, token.status.token))["model_version"]
    return next(tag["value"] for tag in version["tags"] if tag["key"] == VERSION_TAG)
