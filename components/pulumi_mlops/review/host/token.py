"""The token for the Git host: from an environment variable or a file, never from the command line."""

import os
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops.review.host.errors import HostError

MASK = "***"


@dataclass(frozen=True, repr=False)
class Token:
    """A token, and where it comes from, which is what messages name."""

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Token({MASK}, {self.source!r})"

    def masked(self, text: str) -> str:
        """The text without the token, whoever put it there."""
        return text.replace(self.value, MASK)


def of_environment(variable: str) -> Token:
    """The token in an environment variable; raises HostError where it is not set or is no token."""
    source = f"the environment variable {variable}"
    if not os.environ.get(variable):
        raise HostError(f"{source} must hold the token for the Git host, and it is not set")
    return _token(os.environ[variable], source)


def of_file(path: Path) -> Token:
    """The token in a file, such as one of a mounted Secret; raises HostError where it cannot be read or is no token."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise HostError(f"the file {path} must hold the token for the Git host: {reason}") from None
    return _token(text, f"the file {path}")


def _token(text: str, source: str) -> Token:
    value = text.strip()
    # Anything else would be another header, or an error of the HTTP library that quotes the token.
    if not value or not all("!" <= character <= "~" for character in value):
        raise HostError(f"{source} must hold one token: visible ASCII characters, no space, one line")
    return Token(value, source)
