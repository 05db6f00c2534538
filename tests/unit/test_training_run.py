import pytest

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
