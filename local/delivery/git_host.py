"""The Git host of the machine: its users, the example's repository, the webhooks, and who may do what there."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from pulumi_mlops import conventions

from local.cluster import Cluster
from local.delivery import secrets
from local.delivery.installation import apply, kubectl
from local.delivery.secrets import FORGE, RUNS, USER
from local.progress import StepFailed

OWNER, REPOSITORY = "birds", "web"
IN_CLUSTER = "http://gitea.forge.svc.cluster.local:3000"
URL = f"{IN_CLUSTER}/{OWNER}/{REPOSITORY}.git"
"""Of the repository, as pods reach it."""
CREDENTIALS = "web-delivery"
"""Secret that the DeliveryPipeline is given."""
REQUEST_SECONDS = 30


@dataclass(frozen=True)
class GitHost:
    """Gitea as this machine reaches it, as the user who owns the repository."""

    address: str
    token: str

    @property
    def repository(self) -> str:
        """Where this machine pushes to; without the token."""
        return f"{self.address}/{OWNER}/{REPOSITORY}.git"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an API call; None where there is no such thing."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404 and method == "GET":
                    return None
                raise StepFailed(f"Gitea answers {error.code} to {method} {path}: {error.read().decode()}") from None
        return json.loads(text) if text.strip() else None

    def statuses(self, commit: str) -> list[dict[str, Any]]:
        """The statuses of a commit, the newest first."""
        return self.ask("GET", f"repos/{OWNER}/{REPOSITORY}/statuses/{commit}?sort=recentupdate") or []


def prepare(cluster: Cluster) -> GitHost:
    """Makes users, repository and tokens, as far as they are not there; returns the host as the owner's."""
    token = secrets.kept(cluster, FORGE, "owner-token", "token", lambda: _user(cluster, OWNER, "all"))
    host = GitHost(address(cluster), token)
    if host.ask("GET", f"repos/{OWNER}/{REPOSITORY}") is None:
        host.ask("POST", "user/repos", {"name": REPOSITORY, "private": True, "default_branch": "main"})
    delivery = secrets.kept(cluster, FORGE, "delivery-token", "token", lambda: _user(cluster, USER, "write:repository"))
    host.ask("PUT", f"repos/{OWNER}/{REPOSITORY}/collaborators/{USER}", {"permission": "write"})
    _give(cluster, delivery)
    return host


def address(cluster: Cluster) -> str:
    """Gitea's address for this machine, which reaches Services as pods do."""
    return f"http://{_cluster_ip(cluster, 'gitea')}:3000"


def registry_address(cluster: Cluster) -> str:
    """Where the node pulls what deliveries have pushed."""
    return f"http://{_cluster_ip(cluster, 'registry')}:5001"


def webhooks(cluster: Cluster, host: GitHost, path: str) -> None:
    """Calls the delivery at this path of the gateway, and Argo CD, for each push; each signed with its own secret."""
    argo_cd = f"http://argocd-server.{conventions.ARGO_CD_NAMESPACE}.svc.cluster.local/api/webhook"
    signing = {f"{cluster.gateway_url}{path}": _webhook_secret(cluster), argo_cd: _argo_cd_secret(cluster)}
    hooks = f"repos/{OWNER}/{REPOSITORY}/hooks"
    known = {one["config"]["url"] for one in host.ask("GET", hooks)}
    for url, key in signing.items():
        if url not in known:
            config = {"url": url, "content_type": "json", "secret": key}
            host.ask("POST", hooks, {"type": "gitea", "events": ["push"], "active": True, "config": config})


def _give(cluster: Cluster, token: str) -> None:
    """The pipeline's Secret, and Argo CD's access to the repository."""
    registry = secrets.read(cluster, RUNS, "registry-config") or {}
    credentials = {"webhook": _webhook_secret(cluster), "token": token, "config.json": registry["config.json"]}
    access = {"type": "git", "url": URL, "username": USER, "password": token}
    label = {"argocd.argoproj.io/secret-type": "repository"}
    argo_cd = conventions.ARGO_CD_NAMESPACE
    signed = {"webhook.gogs.secret": _argo_cd_secret(cluster), "webhook.github.secret": _argo_cd_secret(cluster)}
    apply(
        cluster,
        [
            secrets.secret(RUNS, CREDENTIALS, credentials),
            secrets.secret(argo_cd, "repository-web", access, label),
            secrets.secret(argo_cd, "argocd-secret", signed),
        ],
    )


def _webhook_secret(cluster: Cluster) -> str:
    return secrets.kept(cluster, FORGE, "webhook", "secret", secrets.random_text)


def _argo_cd_secret(cluster: Cluster) -> str:
    return secrets.kept(cluster, FORGE, "argo-cd-webhook", "secret", secrets.random_text)


def _user(cluster: Cluster, name: str, scopes: str) -> str:
    """A new user, whose password nobody knows; returns a token of this user."""
    options = ("--random-password", "--must-change-password=false", "--email", f"{name}@localhost.localdomain")
    if name not in _gitea(cluster, "admin", "user", "list").split():  # a run that was killed may have made it
        _gitea(cluster, "admin", "user", "create", "--username", name, *options)
    token = ("--username", name, "--raw", "--token-name", f"make-deliver-{time.time_ns()}", "--scopes", scopes)
    return _gitea(cluster, "admin", "user", "generate-access-token", *token).split()[-1]  # warnings come before it


def _gitea(cluster: Cluster, *arguments: str) -> str:
    command = ("gitea", "--config", "/data/app.ini", *arguments)
    return kubectl(cluster, "exec", f"--namespace={FORGE}", "deployment/gitea", "--container=gitea", "--", *command)


def _cluster_ip(cluster: Cluster, service: str) -> str:
    path = "--output=jsonpath={.spec.clusterIP}"
    return kubectl(cluster, "get", "service", service, f"--namespace={FORGE}", path)
