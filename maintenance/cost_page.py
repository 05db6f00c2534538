"""Writes what the environments cost into docs/cost.md and docs/aws.md: `python -m maintenance.cost_page`.

Previews each stack on AWS in an empty account, as `make plan STACK=…` does, and writes the estimates between the
markers of the pages. Needs the Pulumi CLI, no account; run it after a change of the stacks or of the price table.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops.review import preview, reading
from pulumi_mlops.review.cost import prices as price_list
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.cost.lines import plain
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.render import cost_report
from pulumi_mlops.review.render.amounts import usd

from local import planning, stack_files
from local.engine import Engine
from local.progress import StepFailed, say

ROOT = Path(__file__).resolve().parent.parent
PAGE, GUIDE = ROOT / "docs" / "cost.md", ROOT / "docs" / "aws.md"
BEGIN, END = "<!-- cost -->\n", "<!-- end of cost -->"


def stacks() -> list[str]:
    """The stacks on AWS that have a settings file."""
    return [stack for stack in stack_files.names() if planning.on_aws(stack)]


def previewed(engine: Engine, stack: str) -> preview.Preview:
    """The creation of the stack with its own settings."""
    planning.configure(engine, stack)
    found: dict[str, Any] = engine.preview_json(stack)
    return reading.read(json.dumps(found), stack)


def rendered(estimates: Sequence[Estimate]) -> str:
    """The part of the page between the markers."""
    prices = price_list.load()
    parts = [
        f"Version {prices.version} of the price table, of {prices.day.isoformat()}: USD, {plain(prices.hours)} hours a "
        f"month, without tax. It has prices of {', '.join(sorted(prices.regions))}.",
        "\n".join(_overview(estimates)),
    ]
    for one in estimates:
        parts += [f"## {one.stack}", cost_report.markdown(one).strip()]
    return "\n\n".join(parts) + "\n"


def in_short(estimates: Sequence[Estimate]) -> str:
    """The part of the guide between the markers: totals, with their day."""
    return "\n".join(
        [f"With list prices of {price_list.load().day.isoformat()}:", "", *_overview(estimates, PAGE.name), ""]
    )


def _overview(estimates: Iterable[Estimate], page: str = "") -> Iterator[str]:
    yield "| stack | region | USD a month | between |"
    yield "| --- | --- | ---: | ---: |"
    for one in estimates:
        least = "at least " if one.at_least else ""
        band = f"{usd(one.low)} and {usd(one.high)}"
        yield f"| [{one.stack}]({page}#{one.stack}) | {one.region} | {least}{usd(one.after)} | {band} |"


def between(page: str) -> str:
    """What stands between the markers of the page; raises ValueError where it has none."""
    _, begin, rest = page.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN.strip()} and {END}")
    return inside


def replaced(page: str, content: str) -> str:
    """The page with the content between its markers."""
    return page.replace(BEGIN + between(page) + END, BEGIN + content + END)


def main() -> int:
    """Writes both pages."""
    try:
        with planning.offline_engine() as engine:
            estimates = [estimate(previewed(engine, stack)) for stack in stacks()]
    except StepFailed as failure:
        say(f"cost failed: {failure}")
        return 1
    for page, content in ((PAGE, rendered(estimates)), (GUIDE, in_short(estimates))):
        page.write_text(replaced(page.read_text(encoding="utf-8"), content), encoding="utf-8")
        say(f"wrote {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
