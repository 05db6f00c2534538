"""What is done about Helm releases that a killed run left; that it works is shown on a real API server."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.cli import helm_releases
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.helm import on_cluster
from pulumi_mlops.cli.helm_releases import Release, Remedy, Repair, decide, releases, state_after
from pulumi_mlops.cli.main import main

PREFIX = "urn:pulumi:dev::project::"
PROVIDER = f"{PREFIX}pulumi:providers:kubernetes::cluster"


def resource(name: str, token: str = helm_releases.RELEASE, **more: Any) -> dict[str, Any]:
    inputs = {"name": name, "namespace": "charts"}
    return {"urn": f"{PREFIX}{token}::{name}", "inputs": inputs, "provider": f"{PROVIDER}::some-id", **more}


def state(resources: list[dict[str, Any]], begun: list[dict[str, Any]]) -> dict[str, Any]:
    operations = [{"resource": one, "type": "creating"} for one in begun]
    return {"version": 3, "deployment": {"resources": resources, "pending_operations": operations}}


def release(*, known: bool) -> Release:
    return Release(f"{PREFIX}{helm_releases.RELEASE}::web", "charts", "web", PROVIDER, known)


@pytest.mark.parametrize(
    ("known", "status", "revisions", "expected"),
    [
        (False, "", [], None),
        (False, "pending-install", ["pending-install"], Remedy.UNINSTALL),
        (False, "failed", ["failed"], Remedy.UNINSTALL),
        (False, "uninstalled", ["uninstalled"], Remedy.UNINSTALL),
        (False, "deployed", ["deployed"], Remedy.ADOPT),
        (False, "pending-upgrade", ["deployed", "pending-upgrade"], 1),
        (True, "", [], Remedy.FORGET),
        (True, "deployed", ["deployed"], None),
        (True, "failed", ["deployed", "failed"], None),
        (True, "uninstalling", ["uninstalling"], Remedy.UNINSTALL),
        (True, "pending-upgrade", ["superseded", "deployed", "pending-upgrade"], 2),
        (True, "pending-upgrade", ["superseded", "deployed", "failed", "pending-upgrade"], 2),
        (True, "pending-upgrade", ["failed", "failed", "pending-upgrade"], 2),
        (True, "pending-rollback", ["deployed", "pending-upgrade", "pending-rollback"], 1),
        (True, "pending-upgrade", ["pending-install", "pending-upgrade"], Remedy.UNINSTALL),
    ],
)
def test_each_state_of_a_release_has_its_remedy(
    known: bool, status: str, revisions: list[str], expected: Remedy | int | None
) -> None:
    repair = decide(release(known=known), status, lambda: list(enumerate(revisions, start=1)))

    if expected is None:
        assert repair is None
    elif isinstance(expected, int):
        assert repair == Repair(release(known=known), status, Remedy.ROLL_BACK, expected)
    else:
        assert repair == Repair(release(known=known), status, expected)


def test_releases_are_those_that_the_state_has_and_those_that_were_begun() -> None:
    gone = resource("replaced", delete=True)
    known = resource("web", id="other/renamed")
    begun = [resource("web"), resource("new"), resource("new"), resource("map", "kubernetes:core/v1:ConfigMap")]

    found = releases(state([gone, known, resource("some", "kubernetes:core/v1:Secret")], begun))

    assert [(str(one), one.known, one.provider) for one in found] == [
        ("Helm release other/renamed", True, PROVIDER),
        ("Helm release charts/new", False, PROVIDER),
    ]


def test_the_state_loses_begun_releases_and_gains_what_is_there() -> None:
    other = resource("map", "kubernetes:core/v1:ConfigMap")
    before = state([resource("cluster", "pulumi:providers:kubernetes")], [resource("web"), resource("new"), other])
    adopted = Repair(release(known=False), "deployed", Remedy.ADOPT)
    removed = Repair(releases(before)[1], "pending-install", Remedy.UNINSTALL)

    after = state_after(before, [adopted, removed])

    made = resource("web", id="charts/web", outputs={"name": "web", "namespace": "charts"})
    assert after == state([resource("cluster", "pulumi:providers:kubernetes"), made], [other])
    assert state_after(after, []) == after


def program(place: Path, script: str) -> str:
    """A program in the place of helm."""
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return str(place)


def test_helm_gets_a_kubeconfig_by_a_file_of_this_user_alone(tmp_path: Path) -> None:
    helm = program(tmp_path / "helm", 'echo "$@" >&2; stat -c %a "${14}" >&2; cat "${14}" >&2; exit 1')

    with (
        on_cluster(helm, None, "{token: hush}", "mine") as reached,
        pytest.raises(CommandError, match=r"--kubeconfig /\S+ --kube-context mine 600 \{token: hush\}$") as refused,
    ):
        reached.statuses()

    assert str(refused.value).startswith("`helm list --all-namespaces --max 0 --output json --deployed --failed ")


def test_helm_gets_the_path_of_a_kubeconfig_or_the_callers_environment(tmp_path: Path) -> None:
    helm = program(tmp_path / "helm", 'echo "$KUBECONFIG $@" >&2; exit 1')

    with on_cluster(helm, {"KUBECONFIG": "/etc/mine"}, None, None) as reached, pytest.raises(CommandError) as refused:
        reached.uninstall("charts", "web", hooks=True)
    assert str(refused.value).endswith("failed: /etc/mine uninstall web --namespace charts --wait")
    with on_cluster(helm, {}, "/etc/theirs", None) as reached, pytest.raises(CommandError) as refused:
        reached.uninstall("charts", "web", hooks=False)
    assert str(refused.value).endswith("uninstall web --namespace charts --wait --no-hooks --kubeconfig /etc/theirs")


def test_the_command_requires_helm_where_a_stack_has_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: some\nruntime: python\n")
    (tmp_path / "with.json").write_text(json.dumps(state([resource("web", id="charts/web")], [])) + "\n")
    (tmp_path / "without.json").write_text(json.dumps(state([], [])) + "\n")
    program(tmp_path / "pulumi", f'while read -r line; do echo "$line"; done < {tmp_path}/$4.json')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["repair", "without"]) == 0
    assert capsys.readouterr().err == "no Helm release of stack without has to be repaired\n"
    assert main(["repair", "with"]) == 1
    assert capsys.readouterr().err == "repair: no executable named `helm` on PATH: install Helm 3\n"
