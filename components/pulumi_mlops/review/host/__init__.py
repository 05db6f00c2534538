"""Where the review is read: comments and issues of a Git host, and the commands that write them."""

from pulumi_mlops.review.host.command import add_commands

__all__ = ["add_commands"]
