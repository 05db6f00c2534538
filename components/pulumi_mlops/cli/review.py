"""`pulumi-mlops review …`: the subcommands of `pulumi_mlops.review`, which also has a console script of its own."""

from collections.abc import Sequence

from pulumi_mlops.review import cli


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    return cli.main(arguments, program="pulumi-mlops review")
