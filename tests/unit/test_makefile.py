import os
import subprocess

from local.paths import ROOT


def test_its_commands_keep_bytecode_also_where_the_environment_forbids_it() -> None:
    probe = "probe: ; @printenv PYTHONDONTWRITEBYTECODE || echo kept"
    done = subprocess.run(
        ["make", "--silent", f"--eval={probe}", "probe"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "kept\n"
