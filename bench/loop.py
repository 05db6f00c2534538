"""From the submission of a training run to the first prediction by the version that it made."""

import json
import statistics
import time
import urllib.request

from bench.report import table
from local import prediction, training, up
from local.cluster import target
from local.engine import PENGUINS

TITLE = "Submit → served new version"
ROUNDS = 5


def measure() -> str:
    """Needs the platform up; trains the example's model ROUNDS times on its own data."""
    cluster = target()
    outputs = up.engine_of(cluster).outputs(PENGUINS)
    url = f"{cluster.gateway_url}{outputs['prediction_path']}"
    totals: list[float] = []
    with cluster.api() as api:
        for _ in range(ROUNDS):
            begin = time.monotonic()
            name = training.submit(api, outputs["namespace"], outputs["workflow_template"])
            workflow = training.follow(api, outputs["namespace"], name)
            version = training.outputs(workflow)["version"]
            while _served(url) != version:
                time.sleep(0.1)
            totals.append(time.monotonic() - begin)
    rows = [[f"{statistics.median(totals):.1f} s", f"{min(totals):.1f} s", f"{max(totals):.1f} s"]]
    return table([f"median of {ROUNDS}", "least", "most"], rows) + "\n\nTarget: at most 45 s."


def _served(url: str) -> str:
    body = json.dumps({"data": {"ndarray": prediction.EXAMPLE_ROWS}}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["meta"]["tags"]["version"]
