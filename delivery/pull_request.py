"""The pull request of one branch: opened once, changed in place for every newer release."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.api import Purpose, request
from delivery.errors import DeliveryError

PAGE = 50
MAX_PAGES = 100
PURPOSE = Purpose(
    "a pull request",
    "write pull requests",
    "`pull_requests: write` on GitHub, `write:repository` on Gitea",
    "such repository, branch or pull request",
)


@dataclass(frozen=True)
class PullRequests:
    """The pull requests of a repository."""

    api: str
    """Address of the repository in the host's API."""
    token_file: Path
    sleep: Callable[[float], None] = time.sleep

    def put(self, branch: str, base: str, title: str, body: str) -> str:
        """Makes the open pull request from `branch` to `base` say this, or opens one; returns its address."""
        if (found := self.open(branch, base)) is None:
            try:
                made = self._ask("POST", "", {"title": title, "head": branch, "base": base, "body": body})
            except DeliveryError:
                found = self.open(branch, base)  # another run, or a try whose answer was lost, may have opened it
                if found is None:
                    raise
            else:
                return made["html_url"]
        return self._ask("PATCH", f"/{found['number']}", {"title": title, "body": body})["html_url"]

    def open(self, branch: str, base: str) -> Any:
        """The open pull request from this repository's own branch; None where there is none."""
        for page in range(1, MAX_PAGES + 1):
            listed: list[Any] = self._ask("GET", f"?state=open&limit={PAGE}&per_page={PAGE}&page={page}")
            for one in listed:
                head, target = one["head"], one["base"]
                if (head["ref"], target["ref"]) == (branch, base) and _repository(head) == _repository(target):
                    return one
            if not listed:  # a host may give fewer than were asked for
                return None
        return None

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return request(method, f"{self.api}/pulls{path}", PURPOSE, self.token_file, body, sleep=self.sleep)


def _repository(side: Any) -> Any:
    """Whose branch it is: one of a fork may have the same name; None where the fork is gone."""
    return (side.get("repo") or {}).get("id")
