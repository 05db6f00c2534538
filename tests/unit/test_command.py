"""`pulumi-mlops`: what a subcommand imports, its exit status, and the one sentence when something is missing."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_mlops.cli import cluster
from pulumi_mlops.cli.errors import DONE, FAILED, USAGE, CommandError
from pulumi_mlops.cli.main import SUBCOMMANDS, main
from pulumi_mlops.cli.project import Project
from pulumi_mlops.cli.pulumi import Pulumi

HEAVY = ("pulumi", "pulumi_kubernetes", "pulumi_aws", "kubernetes", "yaml", "grpc")
ON_A_PROJECT = (
    ["plan", "dev"],
    ["preflight", "dev"],
    ["adopt", "terraform.tfstate", "--stack", "dev"],
    ["destroy", "dev", "--yes"],
    ["leftovers", "dev"],
    ["repair", "dev"],
)
Script = Callable[[str], None]


def imported(*arguments: str) -> set[str]:
    """Modules of this library, and heavy ones of others, that a call imports."""
    code = (
        "import sys\nfrom pulumi_mlops.cli.main import main\n"
        f"try:\n    main({[*arguments]!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {one for one in done.stdout.splitlines() if one.startswith("pulumi_mlops.") or one in HEAVY}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a project in it."""
    (tmp_path / "Pulumi.yaml").write_text("name: team\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pulumi_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a CLI on PATH that fails with a message."""

    def put(message: str) -> None:
        script = tmp_path / "bin" / "pulumi"
        script.parent.mkdir()
        script.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{message}\nEND\nexit 1\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")

    return put


def test_help_imports_no_subcommand_and_no_sdk() -> None:
    assert imported("--help") == {
        "pulumi_mlops.cli",
        "pulumi_mlops.cli.main",
        "pulumi_mlops.cli.errors",
        "pulumi_mlops.cli.output",
        "pulumi_mlops._lazy",
    }


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_a_subcommand_imports_no_other_one_and_no_sdk_that_it_does_not_use(name: str) -> None:
    others = {f"pulumi_mlops.cli.{one}" for one in SUBCOMMANDS} - {f"pulumi_mlops.cli.{name}"}
    uses = {
        "plan": {"yaml"},
        "preflight": {"yaml"},
        "adopt": {"yaml"},
        "destroy": {"yaml", "pulumi_mlops.cli.leftovers"},
        "leftovers": {"yaml"},
        "keys": set(),
        "delivery": {"yaml"},
        "repair": {"yaml"},
        "versions": set(),
        "review": {"yaml"},
    }[name]
    found = imported(name, "--help")

    assert found & {*HEAVY, *others} <= uses


def test_versions_are_listed_without_any_sdk() -> None:
    found = imported("versions")

    assert "pulumi_mlops.versions" in found
    assert found & {*HEAVY} == set()


def test_the_help_names_every_subcommand_and_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.split()[0] in SUBCOMMANDS]
    for name, one in SUBCOMMANDS.items():
        assert f"  {name:10} {one.help}\n" in text
    assert "exit status: 0 done; 1 failed" in text


def test_a_command_that_there_is_not_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["destory", "dev"])

    assert end.value.code == USAGE
    assert "invalid choice: 'destory'" in capsys.readouterr().err


def test_no_command_shows_the_help_and_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == USAGE

    assert "  destroy    " in capsys.readouterr().err


def test_a_checkout_says_that_it_has_no_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.path", [])  # where the metadata of installed packages are
    assert main(["--version"]) == DONE

    assert capsys.readouterr().out == "pulumi-mlops of a checkout, which is not installed\n"


@pytest.mark.parametrize("stack", ["", " ", "/dev", "organization//dev", "a/b/c/d"])
@pytest.mark.parametrize("command", ON_A_PROJECT, ids=lambda command: command[0])
def test_a_stack_without_a_name_is_a_wrong_command_line(
    command: list[str], stack: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Pulumi would take an empty name for the stack that is selected.
    with pytest.raises(SystemExit) as end:
        main([stack if word == "dev" else word for word in command])

    assert end.value.code == USAGE
    assert f"must be a name such as dev or organization/project/dev, got {stack!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (["keys", "create", "penguins", "shop"], "NAMESPACE/ENDPOINT must be two names"),
        (["keys", "rotate", "a/b", "shop", "--overlap-hours", "-3"], "--overlap-hours must be between 0 and 2160"),
        (["delivery", "status", "web"], "NAMESPACE/PIPELINE must be two names"),
        (["delivery", "hold", "a/b", "staging", "--reason", " "], "--reason must not be empty"),
    ],
)
def test_a_wrong_argument_shows_the_usage_of_its_own_action(
    command: list[str], rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(command)

    assert end.value.code == USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"usage: pulumi-mlops {command[0]} {command[1]} ")
    assert rule in said


def test_the_review_is_one_of_them_by_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["review", "comment", "--help"])

    assert end.value.code == DONE
    assert capsys.readouterr().out.startswith("usage: pulumi-mlops review comment ")


def one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What a failed command said last, which is one line and no traceback."""
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("previewing stack")]
    assert len(said) == 1, said
    return said[0]


@pytest.mark.parametrize("arguments", ON_A_PROJECT)
def test_outside_a_project_it_says_what_is_missing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == FAILED
    assert one_sentence(capsys) == (
        f"{arguments[0]}: no Pulumi.yaml in {tmp_path} or above it: run this in the directory of your Pulumi project, "
        "or make one with `pulumi new`"
    )


@pytest.mark.parametrize("arguments", ON_A_PROJECT)
def test_without_the_pulumi_cli_it_says_what_to_install(
    arguments: list[str], project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state(project)
    monkeypatch.setenv("PATH", str(project))

    assert main(arguments) == FAILED
    said = one_sentence(capsys)
    assert said.startswith(f"{arguments[0]}: no executable named `pulumi` on PATH: install the Pulumi CLI, https://")


@pytest.mark.parametrize("arguments", ON_A_PROJECT)
@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (
            "error: no stack named 'dev' found",
            "`pulumi stack ls` lists the stacks of this project, `pulumi stack init`",
        ),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "log in to where the states of the stacks are first"),
        (
            "error: failed to load language plugin python: no language plugin 'x' found",
            "put all programs of the Pulumi",
        ),
        ("error: no resource plugin 'aws' found", "`pulumi install` downloads the plugins that this project needs"),
        ("error: passphrase must be set with\nPULUMI_CONFIG_PASSPHRASE", "to that of the stack's secrets"),
    ],
)
def test_what_pulumi_refuses_is_one_sentence_with_what_to_do(
    arguments: list[str],
    message: str,
    advice: str,
    project: Path,
    pulumi_says: Script,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state(project)
    pulumi_says(message)

    assert main(arguments) == FAILED
    said = one_sentence(capsys)
    assert said.startswith(f"{arguments[0]}: ")
    assert " ".join(message.removeprefix("error: ").split()) in said
    assert advice in said


def state(project: Path) -> None:
    """A Terraform state with one resource."""
    vpc = {"mode": "managed", "type": "aws_vpc", "name": "a", "instances": [{"attributes": {"id": "vpc-1"}}]}
    (project / "terraform.tfstate").write_text(json.dumps({"version": 4, "resources": [vpc]}))


def test_a_preview_that_fails_on_its_way_is_shown_with_what_to_do(
    project: Path, pulumi_says: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "no resource plugin 'pulumi-resource-aws' found in the workspace"
    preview = {"steps": [], "diagnostics": [{"message": message, "severity": "error"}], "changeSummary": {}}
    pulumi_says("")
    (project / "bin" / "pulumi").write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(preview)}\nEND\nexit 1\n")

    assert main(["plan", "dev"]) == FAILED
    said = capsys.readouterr()
    assert message in " ".join(said.out.split())
    assert said.err.splitlines()[-1] == "plan: `pulumi install` downloads the plugins that this project needs"


def test_a_destroy_that_nobody_can_confirm_ends_before_pulumi_is_asked(
    project: Path, pulumi_says: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi_says("")
    export = '{"deployment": {"resources": []}}'
    script = f"#!/bin/sh\ncase $2 in ls) echo '[]';; export) echo '{export}';; *) exit 9;; esac\n"
    (project / "bin" / "pulumi").write_text(script)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert main(["destroy", "dev"]) == FAILED
    assert one_sentence(capsys) == (
        "destroy: nothing was deleted, since nobody can be asked without a terminal: add --yes"
    )


def test_a_context_that_kubectl_does_not_know_is_looked_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\necho 'error: context \"nope\" does not exist' >&2; exit 1\n")
    kubectl.chmod(0o755)

    assert main(["keys", "list", "a/b", "--context", "nope", "--kubectl", str(kubectl)]) == FAILED
    assert one_sentence(capsys).endswith("; `kubectl config get-contexts` lists the contexts of your kubeconfig")


def test_without_the_kubernetes_client_it_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)

    with pytest.raises(CommandError, match=r"not installed: pip install 'pulumi-mlops\[cli\]'$"):
        cluster.Cluster("{}", None)


@pytest.mark.parametrize(
    ("kubeconfig", "reason"),
    [
        ("{", r"^the provider's kubeconfig is not YAML$"),
        ("{}", "the kubeconfig cannot be used: "),
        ("/nowhere/config", r"No configuration found\. Set KUBECONFIG to its file; `aws eks update-kubeconfig"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_one_sentence(kubeconfig: str, reason: str) -> None:
    with pytest.raises(cluster.Unanswered, match=reason):
        cluster.Cluster(kubeconfig, None)


@pytest.mark.parametrize(
    ("scheme", "answer", "reason"),
    [
        ("https", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "cannot be reached "),
        ("http", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "is not an API server: it answers b'hello'"),
        ("http", 'HTTP/1.1 403 No\r\nContent-Length: 17\r\n\r\n{"message": "no"}', "its API server answers 403: no"),
        ("http", "HTTP/1.1 502 No\r\nContent-Length: 3\r\n\r\nbad", "its API server answers 502: bad"),
        ("http", "", "cannot be reached "),
    ],
)
def test_an_api_server_that_is_none_is_one_sentence(scheme: str, answer: str, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the listener is closed, or nobody reads the answer
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(answer.encode())

        threading.Thread(target=serve, daemon=True).start()
        address = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        kubeconfig = json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
                "clusters": [{"name": "c", "cluster": {"server": address}}],
                "users": [{"name": "c", "user": {}}],
            }
        )

        with pytest.raises(cluster.Unanswered, match=reason) as error:
            cluster.Cluster(kubeconfig, None).get("/apis")
    assert "\n" not in str(error.value)


def test_the_project_is_found_above_and_says_where_its_stacks_settings_are(project: Path) -> None:
    (project / "Pulumi.yaml").write_text("name: team\nruntime: python\nstackConfigDir: stacks\n")
    (project / "stacks").mkdir()
    (project / "stacks" / "Pulumi.dev.yaml").write_text("config:\n  team:domain_name: ml.example.org\n")
    (project / "deep" / "er").mkdir(parents=True)

    found = Project.find(project / "deep" / "er")

    assert (found.name, found.directory) == ("team", project)
    assert found.setting("acme/team/dev", "domain_name") == "ml.example.org"
    assert found.setting("prod", "domain_name") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: b: c\n", "Pulumi.yaml line 1 is not YAML: "),
        ("since: 2026-02-30\n", "Pulumi.yaml has a value that cannot be read: "),
        ("- a\n", r"Pulumi.yaml must be a mapping, got \['a'\]"),
        ("runtime: python\n", "Pulumi.yaml has no `name`"),
    ],
)
def test_a_project_file_that_is_broken_is_one_sentence(project: Path, text: str, sentence: str) -> None:
    (project / "Pulumi.yaml").write_text(text)

    with pytest.raises(CommandError, match=sentence) as error:
        Project.find(project)
    assert "\n" not in str(error.value)


def test_a_state_without_resources_is_empty(project: Path, pulumi_says: Script) -> None:
    pulumi_says("")
    (project / "bin" / "pulumi").write_text('#!/bin/sh\necho \'{"version": 3, "deployment": null}\'\n')

    assert Pulumi(project).resources("dev") == []
