"""What was changed in a cluster past the program: told apart from what the program itself would change."""

from kubernetes import client
from pulumi_mlops.review import reading
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.preview import Operation, PreviewError, Step
from pulumi_mlops.review.property_paths import parsed

from local import field_owners
from local.cluster import Cluster
from local.engine import Engine
from local.progress import StepFailed

MOST_PATHS = 5


def sentences(engine: Engine, cluster: Cluster, stack: str) -> list[str]:
    """A sentence for each resource of the stack that is not as it was left, or is gone; changes nothing.

    Raises:
        StepFailed: the cluster could not be looked at.
    """
    try:
        found = reading.read(engine.drift_json(stack), stack)
    except PreviewError as error:
        raise StepFailed(str(error)) from None
    drifted = [step for step in found.steps if step.operation in (Operation.UPDATE, Operation.DELETE)]
    if not drifted:
        return []
    with cluster.api() as api:
        return [_line(step, api) for step in drifted]


def _line(step: Step, api: client.ApiClient) -> str:
    named = f"{step.type.rpartition(':')[2]} {step.name}"
    if step.operation is Operation.DELETE:
        return f"{named} is gone"
    paths = [change.path for change in step.changes] or list(step.changed_keys)
    shown = ", ".join(_with_owners(paths[:MOST_PATHS], step, api))
    more = f" and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else ""
    return f"{named} was changed: {shown}{more}"


def _with_owners(paths: list[str], step: Step, api: client.ApiClient) -> list[str]:
    """The paths, each with the field managers that have written it."""
    kept = step.state.outputs
    metadata = mapping(kept.get("metadata"))
    if not (kept.get("apiVersion") and kept.get("kind") and metadata.get("name")):
        return paths  # no object of Kubernetes, such as a Helm release
    key = (str(kept[name]) for name in ("apiVersion", "kind"))
    live = field_owners.read(api, *key, str(metadata["name"]), str(metadata.get("namespace") or ""))
    own = str(kept.get("__fieldManager"))
    by = [field_owners.others(live, parsed(path), own) for path in paths]
    return [f"{path} (by {' and '.join(names)})" if names else path for path, names in zip(paths, by, strict=True)]
