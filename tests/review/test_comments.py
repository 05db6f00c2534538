"""Comments as they were reviewed, and what a Git host makes of them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review import cli, rules
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.preview import Operation, Preview
from pulumi_mlops.review.render.json_document import to_json
from pulumi_mlops.review.render.markdown import LIMIT, Dialect, markdown
from pulumi_mlops.review.render.terminal import terminal
from pulumi_mlops.review.view import Review
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests import stacks
from tests.review import recorded
from tests.review.comment_reader import ALLOWED_TOKENS, OUR_TAGS, seen
from tests.review.hostile import HUSH, LOUD, NAMES
from tests.review.reviews import ESTIMATE, NEW, findings, many
from tests.review.steps import preview, step

ARTIFACT = "https://ci.example.org/runs/7/review.json"


class _Markdown(SingleFileSnapshotExtension):
    file_extension = "md"
    _write_mode = WriteMode.TEXT


class _Text(SingleFileSnapshotExtension):
    file_extension = "txt"
    _write_mode = WriteMode.TEXT


class _Json(SingleFileSnapshotExtension):
    file_extension = "json"
    _write_mode = WriteMode.TEXT


def everything() -> Review:
    """Several stacks of which one failed and one does not change, with rules and cost."""
    import dataclasses

    database = dataclasses.replace(recorded.preview("database-replacement"), stack="platform-prod")
    still = Preview("foundation-prod", summary={Operation.SAME: 128})
    previews = [
        database,
        recorded.preview("image-bump", "penguins-prod"),
        still,
        recorded.preview("failed", "churn-prod"),
    ]
    return review(previews, findings(database), [ESTIMATE], ARTIFACT)


CASES: dict[str, Callable[[], Review]] = {
    **{name: (lambda name=name: review([recorded.preview(name)])) for name in NEW},
    **{
        name: (lambda name=name: review([recorded.preview(name)]))
        for name in (
            "image-bump",
            "node-group",
            "database-replacement",
            "failed",
            "owners",
            "hostile-names",
            "helm-release",
            "model-api",
            "two-thousand",
        )
    },
    "secrets": lambda: review(
        [recorded.preview("secrets-digest", "digest"), recorded.preview("secrets-events", "events")]
    ),
    "drift": lambda: review([recorded.preview("drift-digest", "digest")]),
    "large": lambda: review([many(2_000)], artifact="review-of-large"),
    "everything": everything,
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_comment_is_as_reviewed(case: str, snapshot: SnapshotAssertion) -> None:
    assert markdown(CASES[case](), Dialect.GITHUB) == snapshot(extension_class=_Markdown)


def test_every_stack_of_this_repository_has_the_comment_of_its_first_create() -> None:
    assert {f"new-{stack}" for stack in stacks.names()} == set(NEW)


def test_every_recording_of_the_engine_is_a_comment() -> None:
    shown = {name.removesuffix("-digest").removesuffix("-events") for name in recorded.names()}
    assert shown <= {*CASES}


COMMANDED = {
    "database": ["database-replacement"],
    "nodes": ["node-group"],
    "platform": ["new-platform-prod"],
    "several": ["database-replacement", "node-group", "image-bump", "failed"],
}
DAY = date(2026, 11, 26)
"""On which support has not ended that may end later."""


@pytest.mark.parametrize("case", sorted(COMMANDED))
def test_the_commands_comment_has_the_findings_of_the_rules_and_what_it_costs(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr(cli, "JUDGES", (lambda previews: rules.judged(previews, today=DAY),))
    words = ["comment", "--format", "github", "--fail-on", "never", "--artifact", ARTIFACT]
    for name in COMMANDED[case]:
        (tmp_path / name).write_text(recorded.text(name))
        words += ["--stack", f"{name}={tmp_path / name}"]
    assert cli.main(words) == 0
    assert capsys.readouterr().out == snapshot(extension_class=_Markdown)


def test_the_comment_for_gitlab_is_as_reviewed(snapshot: SnapshotAssertion) -> None:
    assert markdown(everything(), Dialect.GITLAB) == snapshot(extension_class=_Markdown)


@pytest.mark.parametrize("case", ["everything", "hostile-names"])
def test_the_terminal_is_as_reviewed(case: str, snapshot: SnapshotAssertion) -> None:
    assert terminal(CASES[case](), 100) == snapshot(extension_class=_Text)


def test_the_document_is_as_reviewed(snapshot: SnapshotAssertion) -> None:
    assert to_json(everything()) == snapshot(extension_class=_Json)


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("case", sorted(CASES))
def test_nothing_is_smuggled_into_a_comment(case: str, dialect: Dialect) -> None:
    comment = markdown(CASES[case](), dialect)
    found = seen(comment)
    assert found.tokens <= ALLOWED_TOKENS
    assert found.tags <= set(OUR_TAGS)
    assert found.open_tags == []
    assert found.links == ([ARTIFACT] if case == "everything" else [])
    loose = " ".join(found.loose).replace(ARTIFACT, "")
    assert not any(sign in loose for sign in ("@", "#", "http", "www.", "GH-", "://"))
    assert not any(line.startswith("/") for line in comment.splitlines())
    assert len(comment) <= LIMIT


def test_hostile_names_are_shown_as_they_are() -> None:
    found = "\n".join(seen(markdown(CASES["hostile-names"](), Dialect.GITHUB)).quoted)
    shown = [name for name in NAMES if f"Evil {name}" in found]
    changed = {name for name in NAMES if any(sign in name for sign in "\n\u202e\x1b")}
    assert set(shown) == set(NAMES) - changed
    assert r"right\u202eleft and \u001b[31mred\u001b[0m" in found


@pytest.mark.parametrize("colour", [True, False])
def test_no_name_moves_the_cursor_of_a_terminal(colour: bool) -> None:
    import re

    said = terminal(CASES["hostile-names"](), colour=colour)
    plain = re.sub(r"\x1b\[(?:0|1|3[1-4])m", "", said)
    assert plain.replace("\n", "").isprintable()
    assert ("\x1b" in said) is colour


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for case in ("everything", "node-group", "hostile-names"):
        assert max(len(line) for line in terminal(CASES[case](), width).splitlines()) <= width


@pytest.mark.parametrize("render", [lambda one: markdown(one, Dialect.GITLAB), terminal, to_json])
def test_the_same_input_gives_the_same_bytes(render: Any) -> None:
    assert render(everything()) == render(everything())


@pytest.mark.parametrize("name", ["secrets-digest", "secrets-events"])
def test_a_secret_is_told_to_change_and_not_shown(name: str) -> None:
    made = review([recorded.preview(name)])
    for text in (markdown(made, Dialect.GITHUB), terminal(made), to_json(made)):
        assert HUSH not in text
        assert LOUD not in text
        assert "secret" in text


def test_a_large_change_says_what_it_leaves_out_and_where_it_is() -> None:
    comment = markdown(CASES["large"](), Dialect.GITHUB)
    assert "2000 to update" in comment
    assert "entries left out" in comment
    assert "all of it is in the artifact: `review-of-large`" in comment


def test_what_matters_most_always_fits() -> None:
    previews = [many(2_000), recorded.preview("database-replacement", "prod")]
    comment = markdown(review(previews, findings(previews[1])), Dialect.GITHUB)
    assert comment.index("rds-encrypted") < comment.index("is a database and is replaced") < comment.index("<table>")
    assert len(comment) <= LIMIT


def test_a_failed_preview_says_why_in_one_line() -> None:
    comment = markdown(CASES["failed"](), Dialect.GITHUB)
    (line,) = [line for line in comment.splitlines() if line.startswith("- **!**")]
    assert 'ModelEndpoint "churn": args.replicas must be from 1 to 100, got 0' in line


def test_a_preview_that_was_cut_off_is_told_as_such() -> None:
    from pulumi_mlops.review.reading import read

    whole = recorded.text("secrets-events")
    cut = read(whole[: len(whole) * 2 // 3], "prod")
    assert "the preview was cut off" in markdown(review([cut]), Dialect.GITHUB)
    assert "cut off" not in markdown(review([read(whole, "prod")]), Dialect.GITHUB)


@pytest.mark.parametrize("share", range(2, 100, 7))
@pytest.mark.parametrize("name", ["secrets-events", "secrets-digest", "node-group", "owners"])
def test_of_a_preview_that_was_cut_off_the_steps_before_are_told(name: str, share: int) -> None:
    from pulumi_mlops.review.reading import read

    whole = recorded.text(name)
    every = read(whole, "prod")
    cut = read(whole[: max(len(whole) * share // 100, 80)], "prod")
    assert not cut.complete
    assert cut.steps == every.steps[: len(cut.steps)]
    assert (len(cut.steps) > 0) or share < 60
    assert "cut off" in terminal(review([cut]))


def test_renames_and_moves_are_told() -> None:
    comment = markdown(CASES["owners"](), Dialect.GITHUB)
    assert "moves from `example Team first` to `example Team second`".replace("`", "") in comment.replace("`", "")
    assert "is no longer protected" in comment
    assert "known by an alias" in comment


def test_both_forms_tell_the_same_drift() -> None:
    forms = [review([recorded.preview(f"drift-{form}", "prod")]) for form in ("digest", "events")]
    first, second = (markdown(one, Dialect.GITHUB) for one in forms)
    assert first == second
    assert "1 to delete, 1 to update, 2 unchanged" in first


def test_a_release_shows_its_values_and_says_what_it_hides() -> None:
    old, new = ({"values": {"server": {"replicas": count, "password": "p"}}, "version": "1"} for count in (1, 2))
    release = step("update", "kubernetes:helm.sh/v3:Release", "argo", old=old, new=new)
    comment = markdown(review([preview(release)]), Dialect.GITHUB)
    assert "<code>values.server.replicas</code>: <code>1</code> → <code>2</code>" in comment
    assert "a Helm release: the objects of its chart are not shown" in comment


def test_a_stack_without_changes_is_one_line() -> None:
    still = preview(step("same", "aws:s3/bucket:Bucket", old={}, new={}), summary={Operation.SAME: 41})
    comment = markdown(review([still]), Dialect.GITHUB)
    assert comment == "## Preview: no changes\n\n- `prod`: no changes (41 unchanged)\n\n"
