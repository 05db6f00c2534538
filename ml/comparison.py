"""A version beside the one that the endpoint serves, on one page that needs nothing besides itself."""

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ml import pictures
from ml.bundle import Bundle
from ml.curves import Answers
from ml.settings import Metric

FILE = "comparison.html"
_STYLE = (
    "body{font:14px sans-serif}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:3px 8px}"
    ".better{background:#d5f0d5}.worse{background:#f6d5d5}"
)


class Side(NamedTuple):
    """A version, and how it did."""

    bundle: Bundle
    metrics: dict[str, float]
    answers: Answers | None
    """To this run's test rows; None if it cannot answer them, then `metrics` are those on record."""


def page(new: Side, current: Side, verdict: str) -> str:
    """The page; `new.answers` are there."""
    title = f"{new.bundle.name} {new.bundle.version} beside {current.bundle.version}"
    where = "on the same test rows" if current.answers else "current version: as recorded with it, on other rows"
    heads = ["", f"new: {new.bundle.version}", f"current: {current.bundle.version}"]
    parts = [
        f"<h1>{html.escape(title)}</h1><p>{html.escape(verdict)}</p>",
        f"<h2>Metrics, {where}</h2>{_table([*heads, 'difference'], _metrics(new, current))}",
        f"<h2>Versions</h2>{_table(heads, _facts(new.bundle, current.bundle))}",
        f"<h2>Columns</h2>{_table(heads, _columns(new.bundle, current.bundle))}",
        *_images(new, current),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style>\n{''.join(parts)}</html>\n"
    )


def _metrics(new: Side, current: Side) -> Iterator[tuple[Sequence[str], str]]:
    """Cells and the style of each row."""
    for name in sorted(new.metrics.keys() | current.metrics.keys()):
        values = [side.metrics.get(name) for side in (new, current)]
        ours, theirs = values
        style, difference = "", ""
        if ours is not None and theirs is not None:
            difference = f"{ours - theirs:+.4g}"
            if ours != theirs and name in set(Metric):
                style = "better" if (ours < theirs) == Metric(name).smaller_is_better else "worse"
        yield [name, *("" if value is None else f"{value:.6g}" for value in values), difference], style


def _facts(new: Bundle, current: Bundle) -> Iterator[tuple[Sequence[str], str]]:
    def both(name: str, *path: str) -> tuple[Sequence[str], str]:
        return [name, *(_at(one, path) for one in (new, current))], ""

    yield both("created", "manifest", "created")
    yield both("data", "manifest", "data", "source")
    yield both("SHA-256 of the data", "manifest", "data", "sha256")
    yield both("rows of the source", "manifest", "data", "rows")
    yield both("training rows", "metrics", "train_rows")
    yield both("test rows", "metrics", "test_rows")
    yield both("rounds, if it stopped early", "metrics", "rounds")
    yield both("code", "manifest", "code_version")
    yield both("XGBoost", "manifest", "xgboost", "version")


def _columns(new: Bundle, current: Bundle) -> Iterator[tuple[Sequence[str], str]]:
    """Columns that are not the same in both, and how many are."""
    ours, theirs = ({one["name"]: one["kind"] for one in side.signature["inputs"]} for side in (new, current))
    for name in [*ours, *(theirs.keys() - ours.keys())]:
        if ours.get(name) != theirs.get(name):
            yield [name, ours.get(name, "absent"), theirs.get(name, "absent")], ""
    yield ["the same", *[str(sum(theirs.get(name) == kind for name, kind in ours.items()))] * 2], ""


def _images(new: Side, current: Side) -> Iterator[str]:
    if new.answers is None:
        return
    classes = new.bundle.signature["classes"]
    answers = {"new": new.answers}
    if current.answers and current.bundle.signature["classes"] == classes:
        answers["current"] = current.answers
    for name, text in pictures.of_answers(answers, classes).items():
        # as an image, so that no two pictures share the ids of their parts, and nothing in them runs
        source = base64.b64encode(text.encode()).decode()
        only = " of the new version" if name in pictures.OF_ONE_MODEL else ""
        yield f'<figure><img src="data:image/svg+xml;base64,{source}" alt="{name}"><figcaption>{name}{only}</figure>'


def _at(version: Bundle, path: Sequence[str]) -> str:
    value: Any = getattr(version, path[0])
    for name in path[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def _table(heads: Sequence[str], rows: Iterable[tuple[Sequence[str], str]]) -> str:
    written = "".join(
        f'<tr class="{style}">{"".join(f"<td>{html.escape(cell)}</td>" for cell in cells)}</tr>\n'
        for cells, style in rows
    )
    return f"<table><tr>{''.join(f'<th>{html.escape(head)}</th>' for head in heads)}</tr>\n{written}</table>"
