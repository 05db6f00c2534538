"""`ReviewWorkflow`: what it makes, who knows which secret, and its own commands from the event to the comment."""

import datetime
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.platform import GitHostKind, ReviewWorkflow
from pulumi_mlops.platform.review_workflow._pod import WORK
from syrupy.assertion import SnapshotAssertion

from local.paths import ROOT
from tests.components.delivery_addons import REVIEW, REVIEW_FULL
from tests.conftest import Build, unknown
from tests.git_host import TOKEN, GitHost, git_host
from tests.review import recorded
from tests.workflows import COMMAND


def program(name: str = "birds", **changes: Any) -> ReviewWorkflow:
    return ReviewWorkflow(name, {**REVIEW, **changes})  # type: ignore[typeddict-item]


def containers(build: Build, **changes: Any) -> dict[str, dict[str, Any]]:
    (template,) = build(lambda: program(**changes))["birds-workflow-template"].inputs["spec"]["templates"]
    return {**{one["name"]: one for one in template["initContainers"]}, "post": template["container"]}


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**REVIEW_FULL)).contract() == snapshot


def test_the_program_of_the_documentation_builds(build: Build) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "review.md").read_text(), re.DOTALL)
    graph = build(lambda: exec(code))

    (template,) = graph.of_kind("WorkflowTemplate")
    assert template.inputs["metadata"]["name"] == "review-churn"
    parameters = [one["name"] for one in template.inputs["spec"]["arguments"]["parameters"]]
    assert parameters == ["pull", "revision", "base", "head-repository"]


def test_two_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (program("one"), program("two")))

    assert len({one.urn for one in graph}) == len(graph.registrations)
    assert {one.inputs["metadata"]["name"] for one in graph.of_kind("WorkflowTemplate")} == {"review-one", "review-two"}
    mutexes = {str(one.inputs["spec"]["synchronization"]) for one in graph.of_kind("WorkflowTemplate")}
    assert len(mutexes) == 2


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image=unknown("i"), backend=unknown("b")), preview=True)

    assert graph.of_kind("WorkflowTemplate")


def test_each_container_has_only_the_secrets_that_it_needs(build: Build) -> None:
    parts = containers(build, **REVIEW_FULL)
    mounts = {name: {one["name"] for one in part["volumeMounts"]} for name, part in parts.items()}
    variables = {name: [one["name"] for one in part["env"] if "valueFrom" in one] for name, part in parts.items()}

    assert mounts == {"checkout": {"work", "clone"}, "preview": {"work"}, "post": {"work", "scratch", "post"}}
    assert variables == {"checkout": [], "preview": ["PULUMI_CONFIG_PASSPHRASE"], "post": []}
    assert next(one for one in parts["post"]["volumeMounts"] if one["name"] == "work")["readOnly"]


def test_parameters_of_the_event_are_in_no_script(build: Build) -> None:
    """Argo would put their text into it, and a branch may be called `$(…)`."""
    for part in containers(build).values():
        assert "{{" not in part["command"][-1]


def test_a_comment_is_in_the_form_of_its_host(build: Build) -> None:
    forms = {
        host: environment(containers(build, host=host, api_url="https://git.example.org")["post"])["FORMAT"]
        for host in GitHostKind
    }

    assert forms == {"github": "github", "gitlab": "gitlab", "gitea": "github"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"host": "bitbucket"}, "args.host must be one of 'github', 'gitlab', 'gitea', got 'bitbucket'"),
        ({"host": "gitea"}, 'args.api_url is required where args.host is "gitea"'),
        ({"api_url": "http://git.example.org"}, "args.api_url must be an https address without a user"),
        ({"repository": "birds"}, "args.repository must be owner/name, got 'birds'"),
        ({"repository_url": "https://me:secret@git.example.org/x"}, "args.repository_url must be an https address"),
        ({"repository_url": "git@git.example.org:team/birds.git"}, "args.repository_url must be an https address"),
        ({"namespace": "A B"}, "args.namespace must be a DNS label"),
        ({"image": ""}, "args.image must not be empty"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"timeout_seconds": 59}, "args.timeout_seconds must be at least 60 s, got 59"),
        ({"token": "x"}, 'did you mean "token_secret"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='ReviewWorkflow "birds"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


FILES = {
    "Pulumi.yaml": "name: churn\nruntime: python\n",
    "Pulumi.dev.yaml": "config: {}\n",
    "Pulumi.prod.yaml": "config: {}\n",
    "__main__.py": "",
}
# Answers with a recording of the real engine, and fails where the change's own file tells it to.
PULUMI = f"""#!/bin/sh
cat > /dev/null
echo "pulumi $*" >&2
if [ -e "fail-$3" ]; then echo "no access" >&2; exit 1; fi
recording=image-bump
if [ -e "open-$3" ]; then recording=node-group; fi
cat "{recorded.DATA}/$recording.json"
"""


@dataclass
class Pod:
    """The containers of one run, as processes that see the paths of this machine in the place of the mounts'."""

    parts: dict[str, dict[str, Any]]
    directory: Path
    parameters: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)
    """In the place of values of the environment that only a cluster has."""
    said: str = ""

    def run(self) -> int:
        """Runs the containers in order up to one that fails; returns the status of the last."""
        for part in self.parts.values():
            script = part["command"][-1].replace("/tmp/", f"{self.directory}/scratch/")
            done = subprocess.run(
                [*part["command"][:-1], script],
                env={"PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}", **self.environment(part)},
                cwd=self.directory,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            self.said += done.stdout + done.stderr
            if done.returncode:
                return done.returncode
        return 0

    def environment(self, part: dict[str, Any]) -> dict[str, str]:
        given = environment(part) | {key: value for key, value in self.values.items() if key in environment(part)}
        for name, value in self.parameters.items():
            given = {key: text.replace(f"{{{{workflow.parameters.{name}}}}}", value) for key, text in given.items()}
        return {key: text.replace(WORK, f"{self.directory}/work") for key, text in given.items()}


@pytest.fixture(params=["gitea"])
def host(request: pytest.FixtureRequest) -> Iterator[GitHost]:
    with git_host(request.param) as running:
        yield running


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """The team's repository, with a branch `change` off `main`."""
    place = tmp_path / "origin"
    place.mkdir()
    for path, text in FILES.items():
        (place / path).write_text(text)
    git(place, "init", "--quiet", "--initial-branch", "main")
    commit(place)
    git(place, "switch", "--quiet", "--create", "change")
    return place


@pytest.fixture
def pod(build: Build, tmp_path: Path, host: GitHost, origin: Path) -> Pod:
    directory = tmp_path / "pod"
    for name, text in (("pulumi-mlops-review", COMMAND), ("pulumi", PULUMI)):
        (directory / "bin").mkdir(parents=True, exist_ok=True)
        (directory / "bin" / name).write_text(text)
        (directory / "bin" / name).chmod(0o755)
    (directory / "scratch").mkdir()
    (directory / "token").write_text(TOKEN)
    values = {"API_URL": host.url, "REPOSITORY_URL": str(origin), "SETUP": "true", "TOKEN_FILE": f"{directory}/token"}
    parts = containers(build, **{**REVIEW_FULL, "host": host.kind, "stacks": "*"})
    parameters = {"pull": "12", "base": "main", "head-repository": "team/birds", "revision": ""}
    return Pod(parts, directory, parameters, values | {"AUTHOR": ""})


def git(directory: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True, text=True).stdout


def commit(directory: Path) -> str:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "a change")
    return git(directory, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize("host", list(GitHostKind), indirect=True)
def test_an_event_becomes_a_comment(pod: Pod, host: GitHost, origin: Path) -> None:
    (origin / "Pulumi.prod.yaml").write_text("config: {a: b}\n")
    pod.parameters["revision"] = commit(origin)
    assert pod.run() == 0, pod.said

    (body,) = host.bodies()
    assert body.startswith("<!-- pulumi-mlops-review: preview -->\n## Preview: 1 stack with changes\n")
    assert "`prod`: 2 to update" in body
    assert "pulumi preview --stack prod --json --show-sames --non-interactive" in pod.said
    assert "`dev`" not in body
    assert pod.parameters["revision"] in body
    assert TOKEN not in pod.said
    assert stat.S_IMODE((pod.directory / "work" / "home" / "askpass").stat().st_mode) == 0o700


def test_one_preview_that_fails_does_not_hide_the_others(pod: Pod, host: GitHost, origin: Path) -> None:
    (origin / "fail-dev").write_text("")
    pod.parameters["revision"] = commit(origin)
    assert pod.run() == 3, pod.said

    (body,) = host.bodies()
    assert "The preview did not start" in body
    assert "`prod`: 2 to update" in body
    assert "the preview of dev failed" in pod.said


def test_a_fork_is_not_even_fetched_and_gets_a_message(pod: Pod, host: GitHost, origin: Path) -> None:
    pod.parameters |= {"revision": commit_of_a_stack(origin), "head-repository": "mallory/birds"}
    assert pod.run() == 0, pod.said

    (body,) = host.bodies()
    assert "A change from a fork is not previewed" in body
    assert not (pod.directory / "work" / "repository").exists()


def test_a_change_of_no_stack_is_silent(pod: Pod, host: GitHost, origin: Path) -> None:
    (origin / "README.md").write_text("more\n")
    pod.parameters["revision"] = commit(origin)

    assert pod.run() == 0, pod.said
    assert host.comments == []


def test_the_status_of_the_review_is_that_of_the_workflow(pod: Pod, host: GitHost, origin: Path) -> None:
    (origin / "open-prod").write_text("")
    pod.parameters["revision"] = commit_of_a_stack(origin)
    assert pod.run() == 3

    (body,) = host.bodies()
    assert "**1 blocking finding**" in body
    assert "iam-trust" in body


def test_exceptions_are_those_of_the_repository(pod: Pod, host: GitHost, origin: Path) -> None:
    until = datetime.date.today() + datetime.timedelta(days=3)
    (origin / "open-prod").write_text("")
    (origin / "review-exceptions.toml").write_text(
        f'[[exception]]\nstack = "prod"\nresource = "nodes"\nrule = "iam-trust"\nuntil = {until}\n'
        'reason = "it goes on Thursday"\n'
    )
    pod.parameters["revision"] = commit_of_a_stack(origin)
    assert pod.run() == 0, pod.said

    (body,) = host.bodies()
    assert "blocking" not in body


def test_a_review_that_could_not_be_produced_says_so(pod: Pod, host: GitHost, origin: Path) -> None:
    (origin / "review-exceptions.toml").write_text("[[exception]]\n")
    pod.parameters["revision"] = commit_of_a_stack(origin)

    assert pod.run() == 1
    (body,) = host.bodies()
    assert "could not be produced" in body


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("revision", "main"), ("revision", ""), ("revision", "--upload-pack=x"), ("base", "a..b"), ("base", "a b")],
)
def test_a_parameter_that_is_none_is_refused(pod: Pod, host: GitHost, origin: Path, parameter: str, value: str) -> None:
    pod.parameters["revision"] = commit_of_a_stack(origin)
    pod.parameters[parameter] = value

    assert pod.run() == 1
    assert f"parameter {parameter} must be a" in pod.said
    assert host.requests == []


def commit_of_a_stack(origin: Path) -> str:
    (origin / "Pulumi.prod.yaml").write_text("config: {a: c}\n")
    return commit(origin)
