"""Where Helm charts come from on this machine: upstream's repository, or the stand-ins in this directory."""

import hashlib
import re
import urllib.request
from pathlib import Path

from pulumi_mlops.platform.add_ons.argo_workflows import CHART

DIRECTORY = Path(__file__).resolve().parent
CONTENT = "pulumi-mlops.dev/content"
"""Annotation of a chart with the digest of its content, by which a test sees that its version was raised."""


def repository() -> tuple[str, str]:
    """The platform's `chart_repository` setting, and, where it is the stand-ins', the line that says so."""
    try:
        with urllib.request.urlopen(f"{CHART.repository}/index.yaml", timeout=5) as answer:
            answer.read(1)
    except OSError as error:
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        return str(DIRECTORY), f"stand-in: chart {CHART.name} {CHART.version} ({CHART.repository}: {reason})"
    return CHART.repository, ""


def digest(chart: Path) -> str:
    """Of the files of a chart and their names, its version among them; not of the recorded digest itself."""
    found = hashlib.sha256()
    for file in sorted(file for file in chart.rglob("*") if file.is_file()):
        text = re.sub(rf"^  {CONTENT}: .*\n", "", file.read_text(), flags=re.MULTILINE)
        found.update(f"{file.relative_to(chart)}\0{len(text)}\0{text}".encode())
    return found.hexdigest()


def stand_in_for(chart: Path, program: str) -> None:
    """Makes a chart stand in for another version of its program: a new version of the chart, with its digest.

    The definitions inside it stay what they were; tests compare them with upstream's.
    """
    file = chart / "Chart.yaml"
    text = re.sub(r"^appVersion: .*$", f"appVersion: v{program}", file.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^(version: .*\.)(\d+)$", lambda old: f"{old[1]}{int(old[2]) + 1}", text, flags=re.MULTILINE)
    file.write_text(text)
    file.write_text(re.sub(rf"^(  {CONTENT}: ).*$", rf"\g<1>{digest(chart)}", text, flags=re.MULTILINE))
