"""`make up` with everything cached, and with nothing cached but what the distribution has installed."""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.report import table
from local.paths import ROOT

TITLE = "Bare machine → served prediction"
WARM_ROUNDS = 3


def measure() -> str:
    """Takes the platform of this machine down, up again a few times, and leaves it up."""
    warm = []
    for _ in range(WARM_ROUNDS):
        _make(ROOT, "down")
        warm.append(_timed(ROOT, {}))
    _make(ROOT, "down")
    cold = _cold()
    _make(ROOT, "up")
    rows = [
        ["tools, images and environment cached", f"{statistics.median(warm):.0f} s (median of {WARM_ROUNDS})", "90 s"],
        ["empty caches, new clone", f"{cold / 60:.1f} min (once)", "15 min"],
    ]
    return table(["", "`make up`", "target"], rows) + "\n\nDebian packages were installed before the cold run as well."


def _cold() -> float:
    """A new clone with caches of its own: environment, Go modules and builds, images, everything."""
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
            return _timed(checkout, caches)
        finally:
            _make(checkout, "down", caches)
            subprocess.run(["go", "clean", "-modcache"], env={**os.environ, **caches}, check=False)
            shutil.rmtree(home / "cache", ignore_errors=True)


def _timed(directory: Path, environment: dict[str, str]) -> float:
    begin = time.monotonic()
    _make(directory, "up", environment)
    return time.monotonic() - begin


def _make(directory: Path, word: str, environment: dict[str, str] | None = None) -> None:
    subprocess.run(["make", word], cwd=directory, env={**os.environ, **(environment or {})}, check=True)
