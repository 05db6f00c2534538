"""`make up` in a new clone with empty caches: environment, tools, images and all."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.report import table
from bench.up import make, timed_up
from local.paths import ROOT

TITLE = "Bare machine → served prediction"


def measure() -> str:
    """Takes the platform of this machine down, measures once, and leaves nothing running."""
    make(ROOT, "down")
    with tempfile.TemporaryDirectory(dir=Path.home()) as directory:
        home = Path(directory)
        checkout = home / "checkout"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        caches = {
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_STATE_HOME": str(home / "state"),
            "GOMODCACHE": str(home / "go-modules"),
            "GOCACHE": str(home / "go-builds"),
            "PIP_CACHE_DIR": str(home / "pip"),
            "UV_CACHE_DIR": str(home / "uv"),
        }
        try:
            seconds = timed_up(checkout, caches)
        finally:
            make(checkout, "down", caches)
            # Go's module cache is write-protected, which rmtree does not see through.
            subprocess.run(["go", "clean", "-modcache"], env={**os.environ, **caches}, check=False)
            shutil.rmtree(home / "cache", ignore_errors=True)
    note = "Measured once. Target: at most 15 min. Debian packages were installed before."
    return table(["`make up`, empty caches, new clone"], [[f"{seconds / 60:.1f} min"]]) + f"\n\n{note}"
