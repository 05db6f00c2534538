"""Nothing is installed whose support has ended, and nothing that the library refuses."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from pulumi_mlops import versions
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import at, is_hidden

CLUSTER = "aws:eks/cluster:Cluster"
NODES = (CLUSTER, "aws:eks/nodeGroup:NodeGroup")
DATABASES = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster")
RELEASE = "kubernetes:helm.sh/v3:Release"
REFUSED: Mapping[str, re.Pattern[str]] = {
    "Seldon Core 1.18 and later": re.compile(r"seldon-core-operator[@:]v?(1\.(1[89]|[2-9]\d)|[2-9])\b"),
    "MinIO": re.compile(r"(^|/)minio(/|[@:]|$)"),
    "Kaniko": re.compile(r"kaniko-project/"),
}
"""Name in versions.REFUSED → images, and charts as `name:version`."""


SOON_MONTHS = 1
"""For how many months before the one in which support ends a review says so."""


def soon_on(today: date) -> "Rule":
    """The rule on what ends soon, as of a day."""

    def check(resource: Resource, _: Resources) -> Iterator[Verdict]:
        version = resource.inputs.get("version")
        if resource.type != CLUSTER or version is None or is_hidden(version):
            return
        month = versions.SUPPORT_ENDS["Kubernetes on EKS"].get(str(version), "")
        if month and 0 <= _months_until(month, today) <= SOON_MONTHS:
            by_itself = at(resource.inputs, "upgradePolicy.supportType") == "STANDARD"
            then = "EKS then upgrades the cluster by itself, and refuses to go back to" if by_itself else (
                "EKS then bills six times the price for"
            )  # fmt: skip
            yield Violation(f"standard support of Kubernetes {version} ends in {month}: {then} {version}")

    return Rule(
        id="support-ends-soon",
        level=Level.WARNING,
        title="clusters must be upgraded before the standard support of their version ends",
        why="EKS then upgrades the cluster on a day that AWS chooses, whether its charts support that "
        "version or not; the next `up` tries to downgrade it",
        fix="set `kubernetes_version` to the next minor, with kube-proxy of it in `addon_versions`, before that day; "
        "afterwards set what `aws eks describe-cluster` says, and run `pulumi refresh` before `up`",
        unknown="a version that is known only after `up` is not judged",
        check=check,
    )


def check_on(today: date) -> "Rule":
    """The rule as of a day."""

    def check(resource: Resource, resources: Resources) -> Iterator[Verdict]:
        yield from _ended(resource, today)
        yield from _refused(resource)

    return Rule(
        id="end-of-support",
        level=Level.BLOCKING,
        title="installed versions must be supported by their vendors, and not refused by this library",
        why="vulnerabilities are no longer fixed after the end of support; EKS charges extra for such "
        "a cluster, or upgrades it",
        fix="move to a version that is supported: `make versions` lists those of the library and their ends",
        unknown="a version that is known only after `up`, or that AWS chooses because none is given, is not judged",
        check=check,
    )


def _ended(resource: Resource, today: date) -> Iterator[Verdict]:
    if resource.type in NODES:
        yield from _line("Kubernetes on EKS", "version", resource.inputs.get("version"), today)
    elif resource.type in DATABASES:
        engine = str(resource.inputs.get("engine") or "")
        if product := versions.DATABASE_ENGINES.get(engine):
            yield from _line(product, "engineVersion", resource.inputs.get("engineVersion"), today)
    for image in _images(resource):
        name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
        if name == "postgres" and tag:
            yield from _line("PostgreSQL", "image", tag, today)


def _line(product: str, path: str, version: object, today: date) -> Iterator[Verdict]:
    if version is None or is_hidden(version):
        yield Unknown(path)
        return
    numbers = re.findall(r"\d+", str(version))
    for line, month in versions.SUPPORT_ENDS[product].items():
        if numbers[: line.count(".") + 1] == line.split(".") and _is_over(month, today):
            yield Violation(f"{path} is {version}: the support of {product} {line} ended in {month}")


def _is_over(month: str, today: date) -> bool:
    return _months_until(month, today) < 0


def _months_until(month: str, today: date) -> int:
    year, number = map(int, month.split("-"))
    return (year - today.year) * 12 + number - today.month


def _refused(resource: Resource) -> Iterator[Verdict]:
    named = [*_images(resource)]
    if resource.type == RELEASE:
        chart, version = (resource.inputs.get(key) for key in ("chart", "version"))
        named.append(f"{chart}:{version}")
    for refused in versions.REFUSED:
        for one in named:
            if REFUSED[refused.name].search(one):
                yield Violation(f"{one} is refused by the library ({refused.reason}); use {refused.instead}")


def _images(resource: Resource) -> list[str]:
    found = [container.spec.get("image") for pod in resource.pods for container in pod.containers]
    return [one for one in found if isinstance(one, str) and not is_hidden(one)]
