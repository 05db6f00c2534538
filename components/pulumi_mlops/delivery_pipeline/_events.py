"""From a push to a run: the event source that takes the Git host's webhook, and the sensor that starts the workflow.

The event source checks the signature of the webhook. The sensor knows pushes to one branch of one repository, and does
not answer to what a promotion commits: it changes nothing but overlays.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import pulumi

from pulumi_mlops._argo_workflows import API_VERSION
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs

PORT = 12000
EVENT = "push"
DEPENDENCY = "push"
WEBHOOK_KEY = "webhook"
"""Key of the credentials' Secret by which the Git host signs what it sends."""
REVISION = "revision"
"""Parameter of the workflow: the commit to deliver."""
NAME_DIGITS = 12
"""Digits of the commit in the name of its run."""
TRIES = 4
"""How often the sensor asks the API server for a run, 7 s long. A replayed event costs that time and starts nothing."""

CHANGES = """\
local overlays = {{{overlays}}}
local directory = "{directory}"
local listed = false
local function starts(file, prefixes)
  for _, prefix in ipairs(prefixes) do
    if string.sub(file, 1, #prefix) == prefix then return true end
  end
  return false
end
for _, commit in ipairs(event.body.commits or {{}}) do
  for _, change in ipairs({{"added", "modified", "removed"}}) do
    for _, file in ipairs(commit[change] or {{}}) do
      listed = true
      if starts(file, {{directory}}) and not starts(file, overlays) then return true end
    end
  end
end
return not listed
"""
"""Whether a push changes the program. One whose files the host does not list, such as a merge, may well."""


def source_name(name: str) -> str:
    """Name of the EventSource of a pipeline."""
    return f"{name}-delivery"


def service_name(name: str) -> str:
    """Name of the Service that Argo Events makes for it."""
    return f"{source_name(name)}-eventsource-svc"


def webhook_path(namespace: pulumi.Input[str], name: str) -> pulumi.Output[str]:
    """Path of the webhook at the gateway's host."""
    return pulumi.Output.concat("/webhooks/", namespace, "/", name)


def repository_name(url: str) -> str:
    """<owner>/<name> of the repository."""
    return "/".join(urlsplit(url).path.strip("/").removesuffix(".git").split("/")[-2:])


def exactly(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """A text as a filter's expression: Argo Events looks for it anywhere in the value unless it has both anchors."""
    return pulumi.Output.from_input(value).apply(lambda text: f"^{re.escape(text)}$")


def event_source(
    name: str, account: pulumi.Input[str], args: DeliveryPipelineArgs, labels: Mapping[str, object]
) -> Manifest:
    """Spec of the EventSource. Gitea signs and names its events in GitHub's way as well, so both use that kind."""
    repository = pulumi.Output.from_input(args["repository"]["url"]).apply(repository_name)
    return {
        "template": _pod(account, labels),
        "service": {"ports": [{"name": EVENT, "port": PORT, "targetPort": PORT}]},
        "github": {
            EVENT: {
                "repositories": [
                    {
                        "owner": repository.apply(lambda full: full.partition("/")[0]),
                        "names": [repository.apply(lambda full: full.partition("/")[2])],
                    }
                ],
                "webhook": {
                    "endpoint": webhook_path(args["namespace"], name),
                    "port": str(PORT),
                    "method": "POST",
                    "url": "",  # only for those who let Argo Events register the webhook, with a token that may
                },
                "events": [EVENT],
                "contentType": "json",
                "webhookSecret": {"name": args["credentials_secret"], "key": WEBHOOK_KEY},
            }
        },
    }


def sensor(
    name: str,
    template: pulumi.Input[str],
    account: pulumi.Input[str],
    args: DeliveryPipelineArgs,
    labels: Mapping[str, object],
) -> Manifest:
    """Spec of the Sensor, which makes one Workflow of `template` for each commit."""
    repository = pulumi.Output.from_input(args["repository"]["url"]).apply(repository_name)
    commit = {"dependencyName": DEPENDENCY, "dataKey": "body.after"}
    return {
        "template": _pod(account, labels),
        "dependencies": [
            {
                "name": DEPENDENCY,
                "eventSourceName": source_name(name),
                "eventName": EVENT,
                "filters": {
                    "data": [
                        _is("body.X-GitHub-Event", f"^{EVENT}$"),
                        _is("body.repository.full_name", exactly(repository)),
                        _is("body.ref", exactly(pulumi.Output.concat("refs/heads/", args["repository"]["branch"]))),
                        _is("body.after", "^([0-9a-f]{40}|[0-9a-f]{64})$"),
                        {**_is("body.after", "^0+$"), "comparator": "!="},  # the branch was deleted
                    ],
                    "script": changes(args),
                },
            }
        ],
        "triggers": [
            {
                # Without it there is no second try. Two tries make one run all the same: the second's name is taken.
                "atLeastOnce": True,
                "retryStrategy": {"steps": TRIES, "duration": "1s", "factor": 2},
                "template": {
                    "name": "run",
                    "k8s": {
                        "operation": "create",
                        "source": {"resource": _workflow(name, template, args, labels)},
                        "parameters": [
                            {
                                "src": {
                                    "dependencyName": DEPENDENCY,
                                    "dataTemplate": f"{{{{ .Input.body.after | substr 0 {NAME_DIGITS} }}}}",
                                },
                                "dest": "metadata.name",
                                "operation": "append",
                            },
                            {"src": commit, "dest": "spec.arguments.parameters.0.value"},
                        ],
                    },
                },
            }
        ],
    }


def changes(args: DeliveryPipelineArgs) -> pulumi.Output[str]:
    """The script that answers whether a push changes the program."""

    def script(staging: str, production: str, directory: str) -> str:
        overlays = ", ".join(f'"{path}/"' for path in (staging, production))
        return CHANGES.format(overlays=overlays, directory="" if directory == "." else f"{directory}/")

    return pulumi.Output.all(
        args["staging"]["overlay"], args["production"]["overlay"], args["repository"]["directory"]
    ).apply(lambda known: script(*known))


def route(name: str, args: DeliveryPipelineArgs) -> Manifest:
    """Spec of the HTTPRoute of the webhook."""
    match = {"path": {"type": "Exact", "value": webhook_path(args["namespace"], name)}, "method": "POST"}
    return {
        "parentRefs": [{"name": args["gateway_name"], "namespace": args["gateway_namespace"]}],
        "rules": [{"matches": [match], "backendRefs": [{"name": service_name(name), "port": PORT}]}],
    }


def _is(path: str, value: pulumi.Input[str]) -> Manifest:
    return {"path": path, "type": "string", "value": [value]}


def _workflow(
    name: str, template: pulumi.Input[str], args: DeliveryPipelineArgs, labels: Mapping[str, object]
) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": {"name": f"{name}-", "namespace": args["namespace"], "labels": labels},
        "spec": {
            "workflowTemplateRef": {"name": template},
            "arguments": {"parameters": [{"name": REVISION, "value": ""}]},
        },
    }


def _pod(account: pulumi.Input[str], labels: Mapping[str, object]) -> Manifest:
    """What Argo Events' own pods have in common; its event bus has a TLS of its own, which a sidecar would break."""
    return {
        "metadata": {"labels": {**labels, "sidecar.istio.io/inject": "false"}},
        "serviceAccountName": account,
        "securityContext": pod_security(),
        "container": {"resources": resources("20m", "128Mi"), "securityContext": container_security()},
    }
