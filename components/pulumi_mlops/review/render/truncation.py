"""Which parts of a text fit in a number of bytes: of UTF-8, which are never fewer than characters."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A list that may be cut: its head and foot come with at least one item."""

    items: Sequence[str]
    head: str = ""
    foot: str = ""
    rank: int = 0
    """Who is served first: 0 before 1."""
    share: int | None = None
    """Most bytes that it may take; default: its equal share of what those of its rank have together."""
    more: str = "{count} more"
    """What is written in place of the items that do not fit: `{count}` is their number, `{what}` what they hold."""
    holds: Sequence[tuple[str, int]] = ()
    """What each item holds and how many of it, such as `create` and 3."""


@dataclass(frozen=True)
class Filled:
    """The text, and how much of it is missing."""

    text: str
    left_out: int
    """Items of all parts that did not fit."""


MORE_DIGITS = 12
"""Room for each number in `more`."""


def size(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def fill(parts: Sequence[Part], limit: int) -> Filled:
    """The parts in their order, none of them longer than its share, together at most `limit` bytes."""
    texts, missing, room = [""] * len(parts), 0, limit
    served = sorted(range(len(parts)), key=lambda place: (parts[place].rank, place))
    for turn, place in enumerate(served):
        part = parts[place]
        waiting = sum(1 for other in served[turn:] if parts[other].rank == part.rank)
        allowed = min(room, part.share or room // waiting)
        texts[place], left = _cut(part, allowed)
        room -= size(texts[place])
        missing += left
    return Filled("".join(texts), missing)


def _cut(part: Part, allowed: int) -> tuple[str, int]:
    """As many items as fit, and how many do not."""
    frame = size(part.head) + size(part.foot)
    whole = frame + sum(map(size, part.items))
    if not part.items or whole <= allowed:
        return (f"{part.head}{''.join(part.items)}{part.foot}" if part.items else ""), 0
    room = allowed - frame - len(part.more) - MORE_DIGITS - sum(len(what) + MORE_DIGITS for what in dict(part.holds))
    kept: list[str] = []
    for item in part.items:
        if size(item) > room:
            break
        kept.append(item)
        room -= size(item)
    left = len(part.items) - len(kept)
    if not kept:
        return "", left
    held: Counter[str] = Counter()
    for what, count in part.holds[len(kept) :]:
        held[what] += count
    what = ", ".join(f"{count} {one}" for one, count in held.items())
    return f"{part.head}{''.join(kept)}{part.more.format(count=left, what=what)}{part.foot}", left
