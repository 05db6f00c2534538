"""What is left of the plain form of a preview whose text ends too early: the run was killed, or the disk was full."""

import json
import re

from pulumi_mlops.review.json_data import Json
from pulumi_mlops.review.values import masked

BEGINNING = re.compile(r'\s*\{\s*"(?:config|steps)"')
"""How the engine begins its document."""
STEPS = re.compile(r'(?<!\\)"steps"\s*:\s*\[')
BETWEEN = re.compile(r"[\s,]*")


def rescued(text: str) -> dict[str, Json] | None:
    """The document with the steps that are whole; None where this is no beginning of one."""
    if not BEGINNING.match(text):
        return None
    found: list[Json] = []
    begin = STEPS.search(text)
    decoder, place = json.JSONDecoder(object_hook=masked), begin.end() if begin else len(text)
    while begin and (between := BETWEEN.match(text, place)):
        try:
            step, place = decoder.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            break
        found.append(step)
    return {"steps": found}
