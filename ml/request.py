"""Asking a model as a client does: rows become JSON, and the server's protocol finds them in it again."""

from collections import Counter
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import orjson

from ml.errors import BadInput
from ml.model import Model
from ml.server import seldon

ROWS = 1000
"""Rows of a request."""


class Answered(NamedTuple):
    """What a client gets, and what the server counts."""

    predictions: np.ndarray
    """As `Model.predict` returns them."""
    unknown: Counter[str]
    """Cells per column whose category the model does not know."""


def predict(model: Model, names: list[str], rows: list[list[Any]]) -> Answered:
    """Sends rows with the columns `names`, None where missing, in requests; raises BadInput if one is refused."""
    parts: list[Any] = []
    unknown: Counter[str] = Counter()
    for start in range(0, len(rows), ROWS):
        try:
            body = orjson.dumps({"data": {"names": names, "ndarray": rows[start : start + ROWS]}}, default=_json)
        except orjson.JSONEncodeError as error:
            raise BadInput(f"the rows cannot be written as JSON ({error})") from None
        call = seldon.parse(orjson.loads(body), model)
        encoded = model.encode(call.rows, call.names)
        unknown += encoded.unknown
        answer = orjson.loads(call.render(model.predict_encoded(encoded.matrix), model))
        parts += answer["data"]["ndarray"]
    return Answered(np.array(parts, dtype=np.float32), unknown)


def _json(cell: Any) -> Any:
    """A cell of a type that JSON does not have, as a client would write it."""
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() and abs(cell) < 2**63 else float(cell)
    if isinstance(cell, np.generic):
        return cell.item()
    raise TypeError(type(cell).__name__)
