from pathlib import Path

import pytest

from local.engine import PROJECT, Engine


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
