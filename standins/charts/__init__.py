"""Where Helm charts come from on this machine: upstream's repository, or the stand-ins in this directory."""

import urllib.request
from pathlib import Path

from pulumi_mlops import versions
from pulumi_mlops.platform.add_ons.argo_workflows import CHART

DIRECTORY = Path(__file__).resolve().parent


def repository() -> tuple[str, str]:
    """The platform's `chart_repository` setting, and, where it is the stand-ins', the line that says so."""
    try:
        with urllib.request.urlopen(f"{CHART.repository}/index.yaml", timeout=5) as answer:
            answer.read(1)
    except OSError as error:
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        named = f"{CHART.name} {versions.ARGO_WORKFLOWS}"
        return str(DIRECTORY), f"stand-in: chart {named} ({CHART.repository}: {reason})"
    return CHART.repository, ""
