"""The server against seldon-core's microservice: the same model class, the same rows, one run.

Each server has one core and the client another; rounds alternate, so that a machine that gets slower slows both. The
model has the shape of the example's: seven columns, two of them categories, missing cells, three classes, 100 rounds.
"""

import json
import os
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd

from bench import client, servers
from bench.report import table
from ml import bundle_writer, dataset, training
from ml.settings import parse_object

TITLE = "Serving: this server against seldon-core-microservice 1.17.1"
CONNECTIONS = 8
ROUNDS = 7
SECONDS = 3.0
WARM_UP_SECONDS = 1.0
ROWS = 200
PATH = "/api/v1.0/predictions"


def measure() -> str:
    """Both servers in turns; the table, and what the targets say to it."""
    busy = os.getloadavg()[0]
    rows = _rows()
    payloads = [client.request("bench", PATH, json.dumps({"data": {"ndarray": [row]}}).encode()) for row in rows]
    with tempfile.TemporaryDirectory() as directory:
        version = _version(Path(directory))
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {max(before)})
            results = [
                _Result("seldon-core-microservice", version, servers.seldon_core),
                _Result("`python -m ml.serve`", version, servers.ours),
            ]
            for round_number in range(ROUNDS):
                for result in results:
                    result.run(payloads, min(before), starts=round_number == 0)
        finally:
            os.sched_setaffinity(0, before)
    return f"{_report(*results)} The machine's load before the run was {busy:.1f}: latencies count from an idle one."


class _Result:
    """One server's rounds."""

    def __init__(
        self, name: str, version: Path, start: Callable[[Path, int], AbstractContextManager[servers.Server]]
    ) -> None:
        self.name = name
        self._version = version
        self._start = start
        self.rounds: list[client.Round] = []
        self.alone: list[client.Round] = []
        self.ready: list[float] = []
        self.cpu: list[float] = []
        self.rss = self.pss = 0.0
        self.processes = 0

    def run(self, payloads: list[bytes], core: int, starts: bool) -> None:
        """One fresh process: a start, a warm-up, a round with many connections and one with a single connection."""
        with self._start(self._version, core) as server:
            self.ready.append(server.start_seconds)
            client.measure(server.port, payloads, CONNECTIONS, WARM_UP_SECONDS)
            used = servers.cpu_seconds(server)
            self.rounds.append(client.measure(server.port, payloads, CONNECTIONS, SECONDS))
            self.cpu.append((servers.cpu_seconds(server) - used) / self.rounds[-1].requests)
            self.alone.append(client.measure(server.port, payloads, 1, SECONDS / 2))
            if starts:
                self.rss, self.pss = servers.memory_mib(server)
                self.processes = servers.processes(server)

    def median(self, field: str, alone: bool = False) -> float:
        """Median over the rounds."""
        return statistics.median(getattr(one, field) for one in (self.alone if alone else self.rounds))

    @property
    def failures(self) -> int:
        """Answers other than 200 in all rounds."""
        return sum(one.failures for one in self.rounds + self.alone)


def _report(seldon: _Result, ours: _Result) -> str:
    if seldon.failures or ours.failures:
        raise RuntimeError(f"answers other than 200: seldon-core {seldon.failures}, this server {ours.failures}")

    def row(name: str, value: Callable[[_Result], float], form: str) -> list[str]:
        theirs, mine = value(seldon), value(ours)
        return [name, form.format(theirs), form.format(mine), f"{mine / theirs:.2f}"]

    lines = [
        row(f"requests/s, {CONNECTIONS} connections", lambda r: r.median("requests_per_second"), "{:.0f}"),
        row(f"p50, {CONNECTIONS} connections", lambda r: r.median("p50"), "{:.2f} ms"),
        row(f"p99, {CONNECTIONS} connections", lambda r: r.median("p99"), "{:.2f} ms"),
        row("processor time a request", lambda r: 1e6 * statistics.median(r.cpu), "{:.0f} µs"),
        row("requests/s, 1 connection", lambda r: r.median("requests_per_second", True), "{:.0f}"),
        row("p50, 1 connection", lambda r: r.median("p50", True), "{:.2f} ms"),
        row("p99, 1 connection", lambda r: r.median("p99", True), "{:.2f} ms"),
        row("RSS of all processes", lambda r: r.rss, "{:.0f} MiB"),
        row("PSS of all processes", lambda r: r.pss, "{:.0f} MiB"),
        row("processes", lambda r: r.processes, "{:.0f}"),
        row("process start → ready", lambda r: statistics.median(r.ready), "{:.2f} s"),
    ]
    targets = [
        ("requests/s", ours.median("requests_per_second") >= 5 * seldon.median("requests_per_second"), "at least 5 ×"),
        ("p99", ours.median("p99") <= seldon.median("p99") / 4, "at most a quarter"),
        ("RSS", ours.rss <= seldon.rss / 4, "at most a quarter"),
        ("start", statistics.median(ours.ready) <= 1.5, "at most 1.5 s"),
    ]
    verdicts = "; ".join(f"{name} {wanted}: {'reached' if met else '**missed**'}" for name, met, wanted in targets)
    return (
        "Single rows with missing cells and categories, preprocessing included, OMP_NUM_THREADS=1; server on one core, "
        f"client on another; medians of {ROUNDS} rounds of {SECONDS:g} s, each with a fresh process, taking turns.\n\n"
        + table(["", seldon.name, ours.name, "ratio"], lines)
        + f"\n\nTargets with {CONNECTIONS} connections: {verdicts}."
    )


def _frame() -> pd.DataFrame:
    generator = np.random.default_rng(11)
    kind = generator.integers(0, 3, ROWS * 2)
    frame = pd.DataFrame(
        {
            "bill_length_mm": (39 + 5 * kind + generator.normal(0, 3, len(kind))).round(1),
            "bill_depth_mm": (18 - kind + generator.normal(0, 1, len(kind))).round(1),
            "flipper_length_mm": (190 + 13 * kind + generator.normal(0, 8, len(kind))).round(),
            "body_mass_g": (3700 + 600 * kind + generator.normal(0, 400, len(kind))).round(),
            "island": np.array(["Torgersen", "Dream", "Biscoe"])[generator.integers(0, 3, len(kind))],
            "sex": np.array(["male", "female"])[generator.integers(0, 2, len(kind))],
            "species": np.array(["Adelie", "Chinstrap", "Gentoo"])[kind],
        }
    )
    frame.loc[::9, "bill_depth_mm"] = np.nan
    frame.loc[::7, "sex"] = None
    return frame


def _rows() -> list[list[object]]:
    frame = _frame().drop(columns="species").head(ROWS).astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


def _version(models: Path) -> Path:
    chosen = parse_object(
        {
            "schema_version": 1,
            "model_name": "penguins",
            "task": "classification",
            "source": {"type": "S3", "bucket": "data", "key": "penguins.csv"},
            "target": "species",
            "features": {"engineered": {"bill_ratio": "bill_length_mm / bill_depth_mm"}},
            "training": {"rounds": 100, "seed": 7, "parameters": {"max_depth": 4, "learning_rate": 0.1}},
            "evaluation": {"metric": "accuracy", "threshold": 0.5},
            "endpoint": "penguins",
        }
    )
    data = dataset.prepare(_frame(), chosen, "the benchmark's table")
    booster = training.fit(chosen, data.signature, data.train_x, data.train_y)
    files = training.serialise(booster, data.preprocessing, data.signature, {"metrics": {}, "test_rows": 0})
    facts = {
        "created": "2026-01-01T00:00:00Z",
        "data": {"sha256": "0" * 64, "rows": len(_frame()), "source": "the benchmark's table"},
        "code_version": "bench",
        "mlflow_run_id": None,
    }
    return bundle_writer.write(models, chosen.model_name, "20260101-000000-00000000", files, facts).path
