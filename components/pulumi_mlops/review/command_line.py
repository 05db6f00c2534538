"""What the subcommands share: exit statuses, and what a parser hands them to add themselves to."""

import argparse
from typing import TYPE_CHECKING, Any

OK, FAILED, REFUSED = 0, 1, 3
"""Exit statuses; 2 is that of a wrong command line."""

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]
else:
    Subparsers = Any  # at run time the class takes no parameter
