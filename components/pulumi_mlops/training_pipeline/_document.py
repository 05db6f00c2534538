"""The settings document of a training pipeline, from its arguments: what the steps read."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pulumi_mlops._schema import without_none
from pulumi_mlops.contract import conflicts
from pulumi_mlops.contract import settings as contract
from pulumi_mlops.contract.settings import SourceType
from pulumi_mlops.training_pipeline._arguments import TrainingPipelineArgs
from pulumi_mlops.training_pipeline._pipeline_settings import SourceArgs

SOURCE_FIELDS = {
    SourceType.S3: (("bucket", "key"), ("format", "columns", *contract.CSV_FIELDS)),
    SourceType.SQL: (("secret", "query"), ("columns",)),
}
"""Required and optional fields of each kind of source."""


def document(args: TrainingPipelineArgs, name: str) -> dict[str, object]:
    """The settings with every default written out; only what the steps infer from the data is absent."""
    return {
        "schema_version": contract.SCHEMA_VERSION,
        "model_name": name if args["model_name"] is None else args["model_name"],
        "task": args["task"],
        "source": _source(args["source"]),
        "target": args["target"],
        "features": without_none(args["features"]),
        "training": without_none(args["training"]),
        "evaluation": args["evaluation"],
        "endpoint": args["endpoint"],
        "version_history": args["version_history"],
    }


def problems(args: TrainingPipelineArgs, given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with fields that are right one by one; `given` are the arguments as the user wrote them."""
    yield from _source_problems(given["source"])
    yield from conflicts.conflicts(args, at="args.")
    yield from _timeout_problems(args)


def _timeout_problems(args: TrainingPipelineArgs) -> Iterator[str]:
    """A search that ends by its time still needs some for the last model."""
    search: Any = args["training"].get("search")
    seconds: object = search.get("timeout_seconds") if search else None
    limits: dict[str, object] = {
        "steps.train.timeout_seconds": cast("Any", args["steps"])["train"]["timeout_seconds"],
        "timeout_seconds": args["timeout_seconds"],
    }
    for name, limit in limits.items():
        if isinstance(seconds, int) and isinstance(limit, int) and seconds >= limit:
            yield (
                f"args.training.search.timeout_seconds must be less than args.{name}, in which the last model is "
                f"fitted too, got {seconds} with {limit}"
            )


def _source(source: SourceArgs) -> dict[str, object]:
    """The fields of this kind of source, without the Secret's name: the steps get its value from the environment."""
    required, optional = SOURCE_FIELDS[SourceType(source["type"])]
    fields = {"type", *required, *optional} - {"secret"}
    return {key: value for key, value in source.items() if key in fields and value is not None}


def _source_problems(source: Mapping[str, object]) -> Iterator[str]:
    kind = SourceType(source["type"])
    required, optional = SOURCE_FIELDS[kind]
    for field in required:
        if source.get(field) is None:
            yield f"args.source.{field} is required by a source of type {kind.value}"
    for field, value in source.items():
        if value is not None and field not in ("type", *required, *optional):
            yield f"args.source.{field} does not belong to a source of type {kind.value}, got {value!r}"
