"""What each further endpoint or pipeline costs in one stack: the program's time and memory under Pulumi's mocks."""

import json
import os
import subprocess
import sys

from bench.report import table
from local.paths import ROOT

TITLE = "Endpoints and pipelines in one stack"
COUNTS = (10, 100, 300, 1000)

PROGRAM = """
import asyncio, json, resource, sys, time
import pulumi

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        return args.name + "-id", args.inputs
    def call(self, args):
        return {}

asyncio.set_event_loop(asyncio.new_event_loop())
pulumi.runtime.set_mocks(Mocks(), preview=False)
from pulumi_mlops import ModelEndpoint, TrainingPipeline

count, begin = int(sys.argv[1]), time.perf_counter()

@pulumi.runtime.test
def build():
    for number in range(count):
        ModelEndpoint(f"endpoint-{number}", {"namespace": "team", "image": "server:1"})
        TrainingPipeline(f"pipeline-{number}", {
            "namespace": "team", "image": "pipeline:1", "task": "classification", "target": "y",
            "source": {"type": "S3", "bucket": "data", "key": "data.csv"}, "schedule": "@daily",
            "evaluation": {"metric": "accuracy", "threshold": 0.5}, "endpoint": f"endpoint-{number}",
        })

build()
print(json.dumps([time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measure() -> str:
    """Runs the program for growing counts in fresh interpreters."""
    rows = []
    for count in COUNTS:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(count)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "components")},
        )
        seconds, mebibytes = json.loads(done.stdout.splitlines()[-1])
        rows.append([str(count), f"{seconds:.1f} s", f"{1000 * seconds / count:.1f} ms", f"{mebibytes:.0f} MiB"])
    return (
        table(["endpoints and pipelines, each", "program", "per pair", "peak memory"], rows)
        + "\n\nTarget: linear, and at most 1 GiB at 1 000. The engine's and the API server's share is not in it."
    )
