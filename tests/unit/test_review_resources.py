"""Which resources there are on both sides of a change."""

from pulumi_mlops.review.preview import Operation, Step
from pulumi_mlops.review.resources import sides

from tests.cost_previews import changed, gone, made, preview, same, state, urn

KEY = "aws:kms/key:Key"


def test_created_is_after_and_deleted_is_before() -> None:
    both = sides(preview(made(KEY, "new"), gone(KEY, "old"), same(KEY, "kept")))
    assert {one.urn for one in both.before} == {urn(KEY, "old"), urn(KEY, "kept")}
    assert {one.urn for one in both.after} == {urn(KEY, "new"), urn(KEY, "kept")}


def test_an_update_has_the_old_inputs_before_and_the_new_ones_after() -> None:
    both = sides(preview(changed(KEY, {"a": 1}, {"a": 2})))
    assert [one.inputs for one in both.before] == [{"a": 1}]
    assert [one.inputs for one in both.after] == [{"a": 2}]


def test_the_three_steps_of_a_replacement_are_one_resource_on_each_side() -> None:
    old, new = state({"a": 1}, id="one"), state({"a": 2})
    steps = [
        Step(Operation.CREATE_REPLACEMENT, urn(KEY), old, new),
        Step(Operation.REPLACE, urn(KEY), old, new),
        Step(Operation.DELETE_REPLACED, urn(KEY), old),
    ]
    for shown in (steps, steps[1:2], steps[::-1]):
        both = sides(preview(*shown))
        assert [one.inputs for one in both.before] == [{"a": 1}]
        assert [one.inputs for one in both.after] == [{"a": 2}]


def test_what_a_failed_run_left_to_delete_counts_beside_what_took_its_place() -> None:
    left = Step(Operation.DELETE, urn(KEY), old=state({}, id="left"))
    both = sides(preview(same(KEY), left))
    assert len(both.before) == 2
    assert len(both.after) == 1


def test_what_is_gone_already_counts_on_no_side() -> None:
    both = sides(preview(Step(Operation.REMOVE_PENDING_REPLACE, urn(KEY), old=state({}, id="gone"))))
    assert both.before == both.after == ()


def test_components_and_what_is_only_read_are_left_out() -> None:
    component = Step(Operation.CREATE, urn("pulumi-mlops:index:Cluster"), new=state({}).__class__(inputs={}))
    read = Step(Operation.READ, urn(KEY), new=state({}, external=True), old=state({}, external=True))
    both = sides(preview(component, read))
    assert both.before == both.after == ()


def test_what_is_let_go_is_told_from_what_is_deleted() -> None:
    let_go = Step(Operation.DELETE, urn(KEY, "a"), old=state({}, retain_on_delete=True))
    both = sides(preview(let_go, gone(KEY, "b")))
    assert [one.urn for one in both.retained] == [urn(KEY, "a")]


def test_what_the_preview_does_not_show_is_counted_from_the_engines_summary() -> None:
    root = same("pulumi:pulumi:Stack", "dev")
    assert sides(preview(root, summary={Operation.SAME: 8})).hidden == 7
    assert sides(preview(root, summary={Operation.SAME: 1})).hidden == 0
    assert sides(preview(root)).hidden == 0
