"""What a preview's errors say, on one line each and without secrets."""

import re

from pulumi_mlops.review.policies import named
from pulumi_mlops.review.preview import Preview
from pulumi_mlops.review.printable import shortened, visible
from pulumi_mlops.review.secret_values import redacted

MAX_ERROR = 400
"""Characters of an error that are shown; the rest of it is in the run's log."""
POLICIES = (
    "without a message, perhaps because a policy refuses the change: set PULUMI_ENABLE_STREAMING_JSON_PREVIEW=1 "
    "for `pulumi preview`, which then says which"
)
"""Note on a preview that saw all resources and failed: only its events name policies."""
SILENT = "without a message"
"""Message for an error without a text of its own."""
ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
NOISE = re.compile(r"^(error:\s*|- |(?:preview|update) failed\b.*)+", re.IGNORECASE)


def messages(preview: Preview) -> list[str]:
    """The errors of a preview that failed, at least one; empty where it did not fail."""
    if not preview.errors:
        return []
    return [one_line(message) for message in preview.errors if _telling(message)] or [_silent(preview)]


def one_line(message: str) -> str:
    """The first line of an engine's message that says something, without colours and secrets."""
    return shortened(visible(" ".join(redacted((_telling(message) or [message.strip()])[0]).split())), MAX_ERROR)


def _telling(message: str) -> list[str]:
    """The lines that say more than that the preview failed."""
    lines = (NOISE.sub("", line.strip()).strip() for line in ANSI.sub("", message).splitlines())
    return [line for line in lines if line]


def _silent(preview: Preview) -> str:
    """Message for errors without a text, such as the engine's when a policy pack refuses a change."""
    broken = sorted({named(one) for one in preview.violations if one.mandatory})
    if broken:
        return f"policies refuse the change: {', '.join(broken)}"
    return POLICIES if preview.summary else SILENT
