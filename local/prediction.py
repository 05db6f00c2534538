"""Asks an endpoint for a prediction, as any client outside the cluster would."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from local.progress import StepFailed

EXAMPLE_ROWS = [["Torgersen", 39.1, 18.7, 181, 3750, "male"], ["Biscoe", 46.1, None, 211, 4500, "female"]]
"""Two penguins: island, bill length and depth (mm), flipper length (mm), body mass (g), sex. One cell is missing."""


def predict(url: str, rows: list[list[Any]], wait_seconds: float = 30) -> dict[str, Any]:
    """POSTs rows in the Seldon protocol; for `wait_seconds` tries again while the route settles (404, 502, 503)."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return _ask(url, rows, seconds=10)
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace")[:500]
            if error.code not in (404, 502, 503, 504) or time.monotonic() > deadline:
                raise StepFailed(f"the endpoint does not predict: POST {url} answered {error.code}: {body}") from None
        except OSError as error:
            if time.monotonic() > deadline:
                raise StepFailed(
                    f"the endpoint does not answer: POST {url}: {error}; `make status` shows what runs, "
                    "`make up` starts what does not"
                ) from None
        time.sleep(0.3)


def problem(url: str) -> str | None:
    """Why the endpoint does not predict now; None if it does. Waits five seconds at most."""
    try:
        _ask(url, EXAMPLE_ROWS, seconds=5)
    except urllib.error.HTTPError as error:
        # Another model's columns are none of ours: a server that says so predicts.
        return None if error.code == 400 else f"POST {url} answered {error.code}: {_reason(error)}"
    except OSError as error:
        return f"POST {url}: {error}"
    return None


def _ask(url: str, rows: list[list[Any]], seconds: float) -> dict[str, Any]:
    request = urllib.request.Request(
        url,
        data=json.dumps({"data": {"ndarray": rows}}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=seconds) as response:
        return json.load(response)


def _reason(error: urllib.error.HTTPError) -> str:
    """The sentence in a refusal of the model server's, else the beginning of what was answered."""
    text = error.read().decode(errors="replace")
    try:
        return json.loads(text)["status"]["info"]
    except (ValueError, KeyError, TypeError):
        return text[:200].strip() or error.reason


def best_guess(answer: dict[str, Any]) -> list[str]:
    """The most probable class of each row, with its probability."""
    names, rows = answer["data"]["names"], answer["data"]["ndarray"]
    return [f"{names[max(range(len(row)), key=row.__getitem__)]} ({max(row):.2f})" for row in rows]
