import pytest
from kubernetes import client
from kubernetes.client import ApiException
from urllib3.exceptions import MaxRetryError, ReadTimeoutError

from local import training
from local.progress import StepFailed

UNSEEN = 'workflow p-1 error: workflowtemplates.argoproj.io "p" not found'


def node(phase: str, **values: str) -> dict:
    return {"phase": phase, "outputs": {"parameters": [{"name": key, "value": text} for key, text in values.items()]}}


def test_a_killed_try_says_nothing_of_the_results_wherever_it_is_listed():
    nodes = {"train(1)": node("Succeeded", version="20261124"), "train(0)": node("Failed", version="")}

    assert training.outputs({"status": {"nodes": nodes}}) == {"version": "20261124"}
    assert training.outputs({"status": {"nodes": dict(reversed(nodes.items()))}}) == {"version": "20261124"}


def test_a_step_without_outputs_adds_none():
    assert training.outputs({"status": {"nodes": {"load": {"phase": "Succeeded", "outputs": None}}}}) == {}


@pytest.mark.parametrize(
    ("complaint", "exists", "tries"),
    [(UNSEEN, True, 2), (UNSEEN, False, 1), ("workflow p-1 failed: step load: no such file", True, 1)],
)
def test_only_a_run_whose_template_was_not_seen_yet_is_submitted_again(
    monkeypatch: pytest.MonkeyPatch, complaint: str, exists: bool, tries: int
):
    submitted = []

    def follow(api, namespace, name):
        if name == 1:
            raise StepFailed(complaint)
        return {"status": {"phase": "Succeeded"}}

    monkeypatch.setattr(training, "submit", lambda *_: submitted.append(1) or len(submitted))
    monkeypatch.setattr(training, "follow", follow)
    monkeypatch.setattr(training, "_exists", lambda *_: exists)
    monkeypatch.setattr(training.time, "sleep", lambda _: None)

    if tries == 2:
        assert training.run(None, "n", "p")["status"]["phase"] == "Succeeded"
    else:
        with pytest.raises(StepFailed, match=complaint.split(":", maxsplit=1)[0]):
            training.run(None, "n", "p")
    assert len(submitted) == tries


def answering(monkeypatch: pytest.MonkeyPatch, *answers: dict | Exception) -> list[str]:
    """Gives `follow` these answers of the API server, one a request; returns what it says, as it comes."""
    said: list[str] = []
    left = list(answers)

    def get(*_: object, **__: object) -> dict:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(client.CustomObjectsApi, "get_namespaced_custom_object", get)
    monkeypatch.setattr(training, "say", said.append)
    monkeypatch.setattr(training.time, "sleep", lambda _: None)
    return said


AWAY = MaxRetryError(None, "/apis", "connection refused")  # type: ignore[arg-type]
DONE = {"status": {"phase": "Succeeded"}}


@pytest.mark.parametrize("outage", [AWAY, ReadTimeoutError(None, "/apis", "slow"), ApiException(status=503)])  # type: ignore[arg-type]
def test_a_run_is_followed_again_when_the_api_server_answers_again(monkeypatch: pytest.MonkeyPatch, outage: Exception):
    said = answering(monkeypatch, {"status": {"phase": "Running"}}, outage, outage, DONE)

    assert training.follow(client.ApiClient(), "team", "p-1") == DONE
    assert said == [
        "  the Kubernetes API does not answer; workflow p-1 goes on, waiting to follow it again …",
        "  the Kubernetes API answers again; following workflow p-1",
    ]


def test_a_run_that_no_controller_takes_up_is_spoken_of_once(monkeypatch: pytest.MonkeyPatch):
    said = answering(monkeypatch, {"metadata": {}}, {"status": {}}, {}, DONE)
    monkeypatch.setattr(training, "UNTAKEN_SECONDS", -1)

    training.follow(client.ApiClient(), "team", "p-1")

    assert said == ["  no controller has taken up workflow p-1 yet; `make status` says whether one runs"]


def test_an_outage_without_end_is_one_sentence_with_the_way_to_look(monkeypatch: pytest.MonkeyPatch):
    answering(monkeypatch, AWAY)
    monkeypatch.setattr(training, "OUTAGE_SECONDS", 0)

    with pytest.raises(
        StepFailed, match=r"no longer followed; it goes on .* `kubectl --namespace team get workflow p-1"
    ):
        training.follow(client.ApiClient(), "team", "p-1")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ApiException(status=404, reason="Not Found"), "workflow p-1 in namespace team is gone, somebody deleted it"),
        (ApiException(status=403, reason="Forbidden"), "workflow p-1 in namespace team cannot be read: Forbidden"),
    ],
)
def test_a_run_that_cannot_be_followed_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: ApiException, sentence: str
):
    answering(monkeypatch, error)

    with pytest.raises(StepFailed, match=sentence):
        training.follow(client.ApiClient(), "team", "p-1")


def test_a_run_that_cannot_be_submitted_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    def away(*_: object, **__: object) -> None:
        raise AWAY

    monkeypatch.setattr(client.CustomObjectsApi, "create_namespaced_custom_object", away)

    with pytest.raises(StepFailed, match="could not be submitted: the Kubernetes API does not answer; `make status`"):
        training.submit(client.ApiClient(), "team", "p")
