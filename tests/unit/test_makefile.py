import os
import subprocess

from local.paths import ROOT


def test_its_commands_keep_bytecode_also_where_the_environment_forbids_it() -> None:
    probe = "probe: ; @printenv PYTHONDONTWRITEBYTECODE || echo kept"
    # Without the options of a make that runs the tests, such as `--print-directory`.
    callers = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "--silent", f"--eval={probe}", "probe"],
        cwd=ROOT,
        env={**callers, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "kept\n"
