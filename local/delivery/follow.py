"""Follows a delivery from the push to the answer in production, and says how long each stage took."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubernetes import client

from local.cluster import Cluster
from local.delivery.secrets import RUNS
from local.progress import StepFailed, say

NAME_DIGITS = 12
"""Digits of the commit in the name of its run."""
STAGES = ("lint", "tests", "image", "staging-promote", "staging-tests", "production-promote")
INTERVAL_SECONDS = 0.5
ENDED = ("Succeeded", "Failed", "Error")


@dataclass(frozen=True)
class Run:
    """A delivery that has ended."""

    phase: str
    message: str
    seconds: Mapping[str, float]
    """Stage → seconds from the push to its end, in the order in which they ended."""
    nodes: Mapping[str, str]
    """Stage → its phase."""
    took: Mapping[str, float]
    """Stage → seconds from its start to its end."""


def run_name(commit: str) -> str:
    """Name of the Workflow of a commit."""
    return f"web-{commit[:NAME_DIGITS]}"


def read(api: client.ApiClient, commit: str) -> dict[str, Any] | None:
    """The Workflow of a commit; None where there is none."""
    try:
        return client.CustomObjectsApi(api).get_namespaced_custom_object(
            "argoproj.io", "v1alpha1", RUNS, "workflows", run_name(commit)
        )
    except client.ApiException as error:
        if error.status == 404:
            return None
        raise


def follow(api: client.ApiClient, commit: str, pushed: float, timeout_seconds: float) -> Run:
    """Waits until the run of a commit has ended; `pushed` is when it was pushed, in Unix seconds.

    Raises:
        StepFailed: there is no run, or it takes longer than the timeout.
    """
    deadline = time.monotonic() + timeout_seconds
    seconds: dict[str, float] = {}
    phases: dict[str, str] = {}
    took: dict[str, float] = {}
    while time.monotonic() < deadline:
        workflow = read(api, commit)
        status = (workflow or {}).get("status") or {}
        if workflow is not None and "started" not in seconds:
            seconds["started"] = _unix(workflow["metadata"]["creationTimestamp"]) - pushed
            say(f"delivery of {commit[:NAME_DIGITS]}: its run has started")
        for node in sorted((status.get("nodes") or {}).values(), key=lambda one: one.get("finishedAt") or "~"):
            stage = node.get("templateName", "")
            if node["type"] == "Pod" and stage in STAGES and node.get("phase") in ENDED and stage not in phases:
                phases[stage] = node["phase"]
                seconds[stage] = _unix(node["finishedAt"]) - pushed
                took[stage] = _unix(node["finishedAt"]) - _unix(node["startedAt"])
                say(
                    f"delivery: {stage} {node['phase'].lower()} after {took[stage]:.0f}s, "
                    f"{seconds[stage]:.0f}s after the push"
                )
        if status.get("phase") in ENDED:
            return Run(status["phase"], status.get("message", ""), seconds, phases, took)
        time.sleep(INTERVAL_SECONDS)
    raise StepFailed(
        f"the delivery of {commit[:NAME_DIGITS]} has not ended within {timeout_seconds:.0f}s; "
        f"`kubectl --namespace {RUNS} get workflow {run_name(commit)} --output yaml` says where it is"
    )


def greeting(cluster: Cluster, environment: str) -> str | None:
    """What the application answers behind the gateway; None where it does not."""
    try:
        with urllib.request.urlopen(f"{cluster.gateway_url}/web-{environment}/api/greeting", timeout=5) as answer:
            return json.load(answer)["greeting"]
    except (OSError, ValueError, KeyError):
        return None


def serves(cluster: Cluster, environment: str, text: str, seconds: float) -> bool:
    """Whether the environment answers with this text within so many seconds."""
    return within(seconds, lambda: greeting(cluster, environment) == text)


def within(seconds: float, check: Callable[[], bool]) -> bool:
    """Whether a check holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(INTERVAL_SECONDS)
    return True


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
