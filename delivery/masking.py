"""Secrets in what a step printed, which must not get to where more people read than the log's own readers.

The checks and the tests of a commit are given no secret. What they print all the same, such as the password of an
address, is recognized by its form, so this is a second line of defence and no proof.
"""

import re
from collections.abc import Iterable

MASK = "***"
_NAMED = re.compile(
    r"""(?ix) (
        ["']? \b [\w.-]{0,40}
        (?: passw(?:or)?d | passphrase | secret | token | api[_-]?key | access[_-]?key | credential )
        [\w.-]{0,40} ["']? \s{0,9} [=:>]{1,3} \s{0,9}
    ) ( "[^"]*" | '[^']*' | [^\s,;{\[]+ )"""
)
"""A value after a name that says that it is secret; bounded, so that a long line takes no time."""
_HEADER = re.compile(r"(?i)\b(authorization\s*:\s*\w+\s+|\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}")
_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@]+@")
_ISSUED = re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-|xox[a-z]-|sk-|AKIA|ASIA|eyJ[\w-]+\.eyJ)[\w.-]{8,}")
"""Tokens whose issuer gives them a form of their own."""
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def masked(text: str, known: Iterable[str] = ()) -> str:
    """The text without what looks like a secret, and without the `known` ones."""
    for secret in known:
        if secret:
            text = text.replace(secret, MASK)
    text = _KEY.sub(MASK, text)
    text = _ADDRESS.sub(rf"\1{MASK}@", text)
    text = _HEADER.sub(rf"\1{MASK}", text)
    text = _NAMED.sub(rf"\1{MASK}", text)
    return _ISSUED.sub(MASK, text)
