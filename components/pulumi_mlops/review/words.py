"""What the words of the command share: exit statuses, and what a parser hands them to add themselves to."""

import argparse
from typing import TYPE_CHECKING, Any

FINE, IMPOSSIBLE, REFUSED = 0, 1, 3
"""Exit statuses; 2 is that of a wrong command line."""

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]
else:
    Subparsers = Any  # at run time the class takes no parameter
