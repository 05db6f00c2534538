"""Where the review runs and is read: which stacks, whether they drifted, and what is written on the Git host."""

from pulumi_mlops.review import drift, stacks
from pulumi_mlops.review.command_line import Subparsers
from pulumi_mlops.review.host import command

__all__ = ["add_commands"]


def add_commands(subparsers: Subparsers) -> None:
    """Adds `stacks`, `drift` and `post`. Each sets `run`: it takes the namespace and returns the exit status."""
    for each in (stacks, drift, command):
        each.add_command(subparsers)
