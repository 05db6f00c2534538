"""One entry that stays: found by a hidden marker, written over in place, whoever else runs at the same time.

Which entry is ours: it begins with the marker and its author is the token's user. The marker alone would let anybody
who can comment put an entry of his own in our place, and change it after the review.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from pulumi_mlops.review.host.dialects import Entry, Place
from pulumi_mlops.review.host.errors import HostError

MARKER = re.compile(r"[a-z0-9](?:[a-z0-9_.]|-(?!-)){0,98}[a-z0-9]")
"""Two hyphens would end the HTML comment that hides the marker."""


class Done(StrEnum):
    """What happened to the entry."""

    CREATED = "created"
    UPDATED = "updated"
    CLOSED = "closed"
    NOTHING = "nothing to do"


@dataclass(frozen=True)
class Marker:
    """The name of an entry, hidden in its first line."""

    name: str

    def __post_init__(self) -> None:
        if not MARKER.fullmatch(self.name):
            raise HostError(
                "--marker must be 2 to 100 lower-case letters, digits, dots, underscores and single hyphens, "
                f"got {self.name!r}"
            )

    @property
    def line(self) -> str:
        """The hidden line."""
        return f"<!-- pulumi-mlops-review: {self.name} -->"

    def on(self, body: str) -> str:
        """The body with the marker as its first line."""
        return f"{self.line}\n{body}"


def upsert(place: Place, marker: Marker, author: str, body: str, *, only_update: bool = False) -> Done:
    """Writes the body into our entry, or into a new one unless `only_update`.

    Of two runs that both found none, each looks again after it has written: the oldest entry stays, with the text of
    the run that wrote last, and the others go.
    """
    ours = _ours(place, marker, author)
    if ours:
        place.update(ours[0], marker.on(body))
        _discard(place, ours[1:])
        return Done.UPDATED
    if only_update:
        return Done.NOTHING
    created = place.create(marker.on(body))
    ours = _ours(place, marker, author)
    if ours and ours[0].id != created.id:
        place.update(ours[0], marker.on(body))
    _discard(place, ours[1:])
    return Done.CREATED


def close(place: Place, marker: Marker, author: str) -> Done:
    """Takes all our entries that are open out of sight."""
    ours = [one for one in _ours(place, marker, author) if one.open]
    _discard(place, ours)
    return Done.CLOSED if ours else Done.NOTHING


def _ours(place: Place, marker: Marker, author: str) -> list[Entry]:
    """Our entries, oldest first."""
    mine = [one for one in place.entries() if one.author == author and one.body.startswith(marker.line)]
    return sorted(mine, key=lambda one: one.id)


def _discard(place: Place, entries: list[Entry]) -> None:
    for one in entries:
        place.discard(one)
