"""Looking versions up in MLflow; what a real server does with the calls is in test_steps.py."""

from types import SimpleNamespace
from typing import Any

import pytest

from ml.tracking import CHAMPION, MLflowTracker, TrackingError


class Page(list[Any]):
    """A page of the registry's answer; an empty token ends it."""

    token = ""


class Registry:
    """Has one version of one model, made by run-1, whatever it is asked for without a run."""

    def __init__(self) -> None:
        self.champions: list[tuple[str, str, str]] = []

    def search_model_versions(self, chosen: str, page_token: str | None = None) -> Page:
        found = Page()
        if "run_id" not in chosen or "run_id = 'run-1'" in chosen:
            found.append(SimpleNamespace(version="7"))
        return found

    def set_registered_model_alias(self, *given: str) -> None:
        self.champions.append(given)


@pytest.mark.parametrize("run", [None, "", "run-2"])
def test_a_version_that_mlflow_does_not_have_is_not_made_the_champion(run: str | None) -> None:
    tracker, registry = MLflowTracker("http://mlflow.example.org"), Registry()
    tracker.__dict__["_client"] = registry
    version: Any = SimpleNamespace(name="birds", version="v1", manifest={"mlflow_run_id": run})

    with pytest.raises(TrackingError, match="MLflow has no registered version of birds for v1"):
        tracker.promote(version)

    version.manifest["mlflow_run_id"] = "run-1"
    tracker.promote(version)
    assert registry.champions == [("birds", CHAMPION, "7")]
