"""The settings of a training pipeline: what a team says, and the document that the pipeline's steps read.

The argument types, their checks and the document; `TrainingPipeline` puts the document in a ConfigMap.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi

from pulumi_mlops import _expressions

SCHEMA_VERSION = 1
"""Of the document; the steps refuse another one."""


class Task(StrEnum):
    """What the model predicts."""

    CLASSIFICATION = "classification"
    """One of several labels."""
    REGRESSION = "regression"
    """A number."""


class SourceType(StrEnum):
    """Where the training data are."""

    S3 = "S3"
    """A file in an S3-compatible object store."""
    SQL = "SQL"
    """The rows of a query."""


class DataFormat(StrEnum):
    """Format of a file of training data."""

    CSV = "csv"
    """Comma-separated, with one header line."""
    PARQUET = "parquet"


class NumericImputation(StrEnum):
    """What replaces a missing number."""

    MEDIAN = "MEDIAN"
    MEAN = "MEAN"
    ZERO = "ZERO"


class CategoricalImputation(StrEnum):
    """What replaces a missing category."""

    MOST_FREQUENT = "MOST_FREQUENT"
    MISSING = "MISSING"
    """A category of its own."""


class Scaling(StrEnum):
    """How numbers are scaled."""

    STANDARD = "STANDARD"
    """To mean 0 and variance 1."""
    MIN_MAX = "MIN_MAX"
    """To the interval from 0 to 1."""
    NONE = "NONE"


class UnknownCategory(StrEnum):
    """What happens to a category that training never saw."""

    MISSING = "MISSING"
    """It is taken for a missing one, and counted."""
    ERROR = "ERROR"
    """The request is refused."""


class Metric(StrEnum):
    """What the evaluation measures on the held-out rows."""

    ACCURACY = "accuracy"
    F1_MACRO = "f1_macro"
    LOG_LOSS = "log_loss"
    ROC_AUC = "roc_auc"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"


class SourceArgs(TypedDict):
    """Where the training data are."""

    type: SourceType
    """Kind of the source. Plain, because it decides which credentials the steps get."""
    bucket: NotRequired[pulumi.Input[str]]
    """S3: name of the bucket."""
    key: NotRequired[pulumi.Input[str]]
    """S3: key of the file; a run by hand can name another one."""
    format: NotRequired[pulumi.Input[DataFormat]]
    """S3: format of the file; default csv."""
    secret: NotRequired[pulumi.Input[str]]
    """SQL: name of the Secret in the namespace whose key `uri` holds the SQLAlchemy URL."""
    query: NotRequired[pulumi.Input[str]]
    """SQL: the query that returns the rows."""


class FeaturesArgs(TypedDict):
    """What becomes of the columns. Column names are plain values, because they are checked against each other."""

    renames: NotRequired[dict[str, str]]
    """New name of a column by its name in the source; applied first, all else uses the new names."""
    drop: NotRequired[list[str]]
    """Columns that are not used."""
    engineered: NotRequired[dict[str, str]]
    """Name of a new numeric column → arithmetic on numeric columns: numbers, column names, + - * / ** and log, log1p,
    sqrt, abs, exp, min, max; at most 1000 characters."""
    numeric: NotRequired[list[str]]
    """Columns taken as numbers; default: those that are numbers in the source."""
    categorical: NotRequired[list[str]]
    """Columns taken as categories; default: those that are not numbers in the source."""
    numeric_imputation: NotRequired[pulumi.Input[NumericImputation]]
    """What replaces a missing number; default MEDIAN."""
    categorical_imputation: NotRequired[pulumi.Input[CategoricalImputation]]
    """What replaces a missing category; default MOST_FREQUENT."""
    scaling: NotRequired[pulumi.Input[Scaling]]
    """How numbers are scaled; default STANDARD."""
    unknown_category: NotRequired[pulumi.Input[UnknownCategory]]
    """What happens to a category that training never saw; default MISSING."""


class TrainingArgs(TypedDict):
    """How the model is trained."""

    test_fraction: NotRequired[pulumi.Input[float]]
    """Part of the rows held out for the evaluation, from 0.05 to 0.5; default 0.2."""
    seed: NotRequired[pulumi.Input[int]]
    """Seed of every random choice, at least 0; default 0. The same data and seed give the same model."""
    rounds: NotRequired[pulumi.Input[int]]
    """Number of boosting rounds, from 1 to 10000; default 100."""
    parameters: NotRequired[dict[str, Any]]
    """Parameters of XGBoost's booster, such as `max_depth`; default XGBoost's own. The task decides `objective` and
    `num_class`, and `training.seed` decides `seed`."""


class EvaluationArgs(TypedDict):
    """The gate that a new model passes before the endpoint serves it."""

    metric: pulumi.Input[Metric]
    """What is measured: accuracy, f1_macro, log_loss, roc_auc for a classification; rmse, mae, r2 for a regression."""
    threshold: pulumi.Input[float]
    """The worst value that passes."""
    must_beat_current: NotRequired[pulumi.Input[bool]]
    """Whether the model must also be as good as the one that the endpoint serves, on the same rows; default true."""


METRICS: dict[str, tuple[Metric, ...]] = {
    Task.CLASSIFICATION: (Metric.ACCURACY, Metric.F1_MACRO, Metric.LOG_LOSS, Metric.ROC_AUC),
    Task.REGRESSION: (Metric.RMSE, Metric.MAE, Metric.R2),
}
LOWEST = {metric: 0.0 for metric in Metric if metric != Metric.R2}  # R² of a model worse than the mean is negative
HIGHEST = {metric: 1.0 for metric in (Metric.ACCURACY, Metric.F1_MACRO, Metric.ROC_AUC, Metric.R2)}
SOURCE_FIELDS = {
    SourceType.S3: (("bucket", "key"), ("format",)),
    SourceType.SQL: (("secret", "query"), ()),
}
"""Required and optional fields of each kind of source."""
DECIDED_BY_TASK = ("objective", "num_class")


def document(args: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings with every default written out; only what the steps infer from the data is absent."""
    return {
        "schema_version": SCHEMA_VERSION,
        "model_name": args.get("model_name", name),
        "task": args["task"],
        "source": _source(args["source"]),
        "target": args["target"],
        "features": {
            "renames": {},
            "drop": [],
            "engineered": {},
            "numeric_imputation": NumericImputation.MEDIAN.value,
            "categorical_imputation": CategoricalImputation.MOST_FREQUENT.value,
            "scaling": Scaling.STANDARD.value,
            "unknown_category": UnknownCategory.MISSING.value,
            **args.get("features", {}),
        },
        "training": {"test_fraction": 0.2, "seed": 0, "rounds": 100, "parameters": {}, **args.get("training", {})},
        "evaluation": {"must_beat_current": True, **args["evaluation"]},
        "endpoint": args.get("endpoint"),
    }


def problems(args: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with fields that are sound one by one; read by `check_args`."""
    yield from _source_problems(args["source"])
    yield from _feature_problems(args.get("features", {}), args["target"])
    yield from _parameter_problems(args.get("training", {}).get("parameters", {}))
    yield from _evaluation_problems(args["evaluation"], args["task"])


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    """Without the Secret's name: the steps get its value from the environment."""
    defaults = {"format": DataFormat.CSV.value} if source["type"] == SourceType.S3 else {}
    return {**defaults, **{key: value for key, value in source.items() if key != "secret"}}


def _source_problems(source: Mapping[str, Any]) -> Iterator[str]:
    kind = SourceType(source["type"])
    required, optional = SOURCE_FIELDS[kind]
    for field in required:
        if source.get(field) is None:
            yield f"args.source.{field} is required by a source of type {kind.value}"
    for field, value in source.items():
        if value is not None and field not in ("type", *required, *optional):
            yield f"args.source.{field} does not belong to a source of type {kind.value}, got {value!r}"


def _feature_problems(features: Mapping[str, Any], target: Any) -> Iterator[str]:
    numeric, categorical = set(features.get("numeric", [])), set(features.get("categorical", []))
    drop, engineered = set(features.get("drop", [])), set(features.get("engineered", {}))
    renames: Mapping[str, str] = features.get("renames", {})
    at = "args.features"
    if both := sorted(numeric & categorical):
        yield f"{at}.categorical must not name columns of {at}.numeric, got {both}"
    if dropped := sorted(drop & (numeric | categorical | engineered)):
        yield f"{at}.drop must not name columns that are used, got {dropped}"
    if wrong := sorted(engineered & categorical):
        yield f"{at}.categorical must not name engineered columns, which are numbers, got {wrong}"
    for name, text in features.get("engineered", {}).items():
        if isinstance(text, str) and (problem := _expressions.problem(text)):
            yield f"{at}.engineered.{name} must {problem}"
    if doubled := sorted({new for new in renames.values() if list(renames.values()).count(new) > 1}):
        yield f"{at}.renames must give every column a name of its own, got {doubled} more than once"
    for field, columns in {
        "numeric": numeric,
        "categorical": categorical,
        "drop": drop,
        "engineered": engineered,
        "renames": set(renames) - set(renames.values()),  # two columns may swap their names
    }.items():
        if isinstance(target, str) and target in columns:
            yield f"{at}.{field} must not name the target, got {target!r}"


def _parameter_problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    for key, value in parameters.items():
        if key in DECIDED_BY_TASK:
            yield f"args.training.parameters must not set {key}, which args.task decides, got {value!r}"
        elif key in ("seed", "random_state"):
            yield f"args.training.parameters must not set {key}, which args.training.seed decides, got {value!r}"
        elif not isinstance(value, str | int | float | bool | pulumi.Output):
            yield f"args.training.parameters.{key} must be a number, a string, true or false, got {value!r}"


def _evaluation_problems(evaluation: Mapping[str, Any], task: Any) -> Iterator[str]:
    metric, threshold = evaluation["metric"], evaluation["threshold"]
    if isinstance(metric, pulumi.Output) or isinstance(task, pulumi.Output):
        return
    if metric not in METRICS[task]:
        fitting = ", ".join(one.value for one in METRICS[task])
        yield f"args.evaluation.metric must be one of {fitting} for a {Task(task).value}, got {Metric(metric).value!r}"
    elif not isinstance(threshold, pulumi.Output):
        low, high = LOWEST.get(metric), HIGHEST.get(metric)
        if low is not None and threshold < low:
            yield f"args.evaluation.threshold must be at least {low:g} for {Metric(metric).value}, got {threshold}"
        if high is not None and threshold > high:
            yield f"args.evaluation.threshold must be at most {high:g} for {Metric(metric).value}, got {threshold}"
