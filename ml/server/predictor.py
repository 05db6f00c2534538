"""Calling the model: small requests together, large ones aside.

A call of the booster costs about the same for one row as for thirty. So requests that are ready in the same turn of the
event loop are predicted by one call: nobody waits for a timer, and the server gains where it is loaded. A large
request would hold up everybody, health checks too, so it goes to a thread: XGBoost lets go of the interpreter.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ml.server.metrics import Metrics

INLINE_ROWS = 64
"""Largest request that is answered in the event loop: under a millisecond of work."""
BATCH_ROWS = 256
"""Most rows in one call in the event loop."""

_Waiting = tuple[Any, np.ndarray, "asyncio.Future[np.ndarray]"]


class Predictor:
    """Predicts rows with whichever model a request came for. Belongs to one event loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: list[_Waiting] = []
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="predict")

    async def predict(self, model: Any, rows: Any, names: list[Any]) -> np.ndarray:
        """A row of predictions for each row; raises ml.errors.BadInput when the model refuses them."""
        loop = asyncio.get_running_loop()
        if len(rows) > INLINE_ROWS:
            encoded, predictions = await loop.run_in_executor(self._aside, _whole, model, rows, names)
            self._metrics.accepted(len(rows), encoded.unknown)
            self._metrics.batch(len(rows))
            return predictions
        encoded = model.encode(rows, names)
        self._metrics.accepted(len(rows), encoded.unknown)
        future: asyncio.Future[np.ndarray] = loop.create_future()
        self._waiting.append((model, encoded.matrix, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._flush, loop)
        return await future

    def close(self) -> None:
        """Lets go of the thread; nothing may be in flight."""
        self._aside.shutdown(wait=False)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        """Predicts the requests that wait for the same model as the first, up to a batch; the rest in the next turn."""
        model, rows, count = self._waiting[0][0], 0, 0
        for waiting in self._waiting:
            if count and (waiting[0] is not model or rows + len(waiting[1]) > BATCH_ROWS):
                break
            rows += len(waiting[1])
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        if self._waiting:
            loop.call_soon(self._flush, loop)
        self._metrics.batch(rows)
        try:
            matrix = batch[0][1] if count == 1 else np.concatenate([matrix for _, matrix, _ in batch])
            predictions = model.predict_encoded(matrix)
        except Exception as error:  # it belongs to the requests, which answer and log it
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        start = 0
        for _, matrix, future in batch:
            if not future.done():  # its client may have gone
                future.set_result(predictions[start : start + len(matrix)])
            start += len(matrix)


def _whole(model: Any, rows: Any, names: list[Any]) -> tuple[Any, np.ndarray]:
    encoded = model.encode(rows, names)
    return encoded, model.predict_encoded(encoded.matrix)
