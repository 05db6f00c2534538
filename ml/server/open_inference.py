"""The Open Inference Protocol v2 over REST: tensors to rows, predictions to a tensor `predict`.

Rows come as one two-dimensional tensor in the signature's order, or as one tensor a column, named like it. A tensor of
BYTES may hold numbers written as text, since a two-dimensional tensor has one type for all columns. `null` is missing.
"""

import math
from http import HTTPStatus
from typing import Any

import numpy as np
import orjson

from ml.server.refusal import Refusal, bad_data
from ml.server.seldon import Call

OUTPUT = "predict"
_INTEGERS = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
_TYPES: dict[str, frozenset[type]] = {
    "BOOL": frozenset({bool, type(None)}),
    "FP16": frozenset({float, int, type(None)}),
    "FP32": frozenset({float, int, type(None)}),
    "FP64": frozenset({float, int, type(None)}),
    "BYTES": frozenset({str, type(None)}),
    **{name: frozenset({int, type(None)}) for name in _INTEGERS},
}


def parse(payload: Any, model: Any) -> Call:
    """Finds the rows in an inference request; raises Refusal (400) in one sentence."""
    if not isinstance(payload, dict):
        raise bad_data("the body must be a JSON object with inputs")
    inputs = payload.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(tensor, dict) for tensor in inputs):
        raise bad_data("inputs must be a list of at least one tensor")
    request_id = payload.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise bad_data("id must be text")
    _check_outputs(payload.get("outputs"))
    rows, names = (_matrix(inputs[0]), []) if _is_matrix(inputs, model) else _columns(inputs)
    return Call(rows, names, lambda predictions, model: _render(predictions, model, request_id))


def _check_outputs(outputs: Any) -> None:
    if outputs is None:
        return
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise bad_data("outputs must be a list of tensors")
    if any(output.get("name") != OUTPUT for output in outputs):
        raise bad_data(f"the only output of this model is {OUTPUT!r}")


def _is_matrix(inputs: list[dict[str, Any]], model: Any) -> bool:
    """Whether the only tensor holds whole rows: it is two-dimensional, and not simply a column of the model."""
    shape = inputs[0].get("shape")
    if len(inputs) > 1 or not isinstance(shape, list) or len(shape) != 2:
        return False
    return shape[1] != 1 or inputs[0].get("name") not in model.feature_names


def _matrix(tensor: dict[str, Any]) -> list[list[Any]] | np.ndarray:
    """Rows of the one tensor that holds them all."""
    _name, shape, cells = _read(tensor)
    width = shape[1]
    if not cells:
        raise bad_data("there are no rows, send at least one")
    if tensor["datatype"] == "BYTES":
        # An array of text is where the model takes numbers as text; "" is missing.
        return np.array(["" if cell is None else cell for cell in cells], dtype=np.str_).reshape(shape)
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def _columns(inputs: list[dict[str, Any]]) -> tuple[list[list[Any]], list[str]]:
    """Rows of tensors that hold one column each, and the columns' names."""
    names: list[str] = []
    columns: list[list[Any]] = []
    for tensor in inputs:
        name, shape, cells = _read(tensor)
        if len(shape) == 2 and shape[1] != 1:
            raise bad_data(f"tensor {name!r} must hold one column, of shape [rows] or [rows, 1], got {shape}")
        if columns and len(cells) != len(columns[0]):
            raise bad_data(f"tensor {name!r} has {len(cells)} rows, tensor {names[0]!r} has {len(columns[0])}")
        names.append(name)
        columns.append(cells)
    return [list(row) for row in zip(*columns, strict=True)], names


def _read(tensor: dict[str, Any]) -> tuple[str, list[int], list[Any]]:
    """Name, shape and flat cells of a tensor, checked against its datatype."""
    name, shape, datatype = tensor.get("name"), tensor.get("shape"), tensor.get("datatype")
    if not isinstance(name, str):
        raise bad_data("each tensor must have a name")
    shown = name if len(name) <= 40 else f"{name[:39]}…"
    if not (isinstance(shape, list) and len(shape) in (1, 2) and all(type(n) is int and n >= 0 for n in shape)):
        raise bad_data(f"tensor {shown!r} must have a shape of one or two sizes")
    if not isinstance(datatype, str) or datatype not in _TYPES:
        raise bad_data(f"tensor {shown!r} must have one of the datatypes {', '.join(sorted(_TYPES))}")
    cells = tensor.get("data")
    if not isinstance(cells, list):
        raise bad_data(f"tensor {shown!r} must have its data as a JSON list")
    if len(shape) == 2 and cells and isinstance(cells[0], list):
        if not all(isinstance(row, list) and len(row) == shape[1] for row in cells):
            raise bad_data(f"tensor {shown!r} has a row that has not {shape[1]} cells, as its shape says")
        cells = [cell for row in cells for cell in row]
    if len(cells) != math.prod(shape):
        raise bad_data(f"tensor {shown!r} of shape {shape} must have {math.prod(shape)} cells, got {len(cells)}")
    if not _TYPES[datatype].issuperset(map(type, cells)):
        raise bad_data(f"tensor {shown!r} has a cell that is not {datatype} (or null, for missing)")
    return shown, shape, cells


def _render(predictions: np.ndarray, model: Any, request_id: str | None) -> bytes:
    output: dict[str, Any] = {
        "name": OUTPUT,
        "shape": predictions.shape,
        "datatype": "FP64",
        "data": predictions.ravel().tolist(),
    }
    if model.class_names:
        # A parameter is text, a number or a boolean, so the list travels as JSON text.
        output["parameters"] = {"class_names": orjson.dumps(model.class_names).decode()}
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "outputs": [output]}
    if request_id is not None:
        answer["id"] = request_id
    return orjson.dumps(answer)


def error(refusal: Refusal) -> bytes:
    """The body of an error answer."""
    return orjson.dumps({"error": refusal.message})


def server_metadata() -> bytes:
    """The answer to `/v2`."""
    return orjson.dumps({"name": "pulumi-mlops", "version": "2", "extensions": []})


def metadata(model: Any) -> bytes:
    """The answer to `/v2/models/<name>`; raises Refusal (503) when there is no model."""
    if model is None:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no model version is loaded", "MODEL_NOT_READY")
    return orjson.dumps(
        {
            "name": model.name,
            "versions": [model.version],
            "platform": "xgboost",
            "inputs": [
                {
                    "name": column["name"],
                    "datatype": "FP64" if column["kind"] == "numeric" else "BYTES",
                    "shape": [-1],
                }
                for column in model.metadata()["inputs"]
            ],
            "outputs": [{"name": OUTPUT, "datatype": "FP64", "shape": [-1, len(model.class_names or [""])]}],
        }
    )
