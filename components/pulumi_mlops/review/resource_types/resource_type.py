"""What a review knows about a type of resources."""

from collections.abc import Callable
from dataclasses import dataclass

from pulumi_mlops.review.cost.billing import Billing
from pulumi_mlops.review.danger import DangerKind
from pulumi_mlops.review.resource_types.facts import Condition, Inputs


@dataclass(frozen=True)
class OpenIf:
    """When everybody can reach the resource, which a rule forbids."""

    rule: str
    """Id of the rule."""
    condition: Condition


@dataclass(frozen=True)
class Guard:
    """A resource that protects another one."""

    consequence: str
    """What its deletion leads to, as the rest of a sentence: `its bucket may become public`."""
    guarded_by: str
    """Input that names the protected resource; if that is deleted as well, nothing is lost."""
    kind: DangerKind


@dataclass(frozen=True)
class Version:
    """A version that cannot go back."""

    path: str
    """The input that has it."""
    parts: int
    """How many of its numbers count: 2 for Kubernetes minors, 1 for the majors of a database."""
    one_by_one: bool = False
    """Whether an upgrade goes through each version in between."""


@dataclass(frozen=True)
class ResourceType:
    """Everything that rules, dangers and costs need to know about one type. Each field left out means: no such fact."""

    data: str | Callable[[Inputs], str] = ""
    """What is lost with the resource, such as `database`; for some types its inputs decide."""
    address: str = ""
    """What clients lose with it, such as `DNS record`."""
    stops: str = ""
    """What stops when it is deleted or replaced, as the rest of a sentence: `the pods on its nodes are evicted`."""
    guard: Guard | None = None
    """What its deletion exposes or leaves without protection."""
    open_if: OpenIf | None = None
    """A blocking rule is broken while it holds, and becoming so is a danger."""
    published_if: Condition | None = None
    """It faces the internet on purpose: becoming so is a danger, and no rule forbids it."""
    unguarded_if: Condition | None = None
    """It answers whoever reaches it: behind a gateway on the internet the rule `endpoint-access` is broken while it
    holds, and becoming so is a danger for something that asked who it is before."""
    unencrypted_if: Condition | None = None
    """The rule `encryption` is broken while it holds, and becoming so is a danger."""
    disabled_if: Condition | None = None
    """Becoming so is a danger: it is there and does not work."""
    not_backed_up_if: Condition | None = None
    """Becoming so is a danger: an earlier state of the data cannot be restored."""
    expires_if: Condition | None = None
    """It deletes data by itself: becoming so is a danger, also for a new one."""
    version: Version | None = None
    """A version whose upgrade cannot be undone."""
    billing: Billing | None = None
    """How AWS bills it; None: not known, and the estimate says so."""
    tagged: bool = False
    """Whether the rule `required-tags` demands tags: AWS bills it, or it holds data or rights."""

    def data_of(self, inputs: Inputs) -> str:
        """What is lost with a resource of the type that has these inputs; empty where nothing is."""
        return self.data if isinstance(self.data, str) else self.data(inputs)
