"""What a promotion waits for: an Application of Argo CD, read from a real API server with the rights of a run."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from pulumi_cli import Cluster
from pulumi_mlops import DeliveryPipeline
from served import install
from test_delivery_promotion import Team

from delivery import argo_cd
from delivery.argo_cd import Application, wait
from delivery.errors import DeliveryError
from local import tools
from tests.components.programs import DELIVERY, with_changes
from tests.conftest import Build
from tests.contract import definitions

pytestmark = pytest.mark.engine

NAMESPACE, ARGO_CD = "delivery-waiting", "argo-cd-waiting"


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setenv("PATH", str(tools.ensure("kustomize")["kustomize"].parent), prepend=":")
    return Team(tmp_path)


@pytest.fixture
def argo(cluster: Cluster, build: Build) -> Cluster:
    """The API server with a pipeline's accounts, rights and Applications, which no Argo CD looks at."""
    install(cluster, definitions.of_project("argo-cd"))
    for name in (NAMESPACE, ARGO_CD):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "platform")
    args = with_changes(DELIVERY, namespace=NAMESPACE, argo_cd_namespace=ARGO_CD)
    graph = build(lambda: DeliveryPipeline("web", args))
    for kind in ("ServiceAccount", "Role", "RoleBinding", "AppProject", "Application"):
        for one in graph.of_kind(kind):
            cluster.apply(one.inputs, "stack")
    return cluster


@pytest.fixture
def run_account(argo: Cluster, tmp_path: Path) -> argo_cd.Cluster:
    """The API server for the service account of the promotions."""
    access = yaml.safe_load(argo.kubeconfig.read_text())["clusters"][0]["cluster"]
    certificate = tmp_path / "ca.crt"
    if data := access.get("certificate-authority-data"):
        certificate.write_bytes(base64.b64decode(data))
    else:
        certificate.write_bytes(Path(access["certificate-authority"]).read_bytes())
    with config.new_client_from_config(str(argo.kubeconfig)) as api:
        request = {"spec": {"audiences": None, "expirationSeconds": 3600}}
        made = client.CoreV1Api(api).create_namespaced_service_account_token("web-delivery-promote", NAMESPACE, request)
    token = tmp_path / "token"
    token.write_text(made.status.token)
    return argo_cd.Cluster(access["server"], token, certificate)


def becomes(cluster: Cluster, revision: str, sync: str, health: str, **more: Any) -> None:
    """What Argo CD writes of an Application."""
    status = {"sync": {"revision": revision, "status": sync}, "health": {"status": health}, **more}
    manifest = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
    found = cluster.get("argoproj.io/v1alpha1", "Application", "web-staging", ARGO_CD)
    assert found
    metadata = {"name": "web-staging", "namespace": ARGO_CD}
    cluster.apply({**manifest, "metadata": metadata, "spec": found["spec"], "status": status}, "argo-cd")


def test_a_promotion_waits_for_its_commit_and_for_health(
    argo: Cluster, run_account: argo_cd.Cluster, team: Team
) -> None:
    older, promoted = team.head(), team.commit({"deploy/overlays/staging/note.txt": "promoted\n"})
    checkout = team.clone()
    later = team.commit({"web.py": "print('later')\n"})
    steps = [
        ("", "Unknown", "Missing"),
        (older, "Synced", "Healthy"),
        (promoted, "OutOfSync", "Healthy"),
        (promoted, "Synced", "Progressing"),
        (later, "Synced", "Healthy"),  # which contains it
    ]
    seen: list[int] = []

    def sleep(_: float) -> None:
        seen.append(len(steps))
        becomes(argo, *steps.pop(0))

    wait(Application(f"{ARGO_CD}/web-staging", run_account), checkout, promoted, 60, sleep)
    assert steps == []
    assert seen == [5, 4, 3, 2, 1]


def test_what_never_gets_healthy_is_an_error_with_argo_cds_own_words(
    argo: Cluster, run_account: argo_cd.Cluster, team: Team
) -> None:
    promoted = team.head()
    operation = {
        "phase": "Failed",
        "message": "one or more objects\nfailed to apply",
        "operation": {},
        "startedAt": "2026-01-01T00:00:00Z",
    }
    becomes(argo, promoted, "OutOfSync", "Degraded", operationState=operation)
    with pytest.raises(DeliveryError) as error:
        wait(Application(f"{ARGO_CD}/web-staging", run_account), team.clone(), promoted, 0, lambda _: None)
    assert str(error.value) == (
        f"Argo CD has not brought {ARGO_CD}/web-staging to {promoted[:12]} within 0 s: OutOfSync at {promoted[:12]}, "
        "Degraded: one or more objects failed to apply"
    )


def test_a_commit_that_argo_cd_gives_up_is_not_waited_for_any_longer(
    argo: Cluster, run_account: argo_cd.Cluster, team: Team
) -> None:
    older, promoted = team.head(), team.commit({"web.py": "print('two')\n"})
    start = {"operation": {}, "startedAt": "2026-01-01T00:00:00Z"}

    def operation(phase: str, revision: str) -> dict[str, Any]:
        message = "resource rbac.authorization.k8s.io:Role is not permitted in project web"
        return {**start, "phase": phase, "message": message, "syncResult": {"revision": revision}}

    steps = [("Failed", older), ("Running", promoted), ("Failed", promoted)]

    def sleep(_: float) -> None:
        becomes(argo, promoted, "OutOfSync", "Healthy", operationState=operation(*steps.pop(0)))

    with pytest.raises(DeliveryError, match=r"^Argo CD could not bring .*: OutOfSync .*Role is not permitted in proj"):
        wait(Application(f"{ARGO_CD}/web-staging", run_account), team.clone(), promoted, 600, sleep)
    assert steps == []


def test_a_run_may_look_at_its_own_applications_and_at_nothing_else(
    argo: Cluster, run_account: argo_cd.Cluster, team: Team
) -> None:
    other = argo.get("argoproj.io/v1alpha1", "Application", "web-staging", ARGO_CD)
    assert other
    metadata = {"name": "other", "namespace": ARGO_CD}
    argo.apply({key: other[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata}, "stack")

    assert Application(f"{ARGO_CD}/web-production", run_account).state().revision == ""
    with pytest.raises(DeliveryError, match=r"the API server answers 403 for the Application .*/other"):
        Application(f"{ARGO_CD}/other", run_account).state()


def test_an_api_server_that_does_not_answer_is_waited_for(tmp_path: Path, run_account: argo_cd.Cluster) -> None:
    gone = argo_cd.Cluster("https://127.0.0.1:1", run_account.token_file, run_account.certificate_file)
    state = Application(f"{ARGO_CD}/web-staging", gone).state()
    assert state.sync == "Unknown"
    assert "does not answer" in state.message
    assert json.dumps(str(state))
