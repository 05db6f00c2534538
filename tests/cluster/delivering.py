"""The example's delivery on the running platform, for tests: pushes, runs, what is served, the webhook."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from loop import Loop

from local.delivery import deliver, example, follow, git_host, secrets
from local.delivery.git_host import OWNER, REPOSITORY, GitHost

RUN_SECONDS = 600
STATUS = "delivery/web"


@dataclass(frozen=True)
class Delivery:
    """The example's delivery on the running platform."""

    loop: Loop
    host: GitHost

    def push(
        self, message: str, *changes: tuple[str, str, str], greeting: str | None = None, branch: str = "main"
    ) -> str:
        """Replaces texts in files, each (file, old, new), and what the application answers; returns the commit."""
        with example.checkout(self.host) as checkout:
            if greeting is not None:
                checkout.greet(greeting)
            for name, old, new in changes:
                file = checkout.directory / name
                text = file.read_text()
                assert old in text, f"{old!r} is not in {name}"
                file.write_text(text.replace(old, new))
            return checkout.push(message, branch)

    def run(self, commit: str) -> follow.Run:
        return follow.follow(self.loop.api, commit, time.time(), RUN_SECONDS)

    def answers(self) -> dict[str, str | None]:
        return {one: follow.greeting(self.loop.cluster, one) for one in deliver.ENVIRONMENTS}

    def image(self, environment: str) -> str:
        """The image that an environment's pods run."""
        apps = client.AppsV1Api(self.loop.api)
        return apps.read_namespaced_deployment("web", f"web-{environment}").spec.template.spec.containers[0].image

    def runs(self) -> dict[str, str]:
        """Name and UID of every run."""
        listed = client.CustomObjectsApi(self.loop.api).list_namespaced_custom_object(
            "argoproj.io", "v1alpha1", secrets.RUNS, "workflows"
        )
        return {one["metadata"]["name"]: one["metadata"]["uid"] for one in listed["items"]}

    def commits(self) -> list[dict[str, Any]]:
        """The commits of the branch, the newest first."""
        return self.host.ask("GET", f"repos/{OWNER}/{REPOSITORY}/commits?sha=main&limit=20")

    def status(self, commit: str) -> tuple[str, str]:
        """State and description of the delivery's newest status of a commit."""
        newest = next(one for one in self.host.statuses(commit) if one["context"] == STATUS)
        return newest["status"], newest["description"]

    def webhook(self, commit: str, key: str) -> int:
        """Sends the event of a push of the commit, signed with the key; returns the HTTP status."""
        repository = {"full_name": f"{OWNER}/{REPOSITORY}", "name": REPOSITORY, "owner": {"login": OWNER}}
        changed = [{"id": commit, "added": [], "removed": [], "modified": ["app.py"]}]
        event = {"ref": "refs/heads/main", "after": commit, "repository": repository, "commits": changed}
        body = json.dumps(event).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": commit,
            "X-Hub-Signature-256": f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}",
        }
        url = f"{self.loop.cluster.gateway_url}/webhooks/{secrets.RUNS}/web"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def key(self) -> str:
        """By which the Git host signs its events."""
        known = secrets.read(self.loop.cluster, secrets.RUNS, git_host.CREDENTIALS)
        assert known is not None
        return known["webhook"]

    def note(self, commit: str) -> str:
        """What the commit's page shows of a run that failed."""
        found = self.host.ask("GET", f"repos/{OWNER}/{REPOSITORY}/git/notes/{commit}")
        return found["message"] if found else ""
