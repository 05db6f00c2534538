"""The names of service accounts: what the platform's add-ons make is what the foundation stacks give roles to.

The two sides are built apart from each other, by the stacks' programs and by the components with their defaults, and
only then compared.
"""

import dataclasses
from typing import Any

import pytest
from pulumi_mlops import conventions
from pulumi_mlops.foundation import _managed_addons
from pulumi_mlops.platform import ADD_ONS, AddOn, ArgoWorkflows, AwsEnvironment, Chart, ChartRelease, Crossplane, MLflow
from pulumi_mlops.platform.add_ons import argo_workflows, crossplane, external_dns

from tests import callers, stacks
from tests.components.addons import ADDONS
from tests.components.delivery_addons import ARGO_WORKFLOWS_FULL
from tests.conftest import Build
from tests.contract.service_accounts import Account, made_by, strangers

FOUNDATIONS = [stack for stack in stacks.names() if stack.startswith("foundation-")]
OF_ADDONS = {
    "aws-ebs-csi-driver": ("kube-system", "ebs-csi-controller-sa"),
    "aws-efs-csi-driver": ("kube-system", "efs-csi-controller-sa"),
}
"""`controller.serviceAccount.name` of the drivers' charts 2.64.0 and 4.4.1, which EKS's managed add-ons are made of."""


def with_roles(build: Build, stack: str) -> set[Account]:
    return set(callers.associations(stacks.registered(build, stack)))


def existing(build: Build) -> set[Account]:
    """The service accounts of every add-on that calls AWS, in the namespaces that are their defaults."""

    def program() -> None:
        for addon in ADDONS:
            addon.component(addon.chart.name, addon.least)
        store = {"uri": "s3://mlflow/artifacts"}
        ArgoWorkflows("argo-workflows", {**ARGO_WORKFLOWS_FULL, "namespace": conventions.ARGO_NAMESPACE})
        Crossplane("crossplane", {"services": [*crossplane.SERVICE_ACCOUNTS]})
        MLflow(conventions.MLFLOW_SERVICE, {"namespace": conventions.MLFLOW_NAMESPACE, "artifact_store": store})

    return made_by(build(program)) | set(OF_ADDONS.values())


@pytest.mark.parametrize("stack", FOUNDATIONS)
def test_every_role_of_a_pod_is_for_a_service_account_that_the_platform_makes(build: Build, stack: str) -> None:
    found = with_roles(build, stack)

    assert strangers(found, existing(build)) == []
    assert set(OF_ADDONS.values()) < found


def test_a_name_misspelt_in_an_addons_chart_values_would_be_found(build: Build, monkeypatch: Any) -> None:
    def wrong(name: str, args: Any) -> dict[str, Any]:
        values = external_dns.values(name, args)
        return {**values, "serviceAccount": {**values["serviceAccount"], "name": "externaldns"}}

    main = dataclasses.replace(external_dns.ADD_ON.main, values=wrong)
    monkeypatch.setattr(external_dns, "ADD_ON", dataclasses.replace(external_dns.ADD_ON, main=main))

    assert strangers(with_roles(build, FOUNDATIONS[0]), existing(build)) == [
        "external-dns/external-dns has a role and does not exist; there is external-dns/externaldns"
    ]


def test_a_namespace_that_an_addon_alone_changes_would_be_found(build: Build, monkeypatch: Any) -> None:
    accounts = with_roles(build, FOUNDATIONS[0])
    monkeypatch.setattr(external_dns, "ADD_ON", dataclasses.replace(external_dns.ADD_ON, namespace="dns"))

    assert strangers(accounts, existing(build)) == [
        "external-dns/external-dns has a role and does not exist; there is dns/external-dns"
    ]


def test_a_name_misspelt_where_the_role_is_made_would_be_found(build: Build, monkeypatch: Any) -> None:
    accounts = existing(build)
    misspelt = {"externaldns": external_dns.ADD_ON.service_accounts[external_dns.SERVICE_ACCOUNT]}
    wrong = dataclasses.replace(external_dns.ADD_ON, service_accounts=misspelt)
    monkeypatch.setitem(ADD_ONS, "external_dns", wrong)  # type: ignore[arg-type]
    monkeypatch.setitem(_managed_addons.CONTROLLERS, "aws-efs-csi-driver", "efs-csi-controller")

    assert strangers(with_roles(build, FOUNDATIONS[0]), accounts) == [
        "external-dns/externaldns has a role and does not exist; there is external-dns/external-dns",
        "kube-system/efs-csi-controller has a role and does not exist; there is kube-system/efs-csi-controller-sa",
    ]


def test_the_constants_of_add_ons_with_several_accounts_are_accounts_that_exist(build: Build) -> None:
    named = [(conventions.ARGO_NAMESPACE, argo_workflows.SERVER_SERVICE_ACCOUNT)]
    named += [(conventions.CROSSPLANE_NAMESPACE, account) for account in crossplane.SERVICE_ACCOUNTS.values()]

    assert strangers(named, existing(build)) == []
    assert len(named) >= 4


@pytest.mark.parametrize("addon", ADDONS, ids=str)
def test_chart_values_constant_and_namespace_are_one_account(build: Build, addon: Any) -> None:
    module = __import__(addon.component.__module__, fromlist=["NAMESPACE"])
    accounts = made_by(build(lambda: addon.component("one", addon.least)))

    assert (module.NAMESPACE, module.SERVICE_ACCOUNT) in accounts
    assert addon.service_account == module.SERVICE_ACCOUNT


def test_an_add_on_in_the_table_gets_a_role_in_every_foundation(build: Build, monkeypatch: Any) -> None:
    def statements(aws: AwsEnvironment) -> list[dict[str, Any]]:
        return [{"actions": ["s3:PutObject"], "resources": [f"arn:aws:s3:::{aws.tenants_prefix}backups/*"]}]

    chart = ChartRelease(chart=Chart("backup", "https://charts.example.org", "1.0"))
    backup = AddOn(main=chart, namespace="backup", service_accounts={"writer": statements, "reader": lambda _: []})
    monkeypatch.setitem(ADD_ONS, "backup", backup)  # type: ignore[arg-type]

    for stack in FOUNDATIONS:
        assert {one for one in with_roles(build, stack) if one[0] == "backup"} == {("backup", "writer")}
