"""Which values are secrets, by their form, their name or what is written in them.

Two questions: `why_secret` is for the rule `plain-secret`, which must not be wrong; `must_hide` is for what a review
shows, and hides whatever may be one.
"""

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from pulumi_mlops.review.json_data import document, keys, mapping

SHAPES: Mapping[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    "a GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{35}\b"),
    "a password in a URL": re.compile(
        r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^\s:/@]*:(?!\$|\{|<|%s|\*+@)[^\s:/@]{3,}(?=@[\w.-])"
    ),
    "a webhook address": re.compile(r"https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/\S+"),
    "an authorization header": re.compile(r"(?i)\b(?:bearer|basic)\s+(?=\S*[0-9+/=])[A-Za-z0-9._~+/-]{16,}={0,2}"),
}
"""Secrets that are recognized by their form, whatever their name."""

SHAPED = re.compile(
    r"-----BEGIN|AKIA|ASIA|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|eyJ|sk-|AIza|://|(?:[Bb][Ee][Aa][Rr]|[Bb][Aa][Ss][Ii])"
)
"""What a text with one of these shapes has in it: most texts have none, and are looked at once."""

PROMISE = (
    r"(?:password|passwd|passphrase|passcode|(?:^|[_.-])(?:pwd|pass|secret|token|credentials?|bearer|"
    r"connection_string|dsn|(?:api|access|account|secret|private|encryption|signing|license|auth)_?key|auth_token))"
)
NAME = re.compile(PROMISE + r"(?:(?<!token)s)?(?:_?(?:value|text|plain|plaintext|b64|base64|string))?_?\d*$")
"""The end of a name, in small letters with underscores, that promises a secret."""
REFERRING = frozenset({"secret", "credentials"})
"""Names under which the name of a Kubernetes Secret stands as often as a secret."""
OBJECT_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)+")
PASSWORD = re.compile(r"passw|passphrase|passcode|pwd")
"""Names under which a number is a secret as well; `maxTokens` is one of another kind."""
NEIGHBOUR = re.compile(
    r"(?:name|ref|arn|id|path|file|url|length|ttl|policy|type|class|version|enabled|rotation)s?$|"
    r"(?:creation|idempotency|request)_token$|existing_secret$"
)
"""The end of a name that only speaks of one (`secretName`, `passwordLength`), or of none (`creationToken`)."""
ASSIGNMENT = re.compile(
    r"""(?ix)
    (?<! [:/] )  # as in arn:…:secret:name
    (?: password | passwd | passphrase | pwd | secret | token | credentials?
        | (?: api | access | account | secret | private | signing | encryption ) [_-]? key ) s?
    ["']? \s{0,4} (?: = | : (?!//) ) \s{0,4}
    (?: [&!] [\w!.-]{1,40} [ \t]{1,4} )?  # YAML's anchors and tags
    (?: [|>] [-+\d]{0,2} [ \t]{0,4} \r?\n \s{1,40} )?  # and its blocks, which begin on the next line
    ["']?
    (?! \$ | \{\{ | < | %\w | \*\*\* | \[secret\] | null\b | none\b | true\b | false\b )
    (?P<value> [^\s"'&;,<>{}]{3,} )
    """
)
"""A line such as `spring.datasource.password=…` or `token: …` within a longer text; references are left out."""
PAIR = re.compile(
    r"""(?ix)
    \b name ["']? \s{0,4} : \s{0,4} ["']? (?P<name> [\w.-]{1,80} ) ["']? ,? \s{1,40}
    ["']? value ["']? \s{0,4} : \s{0,4} ["']?
    (?! \$ | \{\{ | < | %\w | \*\*\* | \[secret\] | null\b | none\b | true\b | false\b )
    (?P<value> [^\s"'&;,<>{}]{3,} )
    """
)
"""The same as a pair of `name` and `value`, such as an environment variable in a text of YAML."""
BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]{16,}={0,2}\s*")
REFERENCE_KEYS = frozenset(
    {"defaultmode", "enabled", "existingsecret", "file", "key", "name", "namespace", "optional", "path", "property"}
    | {"secretname", "source", "store", "type", "version"}
)
"""Keys of an object that says where a secret is, such as `clientSecret: {name: login, key: id}`."""
WORD = re.compile(r"[!-~]+")
REFERENCE = re.compile(r"arn:|https?://|[./~]|\$|\{|<|sha256:|[\w.-]+/[\w./-]+:")
"""The beginning of what is no secret: an ARN, an address, a path, a template, an image."""
CODE = re.compile(r"\.(?:py|js|ts|go|java|rb|lua)$")
"""Names of files with code, where `token = request.token()` tells nothing."""
MAX_BASE64 = 65_536
"""Characters of a Base64 text that is looked into: user data of EC2 has 16 KB at most."""
LABELLED = frozenset({"value", "default", "content", "plaintext", "stringvalue"})
"""Keys that say nothing: what stands under them is named by a `name` or `key` beside it, or by the key above."""

LEAST_ENTROPY = 3.0
"""Bits a character under a name that promises a secret: words and host names of this length lie below."""
LEAST_RANDOM_ENTROPY = 4.2
"""Bits a character without such a name: hexadecimal digests reach 4.0, identifiers and prose less per character."""
LEAST_RANDOM_LENGTH = 32
SHORTEST = 8
"""Characters of the shortest text that looks like a secret."""
MAX_TOKEN = 4_096
"""Characters: what is longer is a document, and no key, unless it has one of the shapes."""


@lru_cache(maxsize=65_536)  # the resources of a stack say the same words again and again
def why_secret(name: str, text: str) -> str | None:
    """What a text under a name looks like; None where it looks like no secret."""
    if SHAPED.search(text):
        for what, shape in SHAPES.items():
            if shape.search(text):
                return what
    if any(_is_mixed(match["value"]) and len(match["value"]) >= SHORTEST for match in _assignments(text)):
        return "a text with a password or key in it"
    if (inner := decoded(text)) and why_secret("", inner) == "a text with a password or key in it":
        return "Base64 of a text with a password or key in it"
    if len(text) > MAX_TOKEN or not _is_token(text):
        return None
    if promises_secret(name) and len(text) >= SHORTEST and _is_mixed(text):
        return "a secret by its name"
    if promises_secret(name) and len(text) >= 12 and entropy(text) >= LEAST_ENTROPY and not _is_words(text):
        return "a secret by its name"
    if len(text) >= LEAST_RANDOM_LENGTH and _is_random(text) and entropy(text) >= LEAST_RANDOM_ENTROPY:
        return "a random key"
    return None


@cache
def promises_secret(name: str) -> bool:
    """Whether what is called so ought to be secret: `password`, `AWS_SECRET_ACCESS_KEY`, `clientSecret`."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return NAME.search(plain) is not None and NEIGHBOUR.search(plain) is None


def entropy(text: str) -> float:
    """Bits a character, by Shannon, from the text's own characters."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_token(text: str) -> bool:
    """One word without anything that makes it a reference, a path, a template or a sentence."""
    return WORD.fullmatch(text) is not None and REFERENCE.match(text) is None


def _is_mixed(text: str) -> bool:
    """Whether a short text is made as passwords are: letters with digits or signs that names do not have."""
    return bool(re.search(r"[A-Za-z]", text)) and bool(
        re.search(r"\d.*[^\w.-]|[^\w./:-].*\d|[A-Z].*\d|\d.*[A-Z]", text)
    )


def _is_words(text: str) -> bool:
    """Whether it is a name as Kubernetes has them: words in small letters, with hyphens, dots or underscores."""
    return re.fullmatch(r"[a-z]+(?:[-._/:][a-z0-9]+)*|[A-Z]+(?:_[A-Z0-9]+)*|[A-Za-z]+", text) is not None


def _is_random(text: str) -> bool:
    """Whether it is one run of large and small letters and digits, as Base64 gives it."""
    return (
        bool(re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", text))
        and all(re.search(part, text) for part in (r"[a-z]", r"[A-Z]", r"\d"))
        and not re.search(r"[a-z]{7}", text)
    )


def must_hide(name: str, value: object, *, in_text: bool = False) -> bool:
    """Whether a review must not show a value under a name, even if it looks like no secret.

    `in_text` says that both stand in a text of JSON: of those, nothing tells a reference to a Secret from a secret.
    """
    if isinstance(value, str):
        return bool(value) and _must_hide_text(name, value, in_text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return promises_secret(name) and (in_text or PASSWORD.search(name.lower()) is not None)


@lru_cache(maxsize=65_536)
def _must_hide_text(name: str, text: str, in_text: bool) -> bool:
    if not in_text and name in REFERRING and OBJECT_NAME.fullmatch(text):
        return False
    if promises_secret(name) or (in_text and _assigns(f"{name}={text}", literal=False)):
        return True
    if (inner := document(text)) is not None:
        # Whoever shows a document shows its parts one by one, each judged by its own name, but all of its keys.
        return any(_has_secret("", key) for key in keys(inner))
    return _has_secret(name, text)


def _has_secret(name: str, text: str) -> bool:
    """Whether a text is a secret by its form, or gives one to a name."""
    literal = CODE.search(name) is not None
    return why_secret(name, text) is not None or any(_assigns(one, literal=literal) for one in (text, decoded(text)))


def _assigns(text: str, *, literal: bool) -> bool:
    """Whether the text gives a secret to a name; in code only a literal in quotes counts."""
    return any(not literal or text[match.start("value") - 1] in "\"'" for match in _assignments(text))


def _assignments(text: str) -> Iterator[re.Match[str]]:
    """Where the text gives a secret to a name."""
    if "=" in text or ":" in text:
        yield from ASSIGNMENT.finditer(text)
        yield from (match for match in PAIR.finditer(text) if promises_secret(match["name"]))


def decoded(text: str) -> str:
    """The text that is written in Base64, such as user data; empty where it is something else."""
    if len(text) % 4 or len(text) > MAX_BASE64 or not BASE64.fullmatch(text):
        return ""
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def label(path: tuple[str | int, ...], owner: object) -> str:
    """The name by which a value is judged: its key, or what stands beside or above a key that says nothing.

    `owner` is the object that the value stands in.
    """
    names = [one for one in path if isinstance(one, str)]
    key = names[-1] if names else ""
    if not path or not isinstance(path[-1], str) or key.lower() in REFERENCE_KEYS:
        return key
    if key.lower() in LABELLED:
        beside = {name.lower(): value for name, value in mapping(owner).items()}
        for named in (beside.get("name"), beside.get("key")):
            if isinstance(named, str):
                return named
    above = names[-2] if len(names) > 1 else ""
    return above if key.lower() in LABELLED or promises_secret(above) else key


def redacted(text: str) -> str:
    """A message, such as an error of a provider, without the secrets in it."""
    for shape in SHAPES.values():
        text = shape.sub("<secret>", text)
    text = ASSIGNMENT.sub(_without_value, text)
    return PAIR.sub(lambda match: _without_value(match) if promises_secret(match["name"]) else match[0], text)


def _without_value(match: re.Match[str]) -> str:
    return f"{match[0][: match.start('value') - match.start()]}<secret>"
