"""What the cluster tests of a delivery's bad days leave behind when they fail."""

from types import SimpleNamespace
from typing import Any

import pytest
import test_delivery_bad_days as bad_days


def test_a_test_that_fails_leaves_no_runs_and_deletes_them_before_the_controller_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setattr(bad_days, "controller", lambda _: ("argo", "deployment/controller"))
    monkeypatch.setattr(bad_days, "scale", lambda *arguments: done.append(f"scale to {arguments[-1]}"))
    monkeypatch.setattr(bad_days, "kubectl", lambda _, *arguments: done.append(" ".join(arguments[:3])))
    delivery: Any = SimpleNamespace(
        loop=SimpleNamespace(cluster=None), runs=lambda: dict.fromkeys(["web-a0001", "web-b0001", "web-a0002"], "")
    )

    with pytest.raises(AssertionError, match="too few runs"), bad_days.no_controller(delivery, "a"):
        raise AssertionError("too few runs")

    assert done == ["scale to 0", "delete workflow web-a0001", "delete workflow web-a0002", "scale to 1"]
