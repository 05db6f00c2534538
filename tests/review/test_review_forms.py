"""The forms in which a preview comes: what is around it, Pulumi Cloud's events, policies, and a refresh before it."""

import json
from typing import Any

import pytest
from pulumi_mlops.review import policies
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.preview import Operation, PreviewError
from pulumi_mlops.review.reading import read
from pulumi_mlops.review.render.terminal import terminal
from pulumi_mlops.review.view import Outcome, StackView

DATABASE = "aws:rds/instance:Instance"
URN = f"urn:pulumi:prod::shop::{DATABASE}::db"


def state(**inputs: Any) -> dict[str, Any]:
    return {"urn": URN, "custom": True, "id": "db", "type": DATABASE, "inputs": inputs, "outputs": {}}


STEP = {"op": "delete", "urn": URN, "oldState": state()}
DIGEST = {"steps": [STEP], "diagnostics": [], "changeSummary": {"delete": 1}}
EVENTS = [
    {"preludeEvent": {"config": {"aws:region": "eu-central-1"}}},
    {"resourcePreEvent": {"metadata": {"op": "delete", "urn": URN, "old": state(), "new": None}}},
    {"summaryEvent": {"resourceChanges": {"delete": 1}}},
]


def lines(*events: dict[str, Any], **head: Any) -> str:
    return "".join(json.dumps({"timestamp": 1, **head, **one}) + "\n" for one in events)


def seen(said: str) -> StackView:
    (stack,) = review([read(said, "prod")]).stacks
    return stack


BEFORE = "Installing policy pack iam 0.0.7...\nFinished installing policy pack\n\n"
AFTER = "Update plan written to 'plan.json'\nRun `pulumi up --plan='plan.json'` to constrain the update\n"


@pytest.mark.parametrize("said", [json.dumps(DIGEST), json.dumps(DIGEST, indent=4), lines(*EVENTS, sequence=0)])
@pytest.mark.parametrize(("before", "after"), [("", ""), (BEFORE, ""), ("\n  ", ""), ("", AFTER), (BEFORE, AFTER)])
def test_what_the_cli_prints_around_a_preview_is_no_part_of_it(said: str, before: str, after: str) -> None:
    stack = seen(f"{before}{said}\n{after}")
    assert stack.outcome == Outcome.CHANGES
    assert stack.counts == {Operation.DELETE: 1}


def test_a_preview_that_is_cut_off_is_cut_off_also_after_a_first_line() -> None:
    stack = seen(BEFORE + json.dumps(DIGEST, indent=1)[:-40])
    assert stack.outcome == Outcome.CUT_OFF
    assert stack.counts == {Operation.DELETE: 1}


@pytest.mark.parametrize(
    "said",
    [
        lines(*EVENTS[:2], sequence=0),  # between two events
        lines(*EVENTS, sequence=0)[:-30],  # within one
        json.dumps({"events": [{"timestamp": 1, "sequence": 0, **one} for one in EVENTS[:2]]}),
    ],
    ids=["between events", "within an event", "list"],
)
def test_events_that_end_too_early_are_cut_off(said: str) -> None:
    stack = seen(said)
    assert stack.outcome == Outcome.CUT_OFF
    assert stack.counts == {Operation.DELETE: 1}


def test_of_two_previews_in_one_file_the_first_is_not_taken_for_all() -> None:
    stack = seen(f"{json.dumps(DIGEST)}\n{json.dumps(DIGEST)}\n")
    assert stack.outcome == Outcome.CUT_OFF


@pytest.mark.parametrize(
    "said",
    [
        "".join(lines(one, type=next(iter(one))) for one in EVENTS),
        json.dumps({"events": [{"timestamp": 1, "type": next(iter(one)), **one} for one in EVENTS]}),
    ],
    ids=["lines", "list"],
)
def test_the_events_of_pulumi_cloud_are_those_of_the_engine(said: str) -> None:
    found = read(said, "prod")
    assert found.complete
    assert found.config == {"aws:region": "eu-central-1"}
    assert [step.operation for step in found.steps] == [Operation.DELETE]


def test_a_document_with_other_events_is_no_preview() -> None:
    with pytest.raises(PreviewError, match="a JSON document of something else"):
        read('{"events": [{"kind": "push"}]}', "prod")


def violation(level: str, **told: Any) -> dict[str, Any]:
    return {
        "policyEvent": {
            "resourceUrn": URN,
            "message": "databases have\ntwo zones; password=Sup3rS3cret99\n",
            "policyName": "two-zones",
            "policyPackName": "company",
            "enforcementLevel": level,
            **told,
        }
    }


FAILED = {"diagnosticEvent": {"prefix": "error: ", "message": "preview failed\n", "severity": "error"}}


@pytest.mark.parametrize(
    ("level", "weighs"), [("mandatory", Level.BLOCKING), ("remediate", Level.BLOCKING), ("advisory", Level.WARNING)]
)
def test_a_violated_policy_is_a_finding_by_its_name(level: str, weighs: Level) -> None:
    previews = [read(lines(violation(level), *EVENTS, sequence=0), "prod")]
    made = review(previews, policies.judged(previews).findings)
    (found,) = (*made.blocking, *made.warnings)
    assert (found.rule, found.level, found.urn) == ("company/two-zones", weighs, URN)
    assert found.message == "databases have two zones; password=<secret>"
    assert "company/two-zones: rds Instance db: databases have two zones" in terminal(made, 200)


def test_a_preview_that_policies_refuse_says_which() -> None:
    stack = seen(lines(violation("mandatory"), violation("advisory", policyName="tags"), FAILED, *EVENTS, sequence=0))
    assert stack.outcome == Outcome.FAILED
    assert stack.error == "policies refuse the change: company/two-zones"


def test_the_plain_form_does_not_tell_policies_and_the_comment_says_what_does() -> None:
    failed = {**DIGEST, "diagnostics": [{"message": "error: preview failed\n", "severity": "error"}]}
    assert "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=1" in seen(json.dumps(failed)).error
    assert seen(json.dumps({"diagnostics": failed["diagnostics"]})).error == "without a message"


SMALL, LARGE = state(instanceClass="db.t4g.small"), state(instanceClass="db.t4g.large")
DRIFT = {"op": "update", "urn": URN, "oldState": SMALL, "newState": LARGE}
BACK = {"op": "update", "urn": URN, "oldState": LARGE, "newState": SMALL}
AGREED = {"op": "same", "urn": URN, "oldState": LARGE, "newState": LARGE}


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        ([DRIFT, BACK], {Operation.UPDATE: 1, Operation.REFRESH: 1}),
        ([DRIFT, AGREED], {Operation.SAME: 1, Operation.REFRESH: 1}),
    ],
)
def test_what_a_refresh_found_is_no_update_of_the_program(
    steps: list[dict[str, Any]], counts: dict[Operation, int]
) -> None:
    summary = {"update": 2} if steps[1] is BACK else {"update": 1, "same": 1}
    stack = seen(json.dumps({"steps": steps, "changeSummary": summary}))
    assert stack.counts == counts
    rows = {row.operation: row for section in stack.sections for row in section.rows}
    (change,) = rows[Operation.REFRESH].changes
    assert (change.old.text, change.new.text) == ("db.t4g.small", "db.t4g.large")
    assert rows[Operation.REFRESH].notes == ("changed outside of Pulumi since the last up",)
    assert (Operation.UPDATE in rows) is (steps[1] is BACK)


def test_the_events_of_a_preview_with_a_refresh_tell_the_same() -> None:
    def told(kind: str, op: str, old: Any, new: Any) -> dict[str, Any]:
        return {kind: {"metadata": {"op": op, "urn": URN, "old": old, "new": new}}}

    stack = seen(
        lines(
            told("resourcePreEvent", "refresh", SMALL, SMALL),
            told("resOutputsEvent", "update", SMALL, LARGE),
            told("resourcePreEvent", "update", LARGE, SMALL),
            told("resOutputsEvent", "update", LARGE, SMALL),
            {"summaryEvent": {"resourceChanges": {"update": 2}}},
            sequence=0,
        )
    )
    assert stack.counts == {Operation.UPDATE: 1, Operation.REFRESH: 1}


def test_a_bad_password_in_an_address_is_hidden_and_the_host_is_shown() -> None:
    address = "connecting to postgres://admin:Sup3rS3cret99@db.example.org/prod: timeout"
    said = json.dumps({"diagnostics": [{"message": f"error: {address}\n", "severity": "error"}]})
    assert seen(said).error == "connecting to <secret>@db.example.org/prod: timeout"


SECRET = "urn:pulumi:prod::shop::kubernetes:core/v1:Secret::login"


def read_again(before: dict[str, Any], after: dict[str, Any]) -> str:
    """A preview of the published provider that reads a Secret: the diff is by a note that is random each time."""
    old, new = (
        {"urn": SECRET, "custom": True, "external": True, "inputs": {"__fieldManager": note}, "outputs": one}
        for note, one in (("pulumi-kubernetes-1", before), ("pulumi-kubernetes-2", after))
    )
    diff = {"__fieldManager": {"kind": "update", "inputDiff": False}}
    step = {"op": "read", "urn": SECRET, "oldState": old, "newState": new, "detailedDiff": diff}
    return json.dumps({"steps": [step], "changeSummary": {"read": 1, "same": 4}})


def test_what_is_read_again_with_another_note_of_the_provider_is_no_change() -> None:
    before = {"__fieldManager": "pulumi-kubernetes-1", "metadata": {"name": "login"}}
    stack = seen(read_again(before, {**before, "__fieldManager": "pulumi-kubernetes-2"}))
    assert (stack.outcome, stack.counts, stack.sections) == (Outcome.UNCHANGED, {Operation.SAME: 5}, ())


def test_what_is_read_again_and_differs_is_shown() -> None:
    stack = seen(read_again({"type": "Opaque"}, {"type": "kubernetes.io/tls"}))
    assert (stack.outcome, stack.counts) == (Outcome.CHANGES, {Operation.READ: 1, Operation.SAME: 4})


# As the published Kubernetes provider writes it


def published(token: str, name: str, old: dict[str, Any], new: dict[str, Any], diff: dict[str, Any]) -> dict[str, Any]:
    """An update as that provider previews it: no reasons, every path against what the server has stored."""
    urn = f"urn:pulumi:prod::shop::{token}::{name}"
    both = {"urn": urn, "custom": True, "id": name, "type": token}
    old_state, new_state = ({**both, "inputs": side["inputs"], "outputs": side["outputs"]} for side in (old, new))
    paths = {path: {"kind": kind, "inputDiff": False} for path, kind in diff.items()}
    return {"op": "update", "urn": urn, "oldState": old_state, "newState": new_state, "detailedDiff": paths}


def shown(step: dict[str, Any]) -> list[tuple[str, str, str]]:
    stack = seen(json.dumps({"steps": [step], "diagnostics": [], "changeSummary": {"update": 1}}))
    return [
        (change.path, change.old.text, change.new.text)
        for section in stack.sections
        for row in section.rows
        for change in row.changes
    ]


def test_a_quantity_that_the_server_stores_in_another_spelling_is_shown_as_the_program_has_it() -> None:
    def container(memory: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"resources": {"requests": {"memory": memory}}}]}}

    step = published(
        "kubernetes:core/v1:Pod",
        "web",
        {"inputs": container("896Mi"), "outputs": container("896Mi")},
        {"inputs": container("1024Mi"), "outputs": container("1Gi")},
        {"spec.containers[0].resources.requests.memory": "update"},
    )
    assert shown(step) == [("spec.containers[0].resources.requests.memory", "896Mi", "1024Mi")]


def test_a_secret_that_is_written_as_text_and_stored_as_data_never_shows_what_it_holds() -> None:
    step = published(
        "kubernetes:core/v1:Secret",
        "login",
        {"inputs": {"stringData": {"token": "before"}}, "outputs": {"data": {"token": "YmVmb3Jl"}}},
        {"inputs": {"stringData": {"token": "after"}}, "outputs": {"data": {"token": "YWZ0ZXI="}}},
        {"data.token": "update", "stringData.token": "update"},
    )
    assert shown(step) == [
        ("data.token", "secret changed", "secret changed"),
        ("stringData.token", "secret changed", "secret changed"),
    ]


def test_the_defaults_that_the_provider_gives_a_release_are_no_change() -> None:
    inputs = {"chart": "web", "version": "1.0.0", "name": "web", "namespace": "shop", "values": {"replicas": 1}}
    defaults = {"atomic": False, "timeout": 300, "skipCrds": False, "resourceNames": {"ConfigMap/v1": ["web"]}}
    step = published(
        "kubernetes:helm.sh/v3:Release",
        "web",
        {"inputs": {**inputs, **defaults, "checksum": "1"}, "outputs": {**inputs, **defaults}},
        {"inputs": {**inputs, **defaults, "values": {"replicas": 2}, "checksum": "2"}, "outputs": {}},
        {"values.replicas": "update", "checksum": "update"},
    )
    assert shown(step) == [("values.replicas", "1", "2")]


def test_a_replacement_without_reasons_marks_the_paths_that_the_provider_names() -> None:
    step = published(
        "kubernetes:core/v1:Service",
        "web",
        {"inputs": {"spec": {"clusterIP": "10.0.0.1"}}, "outputs": {}},
        {"inputs": {"spec": {"clusterIP": "None"}}, "outputs": {}},
        {"spec.clusterIP": "update-replace"},
    )
    document = {"steps": [{**step, "op": "replace"}], "diagnostics": [], "changeSummary": {"replace": 1}}
    (section,) = seen(json.dumps(document)).sections
    ((change,),) = [row.changes for row in section.rows]
    assert (change.path, change.replaces) == ("spec.clusterIP", True)
