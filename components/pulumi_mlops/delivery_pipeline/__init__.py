"""From a push to production: checks, an image, staging, tests, and the same image in production.

Owns what takes the Git host's webhook, the workflow of a run, and Argo CD's project with its two Applications. Does not
own: the namespaces, the event bus and Argo's controllers (the platform's), the Secret with the credentials, Argo CD's
access to the repository, the webhook on the Git host, nor anything that is deployed: that is Argo CD's alone.
"""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import API_VERSION
from pulumi_mlops._args import check_args, inputs
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops._rules import object_name
from pulumi_mlops.delivery_pipeline import _argo_cd, _events, _network, _workflow
from pulumi_mlops.delivery_pipeline._arguments import (
    ARGUMENTS,
    BuildArgs,
    ChecksArgs,
    DeliveryPipelineArgs,
    EnvironmentArgs,
    IntegrationTestsArgs,
    PromotionMode,
    RepositoryArgs,
    RepositoryHost,
    problems,
)
from pulumi_mlops.delivery_pipeline._parts import Accounts

__all__ = [
    "BuildArgs",
    "ChecksArgs",
    "DeliveryPipeline",
    "DeliveryPipelineArgs",
    "EnvironmentArgs",
    "IntegrationTestsArgs",
    "PromotionMode",
    "RepositoryArgs",
    "RepositoryHost",
]

MAX_NAME = 30
"""Argo Events appends to it for its Service, and Argo Workflows for the pods of a run."""
RESULTS: Manifest = {
    "api_groups": ["argoproj.io"],
    "resources": ["workflowtaskresults"],
    "verbs": ["create", "patch"],
}
"""All that Argo's executor does by itself."""


class DeliveryPipeline(pulumi.ComponentResource):
    """A program that is delivered by pushing to its repository.

    A release is an image by digest. It is promoted by a commit to an overlay; one that fails in an environment is taken
    back by a commit, which also holds the environment until a person deletes the overlay's file HOLD.

    ```python
    from pulumi_mlops import DeliveryPipeline, RepositoryHost
    places = {one: {"namespace": f"web-{one}", "overlay": f"deploy/{one}"} for one in ("staging", "production")}
    DeliveryPipeline("web", {
        "namespace": "delivery", "credentials_secret": "web-delivery", "image": "registry.example.org/team/web",
        "repository": {"url": "https://git.example.org/team/web.git", "host": RepositoryHost.GITEA},
        "checks": {"image": "python:3.11-slim", "tests": "make test"}, **places,
        "delivery_image": "registry.example.org/delivery:1"})
    ```
    """

    webhook_path: pulumi.Output[str]
    """Path at the gateway's host that the repository's webhook has to call: its pushes, as JSON, with the secret that
    is under `webhook` in the credentials' Secret."""
    workflow_template: pulumi.Output[str]
    """Name of the WorkflowTemplate; a run by hand gives it the parameter `revision`."""
    staging_application: pulumi.Output[str]
    """Name of Argo CD's Application of staging."""
    production_application: pulumi.Output[str]
    """Name of Argo CD's Application of production."""

    def __init__(self, name: str, args: DeliveryPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            DeliveryPipeline,
            name,
            args,
            DeliveryPipelineArgs,
            ARGUMENTS,
            problems=lambda known: problems(known, args),
            name_rule=object_name(MAX_NAME),
        )
        super().__init__("pulumi-mlops:index:DeliveryPipeline", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._labels = conventions.labels(conventions.DELIVERY_PIPELINE, name, checked["labels"])

        applications = self._create_applications()
        accounts = self._create_run_accounts(applications)
        template = self._create_workflow_template(accounts)
        self._create_events(template)
        self._create_network_policies()

        self.webhook_path = _events.webhook_path(checked["namespace"], name)
        self.workflow_template = name_of(template)
        self.staging_application = applications[_workflow.STAGING]
        self.production_application = applications[_workflow.PRODUCTION]
        self.register_outputs(
            {
                "webhook_path": self.webhook_path,
                "workflow_template": self.workflow_template,
                "staging_application": self.staging_application,
                "production_application": self.production_application,
            }
        )

    def _create_applications(self) -> dict[str, pulumi.Output[str]]:
        place = self._args["argo_cd_namespace"]
        project = self._custom(
            "project", "AppProject", self._name, _argo_cd.project(self._name, self._args), namespace=place
        )
        environments = {_workflow.STAGING: self._args["staging"], _workflow.PRODUCTION: self._args["production"]}
        return {
            role: name_of(
                self._custom(
                    f"{role}-application",
                    "Application",
                    f"{self._name}-{role}",
                    _argo_cd.application(environment, name_of(project), self._args),
                    namespace=place,
                )
            )
            for role, environment in environments.items()
        }

    def _create_run_accounts(self, applications: dict[str, pulumi.Output[str]]) -> Accounts:
        """One for the commit's own code, which may nothing; one that may look at the Applications as well."""
        run, promote = (self._create_account(role, [RESULTS]) for role in ("run", "promote"))
        look: Manifest = {
            "api_groups": ["argoproj.io"],
            "resources": ["applications"],
            "resource_names": [*applications.values()],
            "verbs": ["get"],
        }
        self._grant("applications", [look], promote, self._args["argo_cd_namespace"])
        return Accounts(run=run, promote=promote, applications=applications)

    def _create_workflow_template(self, accounts: Accounts) -> k8s.apiextensions.CustomResource:
        spec = _workflow.workflow_template(self._name, self._args, accounts, self._labels)
        return self._custom("workflow-template", "WorkflowTemplate", f"{self._name}-delivery", spec)

    def _create_events(self, template: k8s.apiextensions.CustomResource) -> None:
        start: Manifest = {"api_groups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["create"]}
        webhook, events = self._create_account("webhook", []), self._create_account("events", [start])
        name = _events.source_name(self._name)
        source = _events.event_source(self._name, webhook, self._args, self._labels)
        needs = [self._custom("event-source", "EventSource", name, source)]
        sensor = _events.sensor(self._name, name_of(template), events, self._args, self._labels)
        self._custom("sensor", "Sensor", name, sensor, needs=needs)
        k8s.apiextensions.CustomResource(
            f"{self._name}-route",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata=self._metadata(name),
            spec=_events.route(self._name, self._args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )

    def _create_network_policies(self) -> None:
        instance = conventions.selector(conventions.DELIVERY_PIPELINE, self._name)
        for role, spec in _network.policies(self._name, self._args, instance).items():
            k8s.networking.v1.NetworkPolicy(
                f"{self._name}-{role}-network",
                metadata=self._metadata(f"{self._name}-delivery-{role}"),
                spec=spec,
                opts=self._child,
            )

    def _create_account(self, role: str, rules: list[Manifest]) -> pulumi.Output[str]:
        """A service account with these rights in the namespace; without any, its pods get no token either."""
        account = k8s.core.v1.ServiceAccount(
            f"{self._name}-{role}",
            metadata=self._metadata(f"{self._name}-delivery-{role}"),
            automount_service_account_token=bool(rules),
            opts=self._child,
        )
        if rules:
            self._grant(role, rules, name_of(account), self._args["namespace"])
        return name_of(account)

    def _grant(self, role: str, rules: list[Manifest], account: Any, namespace: pulumi.Input[str]) -> None:
        metadata = self._metadata(f"{self._name}-delivery-{role}", namespace)
        made = k8s.rbac.v1.Role(f"{self._name}-{role}-role", metadata=metadata, rules=rules, opts=self._child)
        k8s.rbac.v1.RoleBinding(
            f"{self._name}-{role}-role-binding",
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": name_of(made)},
            subjects=[{"kind": "ServiceAccount", "name": account, "namespace": self._args["namespace"]}],
            opts=self._child,
        )

    def _custom(
        self,
        role: str,
        kind: str,
        name: str,
        spec: Manifest,
        *,
        namespace: pulumi.Input[str] | None = None,
        needs: Sequence[pulumi.Resource] = (),
    ) -> k8s.apiextensions.CustomResource:
        """One of Argo's objects."""
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{role}",
            api_version=API_VERSION,
            kind=kind,
            metadata=self._metadata(name, namespace),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*needs]),
        )

    def _metadata(self, name: str, namespace: pulumi.Input[str] | None = None) -> Manifest:
        place = self._args["namespace"] if namespace is None else namespace
        return {"name": name, "namespace": place, "labels": self._labels}
