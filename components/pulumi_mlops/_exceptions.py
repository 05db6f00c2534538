"""What an exception to a rule has, in an argument of a component as in a review: a last day and a reason."""

import re
from datetime import date

from pulumi_mlops.contract.containers import ANNOTATION_PREFIX

PREFIX = f"{ANNOTATION_PREFIX}/except-"
"""What the key of an annotation or a tag begins with; the rule's id follows."""
ENDPOINT_ACCESS = "endpoint-access"
"""Id of the rule that a model endpoint on the internet without `access` breaks; its `open_access` is the exception."""
MIN_REASON = 10
"""Characters of a reason, as in the statements of `foundation.WorkloadIdentity`."""
LONGEST_DAYS = 366
"""An exception is looked at again within a year."""


def reason_problem(reason: str) -> str | None:
    """What is wrong with a reason."""
    return None if len(reason.strip()) >= MIN_REASON else f"must say why, in at least {MIN_REASON} characters"


def day(text: str) -> date | None:
    """The day that a text such as 2027-01-31 names; None if it names none."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None
