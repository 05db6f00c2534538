"""What a review says, as data: every form of it is rendered from this, and shows the same.

Does not decide what is said (`assembly`), how it looks, or how much of it fits (`render`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pulumi_mlops.review.capacity.fit import Fit
from pulumi_mlops.review.changes import Change
from pulumi_mlops.review.dangers import Danger
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.findings import Finding, Undecided
from pulumi_mlops.review.groups import name_of, short_type, type_of
from pulumi_mlops.review.preview import Operation, Step


class Outcome(StrEnum):
    """How the preview of a stack ended."""

    CHANGES = "changes"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class ResourceName:
    """What a review calls one resource."""

    kind: str
    """Such as `s3 Bucket`."""
    name: str
    urn: str


@dataclass(frozen=True)
class Row:
    """Resources of one component to which the same would happen."""

    operation: Operation
    resources: tuple[ResourceName, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    """What is to be known besides: renamed, moved, opaque."""
    steps: tuple[Step, ...] = ()
    """The same resources in full."""


@dataclass(frozen=True)
class Section:
    """One component instance."""

    title: str
    """Such as `ModelEndpoint penguins`; empty for what no component owns."""
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class StackView:
    """One stack."""

    stack: str
    outcome: Outcome
    counts: Mapping[Operation, int]
    """By operation, the weightiest first, operations that change nothing included."""
    error: str
    """The first error on one line; empty where there is none."""
    more_errors: int
    sections: tuple[Section, ...]
    estimate: Estimate | None = None
    fits: tuple[Fit, ...] = ()
    """Whether its platforms have room on their nodes."""


@dataclass(frozen=True)
class Review:
    """All stacks of one change."""

    stacks: tuple[StackView, ...]
    """In the order given."""
    dangers: tuple[Danger, ...] = ()
    blocking: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    """What no rule can decide before `up`."""
    in_baseline: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rule → how many findings the repository had before, by its baseline: they break nothing."""
    not_judged: Mapping[str, int] = field(default_factory=dict[str, int])
    """Package → how many of its resources change, of packages about which neither dangers nor rules know anything."""
    artifact: str = ""
    """Where all of it can be read: an address or a name; empty where nowhere."""


def resource_name(urn: str) -> ResourceName:
    """What a review calls the resource of the URN."""
    return ResourceName(short_type(type_of(urn)), name_of(urn), urn)
