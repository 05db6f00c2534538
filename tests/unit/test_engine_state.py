import json
from pathlib import Path

import pytest

from local.engine import PROJECT, Engine
from local.progress import StepFailed


@pytest.mark.parametrize(
    ("state", "copy", "expected"),
    [
        ("", '{"version": 3}', '{"version": 3}'),
        ('{"version": 3, "chec', '{"version": 3}', '{"version": 3}'),
        ("", "", None),
        ("", None, None),
        ('{"version": 4}', '{"version": 3}', '{"version": 4}'),
    ],
)
def test_a_state_that_was_half_written_is_replaced_by_its_copy(
    tmp_path: Path, state: str, copy: str | None, expected: str | None
):
    place = tmp_path / "backend" / ".pulumi" / "stacks" / PROJECT / "some.json"
    place.parent.mkdir(parents=True)
    place.write_text(state)
    if copy is not None:
        place.with_name("some.json.bak").write_text(copy)

    Engine(tmp_path / "pulumi", tmp_path, tmp_path / "kubeconfig")._mend_state("some")

    assert (place.read_text() if place.exists() else None) == expected


def test_a_preview_that_the_program_refuses_is_its_sentence_and_no_json(tmp_path: Path):
    sentence = 'Cluster "dev": args.zones must be at least 2, got 1'
    preview = {
        "steps": [{"op": "create", "urn": "urn:pulumi:dev::team::pulumi:pulumi:Stack::team-dev"}],
        "diagnostics": [{"severity": "error", "message": f"error: {sentence}\n"}],
    }
    cli = tmp_path / "pulumi"
    cli.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(preview)}\nEND\nexit 1\n")
    cli.chmod(0o755)

    with pytest.raises(StepFailed) as failure:
        Engine(cli, tmp_path, tmp_path / "kubeconfig").preview_json("dev")

    assert str(failure.value).endswith(f"exited with 1: {sentence}")
    assert "steps" not in str(failure.value)
    assert "\n" not in str(failure.value)
