"""Memory and processor time of the steps of a training, against a plain script on the same data.

The plain script is what a careful engineer writes: pandas, native categories, a `QuantileDMatrix`, two threads.
"""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import NamedTuple

from bench.report import table
from local.paths import ROOT

TITLE = "Training: memory and processor time of each step"
PARQUET_ROWS, CSV_ROWS = 5_000_000, 3_100_000  # a CSV file of 1 GB
STEPS = ("load", "preprocess", "train", "evaluate")
ROUNDS, DEPTH = 20, 6
MOST_RATIO = 0.35

DATA = """
import sys, numpy as np, pandas as pd
path, rows = sys.argv[1], int(sys.argv[2])
generator = np.random.default_rng(0)
frame = pd.DataFrame({f"n{i}": generator.normal(size=rows) for i in range(16)})
frame["kind"] = generator.choice(list("abcdefghijkl"), rows)
frame["side"] = generator.choice(list("wxyz"), rows)
logit = frame["n0"] + frame["n1"] * (frame["kind"] < "f") + (frame["side"] == "w")
frame["y"] = np.where(logit + generator.normal(size=rows) > 0, "yes", "no")
frame.loc[generator.random(rows) < 0.05, "n3"] = np.nan
frame.to_parquet(path, index=False) if path.endswith(".parquet") else frame.to_csv(path, index=False)
"""
PLAIN = f"""
import sys, numpy as np, pandas as pd, xgboost
path = sys.argv[1]
frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
y = (frame.pop("y") == "yes").astype("int8")
frame = frame.astype({{"kind": "category", "side": "category"}})
test = np.random.default_rng(0).random(len(frame)) < 0.2
train = xgboost.QuantileDMatrix(frame[~test], y[~test], enable_categorical=True, nthread=2)
booster = xgboost.train(
    {{"objective": "binary:logistic", "max_depth": {DEPTH}, "nthread": 2}}, train, num_boost_round={ROUNDS}
)
found = booster.predict(xgboost.DMatrix(frame[test], enable_categorical=True, nthread=2)) > 0.5
print((found == y[test]).mean())
"""
SETTINGS = """{{
    "model_name": "bench", "task": "classification", "target": "y",
    "source": {{"type": "FILE", "path": "{path}", "format": "{format}"}},
    "training": {{"rounds": {rounds}, "parameters": {{"max_depth": {depth}, "nthread": 2}}}},
    "evaluation": {{"metric": "accuracy", "threshold": 0.5}}
}}"""


class Cost(NamedTuple):
    """What a process took."""

    peak_bytes: int
    processor_seconds: float


def measure() -> str:
    """One run of each format; memory hardly varies between runs, and the machine's load does not touch it."""
    parquet, ratio, _ = _measure("parquet", PARQUET_ROWS)
    csv, _, peak_bytes = _measure("csv", CSV_ROWS)
    return (
        f"{parquet}\n\n{csv}\n\nTargets for the peak of any step: 0.35 × the plain script's for parquet: "
        f"{'reached' if ratio <= MOST_RATIO else 'not reached'}; 1 GiB for a CSV file of 1 GB: "
        f"{'reached' if peak_bytes <= 2**30 else 'not reached'}.\n\n"
        "One run a format; other work on the machine changes processor times somewhat, memory not."
    )


def _measure(file_format: str, rows: int) -> tuple[str, float, int]:
    """The table of a format, and the largest peak of a step: times the plain script's, and in bytes."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = directory / f"data.{file_format}"
        _run(["-c", DATA, str(path), str(rows)], {})
        costs = {"plain script": _run(["-c", PLAIN, str(path)], {})}
        settings = directory / "settings.json"
        settings.write_text(SETTINGS.format(path=path, format=file_format, rounds=ROUNDS, depth=DEPTH))
        surroundings = {
            "SETTINGS_PATH": str(settings),
            "MODELS_DIR": str(directory / "models"),
            "RUN_ID": str(uuid.uuid4()),
            "RUN_CREATED": "2026-01-01T00:00:00Z",
            "OUTPUTS_DIR": str(directory / "outputs"),
        }
        costs |= {step: _run(["-m", f"ml.{step}"], surroundings) for step in STEPS}
        size = path.stat().st_size
    plain = costs["plain script"]
    body = [
        [name, f"{cost.peak_bytes / 2**30:.2f} GiB", f"{cost.peak_bytes / plain.peak_bytes:.2f}",
         f"{cost.processor_seconds:.1f} s"]
        for name, cost in costs.items()
    ]  # fmt: skip
    title = f"{rows / 1e6:g} million rows, {file_format}, {size / 1e6:.0f} MB"
    peak = max(costs[step].peak_bytes for step in STEPS)
    text = table([title, "peak memory", "× plain", "processor time"], body)
    return text, peak / plain.peak_bytes, peak


def _run(arguments: list[str], surroundings: dict[str, str]) -> Cost:
    """Runs Python and returns what that one process took; Linux counts the peak in KiB."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **surroundings}
    process = subprocess.Popen([sys.executable, *arguments], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments[:2]} ended with {process.returncode}")
    return Cost(usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)
