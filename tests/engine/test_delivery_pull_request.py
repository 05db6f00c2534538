"""`delivery propose` on a real Gitea: the pull request that shows what a release changes, and deploys it if merged."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from delivery_repository import FILES, NAME, image
from gitea import OWNER, Gitea, gitea

from delivery import proposal, pull_request
from delivery.__main__ import HELD, main
from delivery.checkout import Checkout, clone
from delivery.masking import MASK
from delivery.overlay import HOLD_FILE
from local import tools

pytestmark = pytest.mark.engine

PRODUCTION = "deploy/overlays/production"
BRANCH = "delivery/web-production"
TRIES = 60
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: nobody-may-read-this}\n"
STRINGS = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: strings}\n"
    'data: {operator: "=", merge: "<<", day: "2026-02-30", number: "1"}\n'
)
"""Strings of which PyYAML makes errors where they have no quotes; kustomize writes none."""


@pytest.fixture(scope="module")
def host() -> Iterator[Gitea]:
    with gitea() as running:
        running.user("guest")
        yield running


class Repository:
    """A repository on the host, the working copy of somebody who pushes to it, and the step of a delivery."""

    def __init__(self, host: Gitea, name: str, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.host, self.name, self.directory, self.capsys = host, name, directory, capsys
        self.token = host.token(OWNER, "write:repository")  # what the guide asks for
        self.owner = host.token(OWNER, "all")
        made = {"name": name, "auto_init": True, "default_branch": "main"}
        host.ask(self.owner, "POST", "user/repos", made)
        self.file = directory / "token"
        self.file.write_text(self.token)
        self.commit(FILES)

    @property
    def url(self) -> str:
        return f"{self.host.url}/{OWNER}/{self.name}.git"

    def clone(self) -> Checkout:
        place = self.directory / f"clone-{len(list(self.directory.iterdir()))}"
        place.mkdir()
        return clone(self.url, "main", place, self.file)

    def commit(self, files: dict[str, str], branch: str = "main") -> str:
        work = self.clone()
        for path, text in files.items():
            (work.directory / path).parent.mkdir(parents=True, exist_ok=True)
            (work.directory / path).write_text(text)
        work.git("add", "--all")
        work.git("commit", "--quiet", "--message", "a change of the team")
        work.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return work.git("rev-parse", "HEAD")

    def propose(self, letter: str, revision: str, status: int = 0) -> dict[str, str]:
        """What the step prints; an error's sentence is under `error`."""
        command = ["propose", "--repository", self.url, "--host", "GITEA", "--branch", "main", "--overlay", PRODUCTION]
        command += ["--name", NAME, "--image", image(letter).reference, "--revision", revision]
        command += ["--pull-request-branch", BRANCH, "--token-file", str(self.file)]
        assert main(command) == status
        shown = self.capsys.readouterr()
        assert self.token not in shown.out + shown.err
        return json.loads(shown.out) if shown.out else {"error": shown.err}

    def pull_requests(self) -> list[Any]:
        return self.host.ask(self.owner, "GET", f"repos/{OWNER}/{self.name}/pulls?state=open")

    def pull(self, branch: str, owner: str = OWNER, token: str | None = None) -> int:
        body = {"title": "another change", "head": f"{owner}:{branch}", "base": "main"}
        found = self.host.ask(token or self.owner, "POST", f"repos/{OWNER}/{self.name}/pulls", body)
        return int(found["number"])

    def merge(self, number: int, how: str) -> None:
        """As a person by the button, which Gitea offers once it has looked for conflicts."""
        path = f"repos/{OWNER}/{self.name}/pulls/{number}"
        for _ in range(TRIES):
            with suppress(AssertionError):
                self.host.ask(self.owner, "POST", f"{path}/merge", {"Do": how})
            if self.host.ask(self.owner, "GET", path)["merged"]:
                return
            time.sleep(1)
        pytest.fail("Gitea has not merged it")

    def overlay(self) -> str:
        return (self.clone().directory / PRODUCTION / "kustomization.yaml").read_text()


@pytest.fixture
def create(
    host: Gitea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Repository]:
    monkeypatch.setenv("PATH", str(tools.ensure("kustomize")["kustomize"].parent), prepend=":")
    return lambda name: Repository(host, name, tmp_path, capsys)


def test_a_release_is_one_pull_request_that_shows_what_changes_and_deploys_it_when_merged(
    create: Callable[[str], Repository],
) -> None:
    here = create("proposed")
    first = here.commit({"web.py": "print('two')\n"})
    done = here.propose("a", first)
    (shown,) = here.pull_requests()

    assert done == {"outcome": "proposed", "detail": shown["html_url"]}
    assert shown["title"] == f"{PRODUCTION}: {NAME} of {first[:12]}"
    digest = "a" * 64
    assert f"\n-      - image: {NAME}\n+      - image: {NAME}@sha256:{digest}\n         name: web\n" in shown["body"]
    assert f"Commit {first} has passed in staging." in shown["body"]
    assert "images:" not in here.overlay()

    newer = here.commit({"web.py": "print('three')\n"})
    assert here.propose("b", newer)["detail"] == shown["html_url"]
    (shown,) = here.pull_requests()
    assert shown["title"].endswith(newer[:12])
    assert ("b" * 64 in shown["body"], digest in shown["body"]) == (True, False)
    assert here.propose("a", first) == {"outcome": "superseded", "detail": newer}

    here.merge(shown["number"], "squash")
    assert f"digest: sha256:{'b' * 64}" in here.overlay()
    assert here.propose("b", newer)["outcome"] == "already there"
    assert here.propose("a", first) == {"outcome": "superseded", "detail": newer}
    assert here.pull_requests() == []

    third = here.commit({"web.py": "print('four')\n"})
    assert here.propose("c", third)["outcome"] == "proposed"
    (shown,) = here.pull_requests()
    here.merge(shown["number"], "merge")
    assert f"digest: sha256:{'c' * 64}" in here.overlay()


def test_nothing_is_proposed_for_a_held_environment(create: Callable[[str], Repository]) -> None:
    here = create("held")
    revision = here.commit({f"{PRODUCTION}/{HOLD_FILE}": "a migration runs\n"})

    assert here.propose("a", revision, HELD) == {"outcome": "held", "detail": "a migration runs"}
    assert here.pull_requests() == []


def test_the_diff_has_no_values_of_secrets_and_all_else_as_kustomize_writes_it(
    create: Callable[[str], Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposal, "CONTEXT_LINES", 1_000)  # all of the manifests
    here = create("with-secrets")
    resources = "resources: [web.yaml, login.yaml, strings.yaml]\n"
    files = {"kustomization.yaml": resources, "login.yaml": SECRET, "strings.yaml": STRINGS}
    here.propose("a", here.commit({f"deploy/base/{name}": text for name, text in files.items()}))
    (shown,) = here.pull_requests()

    assert "nobody-may-read-this" not in shown["body"]
    assert b64encode(b"nobody-may-read-this").decode() not in shown["body"]
    assert f"\n   password: '{MASK}'\n" in shown["body"]
    written = ' data:\n   day: 2026-02-30\n   merge: <<\n   number: "1"\n   operator: =\n kind: ConfigMap\n'
    assert written in shown["body"]


def test_the_pull_request_is_found_among_many_and_is_not_one_of_a_fork(
    create: Callable[[str], Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = create("among-many")
    revision = here.commit({"web.py": "print('two')\n"})
    guest = here.host.token("guest", "all")
    fork = here.host.ask(guest, "POST", f"repos/{OWNER}/among-many/forks", {"name": "fork"})["full_name"]
    made = {"branch": BRANCH, "new_branch": BRANCH, "message": "of a fork"}
    here.host.ask(guest, "POST", f"repos/{fork}/contents/note.txt", {**made, "branch": "main", "content": "eA=="})
    theirs = here.pull(BRANCH, "guest", guest)
    url = here.propose("a", revision)["detail"]
    assert not url.endswith(f"/{theirs}")
    others = [here.pull(branch) for branch in _branches(here, 3)]
    monkeypatch.setattr(pull_request, "PAGE", 2)

    newer = here.commit({"web.py": "print('three')\n"})
    assert here.propose("b", newer)["detail"] == url
    titles = {one["number"]: one["title"] for one in here.pull_requests()}
    assert {titles.pop(number) for number in (theirs, *others)} == {"another change"}
    assert [title[-12:] for title in titles.values()] == [newer[:12]]


def _branches(here: Repository, number: int) -> Iterator[str]:
    for one in range(number):
        here.commit({f"note-{one}.txt": ""}, f"other-{one}")
        yield f"other-{one}"


@pytest.mark.parametrize("case", ["not accepted", "only reads"])
def test_a_token_that_may_not_open_pull_requests_is_one_sentence(
    create: Callable[[str], Repository], case: str
) -> None:
    here = create(f"refused-{case.replace(' ', '-')}")
    revision = here.commit({"web.py": "print('two')\n"})
    here.file.write_text("0" * 40 if case == "not accepted" else here.host.token(OWNER, "read:repository"))
    error = here.propose("a", revision, 1)["error"]

    says = {"not accepted": "does not accept the token in", "only reads": "returned error: 403"}[case]
    assert says in error
