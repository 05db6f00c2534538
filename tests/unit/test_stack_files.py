"""What the Makefile's commands say of a settings file that somebody has broken."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local import foundation_outputs, planning, stack_files
from local.progress import StepFailed

RIGHT = yaml.safe_load((stack_files.STACKS / "Pulumi.foundation-dev.yaml").read_text())["config"]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes the file of foundation-dev: a text, or its settings without one of them."""
    monkeypatch.setattr(stack_files, "STACKS", tmp_path)

    def _write(text: str = "", without: str = "", **changes: Any) -> None:
        config = {key: value for key, value in RIGHT.items() if not key.endswith(f":{without}")}
        config |= {f"pulumi-mlops:{key}": value for key, value in changes.items()}
        (tmp_path / "Pulumi.foundation-dev.yaml").write_text(text or yaml.safe_dump({"config": config}))

    return _write


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("config:\n  a: b: c\n", "stacks/Pulumi.foundation-dev.yaml line 2 is not YAML: "),
        ("config:\n  since: 2026-02-30\n", "stacks/Pulumi.foundation-dev.yaml has a value that cannot be read: "),
        ("config:\n\tb: c\n", "stacks/Pulumi.foundation-dev.yaml line 2 is not YAML: "),
        ("- a\n", "must have a mapping `config:` with the stack's settings, got None"),
        ("#\n", "must have a mapping `config:` with the stack's settings, got None"),
        ("config: [a]\n", "must have a mapping `config:` with the stack's settings, got ['a']"),
    ],
)
def test_a_file_that_is_no_settings_file_is_one_sentence(write: Any, text: str, sentence: str) -> None:
    write(text)

    for read in (stack_files.settings, planning.on_aws, foundation_outputs.example):
        with pytest.raises(StepFailed) as error:
            read("foundation-dev")
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_a_stack_without_a_file_is_answered_with_those_that_have_one(write: Any) -> None:
    write()

    with pytest.raises(StepFailed, match="there is no stack 'foundation-prd'; there are foundation-dev"):
        stack_files.config("foundation-prd")


@pytest.mark.parametrize(
    ("changes", "given"), [({"without": "layer"}, "None"), ({"layer": "fundation"}, "'fundation'")]
)
def test_a_layer_that_there_is_not_is_named(write: Any, changes: dict[str, str], given: str) -> None:
    write(**changes)

    with pytest.raises(StepFailed, match=rf"pulumi-mlops:layer must be one of foundation, .*, got {given}$"):
        planning.layer("foundation-dev")


@pytest.mark.parametrize("key", ["environment", "zones", "domain_name", "region"])
def test_a_foundation_whose_outputs_cannot_be_made_up_says_what_is_missing(write: Any, key: str) -> None:
    write(without=key)

    with pytest.raises(StepFailed, match=rf"Pulumi\.foundation-dev\.yaml must set [\w-]+:{key}: the outputs"):
        foundation_outputs.example("foundation-dev")


def test_a_file_that_is_right_is_read(write: Any) -> None:
    write()

    assert planning.layer("foundation-dev") == "foundation"
    assert planning.on_aws("foundation-dev")
    assert foundation_outputs.example("foundation-dev")["domain_name"] == "dev.ml.example.org"
