"""The pipeline's settings (`settings.json`) and the environment of a step, checked before anything else happens."""

import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ml.errors import SettingsError

DEFAULT_SETTINGS_PATH = "/etc/pipeline/settings.json"
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class Task(StrEnum):
    """What is predicted: a class, or a number."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class NumericImputation(StrEnum):
    """What a missing number becomes."""

    MEDIAN = "MEDIAN"
    MEAN = "MEAN"
    ZERO = "ZERO"


class CategoricalImputation(StrEnum):
    """What a missing category becomes: the commonest one, or a category of its own."""

    MOST_FREQUENT = "MOST_FREQUENT"
    MISSING = "MISSING"


class Scaling(StrEnum):
    """How numbers are brought to one scale: (x - mean) / deviation, (x - min) / (max - min), or not at all."""

    STANDARD = "STANDARD"
    MIN_MAX = "MIN_MAX"
    NONE = "NONE"


class UnknownCategory(StrEnum):
    """What the server does with a category that training has not seen: takes it as missing, or refuses the row."""

    MISSING = "MISSING"
    ERROR = "ERROR"


class Metric(StrEnum):
    """Metrics of the evaluation gate."""

    ACCURACY = "accuracy"
    F1_MACRO = "f1_macro"
    LOG_LOSS = "log_loss"
    ROC_AUC = "roc_auc"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"

    @property
    def task(self) -> Task:
        """The only task the metric makes sense for."""
        return Task.REGRESSION if self in (Metric.RMSE, Metric.MAE, Metric.R2) else Task.CLASSIFICATION

    @property
    def smaller_is_better(self) -> bool:
        """True for losses and errors."""
        return self in (Metric.LOG_LOSS, Metric.RMSE, Metric.MAE)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class S3Source(_Strict):
    """An object of an S3 bucket."""

    type: Literal["S3"]
    bucket: Name
    key: Name
    format: Literal["csv", "parquet"] = "csv"


class SQLSource(_Strict):
    """The rows of one query; the database's address is in the environment (DATABASE_URI)."""

    type: Literal["SQL"]
    query: Annotated[str, StringConstraints(min_length=1)]


class FileSource(_Strict):
    """A file of this machine: for training on a laptop."""

    type: Literal["FILE"]
    path: Name
    format: Literal["csv", "parquet"] = "csv"


class Features(_Strict):
    """How raw columns become features. Names are those after `renames`."""

    renames: dict[Name, Name] = {}
    numeric: list[Name] | None = None
    categorical: list[Name] | None = None
    drop: list[Name] = []
    engineered: dict[Name, str] = {}
    numeric_imputation: NumericImputation = NumericImputation.MEDIAN
    categorical_imputation: CategoricalImputation = CategoricalImputation.MOST_FREQUENT
    scaling: Scaling = Scaling.STANDARD
    unknown_category: UnknownCategory = UnknownCategory.MISSING


class Training(_Strict):
    """How the model is fitted. `parameters` go to XGBoost as they are."""

    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**31)
    rounds: int = Field(default=100, ge=1, le=100_000)
    parameters: dict[str, str | int | float | bool] = {}


class Evaluation(_Strict):
    """What a version must reach before the endpoint moves to it."""

    metric: Metric
    threshold: float
    must_beat_current: bool = False


class Settings(_Strict):
    """Everything that one training pipeline is told."""

    schema_version: Literal[1] = 1
    model_name: ModelName
    task: Task
    source: Annotated[S3Source | SQLSource | FileSource, Field(discriminator="type")]
    target: Name
    features: Features = Features()
    training: Training = Training()
    evaluation: Evaluation
    endpoint: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if self.evaluation.metric.task is not self.task:
            fitting = ", ".join(metric for metric in Metric if metric.task is self.task)
            raise ValueError(f"evaluation.metric of a {self.task} must be one of {fitting}")
        features = self.features
        both = set(features.numeric or ()) & set(features.categorical or ())
        if both:
            raise ValueError(f"features.numeric and features.categorical both list {min(both)!r}")
        declared = [*(features.numeric or ()), *(features.categorical or ())]
        if self.target in declared:
            raise ValueError(f"target {self.target!r} must not be among features.numeric or features.categorical")
        if dropped := set(features.drop) & {self.target, *declared}:
            raise ValueError(f"features.drop lists {min(dropped)!r}, which is the target or a declared feature")
        if len(set(features.renames.values())) != len(features.renames):
            raise ValueError("features.renames gives one new name to two columns")
        fixed = {"objective", "num_class", "seed"} & set(self.training.parameters)
        if fixed:
            raise ValueError(f"training.parameters must not set {min(fixed)!r}, the pipeline does")
        return self


def parse(text: str | bytes, where: str = "settings") -> Settings:
    """Settings from JSON text; raises SettingsError that lists every problem in one sentence."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{where}: not JSON ({error})") from None
    return parse_object(value, where)


def parse_object(value: Any, where: str = "settings") -> Settings:
    """Settings from parsed JSON; raises SettingsError."""
    try:
        return Settings.model_validate(value)
    except ValidationError as error:
        raise SettingsError(f"{where}: {'; '.join(map(_sentence, error.errors(include_url=False)))}") from None


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the step that is running: the file at SETTINGS_PATH, with DATA_KEY in the place of the key if set."""
    settings = parse(content(environment), _path(environment).name)
    key = environment.get("DATA_KEY", "")
    if key and isinstance(settings.source, S3Source):
        return settings.model_copy(update={"source": settings.source.model_copy(update={"key": key})})
    if key:
        raise SettingsError(f"a data key ({key!r}) was given, but the source of {settings.model_name!r} is not S3")
    return settings


def content(environment: Mapping[str, str]) -> bytes:
    """The file at SETTINGS_PATH, as it is."""
    path = _path(environment)
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"settings file {path} cannot be read ({error.strerror}), set SETTINGS_PATH") from None


def _path(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("SETTINGS_PATH", DEFAULT_SETTINGS_PATH))


def _sentence(problem: Mapping[str, Any]) -> str:
    # pydantic puts the chosen member of a union ("S3") into the path: the reader's file has no such level
    parts = [str(part) for part in problem["loc"] if part not in ("S3", "SQL", "FILE")]
    field = ".".join(parts)
    match problem["type"]:
        case "extra_forbidden":
            return f"{field} is not a setting"
        case "missing":
            return f"{field} is missing"
        case "value_error":
            return str(problem["ctx"]["error"])
        case _:
            message = problem["msg"][:1].lower() + problem["msg"][1:]
            return f"{field}: {message}, got {problem['input']!r}" if field else message
