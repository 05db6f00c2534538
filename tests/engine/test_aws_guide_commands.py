"""The guide's commands that need no account: run as they stand, with AWS answered on this machine."""

import functools
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws import Aws
from pulumi_cli import Cluster, PulumiEnv

from local import tools
from local.paths import ROOT
from tests.consumer import guide

pytestmark = pytest.mark.engine

PLANS = [command for command in guide.commands("make") if command.startswith("make plan STACK=")]


def run(command: str, directory: Path, environment: dict[str, str]) -> str:
    """Output of a shell's command; a failure shows all of it."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        ("foundation-dev", ["stand-in: AWS provider", "eks:index:Cluster"]),
        ("platform-dev", ["stand-in: outputs of foundation-dev (", "pulumi-mlops:index:EksPlatform"]),
    ],
)
def test_the_plans_need_no_account(stack: str, told: list[str]) -> None:
    """They run in a shell that knows of no account."""
    assert PLANS == ["make plan STACK=foundation-dev", "make plan STACK=platform-dev"]
    done = subprocess.run(
        ["make", "--no-print-directory", "plan", f"STACK={stack}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    out = done.stdout + done.stderr
    assert done.returncode == 0, out
    for one in ("to create", *told):
        assert one in out
    assert "error:" not in out


def test_the_versions_are_printed() -> None:
    assert "make versions" in guide.commands("make")
    assert "EKS add-on coredns" in run("make versions", ROOT, {})


def test_the_states_bucket_and_key_are_made_and_used_as_the_guide_says(
    aws: Aws, pulumi_env: PulumiEnv, tmp_path: Path
) -> None:
    made = [command for command in guide.commands("aws") if "pulumi-state" in command or "Pulumi state" in command]
    key = {}
    for command in made:
        key |= _call(aws, command, key)
    (project := tmp_path / "project").mkdir()
    (project / "Pulumi.yaml").write_text("name: pulumi-mlops\nruntime: python\n")
    environment = {**aws.environment, "PULUMI_HOME": str(tmp_path / "home"), "PULUMI_BACKEND_URL": ""}
    environment["PATH"] = pulumi_env.environment["PATH"]

    starts = [line for line in guide.commands("pulumi") if line.startswith(("pulumi login", "pulumi stack init"))]
    assert len(starts) == 3
    for command in starts:
        run(command, project, environment)

    kept = aws.client("s3").list_objects_v2(Bucket="acme-pulumi-state")["Contents"]
    assert {"foundation-dev.json", "platform-dev.json"} <= {Path(one["Key"]).name for one in kept}
    settings = (project / "Pulumi.foundation-dev.yaml").read_text()
    assert "secretsprovider: awskms://alias/pulumi-state" in settings
    assert "encryptedkey: " in settings


def _call(aws: Aws, command: str, known: dict[str, str]) -> dict[str, str]:
    """Runs an `aws` command by its API; returns the value for the guide's place holder that it prints."""
    service, operation, *rest = shlex.split(command)[1:]
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    arguments: dict[str, Any] = {}
    for option, value in given.items():
        if option in ("--query", "--output"):
            continue
        name = "".join(part.capitalize() for part in option[2:].split("-"))
        if re.fullmatch(r"\w+=\S+", value):
            pairs = dict(pair.split("=") for pair in value.split(","))
            arguments[name] = {
                key: part == "true" if part in ("true", "false") else part for key, part in pairs.items()
            }
        else:
            arguments[name] = known.get(value, value)
    client = aws.client({"s3api": "s3"}.get(service, service))
    answer = getattr(client, operation.replace("-", "_"))(**arguments)
    return {"KEY_ID": answer["KeyMetadata"]["KeyId"]} if "KeyMetadata" in answer else {}


@pytest.mark.parametrize("command", sorted(set(guide.commands("pulumi"))))
def test_every_option_of_pulumi_exists(command: str) -> None:
    words = shlex.split(command)[1:]
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    path = tuple(words[: next((at for at, word in enumerate(words) if word.startswith("-")), len(words))])

    assert options <= _options(path[:2]), command


@functools.cache
def _options(path: tuple[str, ...]) -> set[str]:
    """Options of a Pulumi command by its own help."""
    pulumi = tools.ensure("pulumi")["pulumi"]
    done = subprocess.run([pulumi, *path, "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"--[a-z][a-z0-9-]*", done.stdout))


def test_a_namespace_that_is_stuck_is_freed_as_the_guide_says(cluster: Cluster) -> None:
    block = next(block for block in guide.blocks("sh") if "kubectl api-resources" in block)
    look, name_left = block.splitlines()
    (free,) = [block.strip() for block in guide.blocks("sh") if "kubectl patch" in block]
    kubectl = tools.ensure("kubectl")["kubectl"]
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "PATH": f"{kubectl.parent}:{os.environ['PATH']}"}
    run("kubectl create namespace churn", ROOT, environment)
    run("kubectl create configmap left-over --namespace churn", ROOT, environment)
    hold = '{"metadata": {"finalizers": ["example.org/left-over"]}}'
    run(f"kubectl patch configmap left-over --namespace churn --type merge --patch '{hold}'", ROOT, environment)
    run("kubectl delete namespace churn --wait=false", ROOT, environment)
    run("kubectl wait namespace churn --for=condition=NamespaceFinalizersRemaining --timeout=60s", ROOT, environment)

    assert "example.org/left-over in 1 resource instances" in run(look, ROOT, environment)
    assert "configmap/left-over" in run(name_left, ROOT, environment)
    run(free, ROOT, environment)
    run("kubectl wait namespace churn --for=delete --timeout=60s", ROOT, environment)
