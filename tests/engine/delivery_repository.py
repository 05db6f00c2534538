"""A repository on a host, with the program and the overlays of a team that delivers by pushing to it."""

import os
import subprocess
from pathlib import Path

import yaml

from delivery.checkout import Checkout, clone
from delivery.overlay import Image

STAGING = "deploy/overlays/staging"
NAME = "registry.example.org/team/web"
FILES = {
    "web.py": "print('one')\n",
    "deploy/base/kustomization.yaml": "resources: [web.yaml]\n",
    "deploy/base/web.yaml": f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      initContainers: [{{name: migrate, image: "{NAME}"}}]
      containers: [{{name: web, image: "{NAME}"}}]
""",
    f"{STAGING}/kustomization.yaml": "resources: [../../base]\n",
    "deploy/overlays/production/kustomization.yaml": "resources: [../../base]\n",
}


def image(letter: str) -> Image:
    return Image(NAME, NAME, f"sha256:{letter * 64}")


class Team:
    """A repository on the host, and the working copy of somebody who pushes to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.host = directory / "host.git"
        self.url = f"file://{self.host}"
        git("init", "--quiet", "--bare", "--initial-branch=main", str(self.host))
        git("-C", str(self.host), "config", "uploadpack.allowFilter", "true")
        tree = git("-C", str(self.host), "hash-object", "-t", "tree", "-w", "/dev/null")
        empty = git("-C", str(self.host), "commit-tree", "-m", "empty", tree)
        git("-C", str(self.host), "update-ref", "refs/heads/main", empty)
        self.work = self.clone()
        self.commit(FILES)

    def clone(self) -> Checkout:
        """A new working copy, as each step has one of its own."""
        place = self.directory / f"clone-{len(list(self.directory.iterdir()))}"
        place.mkdir()
        return clone(self.url, "main", place)

    def commit(self, files: dict[str, str | None]) -> str:
        """Pushes the files (None: deletes one); returns the commit."""
        self.work.git("pull", "--quiet", "--rebase", "origin", "main")
        for path, text in files.items():
            file = self.work.directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        self.work.git("add", "--all")
        self.work.git("commit", "--quiet", "--message", "a change of the team")
        self.work.git("push", "--quiet", "origin", "HEAD:main")
        return self.work.git("rev-parse", "HEAD")

    def deployed(self, path: str = STAGING) -> set[str]:
        """Images of the rendered overlay, as the host has it now."""
        checkout = self.clone()
        text = subprocess.run(
            ["kustomize", "build", path], cwd=checkout.directory, check=True, capture_output=True, text=True
        ).stdout
        pod = yaml.safe_load(text)["spec"]["template"]["spec"]
        return {one["image"] for one in [*pod["containers"], *pod["initContainers"]]}

    def head(self) -> str:
        return self.clone().git("rev-parse", "HEAD")


def git(*arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "host" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], **names}
    return subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True, env=environment
    ).stdout.strip()
