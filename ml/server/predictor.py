"""Calling the model: small requests together, large ones aside.

A call of the model costs about the same for one row as for ten. So requests that come within a few turns of the event
loop are answered by one call: nobody waits for a timer, and the server gains where it is loaded. A large request would
hold up everybody, health checks too, so it goes to a thread: XGBoost lets go of the interpreter.
"""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from ml.errors import BadInput
from ml.server.metrics import Metrics

INLINE_ROWS = 64
"""Largest request that is answered in the event loop: under a millisecond of work."""
BATCH_ROWS = 256
"""Most rows in one call in the event loop."""
QUIET_TURNS = 2
"""Turns of the event loop without a new request after which those that wait are answered; a turn takes some µs."""


class _Waiting(NamedTuple):
    """A request that waits for the next call of its model."""

    model: Any
    rows: Any
    names: list[Any]
    answer: "asyncio.Future[np.ndarray]"


class Predictor:
    """Predicts rows with whichever model a request came for. Belongs to one event loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: list[_Waiting] = []
        self._seen = 0
        self._quiet = 0
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="predict")

    async def predict(self, model: Any, rows: Any, names: list[Any]) -> np.ndarray:
        """A row of predictions for each row; raises ml.errors.BadInput when the model refuses them."""
        loop = asyncio.get_running_loop()
        if len(rows) > INLINE_ROWS:
            unknown, predictions = await loop.run_in_executor(self._aside, _whole, model, rows, names)
            self._metrics.accepted(len(rows))
            self._metrics.batch(len(rows), unknown)
            return predictions
        waiting = _Waiting(model, rows, names, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            self._seen = self._quiet = 0
            loop.call_soon(self._turn, loop)
        return await waiting.answer

    def close(self) -> None:
        """Lets go of the thread; nothing may be in flight."""
        self._aside.shutdown(wait=False)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answers those that wait, unless the last turns have brought more of them."""
        self._quiet = self._quiet + 1 if len(self._waiting) == self._seen else 0
        self._seen = len(self._waiting)
        if self._quiet < QUIET_TURNS and self._seen < INLINE_ROWS:
            loop.call_soon(self._turn, loop)
            return
        batch = self._next_batch()
        if self._waiting:
            self._seen = 0
            loop.call_soon(self._turn, loop)
        try:
            self._answer(batch)
        except Exception as error:  # it belongs to the requests, which answer and log it
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)

    def _next_batch(self) -> list[_Waiting]:
        """Takes those that wait for the same model as the first, up to a batch."""
        count, rows = 0, 0
        for one in self._waiting:
            if count and (one.model is not self._waiting[0].model or rows + len(one.rows) > BATCH_ROWS):
                break
            rows += len(one.rows)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        model = batch[0].model
        if len(batch) > 1 and not any(one.names or not isinstance(one.rows, list) for one in batch):
            try:
                encoded = model.encode([row for one in batch for row in one.rows])
            except BadInput:
                pass  # whose rows they are is found out below
            else:
                self._settle(batch, encoded.unknown, model.predict_encoded(encoded.matrix))
                return
        good, matrices, unknown = [], [], Counter[str]()
        for one in batch:
            try:
                encoded = model.encode(one.rows, one.names)
            except BadInput as error:
                if not one.answer.done():
                    one.answer.set_exception(error)
                continue
            good.append(one)
            matrices.append(encoded.matrix)
            unknown += encoded.unknown
        if good:
            self._settle(good, unknown, model.predict_encoded(np.concatenate(matrices)))

    def _settle(self, batch: list[_Waiting], unknown: Counter[str], predictions: np.ndarray) -> None:
        """Gives each request its part of the predictions."""
        self._metrics.batch(len(predictions), unknown)
        start = 0
        for one in batch:
            end = start + len(one.rows)
            self._metrics.accepted(end - start)
            if not one.answer.done():  # its client may have gone
                one.answer.set_result(predictions[start:end])
            start = end


def _whole(model: Any, rows: Any, names: list[Any]) -> tuple[Counter[str], np.ndarray]:
    encoded = model.encode(rows, names)
    return encoded.unknown, model.predict_encoded(encoded.matrix)
