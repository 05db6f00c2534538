"""A promotion that a person merges: a branch with the overlay's change, and what it changes in the manifests."""

import difflib
import re
from dataclasses import dataclass

from delivery.checkout import Checkout
from delivery.overlay import RELEASE_FILE, Image, Overlay
from delivery.promotion import Outcome, Promotion, message
from delivery.pull_request import PullRequests

MAX_DIFF = 40_000
"""Characters of the diff; GitHub takes 65 536 in all."""
CONTEXT_LINES = 3


@dataclass(frozen=True)
class Proposal:
    """One release for one overlay."""

    path: str
    """Directory of the overlay."""
    image: Image
    revision: str
    """Commit of the source that the image was built from."""

    @property
    def title(self) -> str:
        """First line of the commit and of the pull request."""
        return f"{self.path}: {self.image.name} of {self.revision[:12]}"


def propose(checkout: Checkout, proposal: Proposal, branch: str, host: PullRequests) -> Promotion:
    """Opens a pull request by which the overlay deploys the image, or changes the one that is open.

    The branch is this program's own: a newer release replaces what it has. Nothing is proposed where the overlay is
    held, has the release already, or where it or the open pull request has a newer commit.
    """
    overlay = Overlay(checkout, proposal.path)
    if (reason := overlay.held()) is not None:
        return Promotion(Outcome.HELD, reason)
    newest = [released(checkout, f"origin/{checkout.branch}", proposal.path)]
    if host.open(branch, checkout.branch) is not None:
        checkout.git("fetch", "--quiet", "origin", f"+refs/heads/{branch}:refs/remotes/origin/{branch}")
        newest.append(released(checkout, f"origin/{branch}", proposal.path))
    for one in filter(None, newest):
        if checkout.is_ancestor(proposal.revision, one):
            return Promotion(Outcome.SUPERSEDED, one)
    before = overlay.rendered()
    overlay.set(proposal.image, proposal.revision)
    if not checkout.git("status", "--porcelain"):
        return Promotion(Outcome.ALREADY, checkout.git("rev-parse", "HEAD"))
    body = describe(proposal, before, overlay.rendered())
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message", message(proposal.title, proposal.path, proposal.revision))
    checkout.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
    return Promotion(Outcome.PROPOSED, host.put(branch, checkout.branch, proposal.title, body))


def released(checkout: Checkout, branch: str, path: str) -> str | None:
    """Commit of the source that the overlay has on this branch; None where it never had one.

    By the overlay's file, because merging by a squash leaves no trailer that could be relied on.
    """
    file = f"{path}/{RELEASE_FILE}"
    if not checkout.git("ls-tree", "--name-only", branch, "--", file):
        return None
    return checkout.git("show", f"{branch}:{file}") or None


def describe(proposal: Proposal, before: str, after: str) -> str:
    """The pull request's text, in Markdown: what is released, and what changes in the rendered manifests."""
    names = (f"{proposal.path} now", f"{proposal.path} with {proposal.revision[:12]}")
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, n=CONTEXT_LINES, lineterm="")
    shown = "\n".join(lines) or "(nothing: only the commit that the image was built from)"
    cut = ""
    if len(shown) > MAX_DIFF:
        shown = shown[:MAX_DIFF].rpartition("\n")[0]
        cut = f"\n\nThe diff is longer; `kustomize build {proposal.path}` on both branches shows all of it."
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", shown))])
    return (
        f"Commit {proposal.revision} has passed in staging. Merging this deploys its image, "
        f"`{proposal.image.reference}`. A newer release replaces what is proposed here.\n\n"
        f"What changes in the rendered manifests of `{proposal.path}`:\n\n{fence}diff\n{shown}\n{fence}{cut}\n"
    )
