"""No input tells a password or a key in plain text."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import is_hidden, items, joined, mapping

Path = tuple[Any, str | int] | None
"""The path of what is around, and the last segment: few paths are ever written."""

SHAPES: Mapping[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    "a GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{35}\b"),
    "a password in a URL": re.compile(
        r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^\s:/@]*:(?!\$|\{|<|%s|\*+@)[^\s:/@]{3,}@[\w.-]"
    ),
}
"""What tells itself by its form, wherever it stands."""

NAME = re.compile(
    r"(?:^|[_.-])(?:password|passwd|passphrase|pwd|secret|token|credentials?|"
    r"api_?key|access_?key|secret_?key|private_?key|client_?secret|auth_?token)$"
)
"""The end of a name, in small letters with underscores, that promises a secret."""
NEIGHBOUR = re.compile(r"(?:name|ref|arn|id|path|file|url|length|ttl|policy|type|class|version|enabled|rotation)s?$")
"""The end of a name that only speaks of one: `secretName`, `passwordLength`."""

LEAST_ENTROPY = 3.0
"""Bits a character under a name that promises a secret: words and host names of this length lie below."""
LEAST_RANDOM_ENTROPY = 4.2
"""Bits a character without such a name: hexadecimal digests reach 4.0, identifiers and prose less per character."""
LEAST_RANDOM_LENGTH = 32
SHORTEST = 8
"""Characters of the shortest text that looks like a secret."""
MAX_TOKEN = 4_096
"""Characters: what is longer is a document, and no key, unless it has one of the shapes."""
SECRET_KINDS = ("kubernetes:core/v1:Secret",)
SKIPPED = frozenset({"__defaults", "apiVersion", "kind", "policy", "assumeRolePolicy"})
"""Inputs that hold no secret: the provider's notes, and documents whose long ARNs and ids are public."""


def _plain(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if resource.type.startswith("pulumi:providers:"):
        return  # the engine keeps a provider's own secrets
    yield from _data(resource)
    for path, name, value in _texts(resource):
        if reason := why_secret(name, value):
            yield Violation(f"{_written(path)} looks like {reason}, and is not marked secret")


def _data(resource: Resource) -> Iterator[Verdict]:
    """A Secret whose data the program has not marked: whatever it holds, the state and every preview tell it."""
    if resource.type in SECRET_KINDS:
        for key in ("data", "stringData"):
            for name, value in sorted(mapping(resource.inputs.get(key)).items()):
                if value and not is_hidden(value):
                    yield Violation(f"{joined(key, name)} of a Secret is not marked secret")


def _texts(resource: Resource) -> Iterator[tuple[Path, str, str]]:
    """(path, name, text) of every text that the inputs tell; `name` and `value` pairs count as one named text."""
    skipped = SKIPPED | ({"data", "stringData"} if resource.type in SECRET_KINDS else set[str]())
    inputs = {key: value for key, value in resource.inputs.items() if key not in skipped}
    waiting: list[tuple[Any, Path, str]] = [(inputs, None, "")]
    while waiting:
        value, path, key = waiting.pop()
        if isinstance(value, str):
            if len(value) >= SHORTEST and not is_hidden(value):
                yield path, key, value
        elif isinstance(value, list):
            waiting += [(one, (path, index), key) for index, one in enumerate(items(value))]
        elif owner := mapping(value):
            name = owner.get("name") if isinstance(owner.get("value"), str) else None
            waiting += [
                (one, (path, each), name if each == "value" and isinstance(name, str) else each)
                for each, one in owner.items()
            ]


def _written(path: Path) -> str:
    """The path as the engine writes it."""
    if path is None:
        return ""
    around, last = path
    return f"{_written(around)}[{last}]" if isinstance(last, int) else joined(_written(around), last)


@lru_cache(maxsize=65_536)  # the resources of a stack say the same words again and again
def why_secret(name: str, text: str) -> str | None:
    """What a text under a name looks like; None where it looks like no secret."""
    for what, shape in SHAPES.items():
        if shape.search(text):
            return what
    if len(text) > MAX_TOKEN or not _is_token(text):
        return None
    if promises_secret(name) and len(text) >= SHORTEST and _is_mixed(text):
        return "a secret by its name"
    if promises_secret(name) and len(text) >= 12 and entropy(text) >= LEAST_ENTROPY and not _is_words(text):
        return "a secret by its name"
    if len(text) >= LEAST_RANDOM_LENGTH and entropy(text) >= LEAST_RANDOM_ENTROPY and _is_random(text):
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
    return re.fullmatch(r"[!-~]+", text) is not None and not re.match(
        r"arn:|https?://|[./~]|\$|\{|<|sha256:|[\w.-]+/[\w./-]+:", text
    )


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


RULES = (
    Rule(
        id="plain-secret",
        level=Level.BLOCKING,
        title="no input holds a password, a token or a key in plain text",
        why="inputs stand readable in the state, in every preview and in this comment",
        fix="mark it with pulumi.Output.secret or `pulumi config set --secret`, or let the pod read it from a Secret",
        unknown="a masked value is marked, and fine; one that is known only after `up` is decided by the policy pack",
        check=_plain,
    ),
)
