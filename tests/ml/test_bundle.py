"""Version directories: written whole or not at all, never overwritten, refused when they are not what they say."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xgboost

from ml import bundle, bundle_writer
from ml.errors import BundleError, StorageError
from ml.model import Model
from tests.ml import bundles
from tests.ml.conftest import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that tests only read."""
    return bundles.make_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def version(made: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    copy = tmp_path / "flowers" / bundles.VERSION
    copy.mkdir(parents=True)
    for file in made.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def test_a_version_holds_exactly_its_files_and_says_what_they_are(made: Path) -> None:
    read = bundle.read(made)
    assert {file.name for file in made.iterdir()} == {*bundle.FILES, "manifest.json"}
    assert (read.name, read.version) == ("flowers", bundles.VERSION)
    assert read.manifest["files"].keys() == set(bundle.FILES)
    assert read.signature["classes"] == ["adelie", "chinstrap", "gentoo"]
    assert [column["kind"] for column in read.signature["inputs"]] == ["numeric", "numeric", "categorical"]
    assert read.metrics["metrics"]["accuracy"] > 0.5


@pytest.mark.parametrize("file", bundle.FILES)
def test_a_changed_file_is_refused_by_name(version: Path, file: str) -> None:
    content = bytearray((version / file).read_bytes())
    content[len(content) // 2] ^= 1
    (version / file).write_bytes(content)
    with pytest.raises(BundleError) as caught:
        Model(str(version)).load()
    assert str(caught.value) == (
        f"model version flowers/{bundles.VERSION} has a {file} that differs from its recorded hash, so it is refused"
    )


@pytest.mark.parametrize("file", [*bundle.FILES, "manifest.json"])
def test_a_lacking_file_is_refused_by_name(version: Path, file: str) -> None:
    (version / file).unlink()
    with pytest.raises(BundleError, match=rf"flowers/{bundles.VERSION} has an unreadable {file} \(No such file"):
        Model(str(version)).load()


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ("not json", "has a manifest.json that is not JSON"),
        ("[]", "has a manifest.json that is not a JSON object"),
        ("{}", "has manifest schema None, expected 1"),
        ('{"schema_version": 1}', "has a manifest without model name or file hashes"),
        ('{"schema_version": 1, "model_name": "flowers", "files": {}}', "has no recorded hash of model.ubj"),
    ],
)
def test_a_bad_manifest_is_refused(version: Path, manifest: str, complaint: str) -> None:
    (version / "manifest.json").write_text(manifest)
    with pytest.raises(BundleError, match=complaint):
        bundle.verify(version)


def test_a_model_that_does_not_load_is_refused_even_if_its_hash_fits(version: Path) -> None:
    (version / "model.ubj").write_bytes(b"{")
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["files"]["model.ubj"] = bundle.sha256(version / "model.ubj")
    (version / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=rf"^model version flowers/{bundles.VERSION} cannot be loaded: \S"):
        Model(str(version)).load()


def test_a_version_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="model version flowers/none does not exist on the models volume"):
        bundle.verify(tmp_path / "flowers" / "none")


@pytest.mark.parametrize("part", ["..", "../x", "/etc", "", "a/b", ".hidden", "a\n"])
def test_names_cannot_lead_out_of_the_volume(tmp_path: Path, part: str) -> None:
    with pytest.raises(BundleError, match="is not the name of a model or version"):
        bundle.version_path(tmp_path, "flowers", part)
    with pytest.raises(BundleError, match="is not the name of a model or version"):
        bundle.version_path(tmp_path, part, bundles.VERSION)


def test_a_version_is_never_overwritten(version: Path) -> None:
    before = {file.name: file.read_bytes() for file in version.iterdir()}
    files = {name: b"other" for name in bundle.FILES}
    with pytest.raises(BundleError, match="exists already and is never overwritten"):
        bundle_writer.write(version.parents[1], "flowers", bundles.VERSION, files, {})
    assert {file.name: file.read_bytes() for file in version.iterdir()} == before


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full refuses every byte as a full volume does."""
    monkeypatch.setattr(bundle_writer.secrets, "token_hex", lambda _: "x")
    (tmp_path / "flowers").mkdir()
    real = Path.mkdir

    def with_a_full_file(self: Path, **options: bool) -> None:
        real(self, **options)
        if self.name.endswith(".tmp"):
            (self / "model.pkl").symlink_to("/dev/full")

    monkeypatch.setattr(Path, "mkdir", with_a_full_file)
    with pytest.raises(StorageError) as caught:
        bundle_writer.write(tmp_path, "flowers", bundles.VERSION, {name: b"content" for name in bundle.FILES}, {})
    assert str(caught.value) == (
        f"the models volume refused to store version flowers/{bundles.VERSION} (No space left on device), free space "
        "on it or enlarge its claim, then retry the run"
    )
    assert list((tmp_path / "flowers").iterdir()) == []


def test_the_left_over_of_a_killed_writer_is_removed(tmp_path: Path) -> None:
    left_over = tmp_path / "flowers" / f".{bundles.VERSION}.dead.tmp"
    left_over.mkdir(parents=True)
    (left_over / "model.ubj").write_bytes(b"half")
    made = bundles.make_bundle(tmp_path)
    assert [file.name for file in (tmp_path / "flowers").iterdir()] == [made.name]


def test_the_pickle_needs_nothing_of_this_project(made: Path) -> None:
    code = "import pickle, sys; found = pickle.load(sys.stdin.buffer); print(type(found['booster']).__module__, *found)"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input=(made / "model.pkl").read_bytes(),
        capture_output=True,
        cwd=ROOT / "docs",
        env={**os.environ, "PYTHONPATH": ""},
        check=True,
    )
    assert loaded.stdout.decode().split() == ["xgboost.core", "booster", "preprocessing", "signature"]
    matrix = np.zeros((1, 6), dtype=np.float32)
    legacy = pickle.loads((made / "model.pkl").read_bytes())["booster"]
    safe = xgboost.Booster(model_file=made / "model.ubj")
    assert legacy.inplace_predict(matrix).tobytes() == safe.inplace_predict(matrix).tobytes()


def test_reading_and_serving_import_neither_pandas_nor_pydantic() -> None:
    """The server's image has numpy and xgboost only."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pandas', 'pydantic', 'boto3', 'sklearn', 'mlflow'])); "
        "import ml.model; print('pyarrow' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "False"
