"""Both forms of a preview, and everything that is nearly one: read, or refused in one sentence."""

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pulumi_mlops.review import cli, rules
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.preview import MASKED, PreviewError
from pulumi_mlops.review.reading import read
from pulumi_mlops.review.values import SECRET_SIGNATURE, SIGNATURE
from pulumi_mlops.review.view import Outcome

from tests.review import recorded

URN = "urn:pulumi:s::p::example:index/part:Part::x"
PLAIN = "hunter2-in-plain"


def digest(**step: Any) -> str:
    """The plain form of a preview of one step."""
    return json.dumps({"steps": [{"op": "create", "urn": URN, **step}], "changeSummary": {"create": 1}})


def deep(levels: int) -> str:
    """A preview of a resource with a property of lists in lists."""
    return digest(newState={"inputs": {"a": json.loads(levels * "[" + levels * "]")}})


def events(*told: dict[str, Any]) -> str:
    """The streaming form of the same."""
    return "".join(
        json.dumps({"sequence": place, "timestamp": 0, **one}, ensure_ascii=False) + "\n"
        for place, one in enumerate(told)
    )


@pytest.mark.parametrize("form", ["digest", "events"])
def test_in_neither_form_does_a_rule_take_a_marked_secret_for_a_plain_one(form: str) -> None:
    made = recorded.preview(f"secrets-{form}")
    assert [step.type.rpartition(":")[2] for step in made.steps].count("Secret")
    assert rules.check([made]) == []


def test_a_wrapped_secret_is_masked_whatever_it_wraps() -> None:
    wrapped = {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(PLAIN)}
    inputs = {"kind": "Secret", "stringData": {"a": wrapped}, "data": wrapped, "list": [wrapped], "harmless": wrapped}
    state = {"urn": URN, "custom": True, "inputs": inputs, "outputs": inputs}
    step = {"op": "create", "urn": URN}
    streamed = events(
        {"resourcePreEvent": {"metadata": {**step, "new": state}}}, {"summaryEvent": {"resourceChanges": {"create": 1}}}
    )
    for said in (digest(newState=state), streamed, digest(newState=state)[:-30]):
        (found,) = read(said, "s").steps
        assert found.new is not None
        assert found.new.inputs["list"] == [MASKED]
        assert found.new.inputs["stringData"] == {"a": MASKED}
        assert PLAIN not in repr(found)


def test_an_event_is_one_line_whatever_characters_are_in_it() -> None:
    """The engine escapes line feeds, and leaves the other characters at which Python ends a line."""
    text = "next\u0085line\u2028end\u000b\u001c"
    state = {"urn": URN, "custom": True, "inputs": {"note": text}}
    made = read(
        events(
            {"resourcePreEvent": {"metadata": {"op": "create", "urn": URN, "new": state}}},
            {"summaryEvent": {"resourceChanges": {"create": 1}}},
        ),
        "s",
    )
    assert made.complete
    assert [step.state.inputs for step in made.steps] == [{"note": text}]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('{"steps": {"a": 1}}', '"steps" must be a list, got an object'),
        ('{"steps": [1]}', '"steps" must be a list, each an object, got a number in it'),
        ('{"config": "x"}', '"config" must be an object, got a text'),
        ('{"diagnostics": ["boom"]}', '"diagnostics" must be a list, each an object, got a text in it'),
        ('{"diagnostics": [{"message": 1}]}', '"message" must be a text, got a number'),
        ('{"steps": [{"urn": "u"}]}', '"u" is no URN of a resource'),
        (digest(op=None), '"op" is missing beside "op", "urn"'),
        (digest(newState="x"), '"newState" must be an object, got a text'),
        (digest(newState={"inputs": [1]}), '"inputs" must be an object, got a list'),
        (digest(newState={"parent": 5}), '"parent" must be a text, got a number'),
        (deep(100), "are nested more than 100 levels deep"),
        (deep(200), "are nested more than 100 levels deep"),
        (digest(detailedDiff={"a": {}}), '"kind" is missing beside nothing'),
        (digest(replaceReasons=[None]), '"replaceReasons" must be a list, each a text, got nothing in it'),
        ('{"changeSummary": {"create": -1}}', '"create" must be counted by a whole number, got -1'),
        ('{"changeSummary": {"create": 1.5}}', '"create" must be counted by a whole number, got 1.5'),
        ('{"changeSummary": {"create": true}}', '"create" must be counted by a whole number, got true'),
        ('{"changeSummary": {"create": 1e400}}', '"create" must be counted by a whole number, got Infinity'),
        (f'{{"changeSummary": {{"create": {2**63}}}}}', f'"create" must be counted by a whole number, got {2**63}'),
        ('{"\\u001b[31mred\\n": 1}', r'it has "\u001b[31mred\n"; make it again by `pulumi preview --json'),
        ("7" * 5_000, "is neither a document nor events"),
        ("Previewing update (dev):\n  + create", "make it again by `pulumi preview --json --show-sames > FILE`"),
        (events({"resourcePreEvent": {"metadata": 1}}), '"metadata" must be an object, got a number'),
        (events({"resourcePreEvent": {}}), '"urn" is missing beside nothing'),
    ],
)
def test_what_is_of_another_shape_is_told_by_its_key(said: str, what: str) -> None:
    with pytest.raises(PreviewError) as failure:
        read(said, "prod")
    assert what in str(failure.value)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 300


def test_a_part_of_another_shape_is_not_quoted_since_it_may_be_a_secret() -> None:
    with pytest.raises(PreviewError) as failure:
        read(digest(newState={"inputs": PLAIN}), "prod")
    assert PLAIN not in str(failure.value)


def test_properties_of_as_many_levels_as_functions_can_follow_are_read() -> None:
    (step,) = read(deep(99), "prod").steps
    assert step.new is not None
    assert json.dumps(step.new.inputs).count("[") == 99


@pytest.mark.parametrize("path", [r'["\x"]', f"a[{'9' * 5_000}]", "a[[", "", "[-1]", '["'])
def test_a_path_that_nobody_writes_does_no_harm(path: str) -> None:
    sides = {"oldState": {"inputs": {"a": [1]}}, "newState": {"inputs": {"a": [2]}}}
    made = read(digest(op="update", **sides, detailedDiff={path: {"kind": "update"}}), "s")
    assert len(review([made]).stacks[0].sections) == 1


def test_an_error_without_words_is_an_error_all_the_same() -> None:
    (stack,) = review([read('{"diagnostics": [{"severity": "error", "message": " "}]}', "prod")]).stacks
    assert (stack.outcome, stack.error, stack.more_errors) == (Outcome.FAILED, "without a message", 0)


def test_a_file_with_a_mark_of_its_encoding_is_read(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "prod.json"
    file.write_bytes(b"\xef\xbb\xbf" + recorded.text("image-bump").encode())
    assert cli.main(["comment", str(file)]) == 0
    assert "2 to update" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["comment"], ["rules"], ["cost"]])
def test_a_preview_is_read_from_standard_input(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    said = io.TextIOWrapper(io.BytesIO(recorded.text("database-replacement").encode()))
    monkeypatch.setattr("sys.stdin", said)
    assert cli.main([*words, "-"]) == 0
    assert "test" in capsys.readouterr().out


SMALL = ("image-bump", "owners", "failed", "secrets-events", "drift-digest", "drift-events", "helm-release")
ODD = st.sampled_from(
    [
        *(None, True, 0, -1, 1.5, 2**70, "", "x", "\x1b[31m\n\u202e", "urn:pulumi:s::p::t::n", MASKED),
        *([], [1], [[]], {}, {"a": 1}, {"": {"": []}}, {SIGNATURE: SECRET_SIGNATURE, "plaintext": "1"}),
    ]
)
COMMANDS = (
    *(["comment", "--format", form] for form in ("text", "github", "gitlab", "json")),
    ["rules"],
    ["cost"],
    ["drift"],
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or object in the value, with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(SMALL), odd=ODD, words=st.sampled_from(COMMANDS))
def test_no_part_of_a_preview_that_is_another_value_ends_in_a_traceback(
    tmp_path: Path, capsys: Any, data: Any, name: str, odd: Any, words: list[str]
) -> None:
    said = recorded.text(name)
    parts = [json.loads(line) for line in said.splitlines()] if name.endswith("-events") else [json.loads(said)]
    everywhere = list(places(parts))
    owner, key = everywhere[data.draw(st.integers(0, len(everywhere) - 1))]
    owner[key] = copy.deepcopy(odd)
    file = tmp_path / "prod.json"
    file.write_text("\n".join(json.dumps(one) for one in parts))
    capsys.readouterr()
    status = cli.main([*words, *(["--stack", f"prod={file}"] if words == ["drift"] else [str(file)])])
    told = capsys.readouterr()
    assert status in (0, 1, 3)
    assert told.err.count("\n") == len(told.err.splitlines()) <= 1
    assert (told.out + told.err).replace("\n", "").isprintable()
    assert status != 1 or told.err


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    name=st.sampled_from(["node-group", "database-replacement", *SMALL]),
    words=st.sampled_from(COMMANDS),
)
def test_no_input_of_a_real_preview_is_shown_once_it_is_a_secret(
    tmp_path: Path, capsys: Any, data: Any, name: str, words: list[str]
) -> None:
    said = recorded.text(name)
    parts = [json.loads(line) for line in said.splitlines()] if name.endswith("-events") else [json.loads(said)]
    inputs = [owner[key] for owner, key in places(parts) if key == "inputs"]
    hidden = [(owner, key) for one in inputs for owner, key in places(one)]
    assume(hidden)
    for place in data.draw(st.lists(st.integers(0, len(hidden) - 1), min_size=1, max_size=8)):
        owner, key = hidden[place]
        owner[key] = {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(PLAIN)}
    file = tmp_path / "prod.json"
    file.write_text("\n".join(json.dumps(one) for one in parts))
    capsys.readouterr()
    assert cli.main([*words, *(["--stack", f"prod={file}"] if words == ["drift"] else [str(file)])]) in (0, 1, 3)
    told = capsys.readouterr()
    assert PLAIN not in told.out + told.err
