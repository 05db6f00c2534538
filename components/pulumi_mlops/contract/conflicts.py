"""What is wrong with a settings document: by the rules of single fields, and of fields that do not fit together."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pulumi_mlops.contract import expressions
from pulumi_mlops.contract.settings import (
    CSV_FIELDS,
    FIELDS,
    ROW_COLUMNS,
    SERVED_BOOSTERS,
    ColumnType,
    DataFormat,
    Metric,
    Objective,
    Task,
    column,
)


def problems(document: object) -> list[str]:
    """What is wrong with a document whose fields all have the right types; the steps' side of the rules."""
    found = [
        f"{at} {complaint}, got {value!r}"
        for path, field in FIELDS.items()
        if field.rule
        for at, value in _values(document, path.split("."))
        if (complaint := field.rule(value))
    ]
    return found or list(conflicts(document))


def conflicts(document: Any, at: str = "") -> Iterator[str]:
    """What is wrong with fields that are right one by one; `at` is written before the name of each field.

    Values that are not known yet are not judged: a Pulumi Output is of none of the types that JSON has.
    """
    yield from _source_conflicts(document["source"], at)
    yield from _column_conflicts(document["source"], document["features"], at)
    yield from _feature_conflicts(document["features"], document["target"], at)
    yield from _training_conflicts(document, at)
    yield from _parameter_problems(document["training"]["parameters"], at)
    yield from _evaluation_conflicts(document["evaluation"], document["task"], at)


def _source_conflicts(source: Mapping[str, Any], at: str) -> Iterator[str]:
    given = {name: source[name] for name in CSV_FIELDS if source.get(name) is not None}
    if isinstance(source.get("format"), str) and source["format"] != DataFormat.CSV:
        for name, value in given.items():
            yield f"{at}source.{name} belongs to the format csv, got {value!r} with {source['format']}"
    decimal, thousands = given.get("decimal", "."), given.get("thousands")
    if isinstance(decimal, str) and decimal == thousands:
        yield f"{at}source.thousands must not be the decimal sign, got {thousands!r} for both"


def _column_conflicts(source: Mapping[str, Any], features: Any, at: str) -> Iterator[str]:
    """Declared types, by the names that the source gives its columns."""
    numeric = _columns(features, "numeric")
    types: Mapping[str, Any] = source.get("columns") or {}
    for name, kind in types.items():
        if complaint := column(name):
            yield f"{at}source.columns: the name of a column {complaint}, got {name!r}"
        if kind in (ColumnType.TEXT, ColumnType.BOOLEAN) and features["renames"].get(name, name) in numeric:
            yield f"{at}source.columns.{name} must be a number, as {at}features.numeric names it, got {str(kind)!r}"


def _feature_conflicts(features: Any, target: Any, at: str) -> Iterator[str]:
    numeric, categorical = _columns(features, "numeric"), _columns(features, "categorical")
    drop, engineered = _columns(features, "drop"), _columns(features, "engineered")
    renames: Mapping[str, Any] = features["renames"]
    formulas: Mapping[str, Any] = features["engineered"]
    at += "features"
    for field, names in {"renames": renames, "engineered": formulas}.items():
        for name in names:
            if complaint := column(name):
                yield f"{at}.{field}: the name of a column {complaint}, got {name!r}"
    for old, new in renames.items():
        if isinstance(new, str) and (complaint := column(new)):
            yield f"{at}.renames.{old} {complaint}, got {new!r}"
    if both := sorted(numeric & categorical):
        yield f"{at}.categorical must not name columns of {at}.numeric, got {both}"
    if dropped := sorted(drop & (numeric | categorical | engineered)):
        yield f"{at}.drop must not name columns that are used, got {dropped}"
    if wrong := sorted(engineered & categorical):
        yield f"{at}.categorical must not name engineered columns, which are numbers, got {wrong}"
    for name, expression in formulas.items():
        if isinstance(expression, str) and (problem := expressions.problem(expression)):
            yield f"{at}.engineered.{name} {problem}"
    new_names = [new for new in renames.values() if isinstance(new, str)]
    if doubled := sorted({new for new in new_names if new_names.count(new) > 1}):
        yield f"{at}.renames must give every column a name of its own, got {doubled} more than once"
    for field, columns in {
        "numeric": numeric,
        "categorical": categorical,
        "drop": drop,
        "engineered": engineered,
        "renames": set(renames) - set(new_names),  # two columns may swap their names
    }.items():
        if isinstance(target, str) and target in columns:
            yield f"{at}.{field} must not name the target, got {target!r}"


def _training_conflicts(document: Any, at: str) -> Iterator[str]:
    training, features = document["training"], document["features"]
    fraction, group = training.get("validation_fraction"), training.get("group_column")
    if fraction is not None and training.get("early_stopping_rounds") is None:
        yield f"{at}training.validation_fraction needs {at}training.early_stopping_rounds, got {fraction!r} without it"
    if training.get("search") is not None and training.get("early_stopping_rounds") is None:
        yield f"{at}training.search needs {at}training.early_stopping_rounds, whose validation rows compare the trials"
    if group is not None and training.get("time_column") is not None:
        yield f"{at}training.group_column must not be set beside {at}training.time_column, got {group!r}"
    if (weight := training.get("class_weight")) is not None and document["task"] == Task.REGRESSION:
        yield f"{at}training.class_weight belongs to a classification, got {str(weight)!r}"
    if (objective := training.get("objective")) is not None and document["task"] == Task.CLASSIFICATION:
        yield f"{at}training.objective belongs to a regression, got {str(objective)!r}"
    quantile = training.get("quantile")
    if quantile is None and objective == Objective.QUANTILE:
        yield f"{at}training.quantile is required by the {at}training.objective QUANTILE"
    if quantile is not None and (objective is None or (isinstance(objective, str) and objective != Objective.QUANTILE)):
        yield f"{at}training.quantile belongs to the {at}training.objective QUANTILE, got {quantile!r}"
    metric = document["evaluation"]["metric"]
    if metric == Metric.PINBALL and (objective is None or quantile is None):
        yield f"{at}evaluation.metric pinball needs the {at}training.objective QUANTILE"
    monotone: Mapping[str, Any] = training.get("monotone") or {}
    for name in monotone:
        if complaint := column(name):
            yield f"{at}training.monotone: the name of a column {complaint}, got {name!r}"
        if name in _columns(features, "categorical"):
            yield f"{at}training.monotone must name numbers, got {name!r}, which {at}features.categorical names"
        if name == document["target"] or name in _columns(features, "drop"):
            yield f"{at}training.monotone must name columns that the model uses, got {name!r}"
    for role in ROW_COLUMNS:
        name = training.get(role)
        if not isinstance(name, str):
            continue
        if name == document["target"]:
            yield f"{at}training.{role} must not be the target, got {name!r}"
        for field in ("numeric", "categorical", "drop", "engineered"):
            if name in _columns(features, field):
                yield f"{at}features.{field} must not name {at}training.{role}, which is no feature, got {name!r}"


def _parameter_problems(parameters: Mapping[str, Any], at: str) -> Iterator[str]:
    boosters = " or ".join(SERVED_BOOSTERS)
    decided_by = {
        "objective": f"{at}task and {at}training.objective decide",
        "num_class": f"{at}task decides",
        "quantile_alpha": f"{at}training.quantile decides",
        "monotone_constraints": f"{at}training.monotone decides",
    }
    for key, value in parameters.items():
        if key in decided_by:
            yield f"{at}training.parameters must not set {key}, which {decided_by[key]}, got {value!r}"
        elif key in ("seed", "random_state"):
            yield f"{at}training.parameters must not set {key}, which {at}training.seed decides, got {value!r}"
        elif value is None or isinstance(value, list | Mapping):
            yield f"{at}training.parameters.{key} must be a number, a string, true or false, got {value!r}"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{at}training.parameters.{key} must be a finite number, got {value!r}"
        elif key == "booster" and isinstance(value, str) and value not in SERVED_BOOSTERS:
            yield f"{at}training.parameters.booster must be one that can be served, {boosters}, got {value!r}"


def _evaluation_conflicts(evaluation: Mapping[str, object], task: object, at: str) -> Iterator[str]:
    threshold = evaluation["threshold"]
    if isinstance(threshold, float) and not math.isfinite(threshold):
        yield f"{at}evaluation.threshold must be a finite number, got {threshold}"
    if not isinstance(evaluation["metric"], str) or not isinstance(task, str):
        return
    metric = Metric(evaluation["metric"])
    if metric.task != task:
        fitting = ", ".join(one.value for one in Metric if one.task == task)
        yield f"{at}evaluation.metric must be one of {fitting} for a {task}, got {metric.value!r}"
    elif isinstance(threshold, int | float):
        if threshold < metric.least:
            yield f"{at}evaluation.threshold must be at least {metric.least:g} for {metric.value}, got {threshold}"
        if threshold > metric.greatest:
            yield f"{at}evaluation.threshold must be at most {metric.greatest:g} for {metric.value}, got {threshold}"


def _columns(features: Any, field: str) -> set[str]:
    return {name for name in features.get(field) or () if isinstance(name, str)}


def _values(value: Any, path: list[str], at: str = "") -> Iterator[tuple[str, Any]]:
    """The values at a dotted path, with their own; a list gives each of its items, and so does `*`, of a mapping."""
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _values(item, path, f"{at}[{index}]")
    elif not path:
        yield at, value
    elif isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        for key in parts if path[0] == "*" else [path[0]] if path[0] in parts else []:
            yield from _values(parts[key], path[1:], f"{at}.{key}".lstrip("."))
