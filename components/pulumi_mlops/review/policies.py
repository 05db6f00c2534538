"""What Pulumi's own policy packs found during a preview, as findings beside those of the rules."""

from collections.abc import Iterator, Sequence

from pulumi_mlops.review.findings import Finding, Judgement, Level
from pulumi_mlops.review.preview import PolicyViolation, Preview
from pulumi_mlops.review.secret_values import redacted


def judged(previews: Sequence[Preview]) -> Judgement:
    """One finding for each violation: blocking where the policy is mandatory."""
    return Judgement(tuple(one for preview in previews for one in _findings(preview)))


def named(violation: PolicyViolation) -> str:
    """`pack/policy`, by which the finding is known."""
    return f"{violation.pack}/{violation.policy}" if violation.pack else violation.policy


def _findings(preview: Preview) -> Iterator[Finding]:
    for one in preview.violations:
        level = Level.BLOCKING if one.mandatory else Level.WARNING
        message = " ".join(redacted(one.message).split()) or "the policy is violated"
        yield Finding(named(one), level, preview.stack, one.urn, message, "")
