"""Images of the stack's own objects, asked of moto's ECR and of registries of this machine."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import images
from pulumi_mlops.cli.preflight.checks.images import Reference
from pulumi_mlops.cli.preflight.results import Outcome, Result
from pulumi_mlops.review.preview import Step
from simulated_account import REGION, SimulatedAws, new, planned
from web_server import Answers, serving

DEPLOYMENT, TEMPLATE = "kubernetes:apps/v1:Deployment", "kubernetes:argoproj.io/v1alpha1:WorkflowTemplate"
ECR = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"


def deployment(image: str) -> Step:
    return new(DEPLOYMENT, spec={"template": {"spec": {"containers": [{"name": "server", "image": image}]}}})


def asked(image: str, account: Account | None = None) -> Result:
    """What is said of an image that a Deployment starts."""
    (result,) = images.images(planned(deployment(image)), account or Account(None, "", "", ""))
    return result


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("python", ("docker.io", "library/python", "latest")),
        ("python:3.14", ("docker.io", "library/python", "3.14")),
        ("team/model:1", ("docker.io", "team/model", "1")),
        ("docker.io/python", ("docker.io", "library/python", "latest")),
        ("localhost/model:1", ("localhost", "model", "1")),
        ("registry:5000/model", ("registry:5000", "model", "latest")),
        ("r.example.org/a/b/c:1", ("r.example.org", "a/b/c", "1")),
        ("r.example.org/a@sha256:12", ("r.example.org", "a", "sha256:12")),
        ("r.example.org/a:1@sha256:12", ("r.example.org", "a", "sha256:12")),
    ],
)
def test_names_are_taken_apart_as_container_runtimes_do(name: str, reference: tuple[str, str, str]) -> None:
    assert Reference.of(name) == Reference(*reference)


def test_an_image_that_nobody_pushed_to_ecr_is_a_finding(aws: SimulatedAws, account: Account) -> None:
    name = f"{ECR}/mlops-dev/ml-server:1"
    assert asked(name, account).what == f"{name}: ECR has no repository mlops-dev/ml-server"

    client = aws.session.client("ecr", region_name=REGION)
    client.create_repository(repositoryName="mlops-dev/ml-server")
    missing = asked(name, account)
    assert (missing.outcome, missing.what) == (Outcome.FINDING, f"{name}: the repository has no image 1")
    assert missing.fix.endswith(f"docker push {name}")

    manifest = json.dumps({"schemaVersion": 2, "mediaType": images.MANIFESTS.split(", ")[1], "layers": []})
    pushed = client.put_image(repositoryName="mlops-dev/ml-server", imageManifest=manifest, imageTag="1")
    assert asked(name, account).outcome is Outcome.OK
    digest = pushed["image"]["imageId"]["imageDigest"]
    assert asked(f"{ECR}/mlops-dev/ml-server@{digest}", account).outcome is Outcome.OK


def test_an_ecr_that_the_caller_may_not_read_is_not_checked(aws: SimulatedAws, account: Account) -> None:
    aws.refuse("ecr", "DescribeImages", "AccessDeniedException")

    result = asked(f"{ECR}/model:1", account)

    assert (result.outcome, result.fix) == (Outcome.NOT_CHECKED, "allow ecr:DescribeImages in a policy of the caller")


def registry(answers: dict[str, Any], token: str = "") -> Answers:
    """A registry: (status by manifest), with a bearer token where one is given."""

    def answer(path: str, headers: Any, address: str) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/token?"):
            assert path == "/token?service=registry&scope=repository%3Amodel%3Apull"
            return HTTPStatus.OK, {}, json.dumps({"token": token}).encode()
        if token and headers.get("Authorization") != f"Bearer {token}":
            realm = f'Bearer realm="{address}/token",service="registry",scope="repository:model:pull"'
            return HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": realm}, b""
        return answers.get(path, HTTPStatus.NOT_FOUND), {}, b""

    return answer


@pytest.mark.parametrize("token", ["", "of-nobody"])
def test_a_registry_is_asked_without_credentials(token: str) -> None:
    with serving(registry({"/v2/model/manifests/1": HTTPStatus.OK}, token)) as address:
        host = address.removeprefix("http://")
        there, missing = asked(f"{host}/model:1"), asked(f"{host}/model:2")

    assert there.outcome is Outcome.OK
    assert (missing.outcome, missing.what) == (
        Outcome.FINDING,
        f"{host}/model:2: the registry has no 2 of model",
    )


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="r"'}, "the registry asks for credentials"),
        (HTTPStatus.UNAUTHORIZED, {}, "the registry asks for credentials"),
        (HTTPStatus.FORBIDDEN, {}, "the registry answers 403 to a request without credentials"),
        (HTTPStatus.TOO_MANY_REQUESTS, {}, "the registry answers 429 to a request without credentials"),
    ],
)
def test_a_registry_that_wants_more_is_not_checked(status: int, headers: dict[str, str], words: str) -> None:
    with serving(lambda *_: (status, headers, b"")) as address:
        name = f"{address.removeprefix('http://')}/model:1"
        result = asked(name)

    assert (result.outcome, result.what) == (Outcome.NOT_CHECKED, f"{name}: {words}")
    assert result.fix == f"docker manifest inspect {name}"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}"])
def test_a_registry_that_gives_no_token_is_not_checked(content: bytes) -> None:
    def answer(path: str, headers: Any, address: str) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/token"):
            return HTTPStatus.OK, {}, content
        return HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": f'Bearer realm="{address}/token"'}, b""

    with serving(answer) as address:
        result = asked(f"{address.removeprefix('http://')}/model:1")

    assert "gives no token without credentials" in result.what


def test_a_registry_that_does_not_answer_is_not_checked() -> None:
    with serving(registry({})) as address:
        pass

    assert "cannot be reached from here" in asked(f"{address.removeprefix('http://')}/model:1").what


def test_images_of_every_kind_of_pod_are_asked_once(account: Account) -> None:
    step = {"name": "train", "container": {"image": f"{ECR}/a:1"}, "initContainers": [{"image": f"{ECR}/b:1"}]}
    template = new(
        TEMPLATE, apiVersion="argoproj.io/v1alpha1", kind="WorkflowTemplate", spec={"templates": [step, step]}
    )
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

    results = list(images.images(planned(template, deployment(unknown)), account))

    assert [one.what.partition(":1")[0] for one in results] == [f"{ECR}/a", f"{ECR}/b"]
