"""`pulumi-mlops delivery` on a real Git repository, and on what a cluster would answer."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.cli.cluster import Refused, Unanswered
from pulumi_mlops.cli.delivery import command, pipeline, repository
from pulumi_mlops.cli.errors import DONE, FAILED, FINDINGS, USAGE
from pulumi_mlops.cli.main import main

IMAGE = "registry.example.org/birds/web"
STAGING, PRODUCTION = "deploy/overlays/staging", "deploy/overlays/production"
BASE = "/apis/argoproj.io/v1alpha1/namespaces"
HOLD = "the release failed in staging: run delivery/web-1"


def digest(letter: str) -> str:
    return f"{IMAGE}@sha256:{letter * 64}"


class Host:
    """The repository on the Git host."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.work = directory / "work"
        self.bare = directory / "host.git"
        self.first = ""

    def start(self) -> None:
        """Creates it, with a program and two overlays."""
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=self.directory)
        self.git("-C", str(self.bare), "config", "uploadpack.allowFilter", "true", at=self.directory)
        self.git("clone", "--quiet", str(self.bare), str(self.work), at=self.directory)
        self.git("checkout", "--quiet", "-B", "main")
        overlays = {f"{path}/kustomization.yaml": "resources: [../../base]\n" for path in (STAGING, PRODUCTION)}
        self.first = self.commit("Greet", {"app.py": "1", **overlays})

    @property
    def address(self) -> str:
        return f"file://{self.bare}"

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=at or self.work, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str, files: dict[str, str | None], author: str = "Ada") -> str:
        if self.first:  # the command under test may have pushed
            self.git("pull", "--quiet", "--rebase", "origin", "main")
        for name, text in files.items():
            file = self.work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink() if text is None else file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message, f"--author={author} <{author}@example.org>")
        self.git("push", "--quiet", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def promote(self, path: str, letter: str, source: str) -> str:
        """A commit as a promotion makes it."""
        images = json.dumps([{"name": IMAGE, "newName": IMAGE, "digest": f"sha256:{letter * 64}"}])
        message = f"{path}: web\n\nDelivered-Commit: {source}\nDelivered-Overlay: {path}"
        kustomization = f"resources: [../../base]\nimages: {images}\n"
        files = {f"{path}/kustomization.yaml": kustomization, f"{path}/RELEASE": f"{source}\n"}
        return self.commit(message, files, "delivery")

    def newest(self) -> tuple[str, str, str]:
        """Subject, author and changed file of the newest commit."""
        self.git("fetch", "--quiet", "origin", "main")
        subject, author, file = self.git("show", "--name-only", "--format=%s%x01%an%x01", "FETCH_HEAD").split("\x01")
        return subject, author, file.strip()


class Server:
    """What an API server answers: objects by their path, or an error."""

    def __init__(self, address: str) -> None:
        def promote(name: str, path: str) -> dict[str, Any]:
            arguments = ["promote", "--repository", address, "--branch", "main", "--overlay", path]
            arguments += ["--name", IMAGE, "--application", f"argocd/web-{name}"]
            return {"name": f"{name}-promote", "container": {"args": arguments}}

        link = ["report", "--target-url", "https://w.example.org/workflows/{{workflow.namespace}}/{{workflow.name}}"]
        report = {"name": "report", "container": {"args": link}}
        templates = [promote("staging", STAGING), promote("production", PRODUCTION), report]
        self.objects: dict[str, Any] = {
            f"{BASE}/delivery/workflowtemplates/web-delivery": {"spec": {"templates": templates}},
            f"{BASE}/delivery/workflowtemplates": {
                "items": [{"metadata": {"labels": {"app.kubernetes.io/instance": "web"}}}]
            },
            f"{BASE}/delivery/workflows": {"items": []},
        }
        self.error: Exception | None = None
        self.patched: list[tuple[str, Any]] = []
        for name in ("staging", "production"):
            self.application(name, sync={"status": "Synced"}, health={"status": "Healthy"})

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        if self.error is not None:
            raise self.error
        if path not in self.objects:
            raise Refused(404, "not found")
        return self.objects[path]

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return {"status": {"userInfo": {"username": "ada@example.org"}}}

    def patch(self, path: str, body: dict[str, Any]) -> None:
        self.patched.append((path, body))

    def application(self, name: str, **status: Any) -> None:
        self.objects[f"{BASE}/argocd/applications/web-{name}"] = {"status": status}

    def run(self, name: str, created: str, nodes: list[dict[str, Any]], **status: Any) -> None:
        found = {
            "metadata": {"name": name, "namespace": "delivery", "creationTimestamp": created, "resourceVersion": "7"},
            "spec": {"arguments": {"parameters": [{"name": "revision", "value": "ab" * 20}]}},
            "status": {**status, "nodes": {f"{name}-{number}": one for number, one in enumerate(nodes)}},
        }
        self.objects[f"{BASE}/delivery/workflows"]["items"].append(found)
        self.objects[f"{BASE}/delivery/workflows/{name}"] = found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """The repository before any release; tests work on copies."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        identify(monkeypatch)
        host = Host(tmp_path_factory.mktemp("started"))
        host.start()
        return host


@pytest.fixture
def host(started: Host, tmp_path: Path) -> Host:
    shutil.copytree(started.directory, tmp_path, dirs_exist_ok=True)
    host = Host(tmp_path)
    host.git("remote", "set-url", "origin", str(host.bare))
    host.first = started.first
    return host


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    identify(monkeypatch)


def identify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs git here is Ada."""
    for key, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}.items():
        monkeypatch.setenv(key, value)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server(Host(tmp_path).address)
    monkeypatch.setattr(command, "Cluster", lambda *_: made)
    return made


def shown(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    """What `delivery` prints of the pipeline `web`."""
    assert main(["delivery", arguments[0], "delivery/web", *arguments[1:]]) == status
    return capsys.readouterr().out


def blocks(text: str) -> dict[str, dict[str, str]]:
    """First line of each block of the text → label → what is said."""
    made: dict[str, dict[str, str]] = {}
    for block in text.rstrip().split("\n\n")[1:]:
        first, *rest = block.splitlines()
        made[first] = {line[2:14].strip(): line[14:] for line in rest}
    return made


def test_before_the_first_release_it_says_that_nothing_was_promoted(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, DONE, "status")
    staging = blocks(text)["staging"]

    assert text.splitlines()[0] == f"delivery/web: {host.address}, branch main"
    assert staging["image"] == "as the base has it: nothing has been promoted yet"
    assert "commit" not in staging
    assert staging["held"] == "no"
    assert staging["Argo CD"] == "Synced, Healthy at no commit"
    assert text.endswith("no run is kept in the cluster\n")


def test_an_application_that_is_missing_needs_somebody(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    del server.objects[f"{BASE}/argocd/applications/web-production"]

    production = blocks(shown(capsys, FINDINGS, "status"))["production"]

    assert production["Argo CD"] == "unknown: Argo CD has no Application argocd/web-production"


@pytest.mark.parametrize(
    ("sync", "health", "status", "reason"),
    [
        ("Synced", "Degraded", FINDINGS, ": a part of the environment does not work"),
        ("OutOfSync", "Missing", FINDINGS, ": a part of what the overlay describes is not in the cluster"),
        ("Synced", "Unknown", FINDINGS, ": Argo CD cannot read the state of a part of the environment"),
        ("Unknown", "Healthy", FINDINGS, ": Argo CD cannot compare the environment with the repository"),
        ("Synced", "Healthy", DONE, ""),
        ("OutOfSync", "Progressing", DONE, ""),
    ],
)
def test_an_environment_that_argo_cd_cannot_read_or_finds_broken_needs_somebody(
    host: Host,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    sync: str,
    health: str,
    status: int,
    reason: str,
) -> None:
    server.application("staging", sync={"status": sync}, health={"status": health})

    staging = blocks(shown(capsys, status, "status"))["staging"]

    assert staging["Argo CD"] == f"{sync}, {health} at no commit{reason}"


def test_each_environment_is_shown_with_its_image_its_commit_and_who_promoted_it(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = host.commit("Greet louder", {"app.py": "2"}, "Grace")
    host.promote(PRODUCTION, "a", host.first)
    host.promote(STAGING, "a", host.first)
    at = host.promote(STAGING, "b", newer)
    server.application(
        "staging", sync={"status": "Synced", "revision": at}, health={"status": "Healthy"},
        summary={"images": [digest("b"), "redis:7"]},
    )  # fmt: skip
    server.application(
        "production", sync={"status": "OutOfSync", "revision": at},
        health={"status": "Degraded", "message": "no\x1b[31m pods"},
        summary={"images": [digest("9")]},
    )  # fmt: skip

    found = blocks(shown(capsys, FINDINGS, "status"))
    staging, production = found["staging"], found["production"]

    assert (staging["image"], production["image"]) == (digest("b"), digest("a"))
    assert staging["commit"].startswith(f"{newer[:12]} 'Greet louder' by Grace, 20")
    assert production["commit"].startswith(f"{host.first[:12]} 'Greet' by Ada, 20")
    assert staging["promoted"].endswith(" UTC by delivery")
    assert staging["Argo CD"] == f"Synced, Healthy at {at[:12]}"
    assert production["Argo CD"] == f"OutOfSync, Degraded at {at[:12]}: no [31m pods"
    assert "runs" not in staging
    assert production["runs"] == f"{digest('9')} still"


def test_a_newer_commit_of_the_same_image_is_the_release(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    host.promote(STAGING, "a", host.first)
    newer = host.commit("Test more", {"test_app.py": "1"}, "Grace")
    host.promote(STAGING, "a", newer)

    staging = blocks(shown(capsys, DONE, "status"))["staging"]

    assert staging["commit"].startswith(f"{newer[:12]} 'Test more' by Grace, 20")


def test_a_release_that_was_taken_back_shows_the_one_before_it_and_since_when_it_is_held(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    host.promote(STAGING, "a", host.first)
    before = (host.work / STAGING / "kustomization.yaml").read_text()
    host.promote(STAGING, "b", host.commit("Break", {"app.py": "2"}))
    files = {f"{STAGING}/kustomization.yaml": before, f"{STAGING}/HOLD": f"{HOLD}\n"}
    host.commit(f"{STAGING}: taken back, held\n\nDelivered-Overlay: {STAGING}", files, "delivery")

    staging = blocks(shown(capsys, FINDINGS, "status"))["staging"]

    assert staging["image"] == digest("a")
    assert staging["commit"].startswith(f"{host.first[:12]} 'Greet'")
    assert staging["changed"].endswith(f" UTC by delivery: {STAGING}: taken back, held")
    assert staging["held"].startswith("since 20")
    assert staging["held"].endswith(f" UTC by delivery: {HOLD}")


@pytest.mark.parametrize("tag", ["v7", "1.10", "2026-02-30"])
def test_an_image_that_somebody_set_by_hand_is_shown_as_changed_and_without_a_commit(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str], tag: str
) -> None:
    host.promote(STAGING, "a", host.first)
    by_hand = f"images: [{{name: {IMAGE}, newTag: {tag}}}]\n"
    host.commit("Try v7", {f"{STAGING}/kustomization.yaml": by_hand}, "Grace")

    staging = blocks(shown(capsys, DONE, "status"))["staging"]

    assert staging["image"] == f"{IMAGE}:{tag}"
    assert "commit" not in staging
    assert staging["changed"].endswith(" UTC by Grace: Try v7")


def test_the_last_run_shows_which_step_failed_and_where_its_log_is(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"type": "Pod", "templateName": "tests", "phase": "Failed", "message": f"Error\n\x07{'-' * 1000} end"}
    late = {"type": "Pod", "templateName": "lint", "phase": "Failed", "finishedAt": "2026-11-30T15:53:30Z"}
    group = {"type": "DAG", "templateName": "delivery", "phase": "Failed"}
    ended = {"phase": "Failed", "finishedAt": "2026-11-30T15:54:00Z"}
    server.run(
        "web-2", "2026-11-30T15:53:00Z", [late, group, {**failed, "finishedAt": "2026-11-30T15:53:20Z"}], **ended
    )
    server.run("web-1", "2026-11-30T15:50:00Z", [], phase="Succeeded")

    text = shown(capsys, FINDINGS, "status")

    assert text.split("\n\n")[-1].splitlines() == [
        "last run web-2",
        f"  phase       Failed, of commit {'ab' * 6}, started 2026-11-30 15:53 UTC, ended 2026-11-30 15:54 UTC",
        f"  failed      tests at 2026-11-30 15:53 UTC: Error {'-' * 194} … {'-' * 196} end",
        "  failed      lint at 2026-11-30 15:53 UTC",
        "  log         https://w.example.org/workflows/delivery/web-2",
    ]


def test_a_run_that_waits_for_an_approval_is_approved_by_the_command(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    pause = {"type": "Suspend", "templateName": "approval", "phase": "Running", "startedAt": "2026-11-30T15:53:00Z"}
    server.run("web-1", "2026-11-30T15:50:00Z", [pause], phase="Running")

    run = blocks(shown(capsys, FINDINGS, "status"))["last run web-1"]
    assert run["waits"] == "approval since 2026-11-30 15:53 UTC"

    assert main(["delivery", "approve", "delivery/web"]) == DONE
    ((path, change),) = server.patched
    assert path == f"{BASE}/delivery/workflows/web-1"
    assert change["metadata"] == {"resourceVersion": "7"}
    (node,) = change["status"]["nodes"].values()
    assert (node["phase"], node["message"]) == ("Succeeded", "approved by ada@example.org")
    assert f"promotes commit {'ab' * 6} into production" in capsys.readouterr().err


def test_a_soak_time_is_no_approval(host: Host, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    pause = {"type": "Suspend", "templateName": "soak", "phase": "Running", "startedAt": "2026-11-30T15:53:00Z"}
    server.run("web-1", "2026-11-30T15:50:00Z", [pause], phase="Running")

    assert blocks(shown(capsys, DONE, "status"))["last run web-1"]["waits"].startswith("soak since")
    assert main(["delivery", "approve", "delivery/web"]) == FAILED
    assert "delivery: no run waits for an approval; waiting: none" in capsys.readouterr().err
    assert server.patched == []


def test_json_has_the_same_facts_for_programs(host: Host, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    host.promote(STAGING, "a", host.first)

    found = json.loads(shown(capsys, DONE, "status", "--json"))

    staging, production = found["environments"]
    assert staging["repository"]["image"] == digest("a")
    assert staging["repository"]["release"]["commit"] == host.first
    assert production["repository"]["image"] is None
    assert (found["last_run"], found["needs_somebody"]) == (None, False)


def test_an_environment_is_held_and_lifted_by_commits_of_the_one_who_asks(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    hold = ["delivery", "hold", "delivery/web", "production", "--reason", "a  migration\nruns"]
    assert main(hold) == DONE
    assert host.newest() == (f"{PRODUCTION}: held", "Ada", f"{PRODUCTION}/HOLD")
    held = blocks(shown(capsys, FINDINGS, "status"))["production"]["held"]
    assert held.endswith(" UTC by Ada: a migration runs")

    assert main(hold) == DONE
    assert "held already; nothing changed" in capsys.readouterr().err
    assert main(["delivery", "lift", "delivery/web", "production"]) == DONE
    assert host.newest() == (f"{PRODUCTION}: hold lifted", "Ada", f"{PRODUCTION}/HOLD")
    assert blocks(shown(capsys, DONE, "status"))["production"]["held"] == "no"
    assert main(["delivery", "lift", "delivery/web", "production"]) == DONE
    assert "was not held; nothing changed" in capsys.readouterr().err


def test_a_hold_is_committed_on_a_branch_that_moved_meanwhile(host: Host, server: Server) -> None:
    with repository.Repository.cloned(host.address, "main") as clone:
        moved = host.commit("Meanwhile", {"app.py": "3"})
        assert clone.hold(STAGING, "why")

    assert host.newest()[0] == f"{STAGING}: held"
    assert host.git("rev-parse", "FETCH_HEAD^") == moved
    assert host.git("show", "FETCH_HEAD:app.py") == "3"


def test_without_the_repository_it_shows_what_the_cluster_knows_and_how_to_name_another_address(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    staging = blocks(shown(capsys, FINDINGS, "status", "--repository", str(tmp_path / "none")))["staging"]

    assert staging["Argo CD"] == "Synced, Healthy at no commit"
    assert staging["repository"].startswith("cannot be read: `git clone` failed: ")
    assert staging["repository"].endswith(
        "name an address of the repository that your own git can read by --repository"
    )


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({f"{STAGING}/kustomization.yaml": None}, f"branch main has no kustomization in {STAGING}"),
        ({f"{STAGING}/kustomization.yaml": "- a\n"}, "is not a kustomization"),
        ({f"{STAGING}/kustomization.yaml": "images: [7]\n"}, "is not a kustomization"),
        ({f"{STAGING}/kustomization.yaml": "a: b: c\n"}, "is not a kustomization"),
    ],
)
def test_an_overlay_that_is_broken_is_one_sentence(
    host: Host, server: Server, capsys: pytest.CaptureFixture[str], files: dict[str, str | None], says: str
) -> None:
    host.commit("Break it", files)

    assert says in blocks(shown(capsys, FINDINGS, "status"))["staging"]["repository"]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["status", "web"], USAGE, "must be two names such as delivery/web, got 'web'"),
        (["status", "delivery/Web"], USAGE, "must be two names such as delivery/web, got 'delivery/Web'"),
        (["hold", "delivery/web", "test", "--reason", "x"], USAGE, "invalid choice: 'test'"),
        (["hold", "delivery/web", "staging", "--reason", " "], USAGE, "--reason must not be empty"),
        (["status", "delivery/shop"], FAILED, "no DeliveryPipeline 'shop' in namespace 'delivery'; there: web"),
        (["approve", "delivery/web", "--run", "web-9"], FAILED, "run web-9 does not wait for an approval"),
        (["lift", "delivery/web", "staging", "--repository", "/none"], FAILED, "`git clone` failed"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    server: Server, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, says: str
) -> None:
    try:
        ended = main(["delivery", *arguments])
    except SystemExit as end:
        ended = end.code

    said = capsys.readouterr().err
    assert ended == status
    assert says in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Refused(403, "forbidden"), "the cluster cannot be asked: its API server answers 403: forbidden"),
        (Unanswered("it cannot be reached"), "the cluster cannot be asked: it cannot be reached"),
    ],
)
def test_a_cluster_that_does_not_answer_is_one_sentence(
    server: Server, capsys: pytest.CaptureFixture[str], error: Exception, says: str
) -> None:
    server.error = error

    assert main(["delivery", "status", "delivery/web"]) == FAILED
    assert capsys.readouterr().err == f"delivery: {says}\n"


def test_a_template_of_something_else_is_one_sentence(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.objects[f"{BASE}/delivery/workflowtemplates/web-delivery"] = {"spec": {"templates": []}}

    assert main(["delivery", "status", "delivery/web"]) == FAILED
    (said,) = capsys.readouterr().err.splitlines()
    assert "has no 'staging-promote': it is not that of a DeliveryPipeline of this version" in said


def test_without_git_it_says_what_to_install(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["delivery", "lift", "delivery/web", "staging"]) == FAILED
    assert "no executable named `git` on PATH: install git" in capsys.readouterr().err


def test_a_text_from_elsewhere_cannot_command_the_terminal() -> None:
    assert pipeline.one_line("a\n\x1b[2J\tb\u202ec") == "a [2J b c"
