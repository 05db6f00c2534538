"""Quantities of Kubernetes, such as `500m` and `2Gi`."""

import re
from decimal import Decimal
from functools import lru_cache

UNITS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30),
    "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
GIB = Decimal(2**30)
_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))((?:[eE][+-]?\d+)|(?:[numkMGTPE]?|[KMGTPE]i))")


def parse(value: object) -> Decimal | None:
    """The quantity in its base unit, cores or bytes; None where it is none, such as a value not known yet."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return _parsed(str(value))


@lru_cache(maxsize=4_096)  # the pods of a stack ask for the same few amounts
def _parsed(text: str) -> Decimal | None:
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    figure, suffix = found.groups()
    return Decimal(figure) * UNITS[suffix] if suffix in UNITS else Decimal(figure + suffix)
