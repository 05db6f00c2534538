"""What a command tells the person at the terminal. What another program may read goes to standard output instead."""

import sys


def say(message: str) -> None:
    """Prints a line to standard error."""
    print(message, file=sys.stderr, flush=True)
