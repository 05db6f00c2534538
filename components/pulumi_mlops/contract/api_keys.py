"""API keys of an endpoint's clients: what a key looks like, and what a cluster keeps of it.

`pulumi-mlops keys` makes a key and writes a salted hash of it into a Secret; the model server reads that Secret. A key
has 256 random bits behind its client's name, so one HMAC is enough: a slow hash protects passwords that people choose,
and would cost more than a prediction. A Secret that leaks gives nobody a key.
"""

import hmac
import secrets
from typing import NamedTuple

SCHEME = "hmac-sha256"
SALT_BYTES = 16
KEY_BYTES = 32
NEVER = float("inf")


class Kept(NamedTuple):
    """What is kept of one key."""

    salt: bytes
    digest: bytes
    until: float = NEVER
    """When the key ends, in seconds since 1970."""

    def fits(self, key: bytes, now: float) -> bool:
        """Whether this is that key and it has not ended; takes the same time for every wrong key."""
        return hmac.compare_digest(_digest(self.salt, key), self.digest) and now < self.until

    def line(self) -> str:
        """The text of it in a Secret; `read` is the way back."""
        end = "" if self.until == NEVER else f" {int(self.until)}"
        return f"{SCHEME} {self.salt.hex()} {self.digest.hex()}{end}"


def new(client: str) -> str:
    """A new key of a client: its name, a dot, and random characters."""
    return f"{client}.{secrets.token_urlsafe(KEY_BYTES)}"


def client_of(key: bytes) -> str:
    """The name of the client that a key claims to be of, which may be empty."""
    return key.partition(b".")[0].decode("ascii", "replace")


def keep(key: str) -> Kept:
    """What is kept of a key, with a salt of its own."""
    salt = secrets.token_bytes(SALT_BYTES)
    return Kept(salt, _digest(salt, key.encode("ascii")))


def read(text: str) -> list[Kept]:
    """What a Secret has of a client's keys, one a line: the current one, and perhaps one that ends soon.

    Raises ValueError, without the text, if a line is none of `Kept.line`.
    """
    kept: list[Kept] = []
    for line in filter(None, text.splitlines()):
        scheme, *parts = line.split(" ")
        try:
            salt, digest = (bytes.fromhex(part) for part in parts[:2])
            until = float(int(parts[2])) if parts[2:] else NEVER
        except ValueError:
            raise ValueError("a line is not what `pulumi-mlops keys` writes") from None
        if scheme != SCHEME or len(parts) > 3 or len(salt) != SALT_BYTES or len(digest) != 32:
            raise ValueError("a line is not what `pulumi-mlops keys` writes")
        kept.append(Kept(salt, digest, until))
    return kept


def rotated(kept: list[Kept], key: str, overlap_seconds: float, now: float) -> list[Kept]:
    """What is kept once `key` takes the place of a client's keys, which end after the overlap or earlier."""
    ending = [one._replace(until=min(one.until, now + overlap_seconds)) for one in kept]
    return [keep(key), *(one for one in ending if one.until > now)]


def _digest(salt: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, key, "sha256")
