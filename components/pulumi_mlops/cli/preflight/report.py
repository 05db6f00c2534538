"""The results as text for a terminal, and as JSON."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.results import Outcome, Result

WIDTH = 12
"""Columns of the outcome at the beginning of a line."""
ORDER = (Outcome.OK, Outcome.NOT_CHECKED, Outcome.FINDING)
"""What matters most comes last, where a terminal ends."""


def text(stack: str, account: Account, results: Sequence[Result], unknowable: Sequence[str]) -> str:
    """The report for a terminal."""
    counts = Counter(one.outcome for one in results)
    lines = [f"stack {stack}: account {account.id}, {account.region}, as {account.caller}"]
    for outcome in ORDER:
        lines += [line for one in results if one.outcome is outcome for line in _lines(one)]
    lines.append(", ".join(f"{counts[outcome]} {outcome}" for outcome in reversed(ORDER)))
    lines.append(f"Not known before `up`: {'; '.join(unknowable)}.")
    return "\n".join(lines)


def _lines(result: Result) -> Iterator[str]:
    indent = " " * (WIDTH + 1)
    yield f"{result.outcome:{WIDTH}} {result.check}: {result.what}"
    if result.why:
        yield textwrap.indent(result.why, indent)
    if result.fix:
        yield textwrap.indent(f"→ {result.fix}", indent)


def document(stack: str, account: Account, results: Sequence[Result], unknowable: Sequence[str]) -> str:
    """The report as JSON."""
    return json.dumps(
        {
            "stack": stack,
            "account": account.id,
            "region": account.region,
            "caller": account.caller,
            "results": [
                {"check": one.check, "outcome": one.outcome, "what": one.what, "why": one.why, "fix": one.fix}
                for one in results
            ],
            "not_known_before_up": list(unknowable),
        },
        indent=2,
    )
