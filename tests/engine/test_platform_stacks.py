"""The platform stacks on AWS under the real engine: an API server without nodes, AWS calls answered on this machine.

The foundation is not brought up: its outputs are those that `make plan` makes up, with a network that exists.
"""

import collections
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import operators
import pytest
import stand_in_charts
from aws import Aws
from kubernetes import client, config

from local import foundation_outputs, planning, providers, tools
from local.engine import PROJECT, Engine
from local.node.control_plane import ControlPlane, control_plane
from local.paths import ROOT
from tests.engine.kubelet import pretending

pytestmark = pytest.mark.engine

DEV, PROD = "platform-dev", "platform-prod"
OPTIONS = ["KSERVE", "SELDON", "MONITORING"]


@dataclass(frozen=True)
class _Engine(Engine):
    aws: Aws | None = None

    def environment(self) -> dict[str, str]:
        assert self.aws
        helm = {"PULUMI_MLOPS_HELM": str(tools.ensure("helm")["helm"])}
        return {**super().environment(), **providers.environment(), **self.aws.environment, **helm}

    def said(self, stack: str, *words: str) -> str:
        """What a run says of the stack, also when it fails."""
        command = [str(self.executable), *words, "--non-interactive", "--color", "never", *self._of(stack)]
        done = subprocess.run(command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def found(self, stack: str, **outputs: Any) -> None:
        """Gives the foundation of a platform stack its example outputs, some of them replaced; None leaves one out."""
        foundation = stack.replace("platform", "foundation")
        example = {**foundation_outputs.example(foundation), **outputs}
        known = {name: value for name, value in example.items() if value is not None}
        self.pretend(foundation, [foundation_outputs.resource(PROJECT, foundation, known)])


@pytest.fixture(scope="module")
def make_engine(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path, aws_server: Aws) -> Any:
    def make() -> _Engine:
        directory = tmp_path_factory.mktemp("stacks")
        (directory / "home").symlink_to(pulumi_home)
        engine = _Engine(tools.ensure("pulumi")["pulumi"], directory, directory / "no-kubeconfig", aws=aws_server)
        engine.prepare()
        return engine

    return make


@pytest.mark.parametrize("stack", [DEV, PROD])
def test_the_whole_platform_can_be_previewed_without_a_cluster(make_engine: Any, stack: str) -> None:
    engine: _Engine = make_engine()
    said = planning.pretend_foundation(engine, stack.replace("platform", "foundation"))
    assert said.startswith(f"stand-in: outputs of foundation-{stack.partition('-')[2]} (")
    engine.configure(stack, {})

    text = engine.said(stack, "preview")
    assert "error:" not in text
    assert "warning:" not in text
    planned: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for step in engine.preview_json(stack)["steps"]:
        planned[step["op"]][step["urn"].split("::")[2].rpartition("$")[2]] += 1
    assert set(planned) == {"create", "read"}
    assert planned["create"]["kubernetes:helm.sh/v3:Release"] == len(_releases(stack))
    assert planned["create"]["aws:rds/instance:Instance"] == 1
    assert planned["create"]["kubernetes:gateway.networking.k8s.io/v1:Gateway"] == 1


def _releases(stack: str) -> list[str]:
    """Charts of a stack: all but those of the options, of which prod has two."""
    optional = ("kserve", "seldon", *(["kube-prometheus", "karpenter"] if stack == DEV else []))
    return [chart.name for chart in stand_in_charts.CHARTS if not chart.name.startswith(optional)]


def test_an_output_that_the_foundation_lacks_is_one_line_before_the_first_resource(make_engine: Any) -> None:
    engine: _Engine = make_engine()
    engine.found(DEV, certificate_arn=None)
    engine.configure(DEV, {})

    for word in (["preview"], ["up", "--yes", "--skip-preview"]):
        text = engine.said(DEV, *word)
        complaint = (
            "stack foundation-dev has no output certificate_arn; bring it up first: `pulumi up --stack foundation-dev`"
        )
        assert complaint in text
        assert "Traceback" not in text
        assert "kubernetes:" not in text.replace("pulumi:providers:kubernetes", "")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"environment": ""}, "pulumi-mlops:environment must be a text that is not empty"),
        ({"karpenter": {"cpu_limit": 9}}, "stack foundation-dev has no output karpenter_node_role"),
        ({"replicas": 11}, "args.replicas must be between 1 and 10 replicas, got 11"),
        (
            {"login": {"issuer": "https://id.example.org", "admin_groups": ["a"]}},
            "args.login.argo_cd_client_id is required",
        ),
        ({"options": ["KNATIVE"]}, "args.options[0] must be one of 'KSERVE', 'SELDON', 'MONITORING'"),
        ({"database": {"storage": 5}}, 'args.database has no argument "storage"; did you mean "storage_gib"?'),
        ({"sources": []}, 'pulumi-mlops:sources is unknown; did you mean "source_ranges"?'),
    ],
)
def test_a_wrong_setting_is_one_line_before_the_first_resource(make_engine: Any, settings: Any, sentence: str) -> None:
    engine: _Engine = make_engine()
    engine.found(DEV)
    engine.configure(DEV, settings)

    text = engine.said(DEV, "preview")

    assert sentence in next(line for line in text.splitlines() if "error: " in line)
    assert "Traceback" not in text
    assert "helm.sh" not in text


def test_a_foundation_that_is_not_there_is_named(make_engine: Any) -> None:
    engine: _Engine = make_engine()
    engine.configure(DEV, {})

    text = engine.said(DEV, "preview")

    assert "unknown stack" in text
    assert "foundation-dev" in text


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An empty cluster of this module's own, in which pods and operators are pretended."""
    with (
        control_plane(tmp_path_factory.mktemp("cluster")) as running,
        pretending(running.kubeconfig),
        operators.pretending(running.kubeconfig),
    ):
        yield running


@pytest.fixture(scope="module")
def network(aws_server: Aws) -> dict[str, Any]:
    """What the database needs of the foundation, in an account that has nothing else."""
    aws_server.reset()
    ec2 = aws_server.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.10.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    return {
        "vpc_id": vpc,
        "private_subnet_ids": [one["Subnet"]["SubnetId"] for one in subnets],
        "client_security_group_id": group,
    }


@pytest.fixture(scope="module")
def up(
    make_engine: Any,
    plane: ControlPlane,
    network: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    aws_server: Aws,
) -> tuple[_Engine, list[str]]:
    """The dev platform with every option, brought up; and what the account had before."""
    before = aws_server.leftovers()
    charts = stand_in_charts.write(tmp_path_factory.mktemp("charts"))
    engine: _Engine = make_engine()
    engine.found(DEV, kubeconfig=plane.kubeconfig.read_text(), karpenter_node_role="nodes", **network)
    engine.configure(DEV, {"options": OPTIONS, "karpenter": {"cpu_limit": 9}, "chart_repository": str(charts)})
    engine.up(DEV)
    return engine, before


def test_the_platform_comes_up_and_says_where_it_is(up: tuple[_Engine, list[str]], plane: ControlPlane) -> None:
    engine, _ = up

    outputs = engine.outputs(DEV)

    assert outputs["gateway_url"] == "https://dev.ml.example.org"
    assert outputs["argo_cd_url"] == "https://argocd.dev.ml.example.org"
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        pods = client.CoreV1Api(api).list_pod_for_all_namespaces().items
    charts = {image.partition(":")[0] for pod in pods for image in [pod.spec.containers[0].image]}
    assert {chart.name for chart in stand_in_charts.CHARTS} <= charts


def test_the_database_is_private_and_its_password_is_in_no_state(
    up: tuple[_Engine, list[str]], network: dict[str, Any], aws_server: Aws
) -> None:
    engine, _ = up
    (instance,) = aws_server.client("rds").describe_db_instances()["DBInstances"]
    assert instance["PubliclyAccessible"] is False
    assert instance["DBName"] == "mlflow"
    assert instance["DBSubnetGroup"]["VpcId"] == network["vpc_id"]
    secret = instance["MasterUserSecret"]["SecretArn"]
    password = json.loads(aws_server.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    files = [file for file in engine.directory.rglob("*") if file.is_file() and "home" not in file.parts]
    assert files
    assert not [file for file in files if password["password"].encode() in file.read_bytes()]


def test_a_second_up_changes_nothing(up: tuple[_Engine, list[str]]) -> None:
    engine, _ = up

    engine.up(DEV, "--expect-no-changes")


def test_destroy_leaves_nothing(up: tuple[_Engine, list[str]], plane: ControlPlane, aws_server: Aws) -> None:
    engine, before = up

    engine.destroy(DEV)

    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        namespaces = {one.metadata.name for one in client.CoreV1Api(api).list_namespace().items}
        definitions = client.ApiextensionsV1Api(api).list_custom_resource_definition().items
        classes = client.StorageV1Api(api).list_storage_class().items
    assert namespaces == {"default", "kube-node-lease", "kube-public", "kube-system"}
    assert [one.metadata.name for one in (*definitions, *classes)] == []
    assert aws_server.leftovers() == before


def test_the_plan_of_a_platform_needs_no_account_and_no_cluster() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "plan", f"STACK={PROD}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stand-in: outputs of foundation-prod (" in done.stdout + done.stderr
    assert "pulumi-mlops:index:EksPlatform" in done.stdout
    assert "error:" not in done.stdout
