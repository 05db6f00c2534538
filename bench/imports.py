"""How much longer `import pulumi_mlops` takes than `import pulumi`, both with warm bytecode."""

import os
import statistics
import subprocess
import sys
import time

from bench.report import table
from local.paths import ROOT

TITLE = "Import of the public API"
ROUNDS = 15


def measure() -> str:
    """Alternates both imports in fresh interpreters and compares medians."""
    statements: dict[str, list[float]] = {
        "import pulumi": [],
        "import pulumi_mlops": [],
        "from pulumi_mlops import Workspace, TrainingPipeline, ModelEndpoint": [],
    }
    for round_number in range(ROUNDS + 1):
        for statement, seconds in statements.items():
            begin = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", statement],
                check=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "components")},
            )
            if round_number:  # the first round only warms the file cache
                seconds.append(time.perf_counter() - begin)
    medians = {statement: statistics.median(seconds) for statement, seconds in statements.items()}
    ratio = medians["import pulumi_mlops"] / medians["import pulumi"]
    rows = [[f"`{statement}`", f"{1000 * median:.0f} ms"] for statement, median in medians.items()]
    return table(["", f"median of {ROUNDS}"], rows) + (
        f"\n\nRatio of the first two {ratio:.2f}; target at most 1.2. A component brings pulumi and the parts of the "
        "Kubernetes SDK that it uses when its name is first taken, which the third row pays for."
    )
