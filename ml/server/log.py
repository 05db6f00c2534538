"""The server's log: one JSON object a line on stdout. Requests are counted in metrics, not logged."""

import json
import logging
import sys
import time
from typing import Any

logger = logging.getLogger("ml.server")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        milliseconds = int(record.msecs)
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{milliseconds:03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure() -> None:
    """Sends every logger's lines to stdout as JSON; the libraries' only from level ERROR."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    logger.setLevel(logging.INFO)


def event(message: str, level: int = logging.INFO, exc_info: bool | BaseException = False, **facts: Any) -> None:
    """Logs one event with its facts."""
    logger.log(level, message, exc_info=exc_info, extra={"facts": facts})
