"""Reading version directories: `<models>/<model name>/<version>/`, immutable once they exist.

| file | holds |
|---|---|
| model.ubj | the booster, in XGBoost's own safe format: what is loaded |
| preprocessing.json | the fitted preprocessing |
| signature.json | task, input columns with their kinds, class labels |
| metrics.json | metrics on the held-out rows, and what they were computed from |
| model.pkl | the same booster as a pickle, for the former platform's clients; its hash is checked, it is never loaded |
| manifest.json | SHA-256 of each of the above, hash of the data, code version, MLflow run id, model name, version |
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
FILES = ("model.ubj", "preprocessing.json", "signature.json", "metrics.json", "model.pkl")
_SAFE_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """One verified version."""

    path: Path
    manifest: dict[str, Any]
    signature: dict[str, Any]
    preprocessing: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest["model_name"]

    @property
    def version(self) -> str:
        """The version's id."""
        return self.manifest["version"]


def version_path(models: Path, model_name: str, version: str) -> Path:
    """Directory of a version; refuses names that could lead out of `models`."""
    for part in (model_name, version):
        if not _SAFE_NAME.fullmatch(part):
            raise BundleError(f"{part!r} is not the name of a model or version (letters, digits, '.', '_', '-')")
    return models / model_name / version


def verify(path: str | Path) -> dict[str, Any]:
    """Returns the manifest after checking every file against it; raises BundleError naming the file at fault."""
    path = Path(path)
    label = f"model version {path.parent.name}/{path.name}"
    if not path.is_dir():
        raise BundleError(f"{label} does not exist on the models volume")
    manifest = _read_json(path, MANIFEST)
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise BundleError(f"{label} has manifest schema {manifest.get('schema_version')!r}, expected {SCHEMA_VERSION}")
    recorded = manifest.get("files")
    if not isinstance(recorded, dict) or not isinstance(manifest.get("model_name"), str):
        raise BundleError(f"{label} has a manifest without model name or file hashes")
    for file in FILES:
        if file not in recorded:
            raise BundleError(f"{label} has no recorded hash of {file}")
        try:
            actual = sha256(path / file)
        except OSError as error:
            raise BundleError(f"{label} has an unreadable {file} ({error.strerror})") from None
        if actual != recorded[file]:
            raise BundleError(f"{label} has a {file} that differs from its recorded hash, so it is refused")
    return manifest


def read(path: str | Path) -> Bundle:
    """Verifies a version directory and reads everything but the model itself."""
    path = Path(path)
    manifest = verify(path)
    return Bundle(
        path,
        manifest,
        _read_json(path, "signature.json"),
        _read_json(path, "preprocessing.json"),
        _read_json(path, "metrics.json"),
    )


def sha256(file: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read_json(path: Path, file: str) -> dict[str, Any]:
    label = f"model version {path.parent.name}/{path.name}"
    try:
        value = json.loads((path / file).read_bytes())
    except OSError as error:
        raise BundleError(f"{label} has an unreadable {file} ({error.strerror})") from None
    except ValueError:
        raise BundleError(f"{label} has a {file} that is not JSON") from None
    if not isinstance(value, dict):
        raise BundleError(f"{label} has a {file} that is not a JSON object")
    return value
