"""`post` against a stand-in of the Git hosts' APIs: one comment, one issue, whatever goes wrong on the way."""

import argparse
import io
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi_mlops.review.git_host import GitHostKind
from pulumi_mlops.review.host import add_commands, dialects, token
from pulumi_mlops.review.host import client as client_module
from pulumi_mlops.review.host.client import LONGEST_WAIT_SECONDS, TRIES, Client
from pulumi_mlops.review.host.errors import HostError
from pulumi_mlops.review.host.upsert import Done, Marker, upsert

from tests.git_host import TOKEN, USER, Fault, GitHost, git_host

LINE = "<!-- pulumi-mlops-review: preview -->"
Post = Callable[..., int]


@pytest.fixture(params=["github", "gitlab", "gitea"])
def host(request: pytest.FixtureRequest, waits: list[float]) -> Iterator[GitHost]:
    with git_host(request.param) as running:
        yield running


@pytest.fixture
def github(waits: list[float]) -> Iterator[GitHost]:
    with git_host("github") as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between two tries, which are not waited; the time is 1000."""
    found: list[float] = []
    monkeypatch.setattr(client_module, "sleep", found.append)
    monkeypatch.setattr(client_module, "now", lambda: 1000.0)
    return found


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    """`post(host, text, …)` runs the command as the console script does and returns its exit status."""
    monkeypatch.setenv("HOST_TOKEN", TOKEN)

    def run(host: GitHost, text: str, *options: str) -> int:
        parser = argparse.ArgumentParser()
        add_commands(parser.add_subparsers(required=True))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode(errors="surrogateescape"))))
        where = () if "--issue" in options or "--pull" in options else ("--pull", "12")
        secret = () if {"--token-env", "--token-file"} & set(options) else ("--token-env", "HOST_TOKEN")
        url = () if "--api-url" in options else ("--api-url", host.url)
        repository = () if "--repository" in options else ("--repository", "team/birds")
        arguments = parser.parse_args(["post", "--host", host.kind, *repository, *where, *secret, *url, *options])
        return arguments.run(arguments)

    return run


def test_the_first_run_writes_a_comment_and_the_next_one_writes_it_over(host: GitHost, post: Post) -> None:
    host.comment("What is this for?", "ada")
    assert post(host, "one change") == 0
    assert post(host, "two changes") == 0

    assert host.bodies() == ["What is this for?", f"{LINE}\ntwo changes"]
    assert host.authorizations == {f"Bearer {TOKEN}"}


def test_our_comment_is_found_on_the_last_page(host: GitHost, post: Post) -> None:
    host.page_size = 2
    for number in range(6):
        host.comment(f"comment {number}", "ada")
    host.comment(f"{LINE}\nold")
    assert post(host, "new") == 0

    assert len(host.comments) == 7
    assert host.bodies()[-1] == f"{LINE}\nnew"
    pages = 1 if host.kind == "gitea" else 4  # Gitea has no pages of comments
    assert (
        len([path for method, path in host.requests if method == "GET" and re.search("/(comments|notes)", path)])
        == pages
    )


def test_our_issue_is_found_on_the_last_page(host: GitHost, post: Post) -> None:
    host.page_size = 2
    for number in range(6):
        host.issue(f"issue {number}", "", "ada")
    host.issue("Drift of prod", f"{LINE}\nold")
    assert post(host, "new", "--issue", "Drift of prod") == 0

    assert len(host.issues) == 7
    looks = [path for method, path in host.requests if method == "GET" and "user" not in path]
    assert len(looks) == 4
    assert ("limit=50" if host.kind == "gitea" else "per_page=100") in looks[0]


def test_two_markers_are_two_comments(host: GitHost, post: Post) -> None:
    post(host, "of one", "--marker", "one")
    post(host, "of two", "--marker", "two")
    post(host, "of one again", "--marker", "one")

    assert [body.splitlines()[1] for body in host.bodies()] == ["of one again", "of two"]


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(host: GitHost, post: Post) -> None:
    """He could change it after the review."""
    host.comment(f"{LINE}\nall is well", "mallory")
    assert post(host, "a database goes") == 0

    assert host.bodies() == [f"{LINE}\nall is well", f"{LINE}\na database goes"]


def test_a_comment_that_only_quotes_the_marker_is_left_alone(host: GitHost, post: Post) -> None:
    host.comment(f"see `{LINE}`")
    post(host, "new")

    assert len(host.comments) == 2


def test_a_comment_of_a_user_that_is_gone_is_read(github: GitHost, post: Post) -> None:
    github.comment("old")["user"] = None

    assert post(github, "new") == 0


def test_only_update_writes_no_new_comment(host: GitHost, post: Post) -> None:
    assert post(host, "nothing is touched", "--only-update") == 0
    assert host.comments == []

    post(host, "one change")
    assert post(host, "nothing is touched any more", "--only-update") == 0
    assert host.bodies() == [f"{LINE}\nnothing is touched any more"]


def test_doubles_of_an_earlier_run_go(host: GitHost, post: Post) -> None:
    host.comment(f"{LINE}\none")
    host.comment(f"{LINE}\ntwo")
    assert post(host, "new") == 0

    assert host.bodies() == [f"{LINE}\nnew"]


def test_two_runs_at_once_leave_one_comment(host: GitHost) -> None:
    """Both look before either has written."""
    barrier = threading.Barrier(2)
    lists = iter([True, True])

    def both() -> None:
        if next(lists, False):
            barrier.wait(timeout=20)

    host.after_look = both
    done: list[Done] = []

    def run(text: str) -> None:
        kind = GitHostKind(host.kind)
        client = Client(host.url, token.Token(TOKEN, "the test"))
        done.append(upsert(dialects.Comments(kind, client, "team/birds", 12), Marker("preview"), USER, text))

    threads = [threading.Thread(target=run, args=(text,)) for text in ("of one", "of two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert done == [Done.CREATED, Done.CREATED]
    assert host.methods().count("POST") == 2
    (body,) = host.bodies()
    assert body in (f"{LINE}\nof one", f"{LINE}\nof two")


@pytest.mark.parametrize("first", [0, 1], ids=["the older deletes first", "the younger deletes first"])
def test_of_two_runs_the_oldest_comment_stays_with_the_last_text(github: GitHost, first: int) -> None:
    client = Client(github.url, token.Token(TOKEN, "the test"))
    place = dialects.Comments(GitHostKind.GITHUB, client, "team/birds", 12)
    marker = Marker("preview")

    class Overtaken(dialects.Comments):
        """The place as a run sees it that another one overtakes after its first look."""

        def create(self, body: str) -> dialects.Entry:
            if first == 0:
                upsert(place, marker, USER, "of the other")
            made = super().create(body)
            if first == 1:
                github.comment(marker.on("of the other"))
            return made

    upsert(Overtaken(GitHostKind.GITHUB, client, "team/birds", 12), marker, USER, "mine")

    assert github.bodies() == [marker.on("mine")]
    assert github.comments[0]["id"] == 1


def test_an_error_of_the_server_is_tried_again(host: GitHost, post: Post, waits: list[float]) -> None:
    host.faults = [Fault(502), Fault(503, body=b"<html>"), Fault(500, method="POST")]
    assert post(host, "one change") == 0

    assert host.bodies() == [f"{LINE}\none change"]
    assert waits == [1.0, 2.0, 1.0]


def test_a_comment_whose_answer_was_lost_is_not_there_twice(host: GitHost, post: Post) -> None:
    host.faults = [Fault(504, method="POST", after=True)]
    assert post(host, "one change") == 0

    assert host.methods().count("POST") == 2
    assert host.bodies() == [f"{LINE}\none change"]


def test_a_server_that_stays_broken_is_an_error_after_some_tries(
    github: GitHost, post: Post, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    github.faults = [Fault(503) for _ in range(TRIES)]
    assert post(github, "one change") == 1

    assert "gave no answer in 5 tries; the last one: status 503" in capsys.readouterr().err
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert github.comments == []


def test_a_host_that_is_not_there_is_an_error_after_some_tries(
    github: GitHost, post: Post, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    assert post(github, "one change", "--api-url", "http://127.0.0.1:9") == 1

    assert "ConnectionRefusedError" in capsys.readouterr().err
    assert len(waits) == TRIES - 1


@pytest.mark.parametrize(
    ("headers", "status", "wait"),
    [
        ({"Retry-After": "7"}, 403, 7.0),
        ({"Retry-After": "7"}, 429, 7.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1030"}, 403, 30.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"}, 429, 1.0),
        ({"X-RateLimit-Remaining": "0"}, 403, 1.0),
        ({}, 429, 1.0),
    ],
)
def test_a_rate_limit_is_waited_for(
    github: GitHost, post: Post, waits: list[float], headers: dict[str, str], status: int, wait: float
) -> None:
    github.faults = [Fault(status, headers)]
    assert post(github, "one change") == 0

    assert waits == [wait]
    assert len(github.comments) == 1


def test_a_rate_limit_that_lasts_too_long_is_an_error(
    github: GitHost, post: Post, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    github.faults = [Fault(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(1001 + LONGEST_WAIT_SECONDS)})]
    assert post(github, "one change") == 1

    assert "rate limit for the token of the environment variable HOST_TOKEN lasts another 121 s" in (
        capsys.readouterr().err
    )
    assert waits == []


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, "github", "is not accepted; it may have ended, or belong to another host"),
        (403, "github", "give it the permission `pull-requests: write`"),
        (403, "gitlab", "give it the scope `api` and at least the role Reporter"),
        (403, "gitea", "give it the scope `write:issue`"),
        (404, "github", "there is no comment on request 12 of team/birds, or the token of"),
        (301, "github", "has moved; give its present --repository and --api-url"),
        (422, "github", "github did not accept comment on request 12 of team/birds"),
    ],
)
def test_a_refusal_says_what_to_do(
    post: Post, waits: list[float], capsys: pytest.CaptureFixture[str], status: int, kind: str, says: str
) -> None:
    with git_host(kind) as host:
        host.faults = [Fault(status, {"Location": "http://127.0.0.1:9/"}, method="POST")]
        assert post(host, "one change") == 1

    said = capsys.readouterr().err
    assert says in said
    assert f"status {status}, of the stand-in" in said
    assert len(said.splitlines()) == 1
    assert waits == []


def test_an_issue_needs_another_permission(github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    github.faults = [Fault(403, method="POST")]
    assert post(github, "drift", "--issue", "Drift of prod") == 1

    assert "may not write issue 'Drift of prod' of team/birds; give it the permission `issues: write`" in (
        capsys.readouterr().err
    )


def test_a_token_that_may_not_ask_for_its_user_needs_an_author(
    github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    """So does the token of GitHub Actions."""
    github.faults = [Fault(403)]
    assert post(github, "one change") == 1
    assert "say it by --author, such as --author 'github-actions[bot]'" in capsys.readouterr().err

    assert post(github, "one change", "--author", USER) == 0
    assert "/user" not in [path for _, path in github.requests[1:]]


def test_a_next_page_on_another_host_does_not_get_the_token(
    github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    with git_host("github") as other:
        github.page_size = 1
        github.next_link = f"{other.url}/repos/team/birds/issues/12/comments?page=2"
        github.comment("one", "ada")
        github.comment("two", "ada")
        assert post(github, "one change") == 1

        assert "the token goes nowhere else" in capsys.readouterr().err
        assert other.requests == []


def test_a_redirect_does_not_take_the_token_along(github: GitHost, post: Post) -> None:
    with git_host("github") as other:
        github.faults = [Fault(302, {"Location": f"{other.url}/user"})]
        assert post(github, "one change") == 1

        assert other.requests == []


def test_pages_that_never_end_are_an_error(github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    github.page_size = 1
    github.next_link = f"{github.url}/repos/team/birds/issues/12/comments?page=1"
    github.comment("one", "ada")
    github.comment("two", "ada")
    assert post(github, "one change") == 1

    assert "lists more than 200 pages" in capsys.readouterr().err


def test_an_issue_is_opened_closed_and_opened_again(host: GitHost, post: Post) -> None:
    options = ("--issue", "Drift of prod", "--marker", "drift-prod")
    assert post(host, "", *options, "--close") == 0
    assert host.issues == []

    assert post(host, "one resource", *options) == 0
    assert post(host, "two resources", *options) == 0
    (issue,) = host.issues
    text = "description" if host.kind == "gitlab" else "body"
    assert (issue["title"], issue[text]) == (
        "Drift of prod",
        "<!-- pulumi-mlops-review: drift-prod -->\ntwo resources",
    )

    assert post(host, "", *options, "--close") == 0
    assert issue["state"] == "closed"
    requests = len(host.requests)
    assert post(host, "", *options, "--close") == 0
    assert host.methods()[requests:].count("GET") == len(host.methods()[requests:])  # it is closed already

    assert post(host, "three resources", *options) == 0
    assert len(host.issues) == 1
    assert issue["state"] in ("open", "opened")


def test_a_pull_request_among_the_issues_is_no_issue(github: GitHost, post: Post) -> None:
    pull = github.issue("a pull request", LINE)
    pull["pull_request"] = {"url": "…"}
    assert post(github, "one resource", "--issue", "Drift of prod") == 0

    assert pull["body"] == LINE
    assert len(github.issues) == 2


def test_the_token_of_a_file_is_used(host: GitHost, post: Post, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    assert post(host, "one change", "--token-file", str(file)) == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--token-env", "NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE must hold the token for the Git host"),
        (("--token-file", "/no/such/file"), "the file /no/such/file must hold the token"),
        (("--marker", "no--comment"), "--marker must be 2 to 100 lower-case letters"),
        (("--marker", "x -->"), "--marker must be 2 to 100 lower-case letters"),
        (("--repository", "birds"), "--repository must be owner/name, got 'birds'"),
        (("--repository", "../user"), "--repository must be owner/name"),
        (("--repository", "team/birds?x"), "--repository must be owner/name"),
        (("--api-url", "http://git.example.org"), "--api-url must start with https://"),
        (("--api-url", "ftp://git.example.org"), "--api-url must be an https address"),
        (("--api-url", "https://me:secret@git.example.org"), "--api-url must hold no user and no password"),
        (("--close",), "--close needs --issue"),
        (("--issue", " "), "--issue must be the title of the issue"),
    ],
)
def test_wrong_arguments_are_one_sentence_and_ask_nothing(
    github: GitHost, post: Post, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], says: str
) -> None:
    assert post(github, "one change", *options) == 1

    said = capsys.readouterr().err
    assert said.startswith("post: ")
    assert says in said
    assert github.requests == []


def test_gitea_has_no_address_of_its_own(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    assert post(GitHost("gitea"), "one change", "--api-url", "") == 1

    assert "--api-url is required for gitea" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_to_say_is_an_error(github: GitHost, post: Post, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert post(github, text) == 1

    assert "standard input is empty" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "longest"), [("github", 65_536), ("gitlab", 1_000_000), ("gitea", 65_535)])
def test_a_text_is_as_long_as_the_host_takes(
    post: Post, waits: list[float], capsys: pytest.CaptureFixture[str], kind: str, longest: int
) -> None:
    fits = "x" * (longest - len(LINE) - 1)
    with git_host(kind) as host:
        assert post(host, fits) == 0
        assert post(host, f"{fits}x") == 1

    assert f"{kind} takes {longest}" in capsys.readouterr().err
    assert host.bodies() == [f"{LINE}\n{fits}"]


def test_gitea_counts_bytes(post: Post, waits: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    fits = "é" * ((65_535 - len(LINE) - 1) // 2)
    with git_host("gitea") as host:
        assert post(host, fits) == 0
        assert post(host, f"{fits}é") == 1
    with git_host("github") as host:
        assert post(host, f"{fits}é") == 0

    assert " bytes with its marker, and gitea takes 65535" in capsys.readouterr().err


def test_what_is_no_text_is_an_error(github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    assert post(github, "a\udcff") == 1

    assert "standard input is no text in UTF-8" in capsys.readouterr().err
    assert github.requests == []


@pytest.mark.parametrize("value", ["two words", "tóken", "two\nlines", "\x07bell"])
def test_what_is_no_token_is_refused_without_being_shown(
    github: GitHost, post: Post, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("HOST_TOKEN", value)
    assert post(github, "one change") == 1

    said = capsys.readouterr().err
    assert "must hold one token" in said
    assert value not in said


def test_the_token_is_in_no_message_even_where_the_host_says_it(
    github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    for status in (401, 403, 404, 422):
        github.faults = [Fault(status, body=f'{{"message": "not with {TOKEN}"}}'.encode())]
        assert post(github, "one change", "--author", USER) == 1
    said = capsys.readouterr()

    assert said.err.count("not with ***") == 4
    assert TOKEN not in said.out + said.err


def test_the_token_is_in_no_exception(github: GitHost) -> None:
    secret = token.Token(TOKEN, "the test")
    client = Client(github.url, secret)
    github.faults = [Fault(403, body=f'{{"message": "{TOKEN}"}}'.encode())]
    with pytest.raises(HostError) as caught:
        client.send("GET", "user")

    assert TOKEN not in f"{caught.value} {caught.value!r} {secret} {secret!r} {client!r}"


def test_an_answer_that_is_no_json_is_an_error(github: GitHost, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    github.faults = [Fault(200, body=b"<html>welcome</html>")]
    assert post(github, "one change") == 1

    assert "--api-url must be the base of its API" in capsys.readouterr().err
