"""The page on which a version stands beside the one that the endpoint serves."""

import base64
import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ml import bundle, comparison, evaluate
from ml.comparison import Side
from ml.curves import Answers
from ml.model import Model
from tests.ml import bundles, reading


def side(path: Path) -> Side:
    model = Model(str(path))
    model.load()
    measured = evaluate.measure(model, reading.table_of(bundles.table(90)))
    assert measured is not None
    return Side(bundle.read(path), measured.metrics, measured.answers)


@pytest.fixture
def new(tmp_path: Path) -> Side:
    return side(bundles.make_bundle(tmp_path / "new", "v2"))


def rows(page: str) -> dict[str, list[str]]:
    """Style and cells of each row of the tables, by the first cell."""
    found = re.findall(r'<tr class="(\w*)">(.*?)</tr>', page)
    tables = [[style, *re.findall("<td>(.*?)</td>", cells)] for style, cells in found]
    return {cells[1]: [cells[0], *cells[2:]] for cells in tables}


def images(page: str) -> dict[str, str]:
    found = re.findall(r'<img src="data:image/svg\+xml;base64,(.*?)" alt="(.*?)">', page)
    return {name: base64.b64decode(text).decode() for text, name in found}


def test_metrics_on_the_same_rows_stand_side_by_side(tmp_path: Path, new: Side) -> None:
    weak = bundles.settings(training={"rounds": 1, "parameters": {"max_depth": 1}}, features={"drop": ["island"]})
    current = side(bundles.make_bundle(tmp_path / "current", "v1", chosen=weak))
    page = comparison.page(new, current, "accuracy 0.9 <reaches> it")

    assert "accuracy 0.9 &lt;reaches&gt; it" in page
    assert "on the same test rows" in page
    found = rows(page)
    for name, better in (("accuracy", 1), ("log_loss", -1)):
        style, ours, theirs, difference = found[name]
        assert (ours, theirs) == (f"{new.metrics[name]:.6g}", f"{current.metrics[name]:.6g}")
        assert float(difference) == pytest.approx(new.metrics[name] - current.metrics[name], rel=1e-3)
        assert style == ("better" if float(difference) * better > 0 else "worse")
    assert found["log_loss"][0] == "better"
    assert rows(comparison.page(current, new, ""))["log_loss"][0] == "worse"
    assert found["island"] == ["", "categorical", "absent"]
    assert found["the same"] == ["", "2", "2"]
    assert found["data"] == ["", "the test table", "the test table"]
    assert {"confusion-matrix", "roc-curve", "precision-recall-curve", "calibration"} == set(images(page))
    assert "current: gentoo" in images(page)["roc-curve"]


def test_a_version_of_other_classes_is_compared_as_it_was_recorded(tmp_path: Path, new: Side) -> None:
    path = bundles.make_binary_bundle(tmp_path / "current", "v1")
    current = bundle.read(path)
    page = comparison.page(new, Side(current, current.metrics["metrics"], None), "")
    assert "as recorded with it, on other rows" in page
    assert rows(page)["accuracy"][2] == f"{current.metrics['metrics']['accuracy']:.6g}"
    assert "current:" not in images(page)["roc-curve"]


def test_equal_metrics_are_neither_better_nor_worse(new: Side) -> None:
    assert rows(comparison.page(new, new, ""))["accuracy"][0] == ""


def test_a_page_that_cannot_be_made_leaves_the_verdict_in_mlflow(
    new: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged: list[tuple[str, bool, str, dict[str, str]]] = []
    tracker = SimpleNamespace(judge=lambda *arguments: judged.append(arguments))
    monkeypatch.setattr(evaluate.tracking, "tracker", lambda _: tracker)
    tracked = dataclasses.replace(new.bundle, manifest={**new.bundle.manifest, "mlflow_run_id": "r1"})
    monkeypatch.setattr(evaluate.bundle, "read", lambda _: tracked)
    assert new.answers is not None
    unknown = Answers(new.answers.truth, np.full_like(new.answers.predicted, np.nan))
    context = SimpleNamespace(
        models=tmp_path, settings=SimpleNamespace(model_name="penguins"), version="v2", environment={}
    )

    measured = evaluate.Measured(unknown, new.metrics, {})
    rival = evaluate.Rival("v1", 0.9, recorded=True, stored=new.bundle)
    evaluate._record(context, True, "accuracy 0.95 reaches the threshold 0.9", measured, rival)  # type: ignore[arg-type]

    assert judged == [("r1", True, "accuracy 0.95 reaches the threshold 0.9", {})]
    assert f"no page beside version {new.bundle.version}: " in capsys.readouterr().out
