"""The run of a delivery: checks → image → staging → tests → production; valid for Argo Workflows 3.7 and 4.x.

Each step is a pod that checks the commit out itself, so that no volume has to be shared. Only the containers of the
program `delivery` get the token of the Git host, and only BuildKit gets the login of the registry: what runs the
commit's own code has neither.
"""

from collections.abc import Mapping

import pulumi

from pulumi_mlops._argo_workflows import EXECUTOR_PATCH, KEEP_FAILED_SECONDS, KEEP_SUCCEEDED_SECONDS
from pulumi_mlops._manifests import Manifest, pod_security
from pulumi_mlops.contract.containers import OUTPUTS_DIRECTORY
from pulumi_mlops.delivery_pipeline import _build, _parts, _report
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs, IntegrationTestsArgs, PromotionMode
from pulumi_mlops.delivery_pipeline._events import REVISION

ENTRYPOINT = "delivery"
STAGING, PRODUCTION = "staging", "production"
PROPOSAL = f"{PRODUCTION}-propose"
PROCEED = "proceed"
"""Output of an environment: "true" where it runs this release, "false" where a newer one has taken its place."""


def workflow_template(
    name: str, args: DeliveryPipelineArgs, accounts: _parts.Accounts, labels: Mapping[str, object]
) -> Manifest:
    """Spec of the WorkflowTemplate; `labels` go to workflows and pods."""
    parts = _parts.Parts(args, accounts, labels)
    soak: Manifest = {"name": "soak", "suspend": {"duration": _text(args["soak_seconds"])}}
    approval: Manifest = {"name": "approval", "suspend": {}}
    steps = [
        *_checks(args, parts),
        _build.template(args, parts),
        *_environment(name, STAGING, args, parts),
        *([soak] if _soaks(args) else []),
        *([approval] if _waits(args) else []),
        *([_propose(name, args, parts)] if _proposes(args) else _environment(name, PRODUCTION, args, parts)),
    ]
    return {
        "entrypoint": ENTRYPOINT,
        "onExit": _report.AT_END,
        "arguments": {"parameters": [{"name": REVISION, "description": "Commit to deliver, all of its digits."}]},
        "workflowMetadata": {"labels": labels},
        "serviceAccountName": accounts.run,
        "securityContext": pod_security(),
        "podSpecPatch": EXECUTOR_PATCH,
        "activeDeadlineSeconds": _deadline(args),
        "podGC": {"strategy": "OnWorkflowSuccess"},
        "ttlStrategy": {
            "secondsAfterSuccess": KEEP_SUCCEEDED_SECONDS,
            "secondsAfterFailure": KEEP_FAILED_SECONDS,
        },
        "volumes": parts.volumes(),
        "templates": [
            {"name": ENTRYPOINT, "dag": {"tasks": _tasks(args)}},
            *steps,
            *_report.templates(name, args, parts, [one["name"] for one in steps if "dag" not in one]),
        ],
    }


def _tasks(args: DeliveryPipelineArgs) -> list[Manifest]:
    """The steps. What follows staging is left out where another release has taken this one's place there."""
    checks = [*(["lint"] if args["checks"]["lint"] is not None else []), "tests"]
    image = [{"name": "image", "value": "{{tasks.image.outputs.parameters.image}}"}]
    # Quoted, because Argo compares what looks like a number or a date as one.
    proceeds = f"'{{{{tasks.{STAGING}.outputs.parameters.{PROCEED}}}}}' == 'true'"
    checked = " && ".join(f"{check}.Succeeded" for check in checks)
    tasks: list[Manifest] = [
        _report.first_task(),
        *({"name": check, "template": check} for check in checks),
        # A task that nothing depends on would decide how the run ends.
        {"name": "image", "template": "image", "depends": f"{checked} && ({_report.REPORTED})"},
        {"name": STAGING, "template": STAGING, "depends": "image.Succeeded", "arguments": {"parameters": image}},
    ]
    before = STAGING
    for wanted, pause in ((_soaks(args), "soak"), (_waits(args), "approval")):
        if wanted:
            tasks.append({"name": pause, "template": pause, "depends": f"{before}.Succeeded", "when": proceeds})
            before = pause
    template = PROPOSAL if _proposes(args) else PRODUCTION
    last = {"name": PRODUCTION, "template": template, "depends": f"{before}.Succeeded", "when": proceeds}
    return [*tasks, {**last, "arguments": {"parameters": image}}]


def _checks(args: DeliveryPipelineArgs, parts: _parts.Parts) -> list[Manifest]:
    checks = args["checks"]
    commands = {"lint": checks["lint"], "tests": checks["tests"]}
    return [
        parts.command(check, checks["image"], command, memory=checks["memory"], environment={})
        for check, command in commands.items()
        if command is not None
    ]


def _environment(name: str, environment: str, args: DeliveryPipelineArgs, parts: _parts.Parts) -> list[Manifest]:
    """The templates of one environment: promote and wait for it → tests → revert where one of them failed.

    One run at a time: between a promotion and the end of its tests nothing else may get into the environment.
    """
    promote, tests, revert = (f"{environment}-{step}" for step in ("promote", "tests", "revert"))
    tested = args["integration_tests"] if environment == STAGING else None
    given = {"parameters": [{"name": "image", "value": "{{inputs.parameters.image}}"}]}
    proceed = f"{{{{tasks.promote.outputs.parameters.{PROCEED}}}}}"
    tasks: list[Manifest] = [{"name": "promote", "template": promote, "arguments": given}]
    if tested is not None:
        condition = {"depends": "promote.Succeeded", "when": f"'{proceed}' == 'true'"}
        tasks.append({"name": "tests", "template": tests, **condition, "arguments": given})
    steps = [task["name"] for task in tasks]
    failed = " || ".join(f"{step}.{phase}" for step in steps for phase in ("Failed", "Errored"))
    dag = {
        "name": environment,
        "inputs": {"parameters": [{"name": "image"}]},
        "synchronization": {"mutexes": [{"name": f"delivery-{name}-{environment}"}]},
        "dag": {
            # Targets decide how a DAG ends; by the revert alone, a failed environment would be a success.
            "target": " ".join([*steps, "revert"]),
            "tasks": [*tasks, {"name": "revert", "template": revert, "depends": failed}],
        },
        "outputs": {"parameters": [{"name": PROCEED, "valueFrom": {"parameter": proceed, "default": "false"}}]},
    }
    return [
        dag,
        _promote(promote, environment, args, parts),
        *([_integration_tests(tests, tested, args, parts)] if tested is not None else []),
        parts.delivery(
            revert,
            ["revert", *_where(environment, args), "--reason", f"the release failed in {environment}: {_RUN}"],
        ),
    ]


_RUN = "run {{workflow.namespace}}/{{workflow.name}}"


def _promote(template: str, environment: str, args: DeliveryPipelineArgs, parts: _parts.Parts) -> Manifest:
    application = pulumi.Output.concat(args["argo_cd_namespace"], "/", parts.accounts.applications[environment])
    arguments = [
        "promote",
        *_where(environment, args),
        *("--name", args["image"]),
        *("--image", "{{inputs.parameters.image}}"),
        *("--application", application),
        *("--timeout-seconds", _text(args["deploy_timeout_seconds"])),
        *("--proceed-file", f"{OUTPUTS_DIRECTORY}/{PROCEED}"),
    ]
    return {
        **parts.delivery(template, arguments, account=parts.accounts.promote),
        "inputs": {"parameters": [{"name": "image"}]},
        "outputs": {"parameters": [{"name": PROCEED, "valueFrom": {"path": f"{OUTPUTS_DIRECTORY}/{PROCEED}"}}]},
    }


def _propose(name: str, args: DeliveryPipelineArgs, parts: _parts.Parts) -> Manifest:
    """In place of the whole environment: a pull request, which a later run changes as long as nobody has merged it."""
    arguments = [
        "propose",
        *_where(PRODUCTION, args),
        *("--host", args["repository"]["host"]),
        *("--name", args["image"]),
        *("--image", "{{inputs.parameters.image}}"),
        *("--pull-request-branch", f"delivery/{name}-{PRODUCTION}"),
    ]
    return {
        **parts.delivery(PROPOSAL, arguments),
        "inputs": {"parameters": [{"name": "image"}]},
        "synchronization": {"mutexes": [{"name": f"delivery-{name}-{PRODUCTION}"}]},
    }


def _integration_tests(
    template: str, tests: IntegrationTestsArgs, args: DeliveryPipelineArgs, parts: _parts.Parts
) -> Manifest:
    environment = {"STAGING_NAMESPACE": args["staging"]["namespace"], "IMAGE": "{{inputs.parameters.image}}"}
    made = parts.command(template, tests["image"], tests["command"], memory=tests["memory"], environment=environment)
    return {**made, "inputs": {"parameters": [{"name": "image"}]}}


def _where(environment: str, args: DeliveryPipelineArgs) -> list[pulumi.Input[str]]:
    overlay = args["staging" if environment == STAGING else "production"]["overlay"]
    return [
        *("--repository", args["repository"]["url"]),
        *("--branch", args["repository"]["branch"]),
        *("--overlay", overlay),
        *("--revision", _parts.COMMIT),
        *("--token-file", _parts.TOKEN_FILE),
    ]


def _waits(args: DeliveryPipelineArgs) -> bool:
    return args["promotion"] == PromotionMode.APPROVAL


def _proposes(args: DeliveryPipelineArgs) -> bool:
    return args["promotion"] == PromotionMode.PULL_REQUEST


def _soaks(args: DeliveryPipelineArgs) -> bool:
    return args["soak_seconds"] != 0


def _deadline(args: DeliveryPipelineArgs) -> pulumi.Output[int]:
    pauses = [args["soak_seconds"], *([args["approval_timeout_seconds"]] if _waits(args) else [])]
    return pulumi.Output.all(args["timeout_seconds"], *pauses).apply(sum)


def _text(value: pulumi.Input[int]) -> pulumi.Output[str]:
    return pulumi.Output.from_input(value).apply(str)
