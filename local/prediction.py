"""Asks an endpoint for a prediction, as any client outside the cluster would."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from local.progress import StepFailed

EXAMPLE_ROWS = [["Torgersen", 39.1, 18.7, 181, 3750, "male"], ["Biscoe", 46.1, None, 211, 4500, "female"]]
"""Two penguins: island, bill length and depth (mm), flipper length (mm), body mass (g), sex. One cell is missing."""


ANSWERS_IN_A_ROW = 4
"""How many answers of one version, one after the other, show that the endpoint has settled.

A Deployment's rollout is complete before the gateway has dropped the pod that leaves, and a gateway asks its pods in
turn: one good answer says nothing of the next one.
"""


def predict(url: str, rows: list[list[Any]], wait_seconds: float = 30) -> dict[str, Any]:
    """POSTs rows in the Seldon protocol until the endpoint has settled; returns the last answer.

    For `wait_seconds`, what a route answers while it settles (404, 502, 503, 504, or another version) is asked again.

    Raises:
        StepFailed: the endpoint refuses the rows, does not answer, or does not settle in time.
    """
    deadline = time.monotonic() + wait_seconds
    version, in_a_row = None, 0
    while True:
        try:
            answer = _ask(url, rows, seconds=10)
        except urllib.error.HTTPError as error:
            with error:
                body = error.read().decode(errors="replace")[:500]
            problem = f"the endpoint does not predict: POST {url} answered {error.code}: {body}"
            if error.code not in (404, 502, 503, 504):
                raise StepFailed(problem) from None
            problem = f"{problem.rstrip()}; `make status` shows what does not run"
            in_a_row = 0
        except OSError as error:
            problem = (
                f"the endpoint does not answer: POST {url}: {error}; `make status` shows what runs, "
                "`make up` starts what does not"
            )
            in_a_row = 0
        else:
            before, version = version, _version(answer)
            in_a_row = in_a_row + 1 if version == before else 1
            if in_a_row == ANSWERS_IN_A_ROW:
                return answer
            problem = f"the endpoint answers by version {version} and by others: POST {url}; `make status` shows why"
            if in_a_row > 1:
                continue
        if time.monotonic() > deadline:
            raise StepFailed(problem)
        time.sleep(0.1)


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


def _version(answer: dict[str, Any]) -> str | None:
    return answer.get("meta", {}).get("tags", {}).get("version")


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
