"""Charts of Helm releases: helm fetches each one, renders it with the stack's values, and its images are asked for.

The Kubernetes provider does the first at every preview, the second in `up`, and the cluster's nodes the third.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import images
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, not_checked, ok
from pulumi_mlops.review import charts
from pulumi_mlops.review.charts import RELEASE
from pulumi_mlops.review.json_data import JsonObject, mapping
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import is_hidden

CHARTS = "charts"
HELM = "helm"


def rendered(planned: Planned, account: Account) -> Iterator[Result]:
    """Each chart that is new or changes can be fetched and accepts its values, and its images are there."""
    releases = {one.urn: one for one in planned.of(RELEASE)}
    if not releases:
        return
    helm = shutil.which(HELM)
    if helm is None:
        yield not_checked(CHARTS, f"there is no {HELM} on PATH, which fetches and renders them", "install helm 3")
        return
    found = charts.rendered([planned.preview], Path(helm), fetch=True)
    for urn, chart in sorted(found.items()):
        if urn in releases:
            yield _chart(releases[urn], chart)
    made = [one for chart in found.values() for one in chart.objects]
    yield from images.checked({name for one in made for name in _images(one)}, account)


def _chart(release: Resource, chart: charts.Rendered) -> Result:
    name = " ".join(str(release.inputs.get(key) or "") for key in ("chart", "version")).strip()
    if chart.missing:
        return finding(
            CHARTS,
            f"{name}: {chart.problem}",
            "the Kubernetes provider loads every chart: previews and `up` fail",
            "let this machine reach the repository, or set chart_repository to a mirror or a directory that has it",
        )
    if chart.refused:
        return finding(
            CHARTS, f"{name} refuses its values: {chart.problem}", "`up` fails at this release", "correct its `values`"
        )
    if chart.problem:
        return not_checked(CHARTS, f"{name}: {chart.problem}", "what the preview hides is known in `up` only")
    return ok(CHARTS, name)


def _images(manifest: JsonObject) -> Iterator[str]:
    kind = f"kubernetes:{manifest.get('apiVersion')}:{manifest.get('kind')}"
    name = str(mapping(manifest.get("metadata")).get("name"))
    for pod in Resource("", "", kind.replace("kubernetes:v1:", "kubernetes:core/v1:"), name, manifest).pods:
        for container in pod.containers:
            image = container.spec.get("image")
            if isinstance(image, str) and image and not is_hidden(image):
                yield image
