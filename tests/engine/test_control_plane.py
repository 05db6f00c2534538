"""The Kubernetes API that runs no pods: what works in it, for whom, and that nothing of it stays."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from local import paths
from local.node.api import Api, ApiError
from local.node.control_plane import control_plane
from local.node.ports import sockets_of
from local.node.processes import marked

pytestmark = pytest.mark.engine

NOBODY = 65534


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture
def api(plane):
    return Api(plane.kubeconfig)


def eventually(question, seconds: float = 60):
    """Asks until the answer is true; the controllers work in the background."""
    import time

    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer


def exists(api: Api, path: str) -> bool:
    try:
        return bool(api.request("GET", path))
    except ApiError as error:
        if error.status != 404:
            raise
        return False


def test_a_new_namespace_gets_its_service_account_and_goes_when_it_is_deleted(api):
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
    assert eventually(lambda: exists(api, "/api/v1/namespaces/team/serviceaccounts/default"))
    assert eventually(lambda: exists(api, "/api/v1/namespaces/team/configmaps/kube-root-ca.crt"))
    api.request("DELETE", "/api/v1/namespaces/team")
    assert eventually(lambda: not exists(api, "/api/v1/namespaces/team"))


def test_what_belongs_to_a_deleted_object_goes_with_it_before_it(api):
    maps = "/api/v1/namespaces/default/configmaps"
    owner = api.request("POST", maps, {"metadata": {"name": "owner"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = {"metadata": {"name": "owned", "ownerReferences": [{**reference, "blockOwnerDeletion": True}]}}
    api.request("POST", maps, owned)
    api.request("DELETE", f"{maps}/owner", {"propagationPolicy": "Foreground"})
    assert eventually(lambda: not exists(api, f"{maps}/owner"))
    assert not exists(api, f"{maps}/owned")


def test_a_service_account_may_nothing_without_a_role(api):
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "system:serviceaccount:default:default",
            "resourceAttributes": {"verb": "list", "resource": "secrets", "namespace": "default"},
        },
    }
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert answer["status"]["allowed"] is False


def test_it_listens_on_loopback_alone(plane):
    listening = {(p.name, address) for p in marked(plane.directory) for address, _ in sockets_of(p.pid)}
    assert {name for name, _ in listening} == {"etcd", "kube-apiserver", "kube-controller-manager"}
    assert {address for _, address in listening} == {"127.0.0.1"}


def test_an_ordinary_user_can_run_it_beside_another_and_nothing_stays():
    script = (
        "import os, sys; from pathlib import Path; from local.node.api import Api;"
        "from local.node.control_plane import control_plane\n"
        "with control_plane(Path(sys.argv[1])) as plane: print(os.getuid(), Api(plane.kubeconfig).ready())"
    )
    with tempfile.TemporaryDirectory(prefix="control-plane-") as directory:
        prefix = []
        if os.getuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
            # It may read what root has in its home directory (interpreter, tools), and do nothing else.
            only = ["--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search"]
            prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *only]
            prefix += ["--ambient-caps=-all,+dac_read_search"]
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(paths.CACHE.parent),
            "HOME": directory,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        run = subprocess.run(
            [*prefix, sys.executable, "-c", script, directory],
            cwd=paths.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert run.returncode == 0, run.stderr
        assert run.stdout == f"{NOBODY if prefix else os.getuid()} True\n"
        assert marked(Path(directory)) == []
