"""One module a subject. A check is a function of the planned stack and the account that yields results."""

from collections.abc import Callable, Iterator

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result

Check = Callable[[Planned, Account], Iterator[Result]]
"""Raises NotChecked where it cannot be made."""
