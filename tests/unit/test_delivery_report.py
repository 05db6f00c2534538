"""The status of a commit: what it says of a run, at which address, and what becomes of it where the host is ill."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from delivery.__main__ import FAILURES, main
from delivery.errors import DeliveryError
from delivery.git_host import PAUSE_SECONDS, TRIES, Kind, Status, api_url, set_status
from delivery.report import MAX_DESCRIPTION, describe, shortened

STEPS = ["lint", "tests", "image", "staging-tests"]
TOKEN = "token-that-nobody-may-read"
STATUS = Status("delivery/web", "success", "Every step that ran has succeeded.")
REVISION = "0f" * 20


def nodes(*templates: str) -> str:
    return json.dumps([{"templateName": one, "displayName": "x", "message": "a secret"} for one in templates])


@pytest.mark.parametrize(
    ("phase", "failures", "says"),
    [
        ("Running", "[]", "The delivery is running."),
        ("Running", "", "The delivery is running."),
        ("Succeeded", "[]", "Every step that ran has succeeded."),
        ("Failed", nodes("delivery", "lint"), "Failed: lint."),
        ("Failed", nodes("tests", "lint", "delivery"), "Failed: lint and tests."),
        ("Error", nodes("image", "tests", "lint"), "Failed: lint, tests and image."),
        ("Failed", nodes("report"), "The run failed, but none of its steps did: it was stopped or took too long."),
        ("Failed", "null", "The run failed, but none of its steps did: it was stopped or took too long."),
        ("Failed", "", "The run failed, but none of its steps did: it was stopped or took too long."),
    ],
)
def test_a_description_names_the_steps_that_failed(phase: str, failures: str, says: str) -> None:
    assert describe(phase, failures, STEPS) == says


def test_a_list_that_is_quoted_as_argo_workflows_does_is_read() -> None:
    quoted = r'"[{\"templateName\":\"lint\",\"message\":\"\x7f \U000e0001 \\\" \\n\"}]"'
    assert describe("Failed", quoted, STEPS) == "Failed: lint."
    assert describe("Succeeded", '"null"', STEPS) == "Every step that ran has succeeded."


@pytest.mark.parametrize(
    "failures", ['"open', '"[" + x', "{{workflow.failures}}", "[1]", "[{}]", "7", '[{"templateName": []}]']
)
def test_what_is_no_list_of_nodes_is_an_error_of_one_sentence(failures: str) -> None:
    with pytest.raises(DeliveryError, match=r"^DELIVERY_FAILURES must be Argo's `workflow.failures`"):
        describe("Failed", failures, STEPS)


@pytest.mark.parametrize("length", [1, MAX_DESCRIPTION, MAX_DESCRIPTION + 1, 1000])
def test_a_description_has_the_length_that_a_host_takes(length: int) -> None:
    text = "x" * length
    assert len(shortened(text)) == min(length, MAX_DESCRIPTION)
    assert (shortened(text) == text) == (length <= MAX_DESCRIPTION)
    steps = [f"{number}-{text}" for number in range(3)]
    assert len(describe("Failed", nodes(*steps), steps)) <= MAX_DESCRIPTION


@pytest.mark.parametrize(
    ("kind", "repository", "api"),
    [
        (Kind.GITHUB, "https://github.com/birds/web", "https://api.github.com/repos/birds/web"),
        (Kind.GITHUB, "https://www.github.com/birds/web.git/", "https://api.github.com/repos/birds/web"),
        (Kind.GITHUB, "https://birds.ghe.com/birds/web.git", "https://api.birds.ghe.com/repos/birds/web"),
        (Kind.GITHUB, "https://git.example.org/birds/web.git", "https://git.example.org/api/v3/repos/birds/web"),
        (Kind.GITEA, "https://git.example.org/birds/web.git", "https://git.example.org/api/v1/repos/birds/web"),
        (Kind.GITEA, "http://gitea:3000/git/birds/web", "http://gitea:3000/git/api/v1/repos/birds/web"),
        (Kind.GITHUB, "https://notgithub.com/birds/web", "https://notgithub.com/api/v3/repos/birds/web"),
    ],
)
def test_the_address_of_the_api_follows_from_the_repositorys_and_the_kind_of_host(
    kind: Kind, repository: str, api: str
) -> None:
    assert api_url(repository, kind) == api


@pytest.mark.parametrize(
    "repository", ["file:///birds/web", "https://ada@github.com/birds/web", "https://github.com/a"]
)
def test_an_address_that_is_no_repository_is_refused(repository: str) -> None:
    with pytest.raises(DeliveryError, match="must be an http"):
        api_url(repository, Kind.GITHUB)


@contextmanager
def host(*answers: tuple[int, Any, dict[str, str]]) -> Iterator[tuple[str, list[Any]]]:
    """Address of a repository on a server that gives these answers in turn, and what it was asked."""
    asked: list[Any] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, self.headers["Authorization"], body))
            code, said, headers = left.pop(0)
            text = json.dumps(said).encode()
            self.send_response(code)
            for key, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/birds/web", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


def test_a_host_that_is_ill_for_a_moment_is_asked_again(token: Path) -> None:
    pauses: list[float] = []
    with host((503, {}, {}), (429, {}, {}), (201, {}, {})) as (repository, asked):
        set_status(repository, Kind.GITHUB, REVISION, STATUS, token, sleep=pauses.append)
    assert pauses == [PAUSE_SECONDS] * 2
    body = {"context": STATUS.context, "state": STATUS.state, "description": STATUS.description}
    assert asked == [(f"/api/v3/repos/birds/web/statuses/{REVISION}", f"Bearer {TOKEN}", body)] * TRIES


@pytest.mark.parametrize(
    ("code", "said", "headers", "says"),
    [
        (401, {"message": "Bad credentials"}, {}, r"does not accept the token in .*/token: .*\(Bad credentials\)$"),
        (403, {"message": f"not by {TOKEN}"}, {}, r"may not set commit statuses .*: write`.*\(not by \*\*\*\)$"),
        (403, {"message": "x" * 198 + TOKEN}, {}, r"\(x{198}\*\*\)$"),
        (404, {"message": "Not Found"}, {}, r"has no commit 0f0f0f0f0f0f in this repository, or the token"),
        (422, {"message": "No commit\nfound for SHA"}, {}, r"has no commit .* \(No commit found for SHA\)$"),
        (422, {"message": "Too many"}, {}, r"answers 422 to a status of commit 0f0f0f0f0f0f \(Too many\)$"),
        (500, {"message": "GetCommit: object does not exist"}, {}, r"has no commit 0f0f0f0f0f0f in this repository"),
        (400, ["no object"], {}, r"answers 400 to a status of commit 0f0f0f0f0f0f$"),
        (200, "a page for people", {}, r"answers 200 to a status"),
        (307, {}, {"Location": "http://127.0.0.1:1/"}, r"answers 307 to a status"),
        (302, {}, {"Location": "http://127.0.0.1:1/"}, r"answers 302 to a status"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_without_the_token_and_is_not_tried_again(
    token: Path, code: int, said: Any, headers: dict[str, str], says: str
) -> None:
    with host((code, said, headers)) as (repository, asked), pytest.raises(DeliveryError, match=says) as error:
        set_status(repository, Kind.GITHUB, REVISION, STATUS, token, sleep=lambda _: None)
    assert len(asked) == 1
    assert TOKEN not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_host_that_stays_ill_is_named(token: Path) -> None:
    says = r"^the Git host .* answers 502 3 times \(upstream\)$"
    ill = (502, {"message": "upstream"}, {})
    with host(ill, ill, ill) as (repository, asked), pytest.raises(DeliveryError, match=says):
        set_status(repository, Kind.GITEA, REVISION, STATUS, token, sleep=lambda _: None)
    assert len(asked) == TRIES


def test_a_host_that_does_not_answer_is_named(token: Path) -> None:
    with host() as (repository, _):
        pass
    with pytest.raises(DeliveryError, match=r"^the Git host 127.0.0.1:\d+ does not answer: .*[Rr]efused$"):
        set_status(repository, Kind.GITEA, REVISION, STATUS, token, sleep=lambda _: None)


@pytest.mark.parametrize("text", ["", "two lines\nof secret", "tökén", "with space"])
def test_a_token_that_no_header_takes_is_refused_without_being_quoted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    for one in (file, tmp_path / "none"):
        with pytest.raises(DeliveryError, match="must hold the token for the Git host on one line") as error:
            set_status("https://github.com/birds/web", Kind.GITHUB, REVISION, STATUS, one)
        assert not text or text not in str(error.value)


@pytest.mark.parametrize("revision", ["main", "0f0f", f"{REVISION}/../x"])
def test_only_a_whole_commit_gets_a_status(token: Path, revision: str) -> None:
    with pytest.raises(DeliveryError, match="a commit is named by all of its 40 or 64 hexadecimal digits"):
        set_status("https://github.com/birds/web", Kind.GITHUB, revision, STATUS, token)


def test_the_subcommand_says_what_it_set(
    token: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FAILURES, nodes("staging-tests"))
    with host((201, {}, {}), (401, {}, {})) as (repository, asked):
        command = ["report", "--repository", repository, "--host", "GITEA", "--revision", REVISION, "--token-file"]
        command += [str(token), "--context", "delivery/web", "--phase", "Failed", "--target-url", "https://w/1"]
        command += ["--steps", *STEPS]
        assert main(command) == 0
        done = capsys.readouterr()
        assert main(command) == 1
        refused = capsys.readouterr()
    assert json.loads(done.out) == {"outcome": "failure", "detail": "Failed: staging-tests."}
    assert done.err == refused.out == ""
    assert refused.err.startswith("delivery: the Git host 127.0.0.1:")
    assert "a secret" not in str(asked)
    assert TOKEN not in done.out + refused.err
    _, _, body = asked[0]
    assert body == {
        "context": "delivery/web",
        "state": "failure",
        "description": "Failed: staging-tests.",
        "target_url": "https://w/1",
    }
