"""Secrets in what a step printed, which must not get to where more people read than the log's own readers.

The checks and the tests of a commit are given no secret. What they print all the same, such as the password of an
address, is recognized by its form, so this is a second line of defence and no proof.
"""

import re
from collections.abc import Iterable

MASK = "***"
_NAME = r"""[\w.-]{0,40}
    (?: passw(?:or)?d | passphrase | (?:pass|pwd)(?![a-z]) | secret | token | (?:api|access)[_-]?key | credential )
    [\w.-]{0,40}"""
"""A name that says that its value is secret; bounded, so that a long line takes no time."""
_VALUE = r"""( "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [^\s,;{\[]+ )"""
_NAMED = re.compile(
    r"""(?isx) ( ["']? \b (?! (?-i:PASS) \s{0,9} : )""" + _NAME + r"""["']? \s{0,9} [=:>]{1,3} \s{0,9} )""" + _VALUE
)
"""`name=value` and `name: value`, but not the line `PASS: name` of a test."""
_OPTION = re.compile(r"""(?isx) ( (?<![\w-]) --?""" + _NAME + r"""["']? ,? [ \t]{1,9} (?![=:>]) )""" + _VALUE)
"""`--name value`, as a shell has it and as a list of arguments."""
_SCHEME = re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{8,}")
_HEADER = re.compile(
    rf"""(?i)(\bauthorization["']?[ \t]*:(?![ \t]*["']?(?:bearer|basic)\s+{re.escape(MASK)})[ \t]*["']?)"""
    r"""[^\s"'][^\n"']*"""
)
"""To the line's end: where a token has no scheme that is known, any word may be the token."""
_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)\S+@")
"""Up to the last @ of the word: a password that is not encoded may have any other sign in it."""
_ISSUED = re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-|xox[a-z]-|sk-|AKIA|ASIA|eyJ[\w-]+\.eyJ)[\w.-]{8,}")
"""Tokens whose issuer gives them a form of their own."""
_KEY_LINE = r"-----%s (?:[A-Z ]*PRIVATE KEY|PGP PRIVATE KEY BLOCK)-----"
_BEGIN, _END = _KEY_LINE % "BEGIN", _KEY_LINE % "END"
_KEY = re.compile(rf"{_BEGIN}.*?(?:{_END}|\Z)", re.DOTALL)
_END_OF_KEY = re.compile(rf"\A.*{_END}", re.DOTALL)
"""A key whose beginning is cut off: the kubelet gives only the end of a log."""
_MIDDLE_OF_KEY = re.compile(
    r"(?m)(?:\A[A-Za-z0-9+/]{1,76}\r?\n)?"
    r"(?:^[ \t]{0,20}(?![0-9a-f]+\r?$)[A-Za-z0-9+/]{60,76}\r?$\n?){4,}"
    r"(?:^[ \t]{0,20}[A-Za-z0-9+/]{1,76}={0,2}\r?$)?"
)
"""A key that is cut off at both ends: lines as long as those of a key, and not checksums, which are hexadecimal."""


def masked(text: str, known: Iterable[str] = ()) -> str:
    """The text without what looks like a secret, and without the `known` ones."""
    for secret in known:
        if secret:
            text = text.replace(secret, MASK)
    text = _MIDDLE_OF_KEY.sub(_masked_lines, _END_OF_KEY.sub(MASK, _KEY.sub(MASK, text)))
    text = _ADDRESS.sub(rf"\1{MASK}@", text)
    for pattern in (_SCHEME, _HEADER, _NAMED, _OPTION):
        text = pattern.sub(rf"\1{MASK}", text)
    return _ISSUED.sub(MASK, text)


def _masked_lines(found: re.Match[str]) -> str:
    return MASK + ("\n" if found[0].endswith("\n") else "")
