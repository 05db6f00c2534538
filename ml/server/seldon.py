"""Seldon's protocol v1 over REST: JSON to rows, predictions to the answer that seldon-core 1.17.1 gives.

Of its payloads, `data.ndarray` and `data.tensor` carry tables and are understood; the answer comes in the form of the
request. seldon-core's own microservice writes -1 and 1 into an error's `code` and `status`; its orchestrator, which
clients saw, the HTTP status and "FAILURE", and so does this server.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import orjson

from ml.server.refusal import Refusal, bad_data

_OTHER_PAYLOADS = ("jsonData", "strData", "binData", "customData")


class Call(NamedTuple):
    """A request for predictions, whatever protocol it came in."""

    rows: Any
    """A list with a list of cells for each row, or a two-dimensional array of text."""
    names: list[Any]
    """Column names in the order of the cells; empty: the signature's order."""
    render: Callable[[np.ndarray, Any], bytes]
    """Makes the answer's body of predictions and the model that made them."""


def parse(payload: Any, _model: Any) -> Call:
    """Finds the rows in a request; raises Refusal (400) in one sentence."""
    if not isinstance(payload, dict):
        raise bad_data(f"the body must be a JSON object, got {_kind(payload)}")
    data = payload.get("data")
    if data is None:
        other = next((key for key in _OTHER_PAYLOADS if key in payload), None)
        raise bad_data(
            f"{other} is not a table, send the rows as data.ndarray"
            if other
            else 'the body has no "data", send {"data": {"ndarray": [[…]]}}'
        )
    if not isinstance(data, dict):
        raise bad_data(f"data must be a JSON object, got {_kind(data)}")
    names = data.get("names")
    if names is None:
        names = []
    elif not isinstance(names, list):
        raise bad_data(f"data.names must be a list of column names, got {_kind(names)}")
    meta = payload.get("meta")
    if meta is not None and not isinstance(meta, dict):
        raise bad_data(f"meta must be a JSON object, got {_kind(meta)}")
    if "tensor" in data:
        return Call(_tensor(data["tensor"]), names, lambda predictions, model: _render(predictions, model, meta, True))
    rows = data.get("ndarray")
    if not isinstance(rows, list):
        raise bad_data(
            f"data.ndarray must be a list of rows, got {_kind(rows)}"
            if "ndarray" in data
            else "data has neither ndarray nor tensor, send the rows as data.ndarray"
        )
    return Call(rows, names, lambda predictions, model: _render(predictions, model, meta, False))


def output_names(model: Any) -> list[str]:
    """Names of the answer's columns: class labels, or what seldon-core calls the column of an unnamed output."""
    return model.class_names or ["t:0"]


def _render(predictions: np.ndarray, model: Any, meta: dict[str, Any] | None, as_tensor: bool) -> bytes:
    data: dict[str, Any] = {"names": output_names(model)}
    if as_tensor:
        data["tensor"] = {"shape": predictions.shape, "values": predictions.ravel().tolist()}
    else:
        data["ndarray"] = predictions.tolist()
    answer: dict[str, Any] = {"tags": model.tags()}
    if meta:  # what came with the request goes back with the answer
        if isinstance(sent := meta.get("tags"), dict):
            answer["tags"] = {**sent, **answer["tags"]}
        answer.update({key: meta[key] for key in ("puid", "requestPath") if key in meta})
    return orjson.dumps({"data": data, "meta": answer})


def error(refusal: Refusal) -> bytes:
    """The body of an error answer."""
    status = {"code": int(refusal.status), "info": refusal.message, "reason": refusal.reason, "status": "FAILURE"}
    return orjson.dumps({"status": status})


def healthy(model: Any, problem: str | None) -> bytes:
    """The answer to `/health/status` of a server that is ready, and why it has not got a newer version yet."""
    meta = {"tags": model.tags()} if model is not None else {}
    return orjson.dumps({"strData": "healthy", "meta": meta, **({"problem": problem} if problem else {})})


def metadata(model: Any) -> bytes:
    """The answer to `/metadata`, in seldon-core's schema; raises Refusal (503) when there is no model."""
    if model is None:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no model version is loaded", "MODEL_NOT_READY")
    facts = model.metadata()
    inputs = [column["name"] for column in facts["inputs"]]
    outputs = output_names(model)
    return orjson.dumps(
        {
            "name": model.name,
            "versions": [model.version],
            "platform": "xgboost",
            "inputs": [{"messagetype": "ndarray", "schema": {"names": inputs, "shape": [len(inputs)]}}],
            "outputs": [{"messagetype": "ndarray", "schema": {"names": outputs, "shape": [len(outputs)]}}],
            "custom": {
                "task": facts["task"],
                "created": facts["created"],
                **{f"metric.{name}": repr(value) for name, value in facts["metrics"].items()},
            },
        }
    )


def _tensor(tensor: Any) -> list[list[Any]]:
    if not isinstance(tensor, dict):
        raise bad_data(f"data.tensor must be a JSON object, got {_kind(tensor)}")
    shape, values = tensor.get("shape"), tensor.get("values")
    if not (isinstance(shape, list) and len(shape) == 2 and all(type(size) is int and size >= 0 for size in shape)):
        raise bad_data("data.tensor.shape must be two sizes: rows and columns")
    if not isinstance(values, list) or len(values) != shape[0] * shape[1]:
        got = f"{len(values)} values" if isinstance(values, list) else _kind(values)
        raise bad_data(f"data.tensor.values must be a list of {shape[0] * shape[1]} values, got {got}")
    if not values:
        raise bad_data("there are no rows, send at least one")
    return [values[start : start + shape[1]] for start in range(0, len(values), shape[1])]


def _kind(value: Any) -> str:
    """What a JSON value is, in JSON's own words."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
