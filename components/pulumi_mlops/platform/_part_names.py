"""What the parts of a platform are called: in the stack, where a second platform needs a prefix, and in the cluster.

In the cluster the names are always the same: workspaces, roles on AWS and people find the parts by them.
"""

from dataclasses import dataclass

from pulumi_mlops._args import Argument
from pulumi_mlops.contract.rules import matches

PREFIX = Argument(
    rule=matches("[a-z][-a-z0-9]{0,14}-", "up to 16 lower-case letters, digits and hyphens with a hyphen at the end")
)
"""Row of the argument `resource_prefix`."""


@dataclass(frozen=True)
class PartNames:
    """The names that one platform gives."""

    prefix: str | None

    def resource(self, name: str) -> str:
        """Name of a part's resource in the stack."""
        return f"{self.prefix or ''}{name}"

    def objects(self, name: str) -> dict[str, str]:
        """The argument by which a part's objects keep their name; none where the resource has it too."""
        return {"object_name": name} if self.prefix else {}
