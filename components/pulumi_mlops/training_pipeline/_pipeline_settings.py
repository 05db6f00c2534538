"""The arguments of a training pipeline that become its settings document, `contract.settings`."""

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi

from pulumi_mlops._args import Argument
from pulumi_mlops.contract import settings as contract
from pulumi_mlops.contract.rules import dns_label
from pulumi_mlops.contract.settings import (
    CategoricalImputation,
    ClassWeight,
    DataFormat,
    Metric,
    NumericImputation,
    Objective,
    Scaling,
    SourceType,
    UnknownCategory,
)

if TYPE_CHECKING:
    pass


class SourceArgs(TypedDict):
    """Where the training data are."""

    type: SourceType
    """Kind of the source. Plain, because it decides which credentials the steps get."""
    bucket: NotRequired[pulumi.Input[str] | None]
    """S3: name of the bucket."""
    key: NotRequired[pulumi.Input[str] | None]
    """S3: key of the file; a run by hand can name another one. It may name several files: a prefix that ends with `/`,
    or a pattern with `*`, `?` and `**`; what their paths say, such as `year=2026/`, are columns. `{date}` in it is the
    date of the schedule, in `timezone`; `{date-1}` is the day before, and `{date:%Y/%m/%d}` another form."""
    format: NotRequired[pulumi.Input[DataFormat]]
    """S3: format of the file; default csv."""
    columns: NotRequired[dict[str, str] | None]
    """Type of a column by its name in the source, each a `ColumnType`: integer, number, boolean or text. A
    cell of another type is refused by column, line and cell. Default: the source's own types; those of a CSV file are
    inferred from all of its rows, as ml/README.md says."""
    missing: NotRequired[list[str] | None]
    """S3, format csv: the words that mean a missing cell, in every column, such as ["NA", "-999"]; [] for blank cells
    alone. Blank cells always are missing. Default: `NA`, `null`, `?` and the like, where they stand among numbers or
    booleans, and then in the columns of text of the same file."""
    delimiter: NotRequired[pulumi.Input[str] | None]
    """S3, format csv: the sign between cells, a comma, a semicolon, a bar, a colon or a tab; a comma if absent."""
    encoding: NotRequired[pulumi.Input[str] | None]
    """S3, format csv: the encoding of the text, such as "windows-1252"; utf-8 if absent."""
    decimal: NotRequired[pulumi.Input[str] | None]
    """S3, format csv: the decimal sign, a point or a comma; a point if absent."""
    thousands: NotRequired[pulumi.Input[str] | None]
    """S3, format csv: the sign between groups of three digits, one of `,` `.` `'` `_` and a space; default none."""
    secret: NotRequired[pulumi.Input[str] | None]
    """SQL: name of the Secret in the namespace whose key `uri` holds the SQLAlchemy URL."""
    query: NotRequired[pulumi.Input[str] | None]
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
    numeric: NotRequired[list[str] | None]
    """Columns taken as numbers; default: those that are numbers in the source."""
    categorical: NotRequired[list[str] | None]
    """Columns taken as categories; default: those that are not numbers in the source."""
    numeric_imputation: NotRequired[pulumi.Input[NumericImputation]]
    """What replaces a missing number; default MEDIAN. With NONE it stays missing, which trees can tell apart."""
    categorical_imputation: NotRequired[pulumi.Input[CategoricalImputation]]
    """What replaces a missing category; default MOST_FREQUENT."""
    scaling: NotRequired[pulumi.Input[Scaling]]
    """How numbers are scaled; default STANDARD."""
    unknown_category: NotRequired[pulumi.Input[UnknownCategory]]
    """What happens to a category that training never saw; default MISSING."""


class SearchArgs(TypedDict):
    """A search for parameters of the booster, by Optuna.

    It tries `learning_rate`, `max_depth`, `min_child_weight`, `subsample`, `colsample_bytree` and `reg_lambda`, except
    those that `parameters` sets.
    """

    trials: pulumi.Input[int]
    """Number of models that are fitted, from 2 to 1000; one that does worse than most by the same round ends early."""
    timeout_seconds: NotRequired[pulumi.Input[int] | None]
    """Seconds after which the search ends with what it has, from 10 to a week, all attempts of the step together. It
    has to fit into `steps.train.timeout_seconds`, and the last model with it. Default none: all trials."""


class TrainingArgs(TypedDict):
    """How the model is trained."""

    test_fraction: NotRequired[pulumi.Input[float]]
    """Part of the rows held out for the evaluation, from 0.05 to 0.5; default 0.2. They are chosen at random, each
    class in proportion, unless `time_column` or `group_column` says otherwise."""
    time_column: NotRequired[pulumi.Input[str] | None]
    """Column that says when a row was, by numbers, dates or ISO 8601 text; it is no feature. The latest rows are
    held out, rows of one time all together. Default none."""
    group_column: NotRequired[pulumi.Input[str] | None]
    """Column that says which rows belong together, such as a customer's; it is no feature. Groups are held out
    as a whole, at random. Default none."""
    weight_column: NotRequired[pulumi.Input[str] | None]
    """Column with the weight of a row in training, at least 0; it is no feature. The evaluation counts all rows
    alike. Default none: each counts 1."""
    objective: NotRequired[pulumi.Input[Objective] | None]
    """What a regression minimises; SQUARED_ERROR if absent."""
    quantile: NotRequired[pulumi.Input[float] | None]
    """The quantile that the objective QUANTILE predicts, from 0.01 to 0.99: with 0.9, nine of ten true values are below
    the model's answer. Default none."""
    class_weight: NotRequired[pulumi.Input[ClassWeight] | None]
    """BALANCED: a row of a classification counts the more in training, the rarer its class. Default none."""
    early_stopping_rounds: NotRequired[pulumi.Input[int] | None]
    """Training ends when this many rounds, from 1 to 1000, did not improve `eval_metric` of `parameters`, or else
    the objective's own metric, on validation rows; the model keeps the rounds up to the best. Default none: all
    rounds."""
    validation_fraction: NotRequired[pulumi.Input[float] | None]
    """Part of the training rows that is held out for `early_stopping_rounds`, from 0.05 to 0.5, chosen as the
    test rows are; 0.2 if left out."""
    monotone: NotRequired[dict[str, str] | None]
    """What the model's answer may do when the number in a column grows, by the column's name: a `Monotone`, INCREASING
    or DECREASING. Not for categories, nor for three or more classes. Default none."""
    search: NotRequired[SearchArgs | None]
    """Finds parameters by fitting many models and comparing them on the validation rows of `early_stopping_rounds`,
    which must be set; the version is made with the best. Default none: `parameters` alone."""
    seed: NotRequired[pulumi.Input[int]]
    """Seed of every random choice, at least 0; default 0. The same data and seed give the same model."""
    rounds: NotRequired[pulumi.Input[int]]
    """Number of boosting rounds, from 1 to 10000; default 100."""
    parameters: NotRequired[dict[str, Any]]
    """Parameters of XGBoost's booster, such as `max_depth`; default: XGBoost's own. The task and
    `training.objective` decide `objective` and `num_class`, and `training.seed` decides `seed`."""


class EvaluationArgs(TypedDict):
    """The gate that a new model passes before the endpoint serves it."""

    metric: pulumi.Input[Metric]
    """What is measured: accuracy, f1_macro, precision_macro, recall_macro, log_loss, roc_auc, pr_auc for a
    classification; rmse, mae, mape, r2 for a regression, and pinball for one of the objective QUANTILE."""
    threshold: pulumi.Input[float]
    """The worst value that passes."""
    must_beat_current: NotRequired[pulumi.Input[bool]]
    """Whether the model must also be as good as the one that the endpoint serves, on the same rows; default true."""


ARGUMENTS = {
    **{path: Argument(default=field.default, rule=field.rule) for path, field in contract.FIELDS.items()},
    "source.secret": Argument(rule=dns_label),
}
