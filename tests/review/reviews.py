"""Previews and reviews that several tests look at."""

import copy
import functools
import json
from datetime import date
from decimal import Decimal
from typing import Any

from pulumi_mlops.review.estimate import Estimate, Requests
from pulumi_mlops.review.findings import Finding, Level
from pulumi_mlops.review.preview import Preview
from pulumi_mlops.review.reading import read

from tests.review import recorded

NEW = (
    "new-foundation-dev",
    "new-foundation-prod",
    "new-platform-dev",
    "new-platform-prod",
    "new-platform-local",
    "new-penguins-local",
)

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


def many_text(count: int) -> str:
    """A preview as large as asked, made of the recorded change of one image."""
    document = json.loads(recorded.text("image-bump"))
    (update,) = [step for step in document["steps"] if step["newState"]["type"] == "kubernetes:apps/v1:Deployment"]
    document["steps"] = [_numbered(update, number) for number in range(count)]
    return json.dumps({**document, "changeSummary": {"update": count}})


@functools.cache
def many(count: int) -> Preview:
    """The same, read."""
    return read(many_text(count), "large")


def _numbered(update: dict[str, Any], number: int) -> dict[str, Any]:
    made = copy.deepcopy(update)
    made["urn"] += f"-{number:04}"
    for side in ("oldState", "newState"):
        made[side]["inputs"]["metadata"]["name"] += f"-{number:04}"
    (container,) = made["newState"]["inputs"]["spec"]["template"]["spec"]["containers"]
    container["image"] += f"-{number:04}"
    return made
