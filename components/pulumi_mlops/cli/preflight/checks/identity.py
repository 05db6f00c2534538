"""Whether the credentials are those of the account that the stack is meant for."""

from collections.abc import Iterator

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, ok
from pulumi_mlops.cli.values import items
from pulumi_mlops.review.values import is_known

ACCOUNT = "account"
KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"


def account(planned: Planned, caller: Account) -> Iterator[Result]:
    """The settings of the AWS provider admit the account, and the stack's cluster is in it."""
    fix = f"use credentials of the right account: {{}}; those here are of {caller.id} ({caller.caller})"
    allowed = [str(one) for one in items(planned.provider_option("allowedAccountIds"))]
    forbidden = [str(one) for one in items(planned.provider_option("forbiddenAccountIds"))]
    clusters = sorted(
        {
            str(one.inputs["clusterIdentifier"])
            for one in planned.of(KUBERNETES_PROVIDER)
            if is_known(one.inputs, "clusterIdentifier") and str(one.inputs["clusterIdentifier"]).startswith("arn:")
        }
    )
    foreign = [arn for arn in clusters if arn.split(":")[4] != caller.id]
    refused = "the AWS provider refuses the account, in the preview or in `up`"
    if allowed and caller.id not in allowed:
        yield finding(ACCOUNT, f"aws:allowedAccountIds has {', '.join(allowed)}", refused, fix.format(allowed[0]))
    elif caller.id in forbidden:
        yield finding(ACCOUNT, f"aws:forbiddenAccountIds has {caller.id}", refused, fix.format("another one"))
    elif foreign:
        yield finding(
            ACCOUNT,
            f"the stack's cluster is {foreign[0]}",
            "what the platform makes on AWS would be in another account than its cluster",
            fix.format(foreign[0].split(":")[4]),
        )
    else:
        said = "the settings allow it" if allowed else "no setting names one: aws:allowedAccountIds would be checked"
        yield ok(ACCOUNT, f"{caller.id}; {said}")
