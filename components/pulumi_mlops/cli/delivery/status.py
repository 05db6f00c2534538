"""The one view of a pipeline: each environment and the newest run, as text for people or as JSON for programs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from pulumi_mlops.cli.cluster import Cluster
from pulumi_mlops.cli.delivery.pipeline import Deployed, Pipeline, Run, deployed, runs
from pulumi_mlops.cli.delivery.repository import Commit, Hold, Overlay, Repository
from pulumi_mlops.cli.errors import CommandError

DIGITS = 12
WIDTH = 12
QUOTED = 200
GOOD = ("Synced", "Healthy")
BAD_SYNC = {"Unknown": "Argo CD cannot compare the environment with the repository"}
BAD_HEALTH = {
    "Degraded": "a part of the environment does not work",
    "Missing": "a part of what the overlay describes is not in the cluster",
    "Unknown": "Argo CD cannot read the state of a part of the environment",
}
"""What Argo CD says of an environment that somebody has to look at → what that means."""


@dataclass(frozen=True)
class Place:
    """One environment, from both sides. A text instead of facts says why they are not known."""

    name: str
    repository: Overlay | str
    cluster: Deployed | str

    def needs_somebody(self) -> bool:
        """Whether it is held, one of its sides is not known, or Argo CD cannot read it or finds it not working."""
        if isinstance(self.repository, str) or isinstance(self.cluster, str):
            return True
        return self.repository.hold is not None or bool(_trouble(self.cluster))


@dataclass(frozen=True)
class Status:
    """A pipeline's state."""

    pipeline: Pipeline
    environments: tuple[Place, ...]
    last_run: Run | None

    def needs_somebody(self) -> bool:
        """Whether an environment needs somebody, or the newest run failed or waits for an approval."""
        run = self.last_run
        return any(one.needs_somebody() for one in self.environments) or (
            run is not None and (bool(run.failed) or run.phase in ("Failed", "Error") or _approval(run))
        )


def read(cluster: Cluster, pipeline: Pipeline, address: str) -> Status:
    """The state now; `address` is where the repository is cloned from."""
    overlays: dict[str, Overlay | str] = {}
    try:
        with Repository.cloned(address, pipeline.branch) as repository:
            for one in pipeline.environments:
                overlays[one.name] = repository.overlay(one.overlay, pipeline.image)
    except CommandError as error:  # what the cluster knows is shown all the same
        overlays = {one.name: overlays.get(one.name, str(error)) for one in pipeline.environments}
    places = (
        Place(one.name, overlays[one.name], deployed(cluster, one, pipeline.image)) for one in pipeline.environments
    )
    return Status(pipeline, tuple(places), next(iter(runs(cluster, pipeline)), None))


def as_json(status: Status) -> dict[str, object]:
    """The state as plain data."""
    return {**asdict(status), "needs_somebody": status.needs_somebody()}


def lines(status: Status) -> Iterator[str]:
    """The state as people read it."""
    pipeline = status.pipeline
    yield f"{pipeline.namespace}/{pipeline.name}: {pipeline.repository}, branch {pipeline.branch}"
    for place in status.environments:
        yield ""
        yield place.name
        for label, text in _place(place):
            yield f"  {label:{WIDTH}}{text}"
    yield ""
    if status.last_run is None:
        yield "no run is kept in the cluster"
        return
    yield f"last run {status.last_run.name}"
    for label, text in _run(status.last_run):
        yield f"  {label:{WIDTH}}{text}"


def _place(place: Place) -> Iterator[tuple[str, str]]:
    overlay, seen = place.repository, place.cluster
    if isinstance(overlay, str):
        yield "repository", f"cannot be read: {overlay}"
    else:
        yield "image", overlay.image or "as the base has it: nothing has been promoted yet"
        if overlay.release:
            yield "commit", _commit(overlay.release)
        if overlay.change:
            how = "promoted" if overlay.promoted else "changed"
            what = "" if overlay.promoted else f": {overlay.change.subject}"
            yield how, f"{when(overlay.change.at)} by {overlay.change.author}{what}"
        yield "held", _held(overlay.hold)
    if isinstance(seen, str):
        yield "Argo CD", f"unknown: {seen}"
        return
    known = seen.message if (seen.sync, seen.health) != GOOD else ""
    reason = f": {known or _trouble(seen)}" if known or _trouble(seen) else ""
    yield "Argo CD", f"{seen.sync}, {seen.health} at {seen.revision[:DIGITS] or 'no commit'}{reason}"
    if isinstance(overlay, Overlay) and overlay.image and seen.images not in ((), (overlay.image,)):
        yield "runs", f"{', '.join(seen.images)} still"


def _trouble(seen: Deployed) -> str:
    """Why somebody has to look at it, by its two states; empty where nobody has to."""
    return BAD_SYNC.get(seen.sync) or BAD_HEALTH.get(seen.health) or ""


def _run(run: Run) -> Iterator[tuple[str, str]]:
    end = f", ended {when(run.finished)}" if run.finished else ""
    yield "phase", f"{run.phase}, of commit {run.commit[:DIGITS]}, started {when(run.started)}{end}"
    for step in run.failed:
        yield "failed", f"{step.name} at {when(step.since)}{f': {_shortened(step.message)}' if step.message else ''}"
    if not run.failed and run.message:
        yield "because", run.message
    if run.waits:
        yield "waits", f"{run.waits.name} since {when(run.waits.since)}"
    if run.approval:
        yield "approval", run.approval
    if run.address:
        yield "log", run.address


def _shortened(text: str) -> str:
    """A message's beginning and end: errors stand at the one, and what a test found at the other."""
    return text if len(text) <= 2 * QUOTED else f"{text[:QUOTED]} … {text[-QUOTED:]}"


def _held(hold: Hold | None) -> str:
    return "no" if hold is None else f"since {when(hold.since)} by {hold.author}: {hold.reason}"


def _commit(commit: Commit) -> str:
    known = (
        f" {commit.subject!r} by {commit.author}, {when(commit.at)}" if commit.at else ", not on the branch any more"
    )
    return f"{commit.commit[:DIGITS]}{known}"


def _approval(run: Run) -> bool:
    return run.waits is not None and run.waits.name == "approval"


def when(time: str) -> str:
    """A time of git's or of the cluster's, in minutes and UTC."""
    try:
        return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return time or "at an unknown time"
