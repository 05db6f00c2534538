"""The platform stacks on AWS under the real engine: an API server without nodes, AWS calls answered on this machine.

The foundation is not brought up: its outputs are those that `make plan` makes up, with a network that exists.
"""

import collections
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import operators
import pytest
import stand_in_charts
import team
from aws import Aws
from aws_stacks import AwsEngine, changes, network_of_a_platform, updates
from first_previews import FirstPreviews, engine_at
from kubernetes import client, config
from pulumi_mlops.platform import ADD_ONS
from pulumi_mlops.review import reading
from pulumi_mlops.review.capacity.fit import Verdict, fits

from local import foundation_outputs, tools
from local.engine import PROJECT
from local.node.control_plane import ControlPlane

pytestmark = pytest.mark.engine

DEV, PROD = "platform-dev", "platform-prod"
ON_REQUEST = {DEV: set[str](), PROD: {"karpenter", "monitoring"}}
"""Add-ons that a stack names, of those that are not always there."""


@dataclass(frozen=True)
class _Engine(AwsEngine):
    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PULUMI_MLOPS_HELM": str(tools.ensure("helm")["helm"])}

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
def test_the_whole_platform_can_be_previewed_without_a_cluster(first_previews: FirstPreviews, stack: str) -> None:
    preview = first_previews.of(stack)
    assert first_previews.complaints(stack) == []
    planned: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    (fit,) = fits([reading.read(json.dumps(preview), stack)])
    assert (fit.verdict, "Karpenter" in fit.message) == (Verdict.FITS, False), fit.message
    for step in preview["steps"]:
        planned[step["op"]][step["urn"].split("::")[2].rpartition("$")[2]] += 1
    assert set(planned) == {"create", "read"}
    assert planned["create"]["kubernetes:helm.sh/v3:Release"] == len(_releases(stack))
    assert planned["create"]["aws:rds/instance:Instance"] == 1
    assert planned["create"]["kubernetes:gateway.networking.k8s.io/v1:Gateway"] == 1


def test_the_whole_platform_can_be_previewed_on_a_foundation_of_auto_mode(tmp_path: Path, pulumi_home: Path) -> None:
    engine = engine_at(tmp_path, pulumi_home)
    example = foundation_outputs.example("foundation-dev")
    known = {**{key: one for key, one in example.items() if key != "node_groups"}, "auto_mode": True}
    engine.pretend("foundation-dev", [foundation_outputs.resource(PROJECT, "foundation-dev", known)])
    engine.configure(DEV, {"auto_mode": True})

    preview = engine.preview_json(DEV)

    assert [one["message"] for one in preview.get("diagnostics", []) if one["severity"] == "error"] == []
    (fit,) = fits([reading.read(json.dumps(preview), DEV)])
    assert fit.message.endswith("was not checked: EKS Auto Mode starts the nodes that the pods ask for")
    releases = [one for one in preview["steps"] if "kubernetes:helm.sh/v3:Release" in one["urn"].split("::")[2]]
    charts = {one["newState"]["inputs"]["chart"].rpartition("/")[2] for one in releases}
    assert charts == {*_releases(DEV)} - {"aws-load-balancer-controller"}
    (load_balancer,) = [
        one["newState"]["inputs"]["spec"]["loadBalancerClass"]
        for one in preview["steps"]
        if one["urn"].endswith("::public-load-balancer")
    ]
    assert load_balancer == "eks.amazonaws.com/nlb"


def _releases(stack: str) -> list[str]:
    """Charts of a stack."""
    left_out = {"karpenter", "kserve", "monitoring", "seldon"} - ON_REQUEST[stack]
    return [chart.name for chart in stand_in_charts.charts(*(name for name in ADD_ONS if name not in left_out))]


def test_an_output_that_the_foundation_lacks_is_one_line_before_the_first_resource(make_engine: Any) -> None:
    engine: _Engine = make_engine()
    engine.found(DEV, certificate_arn=None)
    engine.configure(DEV, {})

    for word in (["preview"], ["up", "--yes", "--skip-preview"]):
        text = engine.ran(DEV, *word).stdout
        complaint = (
            "stack foundation-dev has no output certificate_arn; bring it up first: `pulumi up --stack foundation-dev`"
        )
        assert complaint in text
        assert "Traceback" not in text
        assert "kubernetes:" not in text.replace("pulumi:providers:kubernetes", "")


def test_a_wrong_setting_is_one_line_before_the_first_resource(make_engine: Any) -> None:
    """Other settings: tests/components/test_wrong_settings_of_stacks.py."""
    engine: _Engine = make_engine()
    engine.found(DEV)
    engine.configure(DEV, {"add_ons": {"istio": {"memroy": "1Gi"}}})

    text = engine.ran(DEV, "preview").stdout

    sentence = (
        'args.add_ons.istio.memroy is not an argument of the add-on; did you mean "memory"? known: chart_repository'
    )
    assert sentence in next(line for line in text.splitlines() if "error: " in line)
    assert "Traceback" not in text
    assert "helm.sh" not in text


def test_a_foundation_that_is_not_there_is_named(make_engine: Any) -> None:
    engine: _Engine = make_engine()
    engine.configure(DEV, {})

    text = engine.ran(DEV, "preview").stdout

    assert "unknown stack" in text
    assert "foundation-dev" in text


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An empty cluster of this module's own."""
    with operators.cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def network(aws_server: Aws) -> dict[str, Any]:
    return network_of_a_platform(aws_server)


EVERYTHING: dict[str, Any] = {
    "add_ons": {
        "istio": {"memory": "1Gi"},
        "karpenter": {"cpu_limit": 9},
        "kserve": {},
        "monitoring": {},
        "seldon": {"values": {"further": "values"}},
    }
}
"""Settings by which the dev platform has every option."""
LIVES = {DEV: EVERYTHING, PROD: {}}
CHANGED: dict[str, Any] = {
    "tags": {"cost-center": "42"},
    "replicas": 2,
    "mlflow": {"memory": "3Gi"},
    "database": {"instance_class": "db.m7g.xlarge", "storage_gib": 200},
}
UPDATED = {
    "Instance": {"tags", "instanceClass", "allocatedStorage"},
    "SecurityGroup": {"tags"},
    "Release": {"replicas"},
    "Deployment": {"replicas", "memory"},
}
"""Type → properties, each of them by one setting above."""


@dataclass(frozen=True)
class _Life:
    """A platform that was brought up, and what the account had before."""

    engine: _Engine
    stack: str
    before: list[str]
    charts: Path

    def configure(self, **settings: Any) -> None:
        given = {**LIVES[self.stack], "chart_repository": str(self.charts), **settings}
        self.engine.configure(self.stack, given)


@pytest.fixture(scope="module", params=LIVES)
def up(
    request: pytest.FixtureRequest,
    make_engine: Any,
    plane: ControlPlane,
    network: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    aws_server: Aws,
) -> _Life:
    """The dev platform with every option, then that of production as it is."""
    before = aws_server.leftovers()
    charts = stand_in_charts.write(tmp_path_factory.mktemp("charts"))
    engine: _Engine = make_engine()
    nodes = {"karpenter_node_role": "nodes", "karpenter_queue": "interruptions"}
    engine.found(request.param, kubeconfig=plane.kubeconfig.read_text(), **nodes, **network)
    life = _Life(engine, request.param, before, charts)
    life.configure()
    engine.up(life.stack)
    return life


def test_the_platform_comes_up_and_says_where_it_is(up: _Life, plane: ControlPlane) -> None:
    outputs = up.engine.outputs(up.stack)

    domain = "dev.ml.example.org" if up.stack == DEV else "ml.example.org"
    assert outputs["gateway_url"] == f"https://{domain}"
    assert outputs["argo_cd_url"] == f"https://argocd.{domain}"
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        pods = client.CoreV1Api(api).list_pod_for_all_namespaces().items
    charts = {image.partition(":")[0] for pod in pods for image in [pod.spec.containers[0].image]}
    wanted = {chart.name for chart in stand_in_charts.charts()} if up.stack == DEV else {*_releases(PROD)}
    assert wanted <= charts


def test_the_database_is_private_and_its_password_is_in_no_state(
    up: _Life, network: dict[str, Any], aws_server: Aws
) -> None:
    (instance,) = aws_server.client("rds").describe_db_instances()["DBInstances"]
    assert instance["PubliclyAccessible"] is False
    assert instance["DBName"] == "mlflow"
    assert instance["DBSubnetGroup"]["VpcId"] == network["vpc_id"]
    secret = instance["MasterUserSecret"]["SecretArn"]
    password = json.loads(aws_server.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    files = [file for file in up.engine.directory.rglob("*") if file.is_file() and "home" not in file.parts]
    assert files
    assert not [file for file in files if password["password"].encode() in file.read_bytes()]


def test_a_second_up_changes_nothing(up: _Life) -> None:
    up.engine.up(up.stack, "--expect-no-changes")


def test_the_program_of_the_readme_comes_up_on_the_platform(
    up: _Life, plane: ControlPlane, aws_server: Aws, tmp_path: Path
) -> None:
    environment = {**up.engine.environment(), "KUBECONFIG": str(plane.kubeconfig)}
    settings = {"pulumi-mlops:platform": f"organization/{PROJECT}/{up.stack}", "aws:region": "eu-central-1"}
    cluster = up.engine.outputs(up.stack)["teams"]["cluster_name"]
    eks = aws_server.client("eks")
    eks.create_cluster(name=cluster, roleArn="arn:aws:iam::123456789012:role/cluster", resourcesVpcConfig={})

    with team.brought_up(up.engine.executable, tmp_path / "team", environment, **settings) as churn:
        assert "unchanged" in churn.run("up", "--yes", "--skip-preview", "--expect-no-changes")
        association = churn.resources()["churn-identity-association"]["outputs"]
        with config.new_client_from_config(str(plane.kubeconfig)) as api:
            steps = client.CoreV1Api(api).read_namespaced_config_map("platform", "churn").data
            public = client.CoreV1Api(api).read_namespaced_config_map("pulumi-mlops", "kube-public").data["teams.json"]

    eks.delete_cluster(name=cluster)
    assert (association["namespace"], association["serviceAccount"]) == ("churn", "pipeline")
    assert steps["AWS_ENDPOINT_URL_S3"] == "https://s3.eu-central-1.amazonaws.com"
    assert json.loads(public) == up.engine.outputs(up.stack)["teams"]


def test_changes_are_updates_and_replace_nothing(up: _Life) -> None:
    up.configure(**CHANGED)
    steps = up.engine.preview_json(up.stack)["steps"]
    up.configure()

    planned = changes(steps)
    assert set(planned) <= {"read", "create", "update", "delete"}, planned
    # A budget of disruptions comes and goes with the second replica; nothing else does.
    assert planned.get("create", set()) | planned.get("delete", set()) <= {"PodDisruptionBudget"}, planned
    updated = updates(steps)
    for kind, properties in UPDATED.items():
        assert properties <= updated[kind], (kind, updated[kind])


def test_destroy_leaves_nothing(up: _Life, plane: ControlPlane, aws_server: Aws) -> None:
    if up.stack == PROD:  # whose database is protected
        up.configure(protect_data=False)
        up.engine.up(PROD)

    up.engine.destroy(up.stack)

    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        namespaces = {one.metadata.name for one in client.CoreV1Api(api).list_namespace().items}
        definitions = client.ApiextensionsV1Api(api).list_custom_resource_definition().items
        classes = client.StorageV1Api(api).list_storage_class().items
    assert namespaces == {"default", "kube-node-lease", "kube-public", "kube-system"}
    assert [one.metadata.name for one in (*definitions, *classes)] == []
    assert aws_server.leftovers() == up.before
