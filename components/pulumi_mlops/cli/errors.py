"""Exit statuses, and the errors that end a command with one sentence."""

DONE, FAILED, USAGE, FINDINGS = 0, 1, 2, 3
"""Exit statuses: done; it could not be done; wrong command line; something was found that needs a decision."""
INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot do what it was asked to; the message says why, and what to do next."""

    status = FAILED


class Findings(CommandError):
    """A command stopped before it changed anything, because of what it found."""

    status = FINDINGS
