"""Promoting a commit's image into an overlay, and reverting the overlay with a hold that a person lifts.

What an overlay deploys is in Git alone: the trailer of the commit that promoted says which commit of the source it was.
"""

from dataclasses import dataclass
from enum import StrEnum

from delivery.checkout import Checkout
from delivery.errors import DeliveryError
from delivery.overlay import HOLD_FILE, RELEASE_FILE, Image, Overlay

TRAILER = "Delivered-Commit"
OVERLAY_TRAILER = "Delivered-Overlay"


class Outcome(StrEnum):
    """What became of a promotion."""

    PROMOTED = "promoted"
    ALREADY = "already there"
    SUPERSEDED = "superseded"
    """The overlay has a newer commit of the same branch."""
    HELD = "held"
    PROPOSED = "proposed"
    """A pull request is open; `detail` is its address."""


@dataclass(frozen=True)
class Promotion:
    """The outcome, and the commit that Argo CD has to reach or the reason why there is none."""

    outcome: Outcome
    detail: str


def promote(checkout: Checkout, path: str, image: Image, revision: str) -> Promotion:
    """Makes the overlay deploy the image of the source's commit `revision`, unless it is held or has a newer one."""
    overlay = Overlay(checkout, path)
    found: list[Promotion] = []

    def change() -> str | None:
        found.clear()
        if (reason := overlay.held()) is not None:
            found.append(Promotion(Outcome.HELD, reason))
            return None
        current = delivered(checkout, path)
        if current is not None and checkout.is_ancestor(revision, current):
            found.append(Promotion(Outcome.SUPERSEDED, current))
            return None
        overlay.set(image, revision)
        if not checkout.git("status", "--porcelain"):
            found.append(Promotion(Outcome.ALREADY, checkout.git("rev-parse", "HEAD")))
            return None
        return message(f"{path}: {image.name} of {revision[:12]}", path, revision)

    commit = checkout.push(change)
    return found[0] if commit is None else Promotion(Outcome.PROMOTED, commit)


def revert(checkout: Checkout, path: str, revision: str, reason: str) -> str | None:
    """Takes the promotion of `revision` back and holds the overlay; returns the new commit.

    None: nothing is done, since the overlay has another commit by now, had the same image before, or is held already.
    """
    overlay = Overlay(checkout, path)

    def change() -> str | None:
        if overlay.held() is not None or delivered(checkout, path) != revision:
            return None
        promoted = _last(checkout, path)
        if promoted is None:  # not reached: `delivered` has just read it
            raise DeliveryError(f"overlay {path} has no promotion that could be taken back")
        changed = checkout.git("show", "--name-only", "--format=", promoted).splitlines()
        if changed == [f"{path}/{RELEASE_FILE}"]:
            return None
        checkout.git("revert", "--no-commit", promoted)  # what others changed since stays, or is a conflict
        (overlay.directory / HOLD_FILE).write_text(f"{reason}\n")
        return f"{path}: {revision[:12]} taken back, held\n\n{reason}\n\n{OVERLAY_TRAILER}: {path}"

    return checkout.push(change)


def delivered(checkout: Checkout, path: str) -> str | None:
    """Commit of the source that was last promoted into the overlay; None where none was, or it was taken back."""
    last = _last(checkout, path)
    return _trailer(checkout, last, TRAILER) if last else None


def message(subject: str, path: str, revision: str) -> str:
    """Message of a commit that promotes the source's commit `revision` into the overlay."""
    return f"{subject}\n\n{TRAILER}: {revision}\n{OVERLAY_TRAILER}: {path}"


def _last(checkout: Checkout, path: str) -> str | None:
    """The newest commit that promoted into the overlay or took a promotion back."""
    pattern = f"^{OVERLAY_TRAILER}: "
    for commit in checkout.git("log", "--format=%H", f"--grep={pattern}", "--", path).split():
        if _trailer(checkout, commit, OVERLAY_TRAILER) == path:
            return commit
    return None


def _trailer(checkout: Checkout, commit: str, key: str) -> str | None:
    return checkout.git("show", "--no-patch", f"--format=%(trailers:key={key},valueonly)", commit) or None
