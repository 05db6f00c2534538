"""The status of a commit: what it says of a run, at which address, and what becomes of it where the host is ill."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from delivery.__main__ import FAILURES, main
from delivery.api import PAUSE_SECONDS, TRIES
from delivery.errors import DeliveryError
from delivery.git_host import Kind, Status, api_url, comment, set_status
from delivery.masking import masked
from delivery.report import MAX_DESCRIPTION, MAX_LINES, describe, failures, shortened

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


LOG = f"Error (exit code 1): connecting with password=hunter2 and {TOKEN}\nassert 1 == 2\n```"


def test_the_subcommand_says_what_it_set_and_comments_the_last_lines_without_secrets(
    token: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FAILURES, json.dumps([{"templateName": "staging-tests", "message": LOG}]))
    with host((201, {}, {}), (201, {}, {}), (401, {}, {})) as (repository, asked):
        command = ["report", "--repository", repository, "--host", "GITHUB", "--revision", REVISION, "--token-file"]
        command += [str(token), "--context", "delivery/web", "--phase", "Failed", "--target-url", "https://w/1"]
        command += ["--steps", *STEPS]
        assert main(command) == 0
        done = capsys.readouterr()
        assert main(command) == 1
        refused = capsys.readouterr()
    assert json.loads(done.out) == {"outcome": "failure", "detail": "Failed: staging-tests."}
    assert done.err == refused.out == ""
    assert refused.err.startswith("delivery: the Git host 127.0.0.1:")
    assert TOKEN not in done.out + refused.err
    (status, _, body), (comment_path, _, comment_body), _ = asked
    assert status == f"/api/v3/repos/birds/web/statuses/{REVISION}"
    assert body == {
        "context": "delivery/web",
        "state": "failure",
        "description": "Failed: staging-tests.",
        "target_url": "https://w/1",
    }
    assert comment_path == f"/api/v3/repos/birds/web/commits/{REVISION}/comments"
    assert comment_body == {
        "body": "delivery/web: Failed: staging-tests.\n\nLog: https://w/1\n\n**staging-tests**\n\n````text\n"
        "Error (exit code 1): connecting with password=*** and ***\nassert 1 == 2\n```\n````\n"
    }


def test_a_run_that_succeeds_is_not_commented(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FAILURES, nodes("report"))
    with host((201, {}, {})) as (repository, asked):
        command = ["report", "--repository", repository, "--host", "GITHUB", "--revision", REVISION, "--token-file"]
        command += [str(token), "--context", "delivery/web", "--phase", "Succeeded", "--steps", *STEPS]
        assert main(command) == 0
    assert len(asked) == 1


def test_a_comment_that_is_refused_is_one_sentence(token: Path) -> None:
    says = r"may not comment commits on .*: it needs the permission `contents: write` on GitHub \(no\)$"
    with host((403, {"message": "no"}, {})) as (repository, _), pytest.raises(DeliveryError, match=says):
        comment(repository, REVISION, "text", token)


def test_what_argos_executor_adds_is_left_out() -> None:
    added = 'time="2026-11-30T18:33:46.787Z" level=info msg="sub-process exited" argo=true\nError: exit status 1'
    message = f"main: Error (exit code 1): E   assert 1 == 2\n{added}\n"
    (found,) = failures(json.dumps([{"templateName": "tests", "message": message}]), STEPS)

    assert found.lines == "main: Error (exit code 1): E   assert 1 == 2"


def test_the_last_lines_are_those_of_the_steps_that_failed_without_what_a_terminal_obeys() -> None:
    many = "\n".join(f"line {number}" for number in range(100))
    listed = [
        {"templateName": "tests", "message": many},
        {"templateName": "lint", "message": "\x1b[31mred\x1b[0m\ttab"},
        {"templateName": "report", "message": "not of a step"},
    ]
    lint, tests = failures(json.dumps(listed), STEPS)

    assert (lint.step, lint.lines) == ("lint", "\ufffd[31mred\ufffd[0m\ttab")
    assert (tests.step, tests.lines.splitlines()) == ("tests", [f"line {one}" for one in range(100 - MAX_LINES, 100)])


KEY_LINES = f"{'Ab9+' * 16}\n" * 5
"""The middle of a long private key: the kubelet gives at most 2 KB of a log, and a key may be longer."""


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=*** next"),
        ('{"api_key": "a b", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("assert password == 'x y'", "assert password == ***"),
        ("secretName: [a]", "secretName: [a]"),
        ("postgresql://ada:pa-ss@db:5432/x", "postgresql://***@db:5432/x"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("got ghp_0123456789abcdef", "got ***"),
        ("eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl!", "***!"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nmore", "***\nmore"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "***"),
        ("cut off\n-----END PRIVATE KEY-----\nmore", "***\nmore"),
        (
            "of\n-----END EC PRIVATE KEY-----\na\n-----BEGIN PRIVATE KEY-----\nM\n-----END PRIVATE KEY-----\nb",
            "***\na\n***\nb",
        ),
        ("a\n-----BEGIN PRIVATE KEY-----\nM\n-----END PRIVATE KEY-----\nb", "a\n***\nb"),
        ("a\n-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nM\n=ab\n-----END PGP PRIVATE KEY BLOCK-----\nb", "a\n***\nb"),
        (f"cut/off\n{KEY_LINES}cut+off", "***"),
        (f"before this:\n{KEY_LINES}and after", "before this:\n***\nand after"),
        (KEY_LINES.replace("\n", "\r\n"), "***\n"),
        ("postgres://u:p@ss@host/x failed", "postgres://***@host/x failed"),
        ("amqp://u:p/a@s/s@host:5672 and b@c", "amqp://***@host:5672 and b@c"),
        ("psql --password hunter2 --host db", "psql --password *** --host db"),
        ("psql --db-password 'a b' --host db", "psql --db-password *** --host db"),
        ("['psql', '--password', 'a b', '-v']", "['psql', '--password', ***, '-v']"),
        ("--password = hunter2", "--password = ***"),
        ("DB_PASS=hunter2 next", "DB_PASS=*** next"),
        ("pwd=hunter2 next", "pwd=*** next"),
        ("pass: hunter2", "pass: ***"),
        ("Authorization: hunter2\nmore", "Authorization: ***\nmore"),
        ("Authorization: Custom hunter2\nmore", "Authorization: ***\nmore"),
        ("{'Authorization': 'hunter2', 'n': 1}", "{'Authorization': '***', 'n': 1}"),
        ("{'Authorization': 'Bearer abcdefgh', 'n': 1}", "{'Authorization': 'Bearer ***', 'n': 1}"),
        (r"""{"password": "a\"b c", "n": 1}""", '{"password": ***, "n": 1}'),
        (r"password='a\'b c' next", "password=*** next"),
        (f"image web@sha256:{'a' * 64} of {'0f' * 20}", f"image web@sha256:{'a' * 64} of {'0f' * 20}"),
        ("known-secret!", "***!"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(printed: str, shown: str) -> None:
    assert masked(printed, ["known-secret", ""]) == shown


@pytest.mark.parametrize(
    "printed",
    [
        "E       AssertionError: assert 'Hello' == 'Good day'",
        "tests/test_app.py:12: AssertionError",
        "GET https://example.org:8443/a/b?c=d answers 404",
        "pushed to ada@example.org from https://example.org/a",
        "passed 3, failed 1",
        "passed: 3, passing=4",
        "--- PASS: TestGreeting (0.00s)",
        "the authorization\nAuthorization:\nE   assert 1 == 2",
        "-----END CERTIFICATE-----",
        f"{'0123456789abcdef' * 4}\n" * 6,
    ],
)
def test_an_ordinary_line_stays_as_it_is(printed: str) -> None:
    assert masked(printed) == printed


def test_masking_takes_no_time_on_a_long_line() -> None:
    started = time.process_time()
    masked("a-" * 8000 + "token" * 800)
    masked(KEY_LINES[:64] * 300 + "\n" + "a" * 20_000)
    assert time.process_time() - started < 10
