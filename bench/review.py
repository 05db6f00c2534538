"""One comment of a preview of 5 000 changed resources: read, judged and rendered."""

import dataclasses
import statistics
import time

from pulumi_mlops.review.render.markdown import Dialect, markdown
from pulumi_mlops.review.view import review

from bench.report import table
from tests.review.reviews import many

TITLE = "Comment of a preview of 5 000 changed resources"
STEPS = 5_000
ROUNDS = 5


def measure() -> str:
    """Every step is the recorded change of a Deployment's image, each with another image."""
    preview = many(STEPS)
    seconds: dict[str, list[float]] = {"what is said": [], "Markdown of it": []}
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        made = review([dataclasses.replace(preview)])
        middle = time.perf_counter()
        markdown(made, Dialect.GITHUB)
        seconds["what is said"].append(middle - begin)
        seconds["Markdown of it"].append(time.perf_counter() - middle)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [[name, f"{median:.2f} s"] for name, median in medians.items()]
    return table(["", f"median of {ROUNDS}"], rows) + f"\n\nTogether {sum(medians.values()):.2f} s; target at most 2 s."
