"""What the repository of a pipeline says: which release an overlay deploys, who put it there, and what is held."""

import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops.cli.delivery.pipeline import at, one_line
from pulumi_mlops.cli.errors import CommandError

HOLD_FILE, RELEASE_FILE = "HOLD", "RELEASE"
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
COMMIT, OVERLAY = "Delivered-Commit", "Delivered-Overlay"
"""Trailers of a promotion's commit."""
SEARCHED = 50
"""How many changes of an overlay are searched for the release that it deploys."""
TRIES = 5
TIMEOUT_SECONDS = 120
FIELDS = ("%H", "%cI", "%an", "%s", f"%(trailers:key={COMMIT},valueonly)", f"%(trailers:key={OVERLAY},valueonly)")


@dataclass(frozen=True)
class Commit:
    """A commit: what, when, by whom."""

    commit: str
    at: str
    author: str
    subject: str


@dataclass(frozen=True)
class Hold:
    """Why nothing may be promoted into an environment, and since when."""

    reason: str
    since: str
    author: str


@dataclass(frozen=True)
class Overlay:
    """An environment as the newest commit of the branch has it."""

    image: str | None
    """Image that it deploys, by digest; None where no release has been promoted yet."""
    release: Commit | None
    """Commit of the program that the image was built from; None where no promotion of this image is known."""
    change: Commit | None
    """The newest commit that changed which image is deployed."""
    promoted: bool
    """Whether that change was a promotion of the pipeline, and not one by hand or the end of a failed release."""
    hold: Hold | None


class Repository:
    """A clone of the branch without its files; those that are asked for are fetched one by one."""

    def __init__(self, directory: Path, branch: str) -> None:
        self._directory = directory
        self._branch = branch

    @classmethod
    @contextmanager
    def cloned(cls, address: str, branch: str) -> Generator["Repository"]:
        """Clones the branch into a directory that is removed afterwards."""
        with tempfile.TemporaryDirectory() as directory:
            options = ["--quiet", "--no-checkout", "--filter=blob:none", "--single-branch", "--no-tags"]
            try:
                git(None, "clone", *options, f"--branch={branch}", "--", address, directory)
            except CommandError as error:
                raise CommandError(
                    f"{error}; name an address of the repository that your own git can read by --repository"
                ) from None
            yield cls(Path(directory), branch)

    def overlay(self, path: str, image: str) -> Overlay:
        """The state of the overlay in this directory; `image` is the pipeline's, without a tag."""
        file = next((name for name in KUSTOMIZATIONS if self._text("HEAD", f"{path}/{name}") is not None), None)
        if file is None:
            raise CommandError(f"branch {self._branch} has no kustomization in {path}")
        file = f"{path}/{file}"
        current = self._image("HEAD", file, image)
        changes = self._log(f"--max-count={SEARCHED}", "--", file, f"{path}/{RELEASE_FILE}")
        promotions = [one for one in changes if one[4] and one[5] == path]
        source = next((one[4] for one in promotions if current and self._image(one[0], file, image) == current), None)
        newest = changes[0] if changes else None
        return Overlay(
            current,
            None if source is None else self._commit(source),
            None if newest is None else Commit(*newest[:4]),
            newest is not None and newest in promotions,
            self._hold(f"{path}/{HOLD_FILE}"),
        )

    def hold(self, path: str, reason: str) -> bool:
        """Holds an overlay by a commit; False where it is held already."""
        file = f"{path}/{HOLD_FILE}"

        def change() -> str | None:
            if self._text("HEAD", file) is not None:
                return None
            blob = self._git("hash-object", "-w", "--stdin", given=f"{reason}\n")
            self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{file}")
            return f"{path}: held\n\n{reason}"

        return self._push(change)

    def lift(self, path: str) -> bool:
        """Lifts the hold of an overlay by a commit; False where it is not held."""
        file = f"{path}/{HOLD_FILE}"

        def change() -> str | None:
            if self._text("HEAD", file) is None:
                return None
            self._git("update-index", "--force-remove", file)
            return f"{path}: hold lifted"

        return self._push(change)

    def _push(self, change: Callable[[], str | None]) -> bool:
        """Makes a change on the newest commit and pushes it; again where the branch has moved."""
        for attempt in range(1, TRIES + 1):
            self._git("read-tree", "HEAD")
            message = change()
            if message is None:
                return False
            before = self._git("rev-parse", "HEAD")
            self._git("commit", "--quiet", "--message", message)
            try:
                self._git("push", "--quiet", "origin", f"HEAD:refs/heads/{self._branch}")
            except CommandError:
                self._git("fetch", "--quiet", "origin", self._branch)
                self._git("update-ref", "HEAD", "FETCH_HEAD")
                if attempt == TRIES or self._git("rev-parse", "HEAD") == before:
                    raise
            else:
                return True
        raise AssertionError("the last attempt returns or raises")

    def _hold(self, file: str) -> Hold | None:
        reason = self._text("HEAD", file)
        if reason is None:
            return None
        _, at, author, *_ = self._log("--max-count=1", "--", file)[0]
        return Hold(one_line(reason) or "no reason given", at, author)

    def _commit(self, commit: str) -> Commit:
        try:
            return Commit(*self._log("--max-count=1", commit)[0][:4])
        except CommandError:  # the branch was rewritten since
            return Commit(commit, "", "", "")

    def _log(self, *arguments: str) -> list[list[str]]:
        """The fields of commits, the newest first."""
        text = self._git("log", "-z", f"--format=tformat:{'%x01'.join(FIELDS)}", *arguments)
        return [[one_line(field) for field in one.split("\x01")] for one in text.split("\0") if one.strip()]

    def _image(self, commit: str, file: str, name: str) -> str | None:
        """What the kustomization makes of the image; None where it leaves it as the base has it."""
        try:
            # As text: a tag such as 2026-02-30 is no date, and 1.10 is not 1.1.
            read = yaml.load(self._text(commit, file) or "", yaml.BaseLoader)  # noqa: S506 - makes text alone
            entries: list[Any] = at(read, "images") or []
            for one in entries:
                if one.get("name") == name:
                    digest, tag = one.get("digest"), one.get("newTag")
                    version = f"@{digest}" if digest else f":{tag}" if tag else ""
                    return f"{one.get('newName') or name}{version}"
        except (yaml.YAMLError, AttributeError, TypeError):
            raise CommandError(f"{file} of commit {commit} is not a kustomization") from None
        return None

    def _text(self, commit: str, file: str) -> str | None:
        """A file's content; None where the commit has no such file."""
        if not self._git("ls-tree", "--name-only", commit, "--", file):
            return None
        return self._git("show", f"{commit}:{file}")

    def _git(self, *arguments: str, given: str = "") -> str:
        return git(self._directory, *arguments, given=given)


def git(directory: Path | None, *arguments: str, given: str = "") -> str:
    """What git prints, with the user's own settings and access; raises CommandError with git's own words."""
    where = [] if directory is None else [f"--git-dir={directory / '.git'}", f"--work-tree={directory}"]
    try:
        done = subprocess.run(
            ["git", *where, *arguments], input=given, capture_output=True, text=True, errors="replace", check=False,
            timeout=TIMEOUT_SECONDS, start_new_session=True,  # no terminal: git would ask there for a password
        )  # fmt: skip
    except FileNotFoundError:
        raise CommandError("no executable named `git` on PATH: install git") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"`git {arguments[0]}` took more than {TIMEOUT_SECONDS} s") from None
    if done.returncode:
        raise CommandError(f"`git {arguments[0]}` failed: {one_line(done.stderr)[-500:] or 'it does not say why'}")
    return done.stdout.strip()
