"""The delivery steps with real git and kustomize: what a promotion changes in a repository, and what it refuses."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from delivery_repository import NAME, STAGING, Team, git, image

from delivery.__main__ import main
from delivery.errors import DeliveryError
from delivery.overlay import HOLD_FILE, Image, images
from delivery.promotion import Outcome, delivered, promote, revert
from local import tools
from local.paths import ROOT

pytestmark = pytest.mark.engine


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setenv("PATH", str(tools.ensure("kustomize")["kustomize"].parent), prepend=":")
    return Team(tmp_path)


def test_a_promotion_is_one_commit_that_changes_one_overlay(team: Team) -> None:
    source = team.commit({"web.py": "print('two')\n"})
    done = promote(team.clone(), STAGING, image("a"), source)

    assert (done.outcome, done.detail) == (Outcome.PROMOTED, team.head())
    assert team.deployed() == {f"{NAME}@sha256:{'a' * 64}"}
    assert team.deployed("deploy/overlays/production") == {NAME}
    checkout = team.clone()
    assert checkout.git("rev-parse", "HEAD^") == source
    changed = checkout.git("show", "--name-only", "--format=", "HEAD").splitlines()
    assert changed == [f"{STAGING}/RELEASE", f"{STAGING}/kustomization.yaml"]
    assert delivered(checkout, STAGING) == source


def test_the_same_promotion_again_changes_nothing(team: Team) -> None:
    first = promote(team.clone(), STAGING, image("a"), team.head())
    source = delivered(team.clone(), STAGING)
    assert source is not None
    assert promote(team.clone(), STAGING, image("a"), source).outcome == Outcome.ALREADY
    assert team.head() == first.detail


def test_a_branch_that_moved_during_the_promotion_gets_both_changes(team: Team) -> None:
    checkout = team.clone()
    source = checkout.git("rev-parse", "HEAD")
    meanwhile = team.commit({"web.py": "print('two')\n"})
    assert promote(checkout, STAGING, image("a"), source).outcome == Outcome.PROMOTED

    assert team.clone().git("rev-parse", "HEAD^") == meanwhile
    assert team.deployed() == {image("a").reference}


def test_an_older_commit_that_finishes_later_does_not_replace_a_newer_one(team: Team) -> None:
    older, late = team.head(), team.clone()
    newer = team.commit({"web.py": "print('two')\n"})
    assert promote(team.clone(), STAGING, image("b"), newer).outcome == Outcome.PROMOTED
    before = team.head()

    done = promote(late, STAGING, image("a"), older)  # whose working copy is from before the newer promotion
    assert (done.outcome, done.detail) == (Outcome.SUPERSEDED, newer)
    assert team.head() == before
    assert team.deployed() == {image("b").reference}


def test_a_newer_commit_of_the_same_image_is_not_replaced_by_an_older_one_either(team: Team) -> None:
    first, middle = team.head(), team.commit({"web.py": "print('two')\n"})
    newer = team.commit({"test_web.py": "assert True\n"})  # its image is that of the first
    assert promote(team.clone(), STAGING, image("a"), first).outcome == Outcome.PROMOTED

    assert promote(team.clone(), STAGING, image("a"), newer).outcome == Outcome.PROMOTED
    assert promote(team.clone(), STAGING, image("b"), middle).outcome == Outcome.SUPERSEDED
    assert team.deployed() == {image("a").reference}
    assert delivered(team.clone(), STAGING) == newer


def test_a_failed_commit_of_the_same_image_has_nothing_that_could_be_taken_back(team: Team) -> None:
    promote(team.clone(), STAGING, image("a"), team.head())
    newer = team.commit({"test_web.py": "assert False\n"})
    promote(team.clone(), STAGING, image("a"), newer)

    assert revert(team.clone(), STAGING, newer, "integration tests: 1 of 9 failed") is None
    assert not (team.clone().directory / STAGING / HOLD_FILE).exists()


def test_a_promotion_that_failed_its_tests_is_taken_back_and_stays_back_until_the_hold_is_lifted(team: Team) -> None:
    good, bad = team.head(), team.commit({"web.py": "print('bad')\n"})
    promote(team.clone(), STAGING, image("a"), good)
    promote(team.clone(), STAGING, image("b"), bad)
    others = team.commit({f"{STAGING}/note.txt": "kept\n"})

    commit = revert(team.clone(), STAGING, bad, "integration tests: 2 of 9 failed")
    assert commit == team.head()
    assert team.clone().git("rev-parse", "HEAD^") == others
    assert (team.clone().directory / STAGING / "note.txt").read_text() == "kept\n"
    assert team.deployed() == {image("a").reference}

    newer = team.commit({"web.py": "print('three')\n"})
    done = promote(team.clone(), STAGING, image("c"), newer)
    assert (done.outcome, done.detail) == (Outcome.HELD, "integration tests: 2 of 9 failed")
    assert team.deployed() == {image("a").reference}

    team.commit({f"{STAGING}/{HOLD_FILE}": None})
    assert promote(team.clone(), STAGING, image("c"), newer).outcome == Outcome.PROMOTED
    assert team.deployed() == {image("c").reference}


def test_a_newer_promotion_is_not_taken_back_for_an_older_one(team: Team) -> None:
    older, newer = team.head(), team.commit({"web.py": "print('two')\n"})
    promote(team.clone(), STAGING, image("a"), older)
    promote(team.clone(), STAGING, image("b"), newer)
    assert revert(team.clone(), STAGING, older, "too late") is None
    assert team.deployed() == {image("b").reference}


WORKFLOW = f"""
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {{name: pipeline}}
spec:
  templates:
    - name: train
      initContainers: [{{name: prepare, image: "{NAME}"}}]
      container: {{image: "{NAME}:v1"}}
"""


def test_an_object_that_would_mix_two_versions_is_refused_by_its_field(team: Team) -> None:
    files = {"deploy/base/kustomization.yaml": "resources: [web.yaml, run.yaml]\n", "deploy/base/run.yaml": WORKFLOW}
    source = team.commit(files)
    with pytest.raises(DeliveryError, match=r"mix two versions .*WorkflowTemplate/pipeline.spec.templates\[0\]"):
        promote(team.clone(), STAGING, image("a"), source)
    assert team.head() == source

    fields = 'images: [{path: "spec/templates[]/container/image", kind: WorkflowTemplate}]\n'
    kustomization = "resources: [../../base]\nconfigurations: [images.yaml]\n"
    source = team.commit({f"{STAGING}/images.yaml": fields, f"{STAGING}/kustomization.yaml": kustomization})
    assert promote(team.clone(), STAGING, image("a"), source).outcome == Outcome.PROMOTED


EVERY_PLACE = f"""
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {{name: pipeline}}
spec:
  templates:
    - name: train
      initContainers: [{{name: prepare, image: "{NAME}"}}]
      container: {{image: "{NAME}:v1"}}
      sidecars: [{{name: proxy, image: "{NAME}"}}]
    - name: prepare
      script: {{image: "{NAME}", source: "true"}}
    - name: both
      containerSet: {{containers: [{{name: main, image: "{NAME}"}}]}}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {{name: nightly}}
spec:
  schedules: ["0 3 * * *"]
  workflowSpec:
    templates:
      - name: train
        initContainers: [{{name: prepare, image: "{NAME}"}}]
        container: {{image: "{NAME}"}}
        sidecars: [{{name: proxy, image: "{NAME}"}}]
      - name: both
        containerSet: {{containers: [{{name: main, image: "{NAME}"}}]}}
"""


def guides_image_fields() -> str:
    """The file that docs/guides/delivery.md shows."""
    (text,) = re.findall(
        r"<!-- images -->\n```yaml\n(.*?)```", (ROOT / "docs" / "guides" / "delivery.md").read_text(), re.S
    )
    return text


def test_with_the_guides_file_a_promotion_moves_every_image_of_a_pipeline(team: Team) -> None:
    source = team.commit(
        {
            "deploy/base/kustomization.yaml": "resources: [web.yaml, run.yaml]\n",
            "deploy/base/run.yaml": EVERY_PLACE,
            f"{STAGING}/images.yaml": guides_image_fields(),
            f"{STAGING}/kustomization.yaml": "resources: [../../base]\nconfigurations: [images.yaml]\n",
        }
    )
    assert promote(team.clone(), STAGING, image("a"), source).outcome == Outcome.PROMOTED

    overlay = team.clone().directory / STAGING
    text = subprocess.run(["kustomize", "build", overlay], check=True, capture_output=True, text=True).stdout
    found = [name for _, name in images(yaml.safe_load_all(text))]
    assert len(found) == 2 + 5 + 4
    assert set(found) == {image("a").reference}


def test_a_commit_is_checked_out_without_its_history(team: Team, tmp_path: Path) -> None:
    first = team.commit({"web.py": "print('two')\n"})
    team.commit({"web.py": "print('three')\n"})
    place = tmp_path / "source"

    assert main(["checkout", "--repository", team.url, "--revision", first, "--directory", str(place)]) == 0
    assert (place / "web.py").read_text() == "print('two')\n"
    assert git("-C", str(place), "rev-list", "--count", "HEAD") == "1"
    assert git("-C", str(place), "rev-parse", "HEAD") == first


def test_a_commit_is_checked_out_into_a_volume_that_belongs_to_another_user(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    assert real is not None
    stand_in = tmp_path / "bin" / "git"  # git has a variable of its own for tests of this; the host's side is left out
    stand_in.parent.mkdir()
    other = 'case "$1" in init|-c) export GIT_TEST_ASSUME_DIFFERENT_OWNER=1 ;; esac'
    stand_in.write_text(f'#!/bin/sh\n{other}\nexec {real} "$@"\n')
    stand_in.chmod(0o755)
    revision = git("-C", str(team.clone().directory), "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    place = tmp_path / "a source"
    place.mkdir()

    where = ["--repository", team.url, "--revision", revision, "--directory", str(place)]
    assert main(["checkout", *where]) == 0
    assert (place / "web.py").is_file()


@pytest.mark.parametrize("revision", ["main", "0f0f", "--upload-pack=id", "0F" * 20])
def test_only_a_whole_commit_is_checked_out(
    team: Team, tmp_path: Path, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [f"--revision={revision}", "--repository", team.url, "--directory", str(tmp_path / "source")]
    assert main(["checkout", *where]) == 1
    assert "a commit is named by all of its 40 or 64 hexadecimal digits" in capsys.readouterr().err
    assert not (tmp_path / "source").exists()


@pytest.mark.parametrize(
    ("path", "chosen", "says"),
    [
        (STAGING, Image("elsewhere/api", "elsewhere/api", image("a").digest), "uses the image 'elsewhere/api'"),
        ("deploy/no-such", image("a"), "must be a directory of the repository"),
        ("../../..", image("a"), "must be a directory of the repository"),
    ],
    ids=["image", "overlay", "outside"],
)
def test_what_is_not_in_the_repository_is_refused(team: Team, path: str, chosen: Image, says: str) -> None:
    before = team.head()
    with pytest.raises(DeliveryError, match=says):
        promote(team.clone(), path, chosen, before)
    assert team.head() == before


def test_an_image_is_promoted_by_its_digest_only() -> None:
    with pytest.raises(DeliveryError, match="by its digest"):
        Image(NAME, NAME, "v1")


def test_a_branch_that_takes_no_push_is_an_error_with_the_hosts_words(team: Team) -> None:
    before = team.head()
    hook = team.host / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho the branch main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(DeliveryError, match=r"(?s)`git push` failed.*the branch main is protected"):
        promote(team.clone(), STAGING, image("a"), before)
    assert team.head() == before


def test_the_command_says_what_it_did_and_a_hold_is_no_success(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    source = team.head()
    where = ["--repository", team.url, "--branch", "main", "--overlay", STAGING, "--revision", source]
    what = ["--name", NAME, "--image", image("a").reference]
    assert main(["promote", *where, *what]) == 0
    assert json.loads(capsys.readouterr().out) == {"outcome": "promoted", "detail": team.head()}

    assert main(["revert", *where, "--reason", "tests failed"]) == 0
    assert json.loads(capsys.readouterr().out) == {"outcome": "reverted", "detail": team.head()}

    assert main(["promote", *where, *what]) == 3
    assert json.loads(capsys.readouterr().out) == {"outcome": "held", "detail": "tests failed"}

    assert main(["promote", *where, "--name", NAME, "--image", f"{NAME}:v1"]) == 1
    assert capsys.readouterr().err.startswith("delivery: an image is promoted by its digest")
