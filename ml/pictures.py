"""The pictures of a version in MLflow, as SVG: how well it answers the test rows, and what its columns do.

Memory: the predictions of the test rows, and one picture at a time.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml import curves
from ml.curves import Answers
from ml.explanations import Contributions

DIRECTORY = "pictures"
OF_ONE_MODEL = ("confusion-matrix", "residuals")
"""Pictures on which two models would hide each other."""
MOST_CLASSES = 20
"""That the confusion matrix tells apart; the rarer ones share a row and a column."""
MOST_LINES, MOST_COLUMNS, MOST_POINTS = 8, 15, 5000
_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a column may be called $x
    "svg.fonttype": "none",  # text stays text: small, searchable, and in fonts that have its letters
    "svg.hashsalt": "pictures",
    "axes.grid": True,
    "grid.alpha": 0.3,
    "font.size": 9,
}
_LONGEST_NAME = 40


def of_answers(answers: Mapping[str, Answers], classes: Sequence[str] | None) -> dict[str, str]:
    """Pictures of one model's answers, or of several models' on the same axes, by file name without its ending.

    The keys name the models in legends; the confusion matrix and the residuals are those of the first one.
    """
    first = next(iter(answers.values()))
    if classes is None:
        return {"residuals": _picture(lambda figure: _residuals(figure, first), 9)}
    pictures = {"confusion-matrix": _picture(lambda figure: _confusion(figure, first, classes), 6)}
    lines = _lines(answers, classes)
    for name, draw in (
        ("roc-curve", _roc),
        ("precision-recall-curve", _precision_recall),
        ("calibration", _calibration),
    ):
        if lines:
            pictures[name] = _picture(lambda figure, draw=draw: draw(figure.subplots(), lines))
    return pictures


def of_gains(gains: Mapping[str, float]) -> str:
    """Importance of columns, the largest shares first."""
    shown = dict(list(gains.items())[:MOST_COLUMNS])
    return _picture(lambda figure: _bars(figure.subplots(), shown, "share of the gain of all splits"))


def of_contributions(found: Contributions, classes: Sequence[str] | None) -> str:
    """SHAP summary: a dot a row and column; with three or more classes, mean sizes a class and column."""
    return _picture(lambda figure: _contributions(figure, found, classes), 7)


def of_learning(curve: Mapping[str, Sequence[float]]) -> str:
    """XGBoost's measures on the validation rows, round by round."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(curve), 1, sharex=True, squeeze=False)[:, 0]
        for ax, (name, values) in zip(axes, curve.items(), strict=True):
            ax.plot(range(1, len(values) + 1), values)
            ax.set_ylabel(_short(name))
        axes[0].set_title("Validation rows")
        axes[-1].set_xlabel("round")

    return _picture(draw)


def _confusion(figure: Figure, answers: Answers, classes: Sequence[str]) -> None:
    counts = curves.confusion(answers.truth, answers.predicted.argmax(axis=1), len(classes))
    names = list(classes)
    if len(names) > MOST_CLASSES:
        kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: MOST_CLASSES - 1])
        place = np.full(len(names), len(kept))
        place[kept] = np.arange(len(kept))
        smaller = np.zeros((len(kept) + 1, len(kept) + 1), dtype=np.int64)
        np.add.at(smaller, (place[:, None], place[None, :]), counts)
        counts, names = smaller, [*(names[i] for i in kept), f"({len(names) - len(kept)} others)"]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax = figure.subplots()
    ax.grid(visible=False)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    labels = [_short(name) for name in names]
    ax.set_xticks(range(len(names)), labels, rotation=90 if len(names) > 4 else 0)
    ax.set_yticks(range(len(names)), labels)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        ax.text(column, row, str(count), ha="center", va="center", color=color, fontsize=9 if len(names) < 10 else 5)
    ax.set(xlabel="predicted", ylabel="true", title="Test rows; colour: share of the true class")


def _lines(answers: Mapping[str, Answers], classes: Sequence[str]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, positive rows and score of each line: a line a model and class; of two classes the second alone."""
    lines: list[tuple[str, np.ndarray, np.ndarray]] = []
    truth = next(iter(answers.values())).truth
    counts = np.bincount(truth, minlength=len(classes))
    chosen = [1] if len(classes) == 2 else np.argsort(-counts, kind="stable")[:MOST_LINES].tolist()
    for number in chosen:
        if not 0 < counts[number] < len(truth):
            continue  # no curve is defined
        for model, (_, predicted) in answers.items():
            name = f"{model}: {_short(classes[number])}" if len(answers) > 1 else _short(classes[number])
            lines.append((name, truth == number, predicted[:, number].astype(np.float64)))
    return lines


def _roc(ax: Axes, lines: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    for name, positive, score in lines:
        ax.plot(*curves.roc(positive, score), label=name)
    ax.plot([0, 1], [0, 1], color="grey", linestyle=":")
    ax.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curve")
    ax.legend()


def _precision_recall(ax: Axes, lines: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    for name, positive, score in lines:
        ax.plot(*curves.precision_recall(positive, score), label=name, drawstyle="steps-pre")
    ax.set(xlabel="recall", ylabel="precision", title="Precision-recall curve", ylim=(0, 1.02))
    ax.legend()


def _calibration(ax: Axes, lines: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    for name, positive, score in lines:
        ax.plot(*curves.calibration(positive, score), marker="o", label=name)
    ax.plot([0, 1], [0, 1], color="grey", linestyle=":")
    ax.set(xlabel="mean predicted probability", ylabel="share of rows of the class", title="Calibration")
    ax.legend()


def _residuals(figure: Figure, answers: Answers) -> None:
    predicted = answers.predicted[:, 0].astype(np.float64)
    residuals = answers.truth - predicted
    left, right = figure.subplots(1, 2)
    shown = np.linspace(0, len(residuals) - 1, min(len(residuals), MOST_POINTS)).round().astype(np.int64)
    left.scatter(predicted[shown], residuals[shown], s=4, alpha=0.4, rasterized=True)
    left.axhline(0, color="grey", linestyle=":")
    left.set(xlabel="predicted", ylabel="true − predicted", title="Residuals")
    right.hist(residuals, bins=40)
    right.set(xlabel="true − predicted", ylabel="test rows")


def _contributions(figure: Figure, found: Contributions, classes: Sequence[str] | None) -> None:
    sizes = np.abs(found.values).mean(axis=0)  # outputs × columns
    order = np.argsort(-sizes.sum(axis=0), kind="stable")[:MOST_COLUMNS]
    ax = figure.subplots()
    if len(sizes) > 1 and classes:
        left = np.zeros(len(order))
        for number in np.argsort(-sizes.sum(axis=1), kind="stable")[:MOST_LINES]:
            ax.barh(range(len(order)), sizes[number, order], left=left, label=_short(classes[number]))
            left += sizes[number, order]
        ax.legend()
        ax.set_xlabel("mean size of the SHAP value (log odds)")
    else:
        for place, column in enumerate(order):
            _dots(ax, place, found.values[:, 0, column], found.numbers[:, column])
        ax.axvline(0, color="grey", linestyle=":")
        unit = "log odds" if classes else "as the model adds up its trees"
        ax.set_xlabel(f"SHAP value ({unit})\nlow numbers blue, high ones red, categories grey")
    ax.set_yticks(range(len(order)), [_short(found.names[i]) for i in order])
    ax.invert_yaxis()
    ax.set_title(f"What each column adds to the answer, {len(found.values)} test rows")


def _dots(ax: Axes, place: int, values: np.ndarray, numbers: np.ndarray) -> None:
    """A column's row of dots, spread upwards and downwards where many are at one value."""
    bins = np.histogram_bin_edges(values, 60)
    inside = np.digitize(values, bins)
    order = np.argsort(inside, kind="stable")
    start = np.searchsorted(inside[order], inside[order])  # of each dot's bin
    height = np.empty(len(values))
    height[order] = np.arange(len(values)) - start
    height = (np.ceil(height / 2) * np.where(height % 2, 1, -1)) / max(height.max(), 10)
    known = ~np.isnan(numbers)
    ax.scatter(values[~known], place + 0.7 * height[~known], s=5, color="grey", rasterized=True)
    ranks = np.unique(numbers[known], return_inverse=True)[1]
    ax.scatter(values[known], place + 0.7 * height[known], s=5, c=ranks, cmap="coolwarm", rasterized=True)


def _bars(ax: Axes, values: Mapping[str, float], title: str) -> None:
    ax.barh(range(len(values)), list(values.values()))
    ax.set_yticks(range(len(values)), [_short(name) for name in values])
    ax.invert_yaxis()
    ax.set_xlabel(title)


def _short(name: str) -> str:
    """As SVG can hold it: it is a page of XML, which has no control characters."""
    printable = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)
    return printable if len(printable) <= _LONGEST_NAME else printable[: _LONGEST_NAME - 1] + "…"


def _picture(draw: Callable[[Figure], None], width: float = 6) -> str:
    with _style():
        figure = Figure(figsize=(width, 4.5), layout="constrained")
        draw(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's fonts draw the text
        yield
