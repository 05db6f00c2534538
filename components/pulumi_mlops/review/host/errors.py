"""What can go wrong with a Git host."""


class HostError(Exception):
    """The Git host could not be asked, or did not do what was asked; the message is one sentence for its reader."""
