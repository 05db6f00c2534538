"""The data of a version as MLflow shows them: an input of its run, with the digest that finds runs on the same data."""

import json
from typing import Any

from ml import bundle

DIGEST_LENGTH = 36
"""Of MLflow's database."""
MOST_COLUMNS = 500
"""Of the schema; more would not fit where MLflow keeps it."""


def of(version: bundle.Bundle) -> Any:
    """A DatasetInput; its digest is the beginning of the data's SHA-256."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415 - two seconds, see `tracking`

    data = version.manifest["data"]
    inputs = version.signature["inputs"][:MOST_COLUMNS]
    dataset = Dataset(
        name=version.name,
        digest=data["sha256"][:DIGEST_LENGTH],
        source_type="code",  # what MLflow reads again itself has other types
        source=json.dumps({"tags": {"source": data["source"], "sha256": data["sha256"]}}),
        schema=json.dumps({"mlflow_colspec": [_column(one) for one in inputs]}),
        profile=json.dumps({"num_rows": data["rows"]}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _column(column: dict[str, Any]) -> dict[str, Any]:
    return {"name": column["name"], "type": "double" if column["kind"] == "numeric" else "string", "required": False}
