"""Reviews of what nobody expects in a preview: very large, very many, nothing at all, and texts that give orders."""

import dataclasses
import json
import time
from datetime import date
from decimal import Decimal
from unicodedata import east_asian_width

import pytest
from pulumi_mlops.review import rules
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.estimate import Estimate, Requests
from pulumi_mlops.review.findings import Finding, Level, Undecided
from pulumi_mlops.review.json_data import document
from pulumi_mlops.review.preview import Diagnostic, Operation, Preview
from pulumi_mlops.review.render.json_document import to_json
from pulumi_mlops.review.render.markdown import LIMIT, Dialect, markdown
from pulumi_mlops.review.render.terminal import terminal

from tests.review.comment_reader import ALLOWED_TOKENS, OUR_TAGS, seen
from tests.review.steps import preview, step, urn

BUCKET, MAP, DATABASE = "aws:s3/bucket:Bucket", "kubernetes:core/v1:ConfigMap", "aws:rds/instance:Instance"
TEAM = urn("example:index:Team", "birds")
ORDERS = ("/approve", "/merge", "/close", "\n/approve\n", "x\n\n/merge", "\r/assign @team", "> /approve", "- /merge")
LURES = (
    "@team",
    "#12",
    "!34",
    "$56",
    "~bug",
    "%milestone",
    "team/repo#12",
    "GH-12",
    "1a2b3c4d5e6f",
    "https://evil.example",
    "<img src=x>",
    "<!-- x",
    "```",
    "~~~\n",
    "a|b",
    "[x]: https://evil.example",
    "zero\u200bwidth\u2066turned\u2069\ufeff",
    ":shipit:",
    "[[wiki]]",
    "$`math`$",
)


def everywhere(text: str) -> Preview:
    """The text in each place of a preview that a comment shows."""
    changed = step(
        "update", MAP, text, old={text: "a", "data": {"a": text}}, new={text: text, "data": {"a": text + "b"}}
    )
    lost = step("replace", DATABASE, text, old={"identifier": text}, new={"identifier": text + "x"}, protect=True)
    parent = urn(f"example:index:{text}", text)
    made = step("create", MAP, text + "2", new={"data": {text: text}}, parent=parent)
    said = (Diagnostic("error", text), Diagnostic("error", f"{text}\n{text}"))
    return preview(changed, lost, made, stack=text, diagnostics=said)


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("text", [*ORDERS, *LURES])
def test_no_text_gives_a_host_an_order_or_becomes_a_reference(text: str, dialect: Dialect) -> None:
    costs = Estimate(
        text, text, *(Decimal(one) for one in (1, 2, 1, 3)), date(2026, 1, 1), (text, f"({text}):"),
        requests_after={text: Requests(Decimal(1))},
    )  # fmt: skip
    found = [Finding(text, level, text, urn(MAP, text), text, f"`{text}`, ({text})") for level in Level]
    made = review([everywhere(text)], found, [costs], text, undecided=[Undecided(text, text, urn(MAP, text), text)])
    comment = markdown(made, dialect)
    read = seen(comment)
    assert read.tokens <= ALLOWED_TOKENS
    assert read.tags <= set(OUR_TAGS)
    assert read.open_tags == []
    assert set(read.links) <= {"https://evil.example"}  # the caller's own artifact
    loose = "".join(one for one in read.loose if one != "!")
    for ours in ("https://evil.example", "[!CAUTION]", "[!caution]"):
        loose = loose.replace(ours, "")
    assert not any(sign in loose for sign in ("@", "#", "!", "$", "~", "%", "://", "[", "<", "\u200b", "1a2b", "GH-"))
    lines = [line.lstrip(" >").removeprefix("- ") for line in comment.splitlines()]
    assert not any(line.startswith("/") for line in lines)
    assert not any(line.startswith("/") for line in to_json(made).splitlines())


def test_a_value_of_a_megabyte_is_shown_where_it_differs() -> None:
    old = "a" * 1_000_000
    begin = time.process_time()
    made = preview(
        step("update", MAP, old={"data": {"a": old}}, new={"data": {"a": f"{old[:500_000]}!{old[:500_000]}"}}),
        step("create", MAP, "new", new={"data": {"password": "1" * 1_000_000, "b": '{"a": ' * 100_000}}),
    )
    said = review([made], rules.check([made]))
    for text in (markdown(said, Dialect.GITHUB), terminal(said)):
        assert len(text) <= LIMIT
        assert "a!a" in text
    assert time.process_time() - begin < 20  # a search that goes back and forth takes hours


def nested(depth: int, inner: str = "1") -> str:
    return depth * '{"a":[' + inner + depth * "]}"


def texts_in_texts() -> str:
    """Documents of few levels each, one in a text of the other."""
    text = nested(40)
    for _ in range(8):
        text = nested(40, json.dumps(text))
    return text


@pytest.mark.parametrize(
    "text", [*(nested(depth) for depth in (40, 49, 60, 250, 450, 100_000)), "[" * 800 + "]" * 800, texts_in_texts()]
)
def test_a_text_of_json_of_any_depth_stops_no_review(text: str) -> None:
    for place in ({"data": {"a": text}}, {"data": {"a": {"b": [text]}}}, {"policy": text}, {"defaultTags": text}):
        for kind in (MAP, BUCKET, "aws:iam/policy:Policy", "pulumi:providers:aws"):
            changed = step("update", kind, "a", {key: "{}" for key in place}, place)
            same = [step("create", kind, "b", new=place), step("delete", kind, "c", old=place), changed]
            made = preview(*same, config={"aws:defaultTags": text})
            one = review([made], rules.check([made]))
            assert to_json(one)
            assert terminal(one, 100)
            assert len(markdown(one, Dialect.GITHUB)) <= LIMIT


def test_a_text_of_json_with_too_many_levels_is_no_document() -> None:
    assert document(nested(49)) is not None
    assert document(nested(60)) is None
    assert document(texts_in_texts()) is None


def test_two_thousand_resources_of_one_component_are_told_by_operation_where_not_by_name() -> None:
    steps = [step("create", MAP, f"m{n}", new={"data": {"n": n}}, parent=TEAM) for n in range(1_500)]
    steps += [step("update", BUCKET, f"b{n}", old={"n": n}, new={"n": n + 1}, parent=TEAM) for n in range(500)]
    comment = markdown(review([preview(*steps)]), Dialect.GITHUB)
    assert len(comment) <= LIMIT
    assert "500 to update, 1500 to create" in comment
    shown = comment.count("<td>update</td>")
    assert f"and {501 - shown} more rows: {500 - shown} update, 1500 create" in comment
    alike = markdown(review([preview(*steps[:1_500])]), Dialect.GITHUB)
    assert "1500 resources: <code>ConfigMap</code> ×1500" in alike
    assert "entries left out" in comment


def test_two_thousand_claims_to_one_object_are_two_thousand_findings_and_one_comment() -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "birds"}}
    made = preview(*(step("create", MAP, f"m{n}", new=inputs) for n in range(2_000)))
    found = rules.check([made])
    assert len(found) == 2_000
    comment = markdown(review([made], found), Dialect.GITHUB)
    assert len(comment) <= LIMIT
    assert comment.startswith("## Preview: 2000 blocking findings,")


def test_sixty_stacks_each_have_their_line_and_the_worst_comes_first() -> None:
    calm = [
        preview(
            *(step("update", MAP, f"{n}", old={"a": n}, new={"a": "x" * n}, stack=f"s-{number}") for n in range(40)),
            stack=f"s-{number}",
        )
        for number in range(59)
    ]
    bad = preview(step("delete", DATABASE, "orders", old={}, stack="last"), stack="last")
    comment = markdown(review([*calm, bad]), Dialect.GITHUB)
    assert len(comment) <= LIMIT
    assert all(f"- `s-{number}`: 40 to update\n" in comment for number in range(59))
    assert comment.index("is a database and is deleted") < comment.index("`s-0`")
    assert "entries left out" in comment


def test_no_list_is_so_long_that_the_next_one_is_left_out() -> None:
    lost = preview(*(step("delete", DATABASE, f"{n}-{'x' * 100}", old={}) for n in range(500)))
    found = [
        Finding("a-rule", level, "prod", urn(DATABASE, str(n)), "is wrong " * 40, "Mend it.")
        for n in range(500)
        for level in Level
    ]
    comment = markdown(review([lost], found), Dialect.GITHUB)
    lists = ("**500 blocking findings**", "**500 dangers**", "- `prod`: ", "<summary>500 warnings", "<table>")
    places = [comment.index(said) for said in lists]
    assert places == sorted(places)
    assert comment.count("is a database and is deleted") > 40
    assert comment.count("`a-rule`") > 40


def test_of_a_thousand_stacks_the_one_that_failed_has_its_line() -> None:
    calm = [preview(step("update", MAP, old={"a": 1}, new={"a": 2}), stack=f"s-{number}") for number in range(1_000)]
    failed = Preview("last", diagnostics=(Diagnostic("error", "no such region"),), complete=False)
    comment = markdown(review([*calm, failed]), Dialect.GITHUB)
    assert "- **!** `last`: the preview failed: `no such region`\n" in comment
    assert "more stacks\n" in comment


def test_a_preview_of_nothing_says_so() -> None:
    nothing = review([Preview("new")])
    assert markdown(nothing, Dialect.GITHUB) == "## Preview: no changes\n\n- `new`: no changes\n\n"
    assert terminal(nothing) == "Preview: no changes\nnew: no changes\n"
    none = review([])
    assert markdown(none, Dialect.GITHUB).startswith("## Preview: no changes\n")
    assert terminal(none) == "Preview: no changes\n"


@pytest.mark.parametrize("letter", ["x", "é", "模", "🐧"])
def test_a_comment_fits_where_a_host_counts_bytes(letter: str) -> None:
    long = letter * 300
    steps = [
        step("update", MAP, f"{long}{n}", old={long: "a"}, new={long: long}, parent=urn("example:index:Team", f"t{n}"))
        for n in range(400)
    ]
    lost = [step("delete", DATABASE, f"{long}{n}", old={}, protect=True) for n in range(400)]
    comment = markdown(review([preview(*steps, *lost, stack=long)], artifact=long), Dialect.GITHUB)
    assert LIMIT * 0.8 < len(comment.encode()) <= LIMIT
    assert "entries left out" in comment


def test_a_long_name_of_a_stack_is_cut_and_harms_nothing() -> None:
    name = "s" * 5_000
    made = review([preview(step("delete", DATABASE, old={}), stack=name), Preview(name + "2")], artifact=name)
    comment = markdown(made, Dialect.GITHUB)
    assert "is a database and is deleted" in comment
    assert len(comment) < 3_000
    assert max(len(line) for line in terminal(made, 40).splitlines()) <= 40


def test_a_cost_of_many_parts_leaves_room_for_the_table() -> None:
    spaces = {f"team-{number}": Requests(Decimal(number + 1)) for number in range(900)}
    words = tuple(f"part {number} of many that have no price" for number in range(900))
    cost = Estimate(
        "prod", "eu-central-1", *(Decimal(one) for one in (1, 2, 1, 3)), date(2026, 1, 1), words, requests_after=spaces
    )
    made = preview(step("update", BUCKET, "data", old={"a": 1}, new={"a": 2}))
    comment = markdown(review([made], estimates=[cost]), Dialect.GITHUB)
    assert "<code>a</code>: <code>1</code> → <code>2</code>" in comment
    assert "and 885 more" in comment
    assert len(comment) < 10_000


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        ({"before": 2, "after": 5}, "Cost: +3.00 USD a month, to 5.00 (between"),
        ({"before": 5, "after": 5}, "Cost: unchanged, USD a month: 5.00 (between"),
        ({"before": 2, "after": 5, "at_least": True}, "Cost: +3.00 USD a month, to at least 5.00 (between"),
        ({"at_least": True, "not_counted": ("one type",)}, "nothing could be priced. Not counted: one type."),
    ],
)
def test_what_has_no_price_is_never_counted_as_nothing(estimate: dict, said: str) -> None:
    amounts = {key: Decimal(estimate.get(key, 0)) for key in ("before", "after")}
    more = {"low": Decimal(1), "high": Decimal(9), "priced_on": date(2026, 1, 1)}
    cost = Estimate("prod", "eu", **{**estimate, **amounts, **more})
    made = review([preview(step("update", BUCKET, old={"a": 1}, new={"a": 2}))], estimates=[cost])
    comment = markdown(made, Dialect.GITHUB)
    assert said in comment
    assert said in " ".join(terminal(made, 200).split())
    assert ("not all is counted" in comment.splitlines()[0]) is bool(cost.at_least and cost.delta)


SECRET = "AKIA" + "ABCDEFGH2345XYZ7"


def test_a_secret_that_is_also_a_plain_value_is_hidden_where_it_looks_like_one() -> None:
    inputs = {"password": "[secret]", "note": f"use {SECRET} here", "env": [{"name": "A", "value": SECRET}]}
    changed = {**inputs, "note": f"use {SECRET} there", "password": "[secret]"}
    for made in (step("create", BUCKET, new=inputs), step("update", BUCKET, old=inputs, new=changed)):
        said = review([preview(made)])
        for text in (markdown(said, Dialect.GITHUB), terminal(said), to_json(said)):
            assert SECRET not in text
    assert {one.rule for one in rules.check([preview(step("create", BUCKET, new=inputs))])} >= {"plain-secret"}


@pytest.mark.parametrize("width", [40, 41, 200])
def test_wide_characters_have_two_columns(width: int) -> None:
    name = "模型" * 40 + " x" + "端点" * 40
    said = terminal(review([preview(step("delete", DATABASE, name, old={"a": name}), stack=name)]), width)
    columns = [sum(2 if east_asian_width(one) in "WF" else 1 for one in line) for line in said.splitlines()]
    assert width - 3 <= max(columns) <= width
    assert "端点" in said
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize("width", [40, 41, 57, 100])
@pytest.mark.parametrize("command", ["::error::no", "::stop-commands::x", "##[error]no"])
def test_no_line_of_a_terminal_is_a_command_to_the_log_of_a_ci_run(command: str, width: int) -> None:
    text = " ".join([command] * 40)
    made = preview(
        step("update", MAP, text, old={"a": text, command: "b"}, new={"a": f"{text}!"}), stack=f"{command} {text}"
    )
    said = terminal(review([made, everywhere(text)]), width)
    assert said.count(command) > 40
    lines = said.splitlines()
    assert not [line for line in lines if line.lstrip().startswith(("::", "##["))]
    assert any(line.lstrip().startswith(f"\\{command}") for line in lines)
    assert max(map(len, lines)) <= width


def test_operations_add_up_in_every_form() -> None:
    made = preview(*(step("create", MAP, f"{n}", new={}) for n in range(7)), step("same", MAP, "still", old={}, new={}))
    both = review([made, dataclasses.replace(made, stack="other")])
    for text in (markdown(both, Dialect.GITHUB), terminal(both)):
        assert text.count("7 to create, 1 unchanged") >= 2
    assert both.stacks[0].counts == {Operation.CREATE: 7, Operation.SAME: 1}
