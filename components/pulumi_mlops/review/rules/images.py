"""What runs tomorrow is what was reviewed today: images and charts name their version."""

import re
from collections.abc import Iterator

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import Json, leaves, mapping
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import is_hidden

RELEASES = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart", "kubernetes:helm.sh/v3:Chart")
PARAMETER = "{{"
"""What Argo puts in when the workflow starts."""
TAG_KEYS = ("tag", "imageTag", "image_tag")


def image_problem(image: str) -> str | None:
    """Why an image reference may mean another image tomorrow; None where it cannot."""
    if re.search(r"@sha256:[0-9a-f]{64}$", image):
        return None
    _, colon, tag = image.rpartition("/")[2].partition(":")
    if not colon or not tag:
        return f'image "{image}" has neither tag nor digest'
    return f'image "{image}" has a tag that moves' if moves(tag) else None


def moves(tag: str) -> bool:
    """Whether a tag is the name of a branch or a channel: versions and commits have digits, those have none."""
    return not re.search(r"\d", tag)


def _images(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    for pod in resource.pods:
        yield from map(Unknown, pod.hidden)
        for container in pod.containers:
            image = container.spec.get("image")
            if image is None:
                continue  # taken from elsewhere: the API server refuses a pod without one
            if is_hidden(image) or PARAMETER in str(image):
                yield Unknown(f"{container.path}.image")
            elif problem := image_problem(str(image)):
                yield Violation(f"{container.path}: {problem}")
    if resource.type in RELEASES:
        yield from _chart(resource)


def _chart(resource: Resource) -> Iterator[Verdict]:
    chart, version = resource.inputs.get("chart"), resource.inputs.get("version")
    if is_hidden(chart) or is_hidden(version):
        yield Unknown("version")
    elif not version and not _is_file(str(chart)):
        yield Violation(f'chart "{chart}" has no version, so the newest is installed')
    elif isinstance(version, str) and re.search(r"[~^*<>x]|\d\s*-\s", version):
        yield Violation(f'chart "{chart}" has the version "{version}", which is a range')
    for path, key, value in _values(resource):
        if key in TAG_KEYS and isinstance(value, str) and value and not is_hidden(value) and moves(value):
            yield Violation(f'{path} is "{value}", a tag that moves')


def _values(resource: Resource) -> Iterator[tuple[str, str, Json]]:
    values = resource.inputs.get("values")
    return leaves(mapping(values), "values")


def _is_file(chart: str) -> bool:
    """Whether the chart is a directory or an archive that lies beside the program, under its version control."""
    return chart.startswith((".", "/")) or chart.endswith(".tgz")


RULES = (
    Rule(
        id="image-version",
        level=Level.BLOCKING,
        title="images must be pinned to a digest or a version, charts to a version",
        why="a tag such as latest changes: a restarted pod then runs code that nobody reviewed, and a "
        "rollback has no effect",
        fix="use a version such as `:1.4`, or better a digest, `@sha256:…`",
        unknown="an image that is known only after `up`, or that is a parameter of a workflow, is not judged",
        check=_images,
    ),
)
