"""The example's delivery on the running platform, for tests: pushes, runs, what is served, the webhook."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from loop import Loop
from pulumi_mlops.cli.errors import DONE, FINDINGS

from local.delivery import deliver, example, follow, git_host, secrets
from local.delivery.git_host import OWNER, REPOSITORY, GitHost
from local.progress import StepFailed

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

    def run_by_hand(self, environment: str, image: str) -> None:
        """Makes an environment run another image, past Git."""
        containers = [{"name": "web", "image": image}]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        client.AppsV1Api(self.loop.api).patch_namespaced_deployment("web", f"web-{environment}", change)

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

    def command(self, status: int | None, action: str, *arguments: str) -> str:
        """What `pulumi-mlops delivery` prints of the pipeline; it ends with this status, None: 0 or 3."""
        address = [] if action == "approve" else ["--repository", self.host.repository]
        words = [sys.executable, "-m", "pulumi_mlops.cli", "delivery", action, f"{secrets.RUNS}/web", *arguments]
        with example.checkout(self.host) as checkout:
            environment = {**os.environ, **checkout.environment, "KUBECONFIG": str(self.loop.cluster.kubeconfig)}
            done = subprocess.run(
                [*words, *address], env=environment, capture_output=True, text=True, timeout=120, check=False
            )
        assert done.returncode in ((DONE, FINDINGS) if status is None else (status,)), done.stdout + done.stderr
        return done.stdout

    def merge(self, number: int) -> None:
        """Merges a pull request as a person does by the button, once Gitea has looked for conflicts."""
        pull = f"repos/{OWNER}/{REPOSITORY}/pulls/{number}"

        def merged() -> bool:
            with suppress(StepFailed):
                self.host.ask("POST", f"{pull}/merge", {"Do": "squash"})
            return self.host.ask("GET", pull)["merged"]

        assert follow.within(60, merged)

    def note(self, commit: str) -> str:
        """What the commit's page shows of a run that failed."""
        found = self.host.ask("GET", f"repos/{OWNER}/{REPOSITORY}/git/notes/{commit}")
        return found["message"] if found else ""
