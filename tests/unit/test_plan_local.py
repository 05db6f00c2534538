"""`make plan` of the local stacks: what `make up` would do, by the tracked settings and the sources as they are now."""

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import images, stack_files, up
from local.cluster import Cluster
from local.engine import PENGUINS, PLATFORM, STACKS, Engine
from local.progress import StepFailed


class Previews(Engine):
    """An engine that remembers the settings with which it was asked for a preview, and runs nothing."""

    def select(self, stack: str) -> None:
        """There is no backend."""

    def preview(self, stack: str, *options: str) -> None:
        previewed[stack] = yaml.safe_load(self._settings_file(stack).read_text())["config"]


previewed: dict[str, dict[str, Any]] = {}


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Copies of the tracked settings files, on a machine on which an earlier `make up` has generated its own."""
    directory = tmp_path / "stacks"
    directory.mkdir()
    for stack in STACKS:
        shutil.copy(stack_files.STACKS / f"Pulumi.{stack}.yaml", directory)
        generated = {"encryptionsalt": "v1:salt", "config": {"pulumi-mlops:replicas": 7}}
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(generated))
    previewed.clear()
    cluster = Cluster("node", tmp_path / "kubeconfig", "", "10.88.0.1:5000", "127.0.0.1:5000", "traefik", "http://g")
    engine = Previews(Path("pulumi"), tmp_path, cluster.kubeconfig)
    monkeypatch.setattr(stack_files, "STACKS", directory)
    monkeypatch.setattr(up, "exclusive", lambda _: nullcontext())
    monkeypatch.setattr(up, "_is_there", lambda: True)
    monkeypatch.setattr(up, "target", lambda **_: cluster)
    monkeypatch.setattr(up, "engine_of", lambda _: engine)
    monkeypatch.setattr(up.drift, "sentences", lambda *_: [])
    monkeypatch.setattr(up.charts, "repository", lambda: ("charts", ""))
    return directory


def test_an_edit_of_a_tracked_file_is_planned(tracked: Path):
    file = tracked / f"Pulumi.{PENGUINS}.yaml"
    file.write_text(file.read_text().replace("pulumi-mlops:replicas: 1", "pulumi-mlops:replicas: 3"))

    up.plan()

    assert list(previewed) == list(STACKS)
    assert previewed[PENGUINS]["pulumi-mlops:replicas"] == 3
    assert previewed[PLATFORM]["pulumi-mlops:gateway_url"] == "http://g"


def test_the_images_are_those_that_up_would_build_from_the_sources_of_now(tracked: Path):
    up.plan()

    names = images.references("10.88.0.1:5000", up.TEAM_IMAGES)
    assert previewed[PENGUINS]["pulumi-mlops:pipeline_image"] == names["ml-pipeline"]
    assert previewed[PENGUINS]["pulumi-mlops:server_image"] == names["ml-server"]
    assert names["ml-server"].startswith("10.88.0.1:5000/pulumi-mlops/ml-server:")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("config: [", rf"stacks/Pulumi\.{PENGUINS}\.yaml line \d+ is not YAML"),
        ("replicas: 1\n", rf"stacks/Pulumi\.{PENGUINS}\.yaml must have a mapping `config:`"),
    ],
)
def test_a_tracked_file_that_cannot_be_read_is_one_sentence_and_nothing_is_planned(
    tracked: Path, content: str, sentence: str
):
    (tracked / f"Pulumi.{PENGUINS}.yaml").write_text(content)

    with pytest.raises(StepFailed, match=sentence):
        up.plan()

    assert previewed == {}
