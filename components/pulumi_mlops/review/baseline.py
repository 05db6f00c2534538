"""The findings that a repository had when it began to be reviewed: `review-baseline.json`.

They are counted, and break nothing; every other finding does. An entry is one rule that one resource breaks in one way:
a resource that breaks the same rule in another way as well is a new finding.
"""

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from pulumi_mlops.review.findings import Finding
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping

FILE = Path("review-baseline.json")
"""In the directory of the run, which is that of the project."""
FIELDS = ("rule", "stack", "urn", "message")
INDEX = re.compile(r"\[\d+\]")

Entry = tuple[str, str, str, str]
"""The FIELDS of a finding; in the message the places in lists are left out, since they move."""


class BaselineError(Exception):
    """The file cannot be used; the message is one sentence for its reader."""


def entry(finding: Finding) -> Entry:
    """What a baseline keeps of a finding."""
    return finding.rule, finding.stack, finding.urn, INDEX.sub("[]", finding.message)


def load(file: Path = FILE) -> frozenset[Entry]:
    """The entries of a file; none if there is no such file.

    Raises:
        BaselineError: the file is no baseline.
    """
    if not file.exists():
        return frozenset()
    try:
        document: JsonObject = json.loads(file.read_text(encoding="utf-8"))
        return frozenset(_read(mapping(one)) for one in items(document["findings"]))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        raise BaselineError(
            f"{file} is no baseline; write it again by `pulumi-mlops-review rules FILE… --write-baseline`"
        ) from None


def _read(one: JsonObject) -> Entry:
    rule, stack, urn, message = (_text(one[field]) for field in FIELDS)
    return rule, stack, urn, message


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("an entry holds texts")
    return value


def written(findings: Iterable[Finding], kept: Iterable[Entry] = ()) -> str:
    """The text of a baseline with these findings, and with entries that stay."""
    entries = sorted({*map(entry, findings), *kept})
    listed = [dict(zip(FIELDS, one, strict=True)) for one in entries]
    return json.dumps({"findings": listed}, indent=1, ensure_ascii=False) + "\n"


def split(findings: Iterable[Finding], known: Collection[Entry]) -> tuple[list[Finding], list[Finding]]:
    """The findings that are new, and those of the baseline."""
    new: list[Finding] = []
    old: list[Finding] = []
    for one in findings:
        (old if entry(one) in known else new).append(one)
    return new, old
