"""The settings document of a training pipeline: its values, its defaults and the rules of single fields.

`TrainingPipeline` writes the document into a ConfigMap, and a data scientist writes one by hand; the steps read both.
The types of the fields are `TrainingPipelineArgs` on one side and the models of `ml.settings` on the other.
"""

import math
from enum import StrEnum
from typing import Any, NamedTuple

from pulumi_mlops.contract import keys
from pulumi_mlops.contract.rules import Rule, between, dns_label, encoding, one_of, text_up_to

SCHEMA_VERSION = 1
"""Of the document; the steps refuse another one."""
MAX_COLUMN_NAME = 200
MAX_KEY = 1024
"""Characters; S3's own limit, in bytes."""
MAX_BUCKET = 255


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


FILE = "FILE"
"""A third type of source, for settings on a laptop: a file of that machine. No component offers it."""


class DataFormat(StrEnum):
    """Format of a file of training data."""

    CSV = "csv"
    """Comma-separated, with one header line."""
    PARQUET = "parquet"


class ColumnType(StrEnum):
    """What the cells of a column are."""

    INTEGER = "integer"
    """Integers of at most 64 bits."""
    NUMBER = "number"
    """64-bit floating-point numbers."""
    BOOLEAN = "boolean"
    """True and false; in text also t and f, 1 and 0, in any case."""
    TEXT = "text"
    """Text, exactly as it is: `02116` keeps its zero."""


class NumericImputation(StrEnum):
    """What replaces a missing number."""

    MEDIAN = "MEDIAN"
    MEAN = "MEAN"
    ZERO = "ZERO"
    NONE = "NONE"
    """Nothing: it stays missing, and each split of a tree learns to which side missing values go."""


class CategoricalImputation(StrEnum):
    """What replaces a missing category."""

    MOST_FREQUENT = "MOST_FREQUENT"
    MISSING = "MISSING"
    """A category of its own."""


class Objective(StrEnum):
    """What a regression minimises."""

    SQUARED_ERROR = "SQUARED_ERROR"
    """The model predicts means."""
    ABSOLUTE_ERROR = "ABSOLUTE_ERROR"
    """The model predicts medians, which outliers do not move."""
    POISSON = "POISSON"
    """The model predicts expected counts; the target is at least 0."""
    QUANTILE = "QUANTILE"
    """The model predicts the value that the part `training.quantile` of the true values stays below."""


class Monotone(StrEnum):
    """What the model's answer may do when a number grows, all else equal."""

    INCREASING = "INCREASING"
    """It grows or stays: of two classes, the probability of the second."""
    DECREASING = "DECREASING"
    """It falls or stays."""


class ClassWeight(StrEnum):
    """How much the rows of a class count in training."""

    BALANCED = "BALANCED"
    """Each class as much as any other: a row counts the more, the rarer its class."""


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
    PR_AUC = "pr_auc"
    """Average precision; of several classes, the mean of one against the rest."""
    PRECISION_MACRO = "precision_macro"
    RECALL_MACRO = "recall_macro"
    RMSE = "rmse"
    MAE = "mae"
    MAPE = "mape"
    """Mean absolute error as a part of the true value; not defined if one is 0."""
    PINBALL = "pinball"
    """Pinball loss, with the objective QUANTILE: errors on either side weighed by `training.quantile`."""
    R2 = "r2"

    @property
    def task(self) -> Task:
        """The only task that the metric fits."""
        errors = (Metric.RMSE, Metric.MAE, Metric.MAPE, Metric.PINBALL, Metric.R2)
        return Task.REGRESSION if self in errors else Task.CLASSIFICATION

    @property
    def smaller_is_better(self) -> bool:
        """True for losses and errors."""
        return self in (Metric.LOG_LOSS, Metric.RMSE, Metric.MAE, Metric.MAPE, Metric.PINBALL)

    @property
    def least(self) -> float:
        """The smallest value that it can have. R² of a model worse than the mean is negative."""
        return -math.inf if self is Metric.R2 else 0.0

    @property
    def greatest(self) -> float:
        """The greatest value that it can have."""
        return math.inf if self.smaller_is_better else 1.0


class Field(NamedTuple):
    """A field of the document."""

    default: Any = None
    """None: it must be given, or the steps infer it from the data."""
    rule: Rule | None = None
    """Holds for a known value of the right type; for a list, for each of its items."""


column = text_up_to(MAX_COLUMN_NAME)


def _key(value: str) -> str | None:
    if value.startswith("s3://"):
        return "must be the key within source.bucket, without s3:// and the bucket"
    return text_up_to(MAX_KEY)(value) or keys.problem(value)


def _bucket(value: str) -> str | None:
    if "/" in value:
        return "must be the name of the bucket alone, without s3:// and without a path"
    return text_up_to(MAX_BUCKET)(value)


SERVED_BOOSTERS = ("gbtree", "dart")
"""XGBoost predicts rows in place for boosters of trees only."""
ROW_COLUMNS = ("time_column", "group_column", "weight_column")
"""Fields of `training` that name columns which say something about a row and are no features."""
CSV_FIELDS = ("missing", "delimiter", "encoding", "decimal", "thousands")
"""Fields of a source that say how its text is written."""

FIELDS: dict[str, Field] = {
    "model_name": Field(rule=dns_label),
    "source.bucket": Field(rule=_bucket),
    "source.key": Field(rule=_key),
    "source.format": Field(default=DataFormat.CSV.value),
    "source.columns.*": Field(rule=one_of(*ColumnType)),
    "source.missing": Field(rule=text_up_to(MAX_COLUMN_NAME)),
    "source.delimiter": Field(rule=one_of(",", ";", "|", ":", "\t")),
    "source.encoding": Field(rule=encoding),
    "source.decimal": Field(rule=one_of(".", ",")),
    "source.thousands": Field(rule=one_of(",", ".", " ", "'", "_")),
    "source.query": Field(rule=text_up_to(1_000_000)),
    "target": Field(rule=column),
    "features": Field(default={}),
    "features.renames": Field(default={}),
    "features.drop": Field(default=[], rule=column),
    "features.engineered": Field(default={}),
    "features.numeric": Field(rule=column),
    "features.categorical": Field(rule=column),
    "features.numeric_imputation": Field(default=NumericImputation.MEDIAN.value),
    "features.categorical_imputation": Field(default=CategoricalImputation.MOST_FREQUENT.value),
    "features.scaling": Field(default=Scaling.STANDARD.value),
    "features.unknown_category": Field(default=UnknownCategory.MISSING.value),
    "training": Field(default={}),
    "training.test_fraction": Field(default=0.2, rule=between(0.05, 0.5)),
    "training.seed": Field(default=0, rule=between(0, 2**31 - 1)),
    "training.rounds": Field(default=100, rule=between(1, 10_000)),
    "training.parameters": Field(default={}),
    "training.early_stopping_rounds": Field(rule=between(1, 1000)),
    "training.validation_fraction": Field(rule=between(0.05, 0.5)),
    "training.time_column": Field(rule=column),
    "training.group_column": Field(rule=column),
    "training.weight_column": Field(rule=column),
    "training.quantile": Field(rule=between(0.01, 0.99)),
    "training.monotone.*": Field(rule=one_of(*Monotone)),
    "training.search.trials": Field(rule=between(2, 1000)),
    "training.search.timeout_seconds": Field(rule=between(10, 7 * 24 * 3600)),
    "evaluation.must_beat_current": Field(default=True),
    "endpoint": Field(rule=dns_label),
    "version_history": Field(default=20, rule=between(2, 10_000)),
}
"""The fields that have a default or a rule of their own, by dotted path."""
