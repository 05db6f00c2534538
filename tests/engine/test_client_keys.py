"""`pulumi-mlops keys` against a real API server, and the keys that it prints at the server's public port."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from pulumi_cli import Cluster
from pulumi_mlops.cli.main import main

from local import tools
from ml.server.access import Access
from ml.server.clients import Clients
from ml.server.refusal import Refusal

pytestmark = pytest.mark.engine


@pytest.fixture
def command(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `pulumi-mlops keys` on the test's cluster; returns what is on standard output, or the error's sentence."""
    kubectl = tools.ensure("kubectl")["kubectl"]
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))

    def run(action: str, *arguments: str) -> str:
        capsys.readouterr()
        status = main(["keys", action, *arguments, "--kubectl", str(kubectl)])
        shown = capsys.readouterr()
        return shown.out.strip() if status == 0 else shown.err.strip()

    return run


def has_access(secret: dict[str, Any], directory: Path, key: str) -> bool:
    """Whether the model server, with that Secret mounted, takes the key."""
    directory.mkdir()
    for client, text in (secret.get("data") or {}).items():
        (directory / client).write_bytes(base64.b64decode(text))
    try:
        return bool(Access("birds", Clients(directory)).client([(b"authorization", f"Bearer {key}".encode())]))
    except Refusal:
        return False


def test_keys_are_made_replaced_and_taken_away_each_without_a_change_of_another(
    cluster: Cluster, command: Any, tmp_path: Path
) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keys"}}, "test")

    def accepted(name: str, *keys: str) -> list[bool]:
        secret = cluster.get("v1", "Secret", "birds-clients", "keys")
        assert secret is not None
        for key in keys:
            assert key.partition(".")[2] not in json.dumps(secret), "the cluster has hashes, no keys"
        return [has_access(secret, tmp_path / f"{name}{number}", key) for number, key in enumerate(keys)]

    web, batch = command("create", "keys/birds", "web-shop"), command("create", "keys/birds", "batch")
    assert accepted("created", web, batch, f"{web}x") == [True, True, False]
    assert "web-shop has a key already" in command("create", "keys/birds", "web-shop")

    next_one = command("rotate", "keys/birds", "web-shop", "--overlap-hours", "1")
    assert accepted("rotated", web, next_one, batch) == [True, True, True]
    listed = command("list", "keys/birds").splitlines()
    assert listed[0] == "batch  one key"
    assert listed[1].startswith(f"web-shop  a replaced key ends {time.strftime('%Y-')}")

    last = command("rotate", "keys/birds", "web-shop", "--overlap-hours", "0")
    assert accepted("at once", web, next_one, last, batch) == [False, False, True, True]

    command("revoke", "keys/birds", "web-shop")
    assert accepted("revoked", last, batch) == [False, True]
    assert command("list", "keys/birds") == "batch  one key"
    assert "has no client web-shop; it has: batch" in command("revoke", "keys/birds", "web-shop")


def test_a_key_that_opens_nothing_is_said_to(
    cluster: Cluster, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "unread"}}, "test")

    def said(client: str, *volumes: str) -> str:
        if volumes:
            pod = {
                "containers": [{"name": "server", "image": "server:1"}],
                "volumes": [{"name": name, "secret": {"secretName": name}} for name in volumes],
            }
            template = {"metadata": {"labels": {"app": "birds"}}, "spec": pod}
            spec = {"selector": {"matchLabels": {"app": "birds"}}, "template": template}
            metadata = {"name": "birds", "namespace": "unread"}
            cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, "test")
        capsys.readouterr()
        assert (
            main(["keys", "create", "unread/birds", client, "--kubectl", str(tools.ensure("kubectl")["kubectl"])]) == 0
        )
        return capsys.readouterr().err

    assert said("one").endswith("there is no endpoint unread/birds yet\n")
    assert "does not read Secret birds-clients, so the key opens nothing" in said("two", "other")
    assert "opens nothing" not in said("three", "birds-clients")


def test_a_cluster_that_refuses_is_one_sentence_and_no_key(command: Any) -> None:
    shown = command("create", "no-such-namespace/birds", "web-shop")

    assert shown.startswith("keys: `kubectl apply")
    assert 'namespaces "no-such-namespace" not found' in shown
    assert "\n" not in shown


def test_without_a_cluster_the_answer_is_one_sentence_that_says_what_to_set(
    command: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\nkind: Config\n")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    refusal = command("list", "keys/birds")
    assert refusal.count("localhost:8080") == 1, refusal
    assert refusal.endswith("; set KUBECONFIG, or name a context by --context")
