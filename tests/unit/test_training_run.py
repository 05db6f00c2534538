from local import training


def node(phase: str, **values: str) -> dict:
    return {"phase": phase, "outputs": {"parameters": [{"name": key, "value": text} for key, text in values.items()]}}


def test_a_killed_try_says_nothing_of_the_results_wherever_it_is_listed():
    nodes = {"train(1)": node("Succeeded", version="20261124"), "train(0)": node("Failed", version="")}

    assert training.outputs({"status": {"nodes": nodes}}) == {"version": "20261124"}
    assert training.outputs({"status": {"nodes": dict(reversed(nodes.items()))}}) == {"version": "20261124"}


def test_a_step_without_outputs_adds_none():
    assert training.outputs({"status": {"nodes": {"load": {"phase": "Succeeded", "outputs": None}}}}) == {}
