"""What a developer sees on the commit: that the delivery runs, and which step it failed at.

A report never decides how a run ends: the Git host may be down, or the token expired, while a release goes well.
"""

from collections.abc import Sequence

import pulumi

from pulumi_mlops._manifests import Manifest
from pulumi_mlops.delivery_pipeline import _parts
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs

PENDING, REPORT, AT_END = "pending", "report", "report-end"
PHASE, FAILURES = "phase", "failures"
REPORT_SECONDS = 300
"""Longest time of a report's pod: three tries of 30 s, and what the node needs to start it."""
REPORTED = " || ".join(f"{PENDING}.{phase}" for phase in ("Succeeded", "Failed", "Errored"))
"""Condition of a task that comes after the first report, however that ends."""


def first_task() -> Manifest:
    """The task that sets the commit's status to pending, beside the checks."""
    return {"name": PENDING, "template": REPORT, "arguments": _arguments("Running", "[]")}


def templates(name: str, args: DeliveryPipelineArgs, parts: _parts.Parts, steps: Sequence[str]) -> list[Manifest]:
    """The report, and the exit handler that reports how the run ended; `steps` are the templates it may name."""
    step: Manifest = {
        "name": "report",
        "template": REPORT,
        "arguments": _arguments("{{workflow.status}}", "{{workflow.failures}}"),
        "continueOn": {"error": True, "failed": True},
    }
    return [_report(name, args, parts, steps), {"name": AT_END, "steps": [[step]]}]


def _arguments(phase: str, failures: str) -> Manifest:
    return {"parameters": [{"name": PHASE, "value": phase}, {"name": FAILURES, "value": failures}]}


def _report(name: str, args: DeliveryPipelineArgs, parts: _parts.Parts, steps: Sequence[str]) -> Manifest:
    arguments = [
        "report",
        *("--repository", args["repository"]["url"]),
        *("--host", args["repository"]["host"]),
        *("--revision", _parts.COMMIT),
        *("--token-file", _parts.TOKEN_FILE),
        *("--context", f"delivery/{name}"),
        *("--phase", f"{{{{inputs.parameters.{PHASE}}}}}"),
        *_link(args["argo_workflows_url"]),
        *("--steps", *steps),
    ]
    made = parts.delivery(REPORT, arguments)
    failures = {"name": "DELIVERY_FAILURES", "value": f"{{{{inputs.parameters.{FAILURES}}}}}"}
    return {
        **made,
        "activeDeadlineSeconds": REPORT_SECONDS,
        "inputs": {"parameters": [{"name": PHASE}, {"name": FAILURES}]},
        "container": {**made["container"], "env": [failures]},
    }


def _link(url: pulumi.Input[str] | None) -> list[pulumi.Input[str]]:
    if url is None:
        return []
    base = pulumi.Output.from_input(url).apply(lambda text: text.rstrip("/"))
    return ["--target-url", pulumi.Output.concat(base, "/workflows/{{workflow.namespace}}/{{workflow.name}}")]
