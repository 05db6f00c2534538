import sys
from pathlib import Path

import pytest

from ml import step, upload
from ml.errors import DataError, PipelineError, SettingsError, SourceError
from tests.ml.conftest import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "birds.csv"
    path.write_text("species\nAdelie\n")
    return path


def test_a_file_arrives_as_it_is(store: Store, file: Path) -> None:
    upload.upload(file, "data", "up/birds.csv", store.environment)  # and once more, over what is there
    assert upload.upload(file, "data", "up/birds.csv", store.environment) == file.stat().st_size


def test_the_command_says_what_it_wrote(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["upload", str(file), "data", "up/birds.csv"])

    upload.run(step.Context(store.environment))

    assert f"wrote {file.stat().st_size} bytes to s3://data/up/birds.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "bucket", "kind", "sentence"),
    [
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "data", DataError, "s3://data/k cannot be written: the store answered"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "data", DataError, "the store answered SignatureDoesNotMatch"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "data", SourceError, "s3://data/k cannot be written"),
    ],
)
def test_a_refusal_is_one_sentence(
    store: Store,
    file: Path,
    changes: dict[str, str],
    bucket: str,
    kind: type[PipelineError],
    sentence: str,
) -> None:
    with pytest.raises(kind) as error:
        upload.upload(file, bucket, "k", {**store.environment, **changes})

    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv cannot be read"):
        upload.upload(tmp_path / "none.csv", "data", "k", store.environment)


def test_the_command_wants_three_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["upload", "one"])

    with pytest.raises(SettingsError, match="takes a file, a bucket and a key, got 1 arguments"):
        upload.run(step.Context({}))
