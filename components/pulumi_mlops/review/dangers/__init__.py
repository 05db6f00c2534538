"""What a reviewer must have seen before a change is merged. Pure: looks at previews, and asks nobody."""

from collections.abc import Sequence

from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.dangers.clients import admitted
from pulumi_mlops.review.dangers.exposure import exposures
from pulumi_mlops.review.dangers.identity import widened
from pulumi_mlops.review.dangers.losses import losses
from pulumi_mlops.review.dangers.model_api import changed_for_clients
from pulumi_mlops.review.dangers.owners import between_owners, moved
from pulumi_mlops.review.dangers.upgrades import auto_mode, moved_providers, upgrades
from pulumi_mlops.review.groups import logical
from pulumi_mlops.review.preview import Operation, Preview
from pulumi_mlops.review.resource_types import describe

__all__ = ["Danger", "DangerKind", "dangers"]

ROLE = "aws:iam/role:Role"


def dangers(previews: Sequence[Preview]) -> tuple[Danger, ...]:
    """Every danger of the previews, the worst kind first, then by stack and resource.

    Takes all previews of a change together: what one stack deletes, another may create.
    """
    every = {preview.stack: {step.urn: step for step in logical(preview)} for preview in previews}  # parents, by URN
    found = [*between_owners(previews, every)]
    for preview in previews:
        # Two steps have one URN where a leftover of an earlier run goes, or a refresh found something.
        steps = logical(preview)
        fresh = frozenset(
            str(step.state.inputs.get("name") or step.name)
            for step in steps
            if step.type == ROLE and step.operation == Operation.CREATE
        )
        deleted = frozenset(
            name
            for step in steps
            if step.operation == Operation.DELETE and describe(step.type, step.state.inputs).data_of(step.state.inputs)
            for name in (step.state.id, step.state.inputs.get("bucket"))
            if isinstance(name, str)
        )
        for step in steps:
            found += losses(step, preview.stack, deleted)
            found += exposures(step, preview.stack)
            found += widened(step, preview.stack, fresh)
            found += admitted(step, preview.stack)
            found += changed_for_clients(step, preview.stack)
            found += upgrades(step, preview.stack)
            found += auto_mode(step, preview.stack)
            found += moved_providers(step, preview.stack)
            found += moved(step, preview.stack, every[preview.stack])
    kinds = list(DangerKind)
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda one: (kinds.index(one.kind), one.stack, one.urn, one.message)))
