"""What a review knows about a type of resources."""

from dataclasses import dataclass

from pulumi_mlops.review.cost.billing import Billing
from pulumi_mlops.review.resource_types.facts import Condition


@dataclass(frozen=True)
class OpenIf:
    """When everybody can reach the resource, which a rule forbids."""

    rule: str
    """Id of the rule."""
    condition: Condition


@dataclass(frozen=True)
class ResourceType:
    """Everything that rules, dangers and costs need to know about one type. Each field left out means: no such fact."""

    data: str = ""
    """What is lost with the resource, such as `database`."""
    address: str = ""
    """What clients lose with it, such as `DNS record`."""
    guards: str = ""
    """What its deletion exposes or stops, as the rest of a sentence: `its bucket may become public`."""
    guarded_by: str = ""
    """Input that names what it guards; if that is deleted as well, nothing is exposed."""
    open_if: OpenIf | None = None
    """A blocking rule is broken while it holds, and becoming so is a danger."""
    published_if: Condition | None = None
    """It faces the internet on purpose: becoming so is a danger, and no rule forbids it."""
    unencrypted_if: Condition | None = None
    """The rule `encryption` is broken while it holds, and becoming so is a danger."""
    unprotected_if: Condition | None = None
    """Becoming so is a danger: it can be deleted in one call, or stops working."""
    not_backed_up_if: Condition | None = None
    """Becoming so is a danger: an earlier state of the data cannot be restored."""
    billing: Billing | None = None
    """How AWS bills it; None: not known, and the estimate says so."""
    tagged: bool = False
    """Whether the rule `required-tags` demands tags: AWS bills it, or it holds data or rights."""
