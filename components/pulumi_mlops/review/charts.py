"""What a Helm release is made of, before and after a change: its chart rendered by helm, on this machine.

Previews of the Kubernetes provider render no chart: values that it refuses, and objects with fields that do not exist,
fail in `up`. `chart_findings` reports both before.

Both sides are rendered with the chart as it is here, so that only the change of the values is seen. What the preview
hides goes into the chart as the engine's own words for it: a secret is never rendered.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pulumi_mlops.review import chart_sources, release_size
from pulumi_mlops.review.chart_sources import NotFetched
from pulumi_mlops.review.groups import QUIET, logical
from pulumi_mlops.review.json_data import Json, JsonObject, items, leaves, mapping
from pulumi_mlops.review.preview import MASKED, Operation, Preview, State, Step, Urn
from pulumi_mlops.review.values import is_hidden, is_secret

RELEASE = "kubernetes:helm.sh/v3:Release"
SECONDS = 60
"""Time of one rendering; the largest charts take a few."""
ELSEWHERE = ("valueYamlFiles", "devel", "postrender")
"""Inputs that bring in what is not in the preview."""


@dataclass(frozen=True)
class Rendered:
    """The objects of one release that differ."""

    steps: tuple[Step, ...] = ()
    """One for each object that comes, goes or changes. The engine knows none of them."""
    problem: str = ""
    """Why nothing can be said; then there are no steps."""
    refused: bool = False
    """Whether the chart itself refuses the values, all of which the preview shows."""
    missing: bool = False
    """Whether the chart could not be fetched."""
    objects: tuple[JsonObject, ...] = ()
    """All objects after the change."""
    secret_bytes: int = 0
    """Size of the Secret in which helm would keep the release; 0 where it is not known."""


def rendered(previews: Sequence[Preview], helm: Path, *, fetch: bool = False) -> dict[str, Rendered]:
    """URN of each changed release whose chart can be read → its objects.

    Args:
        previews: of the stacks.
        helm: the program.
        fetch: whether charts that are not on this machine are fetched from their repositories, which takes a network.
    """
    releases = [
        step
        for preview in previews
        for step in logical(preview)
        if step.type == RELEASE and step.operation not in QUIET and _shown(step.state.inputs)
    ]
    found: dict[str, Rendered] = {}
    with tempfile.TemporaryDirectory() as directory:
        sources: chart_sources.Fetched = (
            chart_sources.fetched((one.state.inputs for one in releases), helm, Path(directory)) if fetch else {}
        )
        for step in releases:
            inputs = step.state.inputs
            if chart_sources.is_here(inputs):
                chart = Path(str(inputs["chart"]))
            else:
                chart = sources.get(chart_sources.source(inputs))
            if isinstance(chart, NotFetched):
                found[step.urn] = Rendered(problem=str(chart), missing=True)
            elif chart:
                found[step.urn] = _rendered(step, str(chart), helm)
    return found


def _shown(inputs: JsonObject) -> bool:
    """Whether all values are in the preview."""
    return isinstance(inputs.get("chart"), str) and not any(inputs.get(key) for key in ELSEWHERE)


def _rendered(step: Step, chart: str, helm: Path) -> Rendered:
    going, coming = step.operation == Operation.DELETE, step.operation in (Operation.CREATE, Operation.IMPORT)
    try:
        new = {} if going else _objects(step.urn, step.new or State(), chart, helm)
    except _NotRendered as failure:
        hidden = any(is_hidden(value) for _, _, value in leaves(step.state.inputs.get("values")))
        return Rendered(problem=str(failure), refused=failure.by_chart and not hidden)
    try:
        old = {} if coming else _objects(step.urn, step.old or State(), chart, helm)
    except _NotRendered as failure:
        return Rendered(problem=str(failure), objects=tuple(new.values()))
    size = 0 if going else _secret_bytes(Path(chart), step.state.inputs, new)
    return Rendered(tuple(_differing(step, old, new)), objects=tuple(new.values()), secret_bytes=size)


def _secret_bytes(chart: Path, inputs: JsonObject, objects: Mapping[str, JsonObject]) -> int:
    if not chart.is_dir():
        return 0
    beside = (chart / "crds").is_dir()  # these are kept as files of the chart, and not as what was rendered
    made = [one for one in objects.values() if not (beside and one.get("kind") == "CustomResourceDefinition")]
    return release_size.of(chart, mapping(_plain(inputs.get("values"))), yaml.safe_dump_all(made))


class _NotRendered(Exception):
    """The message is why, in one sentence's end."""

    def __init__(self, why: str, *, by_chart: bool = False) -> None:
        super().__init__(why)
        self.by_chart = by_chart
        """Whether the chart says so."""


def _objects(urn: str, state: State, chart: str, helm: Path) -> dict[str, JsonObject]:
    """Type and name of each object → the object."""
    inputs = state.inputs
    values = inputs.get("values", {})
    if is_secret(values):
        raise _NotRendered("its values are secret as a whole")
    name, namespace = (str(inputs.get(key) or "") for key in ("name", "namespace"))
    words = ["template", name or "release", chart, "--namespace", namespace or "default", "--values", "-"]
    with tempfile.TemporaryDirectory() as home:
        # No cluster, no repository and no plugin of the caller's.
        places = {f"HELM_{one}_HOME": home for one in ("CACHE", "CONFIG", "DATA")}
        environment = {"HOME": home, "KUBECONFIG": os.devnull, **places}
        try:
            done = subprocess.run(
                [str(helm), *words, *(["--skip-crds"] if inputs.get("skipCrds") else ["--include-crds"])],
                input=yaml.safe_dump(_plain(values)), env=environment, capture_output=True, text=True, check=False,
                timeout=SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise _NotRendered(f"helm took longer than {SECONDS} seconds") from None
    if done.returncode:
        raise _NotRendered(f"helm says: {_told(done.stderr)}", by_chart=True)
    try:
        documents = list(yaml.load_all(done.stdout, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError:
        raise _NotRendered("what helm renders is no YAML") from None
    return {_urn(urn, one, namespace): one for one in map(mapping, documents) if one.get("kind")}


def _told(errors: str) -> str:
    """The sentence of helm's error that says what is wrong."""
    lines = [
        line.strip() for line in errors.splitlines() if line.strip() and not line.startswith(("WARNING", "level="))
    ]
    return " ".join(lines[:3]) or "nothing"


def _plain(value: Json) -> Json:
    """The value with one word for a secret, also where the engine was asked to show secrets."""
    if is_secret(value):
        return MASKED
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in mapping(value).items()}
    return [_plain(one) for one in items(value)] if isinstance(value, list) else value


def _urn(of: str, manifest: JsonObject, namespace: str) -> str:
    """A name for the object that looks like a URN of the release's stack."""
    release = Urn.parse(of)
    metadata = mapping(manifest.get("metadata"))
    place = str(metadata.get("namespace") or namespace)
    kind = f"kubernetes:{manifest.get('apiVersion')}:{manifest.get('kind')}"
    kind = kind if kind.count("/") else kind.replace("kubernetes:v1:", "kubernetes:core/v1:")
    name = str(metadata.get("name"))
    return f"urn:pulumi:{release.stack}::{release.project}::{kind}::{name if place == namespace else f'{place}/{name}'}"


def _differing(step: Step, old: Mapping[str, JsonObject], new: Mapping[str, JsonObject]) -> Iterator[Step]:
    for urn in sorted({*old, *new}):
        before, after = (
            State(urn=urn, parent=step.urn, inputs=side[urn], custom=True) if urn in side else None
            for side in (old, new)
        )
        if before is None:
            yield Step(Operation.CREATE, urn, new=after)
        elif after is None:
            yield Step(Operation.DELETE, urn, old=before)
        elif before.inputs != after.inputs:
            yield Step(Operation.UPDATE, urn, before, after)
