"""What the Python language host stand-in runs besides programs: policy packs, and nothing else."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2

from standins.plugins.language_host import Host


class Aborted(Exception):
    pass


class Context:
    def abort(self, code: grpc.StatusCode, message: str) -> None:
        raise Aborted(f"{code.name}: {message}")

    def add_callback(self, function: Any) -> None:
        self.ended = function


def request(pack: Path, kind: str = "analyzer", **options: str) -> Any:
    info = language_pb2.ProgramInfo(root_directory=str(pack), program_directory=str(pack), entry_point=".")
    info.options.update(options)
    return language_pb2.RunPluginRequest(
        kind=kind, pwd=str(pack), args=["127.0.0.1:1"], env=[f"PATH={Path(sys.executable).parent}", "A=b=c"], info=info
    )


def test_a_pack_runs_and_what_it_prints_and_how_it_ends_is_told(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(
        "import os, sys\nprint(os.environ['A'])\nprint('oh', file=sys.stderr)\nraise SystemExit(0)\n"
    )
    host = Host("")
    answers = list(host.RunPlugin(request(tmp_path), Context()))
    assert b"".join(one.stdout for one in answers) == b"b=c\n"
    assert b"oh" in b"".join(one.stderr for one in answers)
    assert answers[-1].WhichOneof("output") == "exitcode"
    assert not host.programs


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["in the foreground", "in the background"])
def started(request: pytest.FixtureRequest) -> Iterator[None]:
    """As a shell starts the engine: in the background, it ignores SIGINT."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("started")
def test_a_pack_is_interrupted_when_the_engine_has_no_more_questions(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(
        "import time\ntry:\n    print(5000)\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('bye')\n"
    )
    context = Context()
    answers = Host("").RunPlugin(request(tmp_path), context)
    assert next(answers).stdout.startswith(b"5000")
    context.ended()
    assert b"bye" in b"".join(one.stdout for one in answers)


@pytest.mark.usefixtures("started")
def test_a_pack_ends_when_nobody_listens_any_more(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import time\nprint(5000)\ntime.sleep(600)\n")
    host = Host("")
    answers = host.RunPlugin(request(tmp_path), Context())
    assert next(answers).stdout
    (process,) = host.programs
    answers.close()
    assert process.poll() is not None


def test_other_plugins_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        Aborted, match="UNIMPLEMENTED: the Python language host stand-in runs policy packs and no other"
    ):
        list(Host("").RunPlugin(request(tmp_path, "resource"), Context()))


def test_a_pack_without_its_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Aborted, match=r"has no .*/bin/python: create the environment"):
        list(Host("").RunPlugin(request(tmp_path, virtualenv=".venv"), Context()))
