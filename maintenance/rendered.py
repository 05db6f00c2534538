"""What a chart starts with the values of the tracked platforms, rendered by helm: see capacity/charts.toml.

The values are those of the recorded previews; of what no tracked platform installs, those of the add-on's defaults.
"""

import gzip
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pulumi_mlops import versions
from pulumi_mlops.platform import ADD_ONS, AddOn, HelmAddOn
from pulumi_mlops.platform.add_on import check_add_on
from pulumi_mlops.review import reading
from pulumi_mlops.review.capacity.charts import chart_of

from local import tools
from local.paths import ROOT
from local.progress import StepFailed

PREVIEWS = ROOT / "tests" / "review" / "data"
STACKS = ("platform-dev", "platform-prod")
OPTIONS = "options"
"""In the place of a stack, for charts that no tracked platform installs."""
GIVEN = {"image_mirror": "mirror.example.org", "domain": "models.example.org"}
"""Arguments of those charts, as far as their add-ons have them."""
RELEASE = "kubernetes:helm.sh/v3:Release"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
SECONDS = 60


def inputs(chart: str) -> dict[str, Mapping[str, Any]]:
    """Stack → inputs of its release of the chart."""
    found = {stack: one for stack in STACKS for one in _releases(stack) if chart_of(one) == chart}
    return found or dict((OPTIONS, one) for one in _optional(chart))


def _releases(stack: str) -> Iterator[Mapping[str, Any]]:
    text = gzip.decompress((PREVIEWS / f"new-{stack}.json.gz").read_bytes()).decode()
    yield from (step.state.inputs for step in reading.read(text, stack).steps if step.type == RELEASE)


def _optional(chart: str) -> Iterator[dict[str, Any]]:
    for name, add_on in ADD_ONS.items():
        for one in add_on.releases:
            if one.chart.name == chart:
                called = name.replace("_", "-")
                values = json.loads(json.dumps(one.values(called, _least(called, add_on)), default=lambda _: "text"))
                yield {
                    "chart": chart,
                    "name": f"{called}{one.suffix}",
                    "namespace": add_on.namespace,
                    "values": values,
                }


def _least(name: str, add_on: AddOn[Any]) -> Any:
    """The arguments of an add-on that has `GIVEN` and defaults."""
    component = add_on.component or HelmAddOn
    schema = inspect.get_annotations(component.__init__)["args"]
    given = {key: value for key, value in {**GIVEN, "add_on": add_on}.items() if key in schema.__annotations__}
    return check_add_on(component, name, given, schema, vars(sys.modules[component.__module__])["ARGUMENTS"])


def workloads(place: Path, _: Any) -> dict[str, list[dict[str, Any]]]:
    """Stack → what the chart in the directory starts there."""
    name = yaml.safe_load((place / "Chart.yaml").read_text(encoding="utf-8"))["name"]
    return {stack: list(_rendered(place, one)) for stack, one in inputs(name).items()}


def _rendered(place: Path, release: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    helm = str(tools.ensure("helm")["helm"])
    words = ["template", release["name"], str(place), "--namespace", release["namespace"], "--values", "-"]
    done = subprocess.run(
        [helm, *words, "--kube-version", versions.EKS_KUBERNETES],
        input=json.dumps(release["values"]), capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise StepFailed(f"helm cannot render {place.name}: {done.stderr.strip()}")
    for one in yaml.safe_load_all(done.stdout):
        if one and one["kind"] in WORKLOADS:
            yield _workload(one)


def _workload(one: Mapping[str, Any]) -> dict[str, Any]:
    spec = one["spec"]["template"]["spec"]
    return {
        "kind": one["kind"],
        "name": one["metadata"]["name"],
        "replicas": one["spec"].get("replicas"),
        "containers": {each["name"]: _requests(each) for each in spec["containers"]},
        "init": {each["name"]: _requests(each) for each in spec.get("initContainers", ())},
    }


def _requests(container: Mapping[str, Any]) -> dict[str, str]:
    return dict((container.get("resources") or {}).get("requests") or {})
