"""When a step is tried again: not where its data are wrong, which they are the next time too."""

from collections.abc import Mapping

from pulumi_mlops.contract.steps import WRONG_DATA_EXIT_CODE

FIRST_RETRY_SECONDS = 10


def retries(limit: object) -> Mapping[str, object]:
    """The `retryStrategy` of a template of Argo Workflows."""
    return {
        "limit": limit,
        "retryPolicy": "Always",
        "backoff": {"duration": f"{FIRST_RETRY_SECONDS}s", "factor": 2},
        "expression": f"asInt(lastRetry.exitCode) != {WRONG_DATA_EXIT_CODE}",
    }
