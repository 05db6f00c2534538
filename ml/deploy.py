"""Step 5: moves the endpoint to the version that evaluation let through, and cleans up after the run."""

import shutil

from ml import bundle, endpoint, step, tracking


def run(context: step.Context) -> None:
    """The version of this run → the endpoint; MLflow's alias follows once it serves."""
    settings = context.settings
    version = bundle.read(bundle.version_path(context.models, settings.model_name, context.version))
    target = endpoint.endpoint(context.environment, settings.endpoint)
    if target is None:
        step.say(f"the pipeline has no endpoint, version {version.version} stays on the volume")
    elif (held := target.held()) is not None:
        step.say(
            f"endpoint {target.name} is held {held}: version {version.version} is registered and not deployed, "
            "until the endpoint is released"
        )
    else:
        endpoint.move(target, version.version, _previous(context, target))
        step.say(f"endpoint {target.name} serves version {version.version}")
        tracking.tracker(context.environment).promote(version)
    shutil.rmtree(context.hand_offs, ignore_errors=True)


def _previous(context: step.Context, target: endpoint.Endpoint) -> str | None:
    """The version to go back to: what the endpoint had before the first attempt of this run."""
    try:
        return context.handed_json("deploy.json")["previous"]
    except step.NotHanded:
        previous = target.current()
        context.hand_over_json("deploy.json", {"previous": previous})
        return previous


if __name__ == "__main__":
    step.main(run)
