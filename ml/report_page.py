"""The report on a run's data as people read it: lines of a log, and a page. `data_report` makes it."""

import html
from collections.abc import Iterator, Mapping
from typing import Any

JSON_FILE, HTML_FILE = "data-report.json", "data-report.html"
_COLUMNS = ("column", "use", "why", "type", "different", "missing", "remarks")


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of the log should look at."""
    if classes := report["target"].get("classes"):
        total = sum(classes.values())
        shares = [f"{label!r} {count / total:.1%}" for label, count in list(classes.items())[:10]]
        yield f"classes: {', '.join(shares)}{', …' if len(classes) > len(shares) else ''}"
    rows = report["rows"] - report["rows_without_target"]
    for column in report["columns"]:
        remarks = list(column.get("remarks", ()))
        if missing := column.get("missing"):
            remarks.append(f"{missing / rows:.1%} missing")
        if remarks:
            yield f"column {column['column']!r} ({column['use']}): {', '.join(remarks)}"


def page(report: Mapping[str, Any], title: str) -> str:
    """The report as a page that needs nothing besides itself."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(column.get(field)))}</td>" for field in _COLUMNS) + "</tr>\n"
        for column in report["columns"]
    )
    facts = "".join(f"<li>{html.escape(line)}</li>\n" for line in [_summary(report), *lines(report)])
    heads = "".join(f"<th>{field}</th>" for field in _COLUMNS)
    style = "body{font:14px sans-serif}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:3px 8px}"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style>\n<h1>{html.escape(title)}</h1>\n<ul>\n{facts}</ul>\n"
        f"<table><tr>{heads}</tr>\n{rows}</table></html>\n"
    )


def _summary(report: Mapping[str, Any]) -> str:
    return (
        f"{report['rows']} rows, {report['rows_without_target']} without a target left out; different values, "
        f"identifiers and leaks as {report['rows_compared']} rows have them"
    )


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
