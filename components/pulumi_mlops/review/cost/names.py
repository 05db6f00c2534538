"""Names from a preview in sentences of ours.

Whoever writes a program chooses them: they must not become links, mentions or markup wherever the sentence is shown.
"""

import re

NO_NAME = "(no usual name)"
_LINK = re.compile(r"www\.", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}:[A-Za-z0-9.-]+(/[A-Za-z0-9.-]+)?:[A-Za-z0-9]+")


def name(value: object) -> str:
    """The name of a machine, a stack, a namespace or the like; NO_NAME where it is anything else."""
    return _matching(_NAME, value)


def type_token(value: str) -> str:
    """The type of a resource; NO_NAME where it is none."""
    return _matching(_TYPE, value)


def _matching(form: re.Pattern[str], value: object) -> str:
    text = str(value)
    return text if form.fullmatch(text) and not _LINK.search(text) else NO_NAME
