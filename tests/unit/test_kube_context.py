"""Which cluster KUBE_CONTEXT names, and what is said when it names none."""

from pathlib import Path

import pytest
import yaml

from local import cluster
from local.progress import StepFailed


def kubeconfig(file: Path, *contexts: str) -> Path:
    """A file with contexts of an API server that does not run."""
    server = {"name": "nowhere", "cluster": {"server": "http://127.0.0.1:9"}}
    named = [{"name": name, "context": {"cluster": "nowhere", "user": "nobody"}} for name in contexts]
    users = [{"name": "nobody", "user": {}}]
    file.write_text(yaml.safe_dump({"clusters": [server], "users": users, "contexts": named}))
    return file


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.example.org")
    monkeypatch.setenv("GATEWAY_URL", "http://192.0.2.7")
    files = [kubeconfig(tmp_path / "first", "dev"), tmp_path / "missing", kubeconfig(tmp_path / "second", "prod")]
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, files)))


@pytest.mark.parametrize("variable", ["IMAGE_REGISTRY", "GATEWAY_URL"])
def test_a_missing_setting_is_named_with_its_meaning(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(StepFailed, match=rf"KUBE_CONTEXT=dev is set but {variable} is not: set it to .*, or unset"):
        cluster.from_context("dev")


def test_an_unknown_context_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=rf"no context of this name in {tmp_path}/first or .*, which has dev, prod$"):
        cluster.from_context("staging")


@pytest.mark.parametrize("context", ["dev", "prod"])
def test_every_file_of_the_list_is_searched(context: str) -> None:
    with pytest.raises(StepFailed, match=rf"KUBE_CONTEXT={context}: its API server does not answer: .*refused"):
        cluster.from_context(context)


def test_a_file_that_is_no_kubeconfig_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("- a list")
    monkeypatch.setenv("KUBECONFIG", str(wrong))
    with pytest.raises(StepFailed, match=rf"^{wrong} cannot be read as a kubeconfig"):
        cluster.from_context("dev")


def test_an_empty_variable_names_no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBE_CONTEXT", "")
    assert cluster.chosen_context() is None
