"""The guide to AWS: what it names exists, its example builds, its numbers are those of the stacks."""

import ast
import dataclasses
import inspect
import json
import re
import shlex
import types

import botocore
import botocore.session
import pytest
from pulumi_mlops import ModelEndpointArgs, PostgresDatabaseArgs, StepArgs, WorkspaceArgs, versions
from pulumi_mlops.cli.leftovers import kinds, rendering
from pulumi_mlops.cli.main import SUBCOMMANDS, main
from pulumi_mlops.foundation import NodeGroupArgs
from pulumi_mlops.platform import EksLoginArgs

from local.paths import ROOT
from stacks import settings
from tests import callers, stacks
from tests.conftest import Build
from tests.consumer import guide, test_readme
from tests.contract.old_defects import trusts_too_many

LAYERS = {"foundation": ("foundation", "FoundationSettings"), "platform": ("platform_eks", "PlatformEksSettings")}
"""Word of the guide → module of the stack's program, class of its settings."""


def exported(layer: str) -> set[str]:
    """The outputs of a stack's program, by its source."""
    tree = ast.parse((ROOT / "stacks" / f"{LAYERS[layer][0]}.py").read_text())
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and ast.unparse(one.func) == "pulumi.export"]
    return {ast.literal_eval(one.args[0]) for one in calls}


def fields(layer: str) -> set[str]:
    return {one.name for one in dataclasses.fields(getattr(settings, LAYERS[layer][1]))}


def code(cell: str) -> set[str]:
    return set(re.findall(r"`([\w:]+)`", cell))


def test_every_make_word_and_variable_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    used = re.findall(r"\bmake ([a-z]+)((?: [A-Z_]+=\S+)*)", guide.TEXT)

    assert {word for word, _ in used} <= set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert {"plan", "versions", "destroy", "adopt"} <= {word for word, _ in used}
    variables = {name for _, rest in used for name in re.findall(r"([A-Z_]+)=", rest)}
    assert {name for name in variables if f"$({name})" not in makefile} == set()


def test_every_command_of_the_package_exists_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [shlex.split(line) for line in guide.commands("pulumi-mlops")]
    assert {words[1] for words in shown} == set(SUBCOMMANDS)
    for _, name, *words in shown:
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0
        known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
        assert {word for word in words if word.startswith("--")} <= known, name


def test_every_stack_exists() -> None:
    named = set(re.findall(r"\b(?:foundation|platform)-(?:dev|prod|local)\b", guide.TEXT))

    assert {"foundation-dev", "platform-dev"} <= named <= set(stacks.names())


@pytest.mark.parametrize("layer", LAYERS)
def test_every_output_is_listed_and_exists(layer: str) -> None:
    rows = [row for row in guide.table("Outputs of the stacks") if row[0] == layer]

    assert set().union(*(code(row[1]) for row in rows)) == exported(layer)


def test_every_output_that_a_command_asks_for_exists() -> None:
    asked = re.findall(r"pulumi stack output (\w+) --stack (foundation|platform)-dev", guide.TEXT)

    assert len(asked) >= 3
    for name, layer in asked:
        assert name in exported(layer)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_setting_exists(layer: str) -> None:
    head = f"{layer}'s setting"
    rows = guide.table("Where each setting lives")
    heads = [index for index, row in enumerate(rows) if row[1].endswith("setting")]
    (start,) = [index for index in heads if rows[index][1] == head]
    end = next((index for index in heads if index > start), len(rows))

    listed = {name for row in rows[start + 1 : end] for name in code(row[1]) if ":" not in name}
    assert listed
    assert listed <= fields(layer)
    assert len(listed) >= len(fields(layer)) - 5  # the rest stand elsewhere, or are for a laptop


ARGUMENTS = (EksLoginArgs, ModelEndpointArgs, NodeGroupArgs, StepArgs, WorkspaceArgs, PostgresDatabaseArgs)


def test_every_other_name_in_code_exists() -> None:
    """A setting or an output, an argument of a component, a pin; a misspelt one is none of them."""
    known = exported("foundation") | exported("platform") | fields("foundation") | fields("platform")
    known |= {name for args in ARGUMENTS for name in args.__annotations__}
    found = guide.names()

    assert {name for name in found if "_" in name and name.islower()} - known == set()
    pins = {name for name, value in vars(versions).items() if name.isupper() and isinstance(value, str)}
    provider = (ROOT / "standins/plugins/kubernetes/options.py").read_text()  # variables that it reads
    variables = set(re.findall(r'"(PULUMI_K8S_\w+)"', provider))
    assert {name for name in found if name.isupper() and name not in ("ALLOWED",)} <= pins | variables
    assert {"EKS_KUBERNETES", "EKS_KUBE_PROXY"} <= found


def test_every_pin_of_the_cluster_is_in_the_order_of_an_upgrade() -> None:
    assert {name for name in vars(versions) if name.startswith("EKS_")} <= guide.names()


def test_the_next_minor_is_the_next_one() -> None:
    major, minor = versions.EKS_KUBERNETES.split(".")

    assert re.findall(r"--kubernetes-version (\S+)", guide.TEXT) == [f"{major}.{int(minor) + 1}"]


def test_the_files_exist() -> None:
    found = re.findall(r"\b(?:stacks|components|ml|docs|local)/[\w./<>-]+\w", guide.TEXT)
    files = {name for name in found if "<" not in name}

    assert {"ml/Dockerfile", "components/pulumi_mlops/versions.py"} <= files
    assert [name for name in files if not (ROOT / name).exists()] == []
    for target in re.findall(r"--target (\w+)", guide.TEXT):
        assert re.search(rf"(?m)^FROM .* AS {target}$", (ROOT / "ml" / "Dockerfile").read_text())


OF_THE_CLI = {("eks", "update-kubeconfig"), ("ecr", "get-login-password")}
"""Commands that the AWS CLI adds to the API's."""
OPTIONS = {"query", "output", "region"}
"""Options of every command."""


def wrong_options(command: str) -> list[str]:
    """Options of an `aws` command that its operation does not have; an operation that does not exist is an error."""
    service, operation, *rest = shlex.split(command.partition(" <<")[0])[1:]
    if (service, operation) in OF_THE_CLI:
        return []
    session = botocore.session.get_session()
    model = session.get_service_model({"s3api": "s3"}.get(service, service))
    (name,) = [one for one in model.operation_names if botocore.xform_name(one, "-") == operation]
    shape = model.operation_model(name).input_shape
    members = {botocore.xform_name(one, "-"): kind for one, kind in (shape.members if shape else {}).items()}
    booleans = {f"no-{one}" for one, kind in members.items() if kind.type_name == "boolean"}
    given = [one[2:].partition("=")[0] for one in rest if one.startswith("--")]
    return [one for one in given if one not in OPTIONS | set(members) | booleans]


def test_every_aws_command_is_one_with_its_options() -> None:
    found = guide.commands("aws")

    assert len(found) >= 25
    assert {command: wrong for command in found if (wrong := wrong_options(command))} == {}


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("aws ec2 delete-network-interface --network-interface eni-1", ["network-interface"]),
        ("aws rds modify-db-instance --db-instance-identifier a --no-multi-az --no-engine", ["no-engine"]),
    ],
)
def test_a_wrong_option_would_be_found(command: str, wrong: list[str]) -> None:
    assert wrong_options(command) == wrong
    with pytest.raises(ValueError, match="unpack"):
        wrong_options("aws ec2 remove-network-interface")


@pytest.mark.parametrize(("stack", "words"), [("foundation-prod", "foundation;"), ("platform-prod", "platform.")])
def test_the_services_that_the_runner_needs_are_those_of_the_stack(build: Build, stack: str, words: str) -> None:
    by_module = {"cloudwatch": "logs", "vpc": "ec2", "efs": "elasticfilesystem"}
    made = [one.type for one in stacks.tracked(build, stack) if one.type.startswith("aws:") and not one.read]
    modules = {"events" if "/event" in one else one.split(":")[1].partition("/")[0] for one in made}
    (sentence,) = re.findall(
        r"needs permissions for these services: (.*?)\. The stacks create IAM roles", guide.TEXT, re.DOTALL
    )
    (part,) = [one for one in re.split(r"(?<=;)", sentence + ".") if one.endswith(words)]

    asked_by_rds = {"kms"} if stack.startswith("platform") else set()  # for the password that RDS itself keeps
    assert code(part) - {"eks:DescribeCluster"} - asked_by_rds == {by_module.get(one, one) for one in modules}


@pytest.mark.parametrize(("stack", "market"), [("foundation-dev", "Spot"), ("foundation-prod", "on demand")])
def test_the_quotas_are_what_the_stacks_use_at_most(build: Build, stack: str, market: str) -> None:
    graph = stacks.tracked(build, stack)
    groups = stacks.setting(stack, "node_groups")
    cores = {"large": 2, "xlarge": 4}
    most = sum(group["max_size"] * max(cores[one.split(".")[1]] for one in group["instance_types"]) for group in groups)
    (row,) = [row for row in guide.table("What you need") if row[0] == "vCPUs"]
    (addresses,) = [row for row in guide.table("What you need") if row[0] == "Elastic IPs"]

    assert f"`{stack}`: up to {most}, {market}" in row[1]
    assert all(group.get("spot", False) is (market == "Spot") for group in groups)
    number = {1: "one in dev", 3: "three in prod"}[len(graph.of_kind("Eip"))]
    assert number in addresses[1]


PLATFORM = "organization/pulumi-mlops/platform-dev"
"""Stack that the guide's setting of a team names."""


def test_the_program_of_a_team_is_that_of_the_readme() -> None:
    (program,) = guide.blocks("python")

    assert program == test_readme.example()
    assert f"pulumi config set pulumi-mlops:platform {PLATFORM}" in guide.TEXT
    assert f"pulumi config set pulumi-mlops:platform {PLATFORM}" in test_readme.README


def test_the_program_of_a_team_builds_on_the_platform_of_aws(build: Build) -> None:
    teams = stacks.tracked(build, "platform-dev").outputs["stack"]["teams"]
    (program,) = guide.blocks("python")

    graph = build(lambda: exec(program, types.ModuleType("team").__dict__), platforms={PLATFORM: {"teams": teams}})

    kinds = {one.kind for one in graph}
    assert {"WorkloadIdentity", "Workspace", "ModelEndpoint", "TrainingPipeline"} <= kinds
    (account,) = [one for one in graph.of_kind("ServiceAccount") if one.inputs["metadata"]["name"] == "pipeline"]
    association = graph["churn-identity-association"]
    assert (association.inputs["namespace"], association.inputs["serviceAccount"]) == (
        account.inputs["metadata"]["namespace"],
        "pipeline",
    )
    assert association.urn in account.dependencies
    assert [one.name for one in callers.roles(graph).values() if trusts_too_many(one.trust)] == []
    (role,) = callers.roles(graph).values()
    data = f"arn:aws:s3:::{teams['buckets']['data']}"
    assert role.may("s3:GetObject", f"{data}/churn/customers.parquet")
    assert not role.may_ever("s3:GetObject", f"{data}/fraud/customers.parquet")
    assert not role.may_ever("s3:PutObject", f"{data}/churn/customers.parquet")
    (run,) = [json.loads(text) for text in re.findall(r"<<'RUN'\n *(.*?)\n *RUN", guide.TEXT)]
    (template,) = graph.of_kind("WorkflowTemplate")
    assert run["spec"]["workflowTemplateRef"]["name"] == template.inputs["metadata"]["name"]
    assert graph.outputs["stack"]["path"] == "/seldon/churn/churn/api/v1.0/predictions"
    assert graph.outputs["stack"]["path"] in guide.TEXT


def test_the_steps_of_a_destroy_are_those_that_it_looks_for() -> None:
    rows = guide.table("Taking it down")

    assert [row[0] for row in rows[1:]] == [str(number) for number, _ in enumerate(kinds.STEPS, 1)]
    on_aws = [number for number, step in enumerate(kinds.STEPS, 1) if step.on_aws]
    assert f"steps {on_aws[0]} to {on_aws[-1]}." in guide.TEXT
    assert f"at most {rendering.SHOWN} of a step" in guide.TEXT


def test_the_guide_says_what_never_ran() -> None:
    assert "Nothing of this guide has run on AWS." in guide.TEXT
    assert inspect.cleandoc(guide.TEXT).count("\n## What was proven\n") == 1
