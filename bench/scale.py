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
import asyncio, gc, json, re, resource, sys, time
import pulumi
import pulumi_kubernetes as k8s

class Mocks(pulumi.runtime.Mocks):
    def __init__(self):
        self.seen = []
    def new_resource(self, args):
        self.seen.append((args.typ, args.name, args.inputs))
        return args.name + "-id", args.inputs
    def call(self, args):
        return {}

def under_mocks(program):
    mocks = Mocks()
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(mocks, preview=False)
    pulumi.runtime.test(program)()
    return mocks.seen

from pulumi_mlops import ModelEndpoint, TrainingPipeline

def pair(number):
    ModelEndpoint(f"endpoint-{number}", {"namespace": "team", "image": "server:1"})
    TrainingPipeline(f"pipeline-{number}", {
        "namespace": "team", "image": "pipeline:1", "task": "classification", "target": "y",
        "source": {"type": "S3", "bucket": "data", "key": "data.csv"}, "schedule": "@daily",
        "evaluation": {"metric": "accuracy", "threshold": 0.5}, "endpoint": f"endpoint-{number}",
    })

way, count = sys.argv[1], int(sys.argv[2])
one_pair = [each for each in under_mocks(lambda: pair(0)) if each[0].startswith("kubernetes:")]

def bare(number):
    for token, name, inputs in one_pair:
        _, module, kind = token.split(":")
        group, _, version = module.partition("/")
        own = {key: value for key, value in inputs.items() if key not in ("apiVersion", "kind")}
        place = getattr(k8s, group.partition(".")[0], None)
        if place is None:
            k8s.apiextensions.CustomResource(f"{name}-{number}", api_version=module, kind=kind, **own)
        else:
            own = {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), key): value for key, value in own.items()}
            getattr(getattr(place, version), kind)(f"{name}-{number}", **own)

if way == "tuned":
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
begin = time.process_time()
make = bare if way == "bare" else pair
seen = under_mocks(lambda: [make(number) for number in range(1, count + 1)] and None)
taken = time.process_time() - begin
assert sum(each[0].startswith("kubernetes:") for each in seen) == count * len(one_pair)
print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measure() -> str:
    """Runs the program for growing counts in fresh interpreters."""
    rows = []
    for count in COUNTS:
        bare, ours, tuned = (_run(way, count) for way in ("bare", "components", "tuned"))
        cells = [f"{seconds:.1f} s, {mebibytes:.0f} MiB" for seconds, mebibytes in (bare, ours, tuned)]
        rows.append([str(count), *cells, f"{ours[0] / bare[0]:.2f}", f"{tuned[0] / bare[0]:.2f}"])
    return table(["each", "same objects, without components", "components", "and tuned", "ratio", "tuned"], rows) + NOTE


NOTE = """

Processor time and peak memory of the program; the engine and the API server are not in it. The second column registers
the same Kubernetes objects with the classes of the Kubernetes SDK. "Tuned" is a program whose first lines let Python's
garbage collector rest: `gc.freeze(); gc.set_threshold(100_000, 50, 100)`, after its imports. Without them the collector
goes through every object that waits for its registration again and again.
"""


def _run(way: str, count: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, way, str(count)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "components")},
    )
    seconds, mebibytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, mebibytes
