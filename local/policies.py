"""The environment of the policy pack: `python -m local.policies` makes policies/.venv from requirements/policy.txt."""

import shutil
import subprocess
import sys
from pathlib import Path

from local.paths import ROOT
from local.progress import StepFailed

PACK = ROOT / "policies"
LOCK = ROOT / "requirements" / "policy.txt"
ENVIRONMENT = PACK / ".venv"


def ensure() -> Path:
    """Makes the environment unless it holds the lock already, and returns the pack's directory.

    Raises:
        StepFailed: the packages could not be had.
    """
    installed = ENVIRONMENT / "installed.txt"
    if installed.is_file() and installed.read_bytes() == LOCK.read_bytes():
        return PACK
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    python = ENVIRONMENT / "bin" / "python"
    # Not by uv: it does not read pip's configuration, and finds nothing on a machine with a mirror of its own.
    for words in (
        [sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)],
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check",
         "--no-compile", "--require-hashes", "--requirement", str(LOCK)],
    ):  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StepFailed(f"policy pack: `{' '.join(words[1:4])} …` failed: {done.stderr.strip()[-300:]}")
    for packages in ENVIRONMENT.glob("lib/python*/site-packages"):  # the library itself, from its sources
        (packages / "pulumi_mlops.pth").write_text(f"{ROOT / 'components'}\n")
    installed.write_bytes(LOCK.read_bytes())
    return PACK


if __name__ == "__main__":
    try:
        print(f"pulumi preview --policy-pack {ensure().relative_to(ROOT)}")
    except StepFailed as failure:
        sys.exit(str(failure))
