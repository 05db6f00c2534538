"""Columns whose growth may move the model's answer one way only: `training.monotone`."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.columns import listed
from ml.errors import DataError
from ml.preprocessing import NUMERIC
from ml.settings import Settings

_SIGNS = {"INCREASING": 1, "DECREASING": -1}


def check(settings: Settings, inputs: Sequence[Mapping[str, str]], classes: Sequence[str] | None, where: str) -> None:
    """Raises DataError for a column that cannot be constrained.

    XGBoost itself would not object to a constraint on a category.
    """
    kinds = {column["name"]: column["kind"] for column in inputs} | dict.fromkeys(settings.features.engineered, NUMERIC)
    for name in settings.training.monotone or ():
        if name not in kinds:
            raise DataError(f"training.monotone names {name!r}, {where} has no such feature, it has {listed(kinds)}")
        if kinds[name] != NUMERIC:
            raise DataError(f"training.monotone names {name!r}, which is categorical in {where}: only numbers can grow")
    if settings.training.monotone and classes is not None and len(classes) > 2:
        raise DataError(
            f"training.monotone needs a number or two classes to predict, {settings.target!r} of {where} has "
            f"{len(classes)} classes"
        )


def parameters(settings: Settings, inputs: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """For XGBoost: a sign for each of the matrix' first columns, which are the numbers; it takes the others as free."""
    chosen = settings.training.monotone
    if not chosen:
        return {}
    numbers = [column["name"] for column in inputs if column["kind"] == NUMERIC] + sorted(settings.features.engineered)
    signs = [str(_SIGNS.get(chosen.get(name, ""), 0)) for name in numbers]
    return {"monotone_constraints": f"({','.join(signs)})"}
