"""The size of the Secret in which helm keeps a release, of which Kubernetes admits one MiB.

Helm writes the chart's files, the values and what was rendered as JSON, packed by gzip and in base64. Charts with large
definitions come close to the limit; then `helm install` fails after everything has been rendered.
"""

import base64
import gzip
import json
from pathlib import Path

from pulumi_mlops.review.json_data import JsonObject

LIMIT = 1024 * 1024
"""Bytes of all values of a Secret (`MaxSecretSize` of Kubernetes)."""
CLOSE = 0.9
"""From this share of the limit on a review says so: the next version of the chart may be beyond it."""
SUBCHARTS = "charts"
"""Directory of a chart whose files are those of other charts, which helm does not keep."""


def of(chart: Path, values: JsonObject, manifest: str) -> int:
    """Bytes of the release's Secret, within a few per cent.

    Args:
        chart: directory of the chart.
        values: those of the release.
        manifest: what helm renders.
    """
    files = [one for one in sorted(chart.rglob("*")) if one.is_file() and SUBCHARTS not in one.relative_to(chart).parts]
    kept = {
        "chart": {"templates": [{"name": str(one), "data": _text(one.read_bytes())} for one in files]},
        "config": values,
        "manifest": manifest,
    }
    return len(_text(gzip.compress(json.dumps(kept, default=str).encode())))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
