"""What holds for every review, whatever is in the previews."""

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.dangers import Danger, DangerKind
from pulumi_mlops.review.findings import Finding, Level
from pulumi_mlops.review.preview import Diagnostic, Operation, Preview, PropertyChange, State, Step
from pulumi_mlops.review.printable import visible
from pulumi_mlops.review.property_paths import parsed, written
from pulumi_mlops.review.render.json_document import to_json
from pulumi_mlops.review.render.markdown import LIMIT, Dialect, markdown
from pulumi_mlops.review.render.spans import prose
from pulumi_mlops.review.render.terminal import terminal
from pulumi_mlops.review.values import SECRET_SIGNATURE, SIGNATURE

from tests.review import recorded
from tests.review.comment_reader import ALLOWED_TOKENS, OUR_TAGS, seen

TOKEN = "tok3n-of-a-secret"
HOSTILE = st.sampled_from(
    [
        "@all",
        "#1",
        "[a](https://b.example)",
        "![a](b)",
        "<img src=x>",
        "</code>",
        "</table>",
        "|",
        "\\|",
        "`",
        "```",
        "~~~",
        "\n\n",
        "\r",
        "<!--",
        "-->",
        "&lt;",
        ":tada:",
        "www.b.example",
        "a@b.example",
        "$x$",
        "**",
        "> ",
        "/close",
        "\u202e",
    ]
)
ANY_TEXT = st.lists(HOSTILE | st.text(max_size=8), min_size=1, max_size=5).map("".join)
KEY = st.sampled_from(["a", "b"]) | ANY_TEXT
"""Few of them, so that both sides of a change often have the same."""
SECRET = st.just("[secret]") | st.builds(
    lambda form, number: {SIGNATURE: SECRET_SIGNATURE, form: json.dumps(f"{TOKEN}-{number}")},
    st.sampled_from(["plaintext", "ciphertext"]),
    st.integers(0, 9),
)
VALUE = st.recursive(
    ANY_TEXT | st.integers() | st.booleans() | SECRET | st.just("04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.dictionaries(KEY, VALUE, max_size=4)
TYPES = st.sampled_from(
    [
        "aws:rds/instance:Instance",
        "kubernetes:core/v1:Secret",
        "example:index:Part",
        "aws:iam/role:Role",
        "kubernetes:helm.sh/v3:Release",
    ]
)
LOGICAL = [Operation.SAME, Operation.CREATE, Operation.UPDATE, Operation.DELETE, Operation.REPLACE, Operation.IMPORT]


@st.composite
def steps(draw: Any) -> Step:
    operation = draw(st.sampled_from(LOGICAL))
    kind, name = draw(TYPES), draw(ANY_TEXT)
    urn = f"urn:pulumi:s::p::{kind}::{name}"
    custom = kind != "example:index:Part"
    parent = f"urn:pulumi:s::p::example:index:Part::{draw(ANY_TEXT)}"

    def state() -> State:
        inputs = {**draw(INPUTS), **draw(st.just({}) | st.builds(lambda secret: {"a": secret}, SECRET))}
        return State(urn=urn, parent=parent, inputs=inputs, custom=custom, protect=draw(st.booleans()))

    old = None if operation in (Operation.CREATE, Operation.IMPORT) else state()
    new = None if operation == Operation.DELETE else state()
    paths = draw(st.lists(KEY, max_size=2)) if old and new else []
    return Step(operation, urn, old, new, tuple(PropertyChange(path, "update", True) for path in paths))


@st.composite
def previews(draw: Any) -> Preview:
    made = {step.urn: step for step in draw(st.lists(steps(), max_size=8))}
    said = draw(st.lists(ANY_TEXT, max_size=2))
    return Preview(
        stack=draw(ANY_TEXT),
        steps=tuple(made.values()),
        summary=Counter(step.operation for step in made.values()),
        diagnostics=tuple(Diagnostic("error", message) for message in said),
        complete=draw(st.booleans()),
    )


FINDINGS = st.lists(
    st.builds(Finding, ANY_TEXT, st.sampled_from(Level), ANY_TEXT, st.just("") | ANY_TEXT, ANY_TEXT, ANY_TEXT),
    max_size=3,
)


@settings(max_examples=80)
@given(st.lists(previews(), min_size=1, max_size=3), FINDINGS, ANY_TEXT, st.sampled_from(Dialect))
def test_nothing_becomes_more_than_text(
    made: list[Preview], found: list[Finding], artifact: str, dialect: Dialect
) -> None:
    comment = markdown(review(made, found, artifact=artifact), dialect)
    read = seen(comment)
    assert read.tokens <= ALLOWED_TOKENS
    assert read.tags <= set(OUR_TAGS)
    assert read.open_tags == []
    assert read.links == []
    assert not any(sign in "".join(read.loose) for sign in "@#/<\u202e")
    assert not any(line.startswith("/") for line in comment.splitlines())


@settings(max_examples=50)
@given(st.lists(previews(), min_size=1, max_size=3))
def test_no_secret_is_shown(made: list[Preview]) -> None:
    one = review(made)
    for said in (markdown(one, Dialect.GITHUB), terminal(one), to_json(one)):
        assert TOKEN not in said


@settings(max_examples=50)
@given(previews(), st.integers(3_000, 8_000))
def test_a_comment_is_never_longer_than_allowed(made: Preview, limit: int) -> None:
    assert len(markdown(review([made] * 3), Dialect.GITHUB, limit).encode()) <= limit


@given(st.integers(1, 400), st.text(alphabet="`<&|x模🐧", min_size=1, max_size=200))
def test_many_dangers_and_stacks_fit(count: int, name: str) -> None:
    import dataclasses

    made = review([Preview(f"{name}{number}", diagnostics=(Diagnostic("error", name * 3),)) for number in range(count)])
    dangers = tuple(Danger(DangerKind.DATA, name, f"urn:pulumi:s::p::t::{name}", f"is {name}") for _ in range(count))
    comment = markdown(dataclasses.replace(made, dangers=dangers, artifact=name), Dialect.GITHUB)
    assert len(comment.encode()) <= LIMIT


def rows(made: Preview) -> Counter[Operation]:
    """How many resources the rows of a review have, by operation."""
    (stack,) = review([made]).stacks
    counted: Counter[Operation] = Counter()
    for section in stack.sections:
        for row in section.rows:
            counted[row.operation] += len(row.resources)
    return counted


def changing(counts: Any) -> dict[Operation, int]:
    return {operation: count for operation, count in counts.items() if operation != Operation.SAME and count}


@settings(max_examples=50)
@given(previews())
def test_grouping_loses_no_operation(made: Preview) -> None:
    assert changing(rows(made)) == changing(made.summary)


def test_grouping_loses_no_operation_that_the_engine_counted() -> None:
    assert recorded.names()
    for name in recorded.names():
        made = recorded.preview(name)
        assert changing(rows(made)) == changing(made.summary), name


def test_the_halves_of_a_replacement_count_once() -> None:
    urn = "urn:pulumi:s::p::aws:rds/instance:Instance::db"
    state = State(urn=urn, custom=True)
    halves = [Operation.CREATE_REPLACEMENT, Operation.REPLACE, Operation.DELETE_REPLACED]
    told = [
        Step(Operation.CREATE_REPLACEMENT, urn, state, state),
        Step(Operation.REPLACE, urn, state, state, (PropertyChange("engine", "update", True),)),
        Step(Operation.DELETE_REPLACED, urn, state),
    ]
    assert [step.operation for step in told] == halves
    assert rows(Preview("s", tuple(told))) == {Operation.REPLACE: 1}
    assert rows(Preview("s", tuple(told[:1]))) == {Operation.REPLACE: 1}


@given(st.lists(st.integers(0, 99) | st.text(min_size=1, max_size=9), min_size=1, max_size=4))
def test_paths_are_read_as_they_are_written(path: list[str | int]) -> None:
    segments = tuple(path)
    assert parsed(written(segments)) == segments


@given(st.text())
def test_what_is_shown_is_one_printable_line(said: str) -> None:
    shown = visible(said)
    assert len(shown.splitlines()) <= 1
    assert not any(character in shown for character in "\u202e\u200b\x1b\x00\u2028")


@given(ANY_TEXT)
def test_only_plain_words_are_not_quoted(said: str) -> None:
    loose = " ".join(piece.text for piece in prose(said) if not piece.quoted)
    assert set(loose) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -'’.,;:()")
