"""A run that is killed while the backend writes a file leaves it cut off; the next run goes on all the same."""

import shutil
from pathlib import Path

import pytest

from local import tools
from local.engine import Engine
from local.progress import StepFailed

STACK = "penguins-local"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine with one stack that has a state, the copy of it that Pulumi keeps, and a lock left by a killed run."""
    directory = tmp_path_factory.mktemp("killed")
    engine = Engine(tools.ensure("pulumi")["pulumi"], directory, directory / "no-kubeconfig")
    engine.prepare()
    engine.configure(STACK, {})
    engine.pretend(STACK, [])
    engine.pretend(STACK, [])
    return engine


def test_what_the_backend_has_half_written_does_not_stop_the_next_run(written: Engine, tmp_path: Path):
    stored = written.directory / "backend"
    files = sorted(file.relative_to(stored) for file in stored.rglob("*") if file.is_file())
    # The version of the backend's layout is written once, by the first command, before there is anything to lose.
    files = [file for file in files if file.name != "meta.yaml"]
    assert {file.suffix for file in files} >= {".json", ".bak", ".attrs"}
    stopped = {}
    for file in files:
        for share in (0, 2):
            content = (stored / file).read_bytes()
            shutil.copytree(written.directory, tmp_path / "copy")
            cut_off = tmp_path / "copy" / "backend" / file
            cut_off.write_bytes(content[: len(content) // share] if share else b"")
            engine = Engine(written.executable, tmp_path / "copy", written.kubeconfig)
            try:
                engine.select(STACK)
                engine.export(STACK)
            except StepFailed as failure:
                stopped[f"{file}, {'half' if share else 'nothing'} of it written"] = str(failure)
            shutil.rmtree(tmp_path / "copy")
    assert not stopped
