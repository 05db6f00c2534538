"""Previews and reviews that several tests look at."""

import copy
import dataclasses
from datetime import date
from decimal import Decimal

from pulumi_mlops.review.estimate import Estimate, Requests
from pulumi_mlops.review.findings import Finding, Level
from pulumi_mlops.review.preview import Operation, Preview, State, Step

from tests.review import recorded

NEW = ("new-foundation-dev", "new-foundation-prod", "new-platform-local", "new-penguins-local")

ESTIMATE = Estimate(
    stack="platform-prod",
    region="eu-central-1",
    before=Decimal("500.10"),
    after=Decimal("612.55"),
    low=Decimal(580),
    high=Decimal(690),
    priced_on=date(2026, 11, 1),
    not_counted=("traffic between zones", "2 resources of the type aws:msk/cluster:Cluster"),
    requests_before={"penguins": Requests(Decimal(2), Decimal(4))},
    requests_after={"penguins": Requests(Decimal(4), Decimal(8), Decimal(10))},
)


def findings(preview: Preview) -> list[Finding]:
    """One finding of each level about the preview's first resource."""
    urn = preview.steps[0].urn
    return [
        Finding("rds-encrypted", Level.BLOCKING, preview.stack, urn, "storageEncrypted is false", "Set it to true."),
        Finding("tags", Level.WARNING, preview.stack, "", "no tag owner", "Add the tag."),
    ]


def many(count: int) -> Preview:
    """A preview as large as asked, made of the recorded change of one image."""
    small = recorded.preview("image-bump", "large")
    (update,) = [step for step in small.steps if step.type == "kubernetes:apps/v1:Deployment"]
    steps = tuple(
        dataclasses.replace(update, urn=f"{update.urn}-{number:04}", new=_image(update, number))
        for number in range(count)
    )
    return dataclasses.replace(small, steps=steps, summary={Operation.UPDATE: count})


def _image(update: Step, number: int) -> State:
    assert update.new
    inputs = copy.deepcopy(dict(update.new.inputs))
    inputs["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example.org/ml-server:1.1-{number:04}"
    return dataclasses.replace(update.new, inputs=inputs)
