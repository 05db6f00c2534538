"""The two image registries of the one-machine node, run as they are: one for pushes, one for pods to pull from."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import images
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Outcome
from pulumi_mlops.review.preview import Operation, Preview, State, Step

from local import paths
from local.node import ports, registry
from local.node.processes import end, marked
from local.tools import apt
from tests.registry_client import MANIFEST, call, digest, push

pytestmark = pytest.mark.engine

IMAGE = "team/model"
ACCEPT = {"Accept": MANIFEST}


@dataclass(frozen=True)
class Registries:
    pushes: str
    pods: str


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registries]:
    """Both servers on loopback, with images of this module's own."""
    if not shutil.which("docker-registry"):
        apt.ensure("docker-registry")
    directory = tmp_path_factory.mktemp("registry")
    chosen = ports.choose(directory, ("pushes", "pods"))
    found = Registries(f"127.0.0.1:{chosen['pushes']}", f"127.0.0.1:{chosen['pods']}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "CACHE", directory / "cache")
        processes = (registry.for_pushes(directory, found.pushes), registry.for_pods(directory, found.pods))
    try:
        for process in processes:
            process.launch()
        for process in processes:
            process.wait()
        yield found
    finally:
        end([process.pid for process in marked(directory)], 5)


@pytest.fixture
def image(registries: Registries) -> str:
    """Digest of the manifest of an image that was pushed on loopback."""
    tag = push(registries.pushes, IMAGE, b"layer", {"Cmd": ["/bin/true"]}, "1")
    return digest(pulled(registries.pods, tag))


def pulled(server: str, reference: str) -> bytes:
    status, _, manifest = call(server, "GET", f"/v2/{IMAGE}/manifests/{reference}", headers=ACCEPT)
    assert status == 200
    return manifest


def test_pods_pull_at_once_what_was_pushed_on_loopback(registries: Registries):
    push(registries.pushes, IMAGE, b"first", {}, "moving")
    first = pulled(registries.pods, "moving")
    push(registries.pushes, IMAGE, b"second", {}, "moving")
    second = pulled(registries.pods, "moving")

    assert first != second
    assert pulled(registries.pods, digest(second)) == second


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["blobs/uploads/", "blobs/{blob}", "manifests/1", "manifests/new", "manifests/{image}"]
)
def test_pods_can_write_nothing(registries: Registries, image: str, method: str, path: str):
    manifest = pulled(registries.pods, image)
    blob = digest(b"anything")
    address = f"/v2/{IMAGE}/{path.format(blob=blob, image=image)}"

    status, headers, _ = call(registries.pods, method, address, manifest, {"Content-Type": MANIFEST})

    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert pulled(registries.pods, "1") == manifest
    assert call(registries.pods, "GET", f"/v2/{IMAGE}/manifests/new", headers=ACCEPT)[0] == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_pods_cannot_take_over_an_upload_that_was_begun_on_loopback(registries: Registries, method: str):
    _, headers, _ = call(registries.pushes, "POST", f"/v2/{IMAGE}/blobs/uploads/")
    upload = headers["Location"].removeprefix(f"http://{registries.pushes}")
    content = b"what loopback pushes"

    status, _, _ = call(registries.pods, method, f"{upload}&digest={digest(b'x')}", b"x")

    assert status in (404, 405)
    assert call(registries.pushes, "PUT", f"{upload}&digest={digest(content)}", content)[0] == 201


def test_the_image_tools_of_this_machine_can_delete(registries: Registries, image: str):
    assert call(registries.pushes, "DELETE", f"/v2/{IMAGE}/manifests/{image}")[0] == 202
    assert call(registries.pods, "GET", f"/v2/{IMAGE}/manifests/{image}", headers=ACCEPT)[0] == 404


def test_each_server_keeps_its_secret_to_itself(tmp_path: Path):
    for process in (registry.for_pushes(tmp_path), registry.for_pods(tmp_path)):
        assert "secret" not in (tmp_path / "etc" / f"{process.name}.yaml").read_text()


def test_preflight_tells_an_image_that_is_there_from_one_that_is_not(registries: Registries, image: str):
    names = [f"{registries.pods}/{IMAGE}:1", f"{registries.pods}/{IMAGE}:none", f"{registries.pods}/{IMAGE}@{image}"]
    pods = {"template": {"spec": {"containers": [{"image": name} for name in names]}}}
    urn = "urn:pulumi:dev::shop::kubernetes:apps/v1:Deployment::it"
    step = Step(Operation.CREATE, urn, new=State(urn=urn, inputs={"spec": pods}, custom=True))

    results = images.images(Planned(Preview("dev", (step,))), Account(None, "", "", ""))

    assert {one.what.partition(": ")[0]: one.outcome for one in results} == {
        names[0]: Outcome.OK,
        names[1]: Outcome.FINDING,
        names[2]: Outcome.OK,
    }
