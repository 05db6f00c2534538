"""The seven defects of the Terraform and the manifests that this library replaces. Each stays fixed, by name.

Every test looks at all that the stacks of this repository register, and then shows that it would have seen the defect.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops import PostgresDatabase
from pulumi_mlops.foundation import IdentityMode, WorkloadIdentity
from pulumi_mlops.platform import MLflow, PublicGateway

from local.paths import ROOT
from tests import aws, callers, stacks
from tests.components.addons import ADDONS, PUBLIC
from tests.components.programs import DATABASE_RDS, DATABASE_RDS_FULL
from tests.conftest import Build, Graph
from tests.contract.event_wiring import dangling
from tests.contract.old_defects import (
    OBJECTS,
    REGION,
    careless,
    literals,
    objects_missed,
    trusts_too_many,
    wrong_subjects,
)
from tests.contract.service_accounts import strangers
from tests.contract.test_service_accounts import existing
from tests.iam import statements

each_stack = pytest.mark.parametrize("stack", stacks.names())
FOUNDATIONS = [stack for stack in stacks.names() if stack.startswith("foundation-")]

# 1. A role could be taken by every service account of the cluster: its trust had no condition.

IRSA: dict[str, Any] = {
    "cluster_name": "birds",
    "mode": IdentityMode.IRSA,
    "oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.org/id/1",
    "oidc_issuer": "oidc.example.org/id/1",
    "statements": [{"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::birds"]}],
}


def irsa(build: Build) -> Graph:
    """An identity for each service account of the foundation, by IRSA: no stack uses that form by itself."""
    accounts = callers.associations(stacks.tracked(build, FOUNDATIONS[0]))

    def program() -> None:
        for namespace, account in accounts:
            WorkloadIdentity(account, {**IRSA, "namespace": namespace, "service_account": account})

    return build(program)


@each_stack
def test_old_defect_1_no_role_trusts_without_a_condition(build: Build, stack: str) -> None:
    trusts = {one.name: one.trust for one in callers.roles(stacks.tracked(build, stack)).values()}

    assert [name for name, trust in trusts.items() if trusts_too_many(trust)] == []
    assert len(trusts) >= 9 or stack not in FOUNDATIONS


def test_old_defect_1_would_be_seen(build: Build) -> None:
    graph = stacks.tracked(build, FOUNDATIONS[0])
    for one in (*callers.roles(graph).values(), *callers.roles(irsa(build)).values()):
        bare = [{**part, "Condition": {}} for part in statements(one.trust)]
        assert trusts_too_many({"Version": "2012-10-17", "Statement": bare}) is (
            "ec2.amazonaws.com" not in one.trust and "vpc-flow-logs" not in one.trust
        )
    assert trusts_too_many(_federated({"StringLike": {"oidc:sub": "system:serviceaccount:*:*"}}))
    assert trusts_too_many(_federated({"StringEquals": {"oidc:aud": "sts.amazonaws.com"}}))
    assert not trusts_too_many(_federated({"StringEquals": {"oidc:sub": "system:serviceaccount:a:b"}}))


def _federated(conditions: dict[str, Any]) -> dict[str, Any]:
    one = {"Effect": "Allow", "Principal": {"Federated": "arn"}, "Action": "sts:AssumeRoleWithWebIdentity"}
    return {"Version": "2012-10-17", "Statement": [{**one, "Condition": conditions}]}


# 2. The subject of a trust was `namespace:account`, which no token ever has.


@each_stack
def test_old_defect_2_a_trusts_subject_is_written_as_tokens_have_it(build: Build, stack: str) -> None:
    for one in callers.roles(stacks.tracked(build, stack)).values():
        assert wrong_subjects(one.trust) == []


def test_old_defect_2_is_fixed_for_every_account_and_would_be_seen(build: Build) -> None:
    found = callers.roles(irsa(build)).values()

    assert len(found) >= 7
    for one in found:
        assert "system:serviceaccount:" in one.trust
        assert wrong_subjects(one.trust) == []
        assert len(wrong_subjects(one.trust.replace("system:serviceaccount:", ""))) == 1


# 3. Actions on objects were allowed on the bucket, which allows nothing.


@each_stack
def test_old_defect_3_actions_on_objects_are_allowed_on_objects(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    found = [(one, document) for one, key, document in callers.documents(graph) if key == "policy"]

    assert [one.name for one, document in found if objects_missed(document)] == []
    assert any("s3:PutObject" in json.dumps(document) for _, document in found) or stack not in FOUNDATIONS


def test_old_defect_3_would_be_seen(build: Build) -> None:
    policy = stacks.tracked(build, FOUNDATIONS[0]).of_kind("RolePolicy")
    (document,) = [one.inputs["policy"] for one in policy if "s3:PutObject" in one.inputs["policy"]]

    assert objects_missed(document) == []
    assert objects_missed(document.replace("/*", "")) == sorted(OBJECTS)


# 4. The service account of the role was spelt in another way than the pod's, so that the role never reached the pod.


@pytest.mark.parametrize("stack", FOUNDATIONS)
def test_old_defect_4_every_role_reaches_a_service_account_that_exists(build: Build, stack: str) -> None:
    with_roles = set(callers.associations(stacks.tracked(build, stack)))
    accounts = existing(build)

    assert strangers(with_roles, accounts) == []
    for namespace, name in with_roles:
        misspelt = {(namespace, name[:-1])}
        assert len(strangers(misspelt, accounts)) == len(strangers(with_roles, accounts - {(namespace, name)})) == 1


# 5. The ARN of a certificate, the account's number and the region stood in the sources.

SOURCES = sorted(file for directory in ("components", "stacks", "ml") for file in (ROOT / directory).rglob("*.py"))
ALLOWED = {
    "components/pulumi_mlops/conventions.py": ["us-east-1"],  # the region that the in-cluster store goes by
    "components/pulumi_mlops/cli/preflight/account.py": ["us-east-1"],  # who the caller is, any region can say
    "ml/object_store.py": ["us-east-1"],  # signs requests to a store of S3's kind where no region is set
    "ml/upload.py": ["us-east-1"],  # the same
}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_old_defect_5_no_source_names_a_region_or_an_account(file: Path) -> None:
    assert literals(file.read_text()) == ALLOWED.get(str(file.relative_to(ROOT)), [])


def test_old_defect_5_would_be_seen_in_a_source() -> None:
    arn = "arn:aws:acm:eu-west-1:210987654321:certificate/1"
    assert literals(f'CERTIFICATE = "{arn}"') == ["eu-west-1", "210987654321"]
    assert literals('def f(zone):\n    return f"us-gov-west-1{zone}"') == ["us-gov-west-1"]
    assert literals('"""Such as eu-west-1."""\nX = \'must be a region such as "eu-west-1"\'') == []


ELSEWHERE, SOMEBODY = "ap-southeast-2", "210987654321"


def foreign(graph: Graph) -> set[str]:
    """Regions and accounts in the inputs and outputs of a program that is for ELSEWHERE and SOMEBODY."""
    text = json.dumps([[one.inputs for one in graph], graph.outputs], default=vars)
    numbers = re.findall(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):", text)
    return {*REGION.findall(text), *numbers} - {ELSEWHERE, SOMEBODY}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """Another region in another account, where AWS answers accordingly; a certificate there."""
    monkeypatch.setattr(aws, "REGION", ELSEWHERE)
    monkeypatch.setattr(aws, "ACCOUNT", SOMEBODY)
    return f"arn:aws:acm:{ELSEWHERE}:{SOMEBODY}:certificate/0a1b2c3d"


@pytest.mark.parametrize("stack", FOUNDATIONS)
def test_old_defect_5_a_stack_elsewhere_names_no_other_place(build: Build, stack: str, elsewhere: str) -> None:
    zones = [f"{ELSEWHERE}{letter}" for letter in "abc"]
    existing_zone = {"zone_id": "Z0123456789ABCDEFGHIJ", "certificate_arn": elsewhere}

    for changes in ({}, existing_zone):
        graph = stacks.registered(build, stack, region=ELSEWHERE, zones=zones, **changes)
        assert foreign(graph) == set()
        assert graph.outputs["stack"]["region"] == ELSEWHERE
    assert graph.outputs["stack"]["certificate_arn"] == elsewhere
    assert not graph.of_kind("Certificate")


def test_old_defect_5_add_ons_elsewhere_name_no_other_place(build: Build, elsewhere: str) -> None:
    def program(region: str) -> None:
        for addon in ADDONS:
            place = {"region": region} if "region" in addon.least else {}
            addon.component(addon.chart.name, {**addon.least, **place})
        PublicGateway("public", {**PUBLIC, "certificate_arn": elsewhere})
        MLflow("mlflow", {"namespace": "mlflow", "artifact_store": {"uri": "s3://models", "region": region}})
        PostgresDatabase("birds", DATABASE_RDS)

    assert foreign(build(lambda: program(ELSEWHERE))) == set()
    assert foreign(build(lambda: program("eu-west-3"))) == {"eu-west-3"}


# 6. The database could be reached from the internet, and was deleted without a last snapshot.


def databases(**changes: Any) -> None:
    PostgresDatabase("birds", {**DATABASE_RDS, **changes})
    PostgresDatabase("fish", {**DATABASE_RDS_FULL, **changes})


@each_stack
def test_old_defect_6_no_database_is_public_or_goes_without_a_trace(build: Build, stack: str) -> None:
    assert careless(stacks.tracked(build, stack)) == []


def test_old_defect_6_is_fixed_in_the_component_and_would_be_seen(build: Build) -> None:
    graph = build(lambda: databases(protect_data=True))

    assert careless(graph) == []
    assert careless(build(databases)) == []
    for change in ({"publiclyAccessible": True}, {"skipFinalSnapshot": True}, {"finalSnapshotIdentifier": None}):
        wrong = [replace(one, inputs={**one.inputs, **change}) for one in graph]
        assert sorted(careless(Graph(wrong))) == ["birds-instance", "fish-instance"]


# 7. The sensor waited for an event source that did not exist, so that no webhook ever started a pipeline.

WEBHOOK = {
    "kind": "EventSource",
    "metadata": {"name": "webhook", "namespace": "delivery"},
    "spec": {"service": {"ports": [{"port": 12000}]}, "github": {"push": {"events": ["push"]}}},
}
SENSOR = {
    "kind": "Sensor",
    "metadata": {"name": "ci", "namespace": "delivery"},
    "spec": {
        "dependencies": [{"name": "pushed", "eventSourceName": "webhook", "eventName": "push"}],
        "triggers": [
            {
                "template": {"name": "start", "conditions": "pushed"},
                "parameters": [{"src": {"dependencyName": "pushed", "dataKey": "body.ref"}}],
            }
        ],
    },
}


@each_stack
def test_old_defect_7_every_sensor_waits_for_an_event_that_is_sent(build: Build, stack: str) -> None:
    """No stack has a sensor yet; the first one that gets one is checked by this."""
    assert dangling(one.inputs for one in stacks.tracked(build, stack)) == []


def test_old_defect_7_a_sensor_and_its_source_that_fit_are_left_alone() -> None:
    assert dangling([WEBHOOK, SENSOR]) == []
    assert dangling([SENSOR, {**WEBHOOK, "spec": {"webhook": {"push": {}, "tag": {}}}}]) == []


@pytest.mark.parametrize(
    ("source", "old", "new", "complaint"),
    [
        (True, "webhook", "webhooks", "there is no event source webhook in the namespace; there is webhooks"),
        (False, "webhook", "github", "there is no event source github in the namespace; there is webhook"),
        (True, "delivery", "argo-events", "there is no event source webhook in the namespace; there is none"),
        (True, "push", "pushes", "webhook has no event push; it has pushes"),
        (False, '"eventName": "push"', '"eventName": "tag"', "webhook has no event tag; it has push"),
        (True, '"service"', '"eventBusName": "old", "service"', "listens to event bus default, webhook sends to old"),
        (
            False,
            '"conditions": "pushed"',
            '"conditions": "pushed && !tag"',
            "trigger start: there is no dependency tag",
        ),
        (False, '"dependencyName": "pushed"', '"dependencyName": "push"', "trigger start: there is no dependency push"),
    ],
)
def test_old_defect_7_would_be_seen(source: bool, old: str, new: str, complaint: str) -> None:
    def changed(one: dict[str, Any], now: bool) -> dict[str, Any]:
        return json.loads(json.dumps(one).replace(old, new)) if now else one

    (found,) = dangling([changed(WEBHOOK, source), changed(SENSOR, not source)])

    assert found.startswith("sensor delivery/ci, ")
    assert found.endswith(complaint)


def test_old_defect_7_a_sensor_that_waits_for_nothing_would_be_seen() -> None:
    assert dangling([{**SENSOR, "spec": {"dependencies": []}}]) == ["sensor delivery/ci has no dependency"]
