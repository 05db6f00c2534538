"""Which versions of a model stay: the newest, and those that something still asks for.

Asked for is what a server of the namespace has or could be put back to, and what carries an alias in MLflow. What goes
leaves MLflow's registry first, then the volume: a version that can be chosen there can be served. Its run stays in
MLflow with parameters and metrics, without the model.
"""

import re
import shutil
from collections.abc import Set

from ml import bundle, bundle_writer, endpoint, step, tracking
from ml.errors import PipelineError

_VERSION = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
"""Ids as `step.Context.version` makes them: they sort by time. What has another name was put there by somebody."""


def prune(context: step.Context, tracker: tracking.Tracker) -> None:
    """Removes old versions. If it cannot tell what is in use, or cannot remove, it says so; the run goes on."""
    settings = context.settings
    try:
        stored = _stored(context)
        registered = tracker.registered(settings.model_name)
        in_use = {one.version for one in registered if one.aliases} | {context.version}
        known = stored | {one.version for one in registered if _VERSION.fullmatch(one.version)}
        if len(known) <= settings.version_history:
            return
        in_use |= endpoint.versions_in_use(context.environment, settings.endpoint)
        for version in superfluous(known, in_use, settings.version_history):
            for one in registered:
                if one.version == version:
                    tracker.remove(one)
            if version in stored:
                bundle_writer.remove(context.models, settings.model_name, version)
            step.say(f"removed version {version}: the newest {settings.version_history} are kept")
    except (PipelineError, OSError) as error:
        step.say(f"old versions were not removed, the next run tries again: {error}")


def superfluous(known: Set[str], in_use: Set[str], history: int) -> list[str]:
    """The versions that are neither among the newest `history` nor in use, the oldest first."""
    return sorted(set(sorted(known, reverse=True)[history:]) - in_use)


def _stored(context: step.Context) -> set[str]:
    directory = bundle.version_path(context.models, context.settings.model_name, context.version).parent
    for left_over in directory.glob(f".*{bundle_writer.REMOVED}"):  # of a pod that was killed while it removed
        shutil.rmtree(left_over, ignore_errors=True)
    return {entry.name for entry in directory.iterdir() if entry.is_dir() and _VERSION.fullmatch(entry.name)}
