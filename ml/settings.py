"""The pipeline's settings (`settings.json`) and the environment of a step, checked before anything else happens."""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pulumi_mlops.contract import conflicts, keys
from pulumi_mlops.contract import settings as contract
from pulumi_mlops.contract.containers import SETTINGS_DIRECTORY, SETTINGS_FILE, Variable
from pulumi_mlops.contract.settings import (
    FIELDS,
    CategoricalImputation,
    ClassWeight,
    DataFormat,
    Metric,
    NumericImputation,
    Objective,
    Scaling,
    Task,
    UnknownCategory,
)
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)

from ml.errors import SettingsError

SOURCE_FIELDS = frozenset({"type", "bucket", "key", "format", "columns", *contract.CSV_FIELDS, "query"})
DEFAULT_SETTINGS_PATH = f"{SETTINGS_DIRECTORY}/{SETTINGS_FILE}"


def _whole(value: Any) -> Any:
    """A whole number may be written as 5.0, as programs in other languages do."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_nulls(value: Any) -> Any:
    """An entry that is null is left out."""
    if not isinstance(value, Mapping):
        return value
    return {key: part for key, part in cast("Mapping[str, Any]", value).items() if part is not None}


Whole = Annotated[int, Strict(), BeforeValidator(_whole)]
Number = Annotated[float, Strict()]
Switch = Annotated[bool, Strict()]
Texts = Annotated[dict[str, str], BeforeValidator(_without_nulls)]
Parameters = Annotated[dict[str, Any], BeforeValidator(_without_nulls)]


def _default(path: str) -> Any:
    return FIELDS[path].default


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        """A setting that is null is left out; a name that is no setting is not passed over."""
        if not isinstance(value, Mapping):
            return value
        parts = cast("Mapping[str, Any]", value).items()
        return {key: part for key, part in parts if part is not None or key not in cls._settings()}

    @classmethod
    def _settings(cls) -> Collection[str]:
        return cls.model_fields


class _Source(_Strict):
    @classmethod
    def _settings(cls) -> Collection[str]:
        """Those of all kinds of sources."""
        return SOURCE_FIELDS


class _Typed(_Strict):
    """A source whose columns may have declared types, by their names in the source."""

    columns: Texts | None = None


class _File(_Typed):
    format: DataFormat = _default("source.format")
    missing: list[str] | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None


class S3Source(_Source, _File):
    """An object of an S3 bucket."""

    type: Literal["S3"]
    bucket: str
    key: str


class SQLSource(_Source, _Typed):
    """The rows of one query; the database's address is in the environment (DATABASE_URI)."""

    type: Literal["SQL"]
    query: str


class FileSource(_File):
    """A file of this machine: for training on a laptop."""

    type: Literal["FILE"]
    path: str = Field(min_length=1)


class Features(_Strict):
    """How raw columns become features. Names are those after `renames`."""

    renames: Texts = _default("features.renames")
    numeric: list[str] | None = None
    categorical: list[str] | None = None
    drop: list[str] = _default("features.drop")
    engineered: Texts = _default("features.engineered")
    numeric_imputation: NumericImputation = _default("features.numeric_imputation")
    categorical_imputation: CategoricalImputation = _default("features.categorical_imputation")
    scaling: Scaling = _default("features.scaling")
    unknown_category: UnknownCategory = _default("features.unknown_category")


class Search(_Strict):
    """How many models are fitted to find parameters of the booster, and for how long."""

    trials: Whole
    timeout_seconds: Whole | None = None


class Training(_Strict):
    """How the model is fitted. `parameters` go to XGBoost as they are."""

    test_fraction: Number = _default("training.test_fraction")
    seed: Whole = _default("training.seed")
    rounds: Whole = _default("training.rounds")
    parameters: Parameters = _default("training.parameters")
    early_stopping_rounds: Whole | None = None
    validation_fraction: Number | None = None
    time_column: str | None = None
    group_column: str | None = None
    weight_column: str | None = None
    class_weight: ClassWeight | None = None
    objective: Objective | None = None
    quantile: Number | None = None
    search: Search | None = None
    monotone: Texts | None = None

    @property
    def row_columns(self) -> set[str]:
        """Columns, after the renames, that are needed and are no features."""
        return {self.time_column, self.group_column, self.weight_column} - {None}  # pyright: ignore[reportReturnType]


class Evaluation(_Strict):
    """What a version must reach before the endpoint moves to it."""

    metric: Metric
    threshold: Number
    must_beat_current: Switch = _default("evaluation.must_beat_current")


class Settings(_Strict):
    """The settings of one training pipeline: the types of the document, whose rules are in the package `contract`."""

    schema_version: Literal[1] = contract.SCHEMA_VERSION
    model_name: str
    task: Task
    source: Annotated[S3Source | SQLSource | FileSource, Field(discriminator="type")]
    target: str
    features: Features = Features()
    training: Training = Training()
    evaluation: Evaluation
    endpoint: str | None = None
    version_history: Whole = _default("version_history")

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> "Settings":
        if problems := conflicts.problems(self.model_dump(mode="json", exclude_none=True)):
            raise ValueError("; ".join(problems))
        return self


def parse(text: str | bytes, where: str = "settings") -> Settings:
    """Settings from JSON text; raises SettingsError that lists every problem in one sentence."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
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
    key = environment.get(Variable.DATA_KEY, "")
    if key and (problem := keys.problem(key)):
        raise SettingsError(f"the data key {problem}, got {key!r}")
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
    return Path(environment.get(Variable.SETTINGS_PATH, DEFAULT_SETTINGS_PATH))


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
