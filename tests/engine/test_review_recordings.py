"""The previews that tests/review reads are those of the real engine.

Each is made again and compared with the recording; with PULUMI_MLOPS_RECORD=1 it becomes the recording.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
import review_programs as programs
import yaml
from aws import Aws
from first_previews import FirstPreviews, engine_at
from pulumi_cli import Cluster, PulumiEnv, _write_program
from pulumi_mlops import conventions
from pulumi_mlops.review.reading import read

from local import tools
from local.engine import PENGUINS, PLATFORM, Engine
from local.paths import ROOT
from tests import pins
from tests.contract import definitions
from tests.review import recorded
from tests.review.hostile import HUSH, LOUD

pytestmark = pytest.mark.engine

RECORD = "PULUMI_MLOPS_RECORD"
REGION = {"aws:region": "eu-central-1"}
STREAMING = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}


def compared(name: str, said: str, *, packed: bool = False) -> None:
    """The recording says the same, or is written.

    It may have other versions where the pins' stand, so that a bump needs no new recordings; the engine has the pins'.
    """
    if os.environ.get(RECORD):
        recorded.write(name, said, packed)
    kept, fresh = recorded.text(name), said
    if name.startswith("new-"):  # a stack of this repository, which has the pins
        kept = recorded.without_pins(kept, pins.unversioned)
        fresh = pins.NAME.sub("<pin>", recorded.without_pins(fresh, pins.named))
    assert kept == fresh, f"the engine says something else now; {RECORD}=1 records it"


def changed(env: PulumiEnv, before: Any, after: Any, **settings: str) -> str:
    """What a preview of `after` says where `before` is up; nothing but `after` where `before` is None."""
    stack = env.stack(before or after, config=settings)
    if before:
        stack.up()
    _write_program(after, stack.directory / "program.pickle")
    return env.run("preview", "--json", cwd=stack.directory).stdout


def test_a_database_is_replaced(aws: Aws, pulumi_env: PulumiEnv) -> None:
    said = changed(pulumi_env, programs.database(encrypted=False), programs.database(encrypted=True), **REGION)
    compared("database-replacement", recorded.digest(said, pulumi_env.directory))


@pytest.mark.parametrize("form", ["digest", "events"])
def test_the_cloud_has_drifted(form: str, aws: Aws, pulumi_env: PulumiEnv) -> None:
    stack = pulumi_env.stack(programs.database(encrypted=True))
    stack.up()
    aws.client("rds").modify_db_instance(DBInstanceIdentifier="orders", AllocatedStorage=40, ApplyImmediately=True)
    aws.client("s3").delete_bucket(Bucket="orders-exports")
    pulumi_env.environment.update(STREAMING if form == "events" else {})
    said = pulumi_env.run("refresh", "--preview-only", "--json", cwd=stack.directory).stdout
    compared(f"drift-{form}", getattr(recorded, form)(said, pulumi_env.directory))


def test_a_group_of_nodes_changes(aws: Aws, pulumi_env: PulumiEnv) -> None:
    before, after = programs.nodes(most=3, kind="m7i.large"), programs.nodes(most=6, kind="m7g.xlarge", everyone=True)
    compared("node-group", recorded.digest(changed(pulumi_env, before, after, **REGION), pulumi_env.directory))


def test_an_image_changes(pulumi_env: PulumiEnv, cluster: Cluster) -> None:
    kinds = ROOT / "local" / "node" / "crds" / "gateway.networking.k8s.io_httproutes.yaml"
    for document in yaml.safe_load_all(kinds.read_text()):
        cluster.apply(document, "platform")
    before, after = programs.endpoint("image-bump", "1.0"), programs.endpoint("image-bump", "1.1")
    said = changed(pulumi_env, before, after, **{"kubernetes:kubeconfig": str(cluster.kubeconfig)})
    compared("image-bump", recorded.digest(said, pulumi_env.directory, cluster.kubeconfig))


def test_the_inputs_and_the_target_of_a_model_change(pulumi_env: PulumiEnv, cluster: Cluster) -> None:
    for document in definitions.of_project("argo-workflows"):
        cluster.apply(document, "platform")
    before = programs.pipeline("model-api", columns=["bill_length_mm", "body_mass_g"], target="species")
    after = programs.pipeline("model-api", columns=["body_mass_g", "flipper_length_mm"], target="island")
    said = changed(pulumi_env, before, after, **{"kubernetes:kubeconfig": str(cluster.kubeconfig)})
    compared("model-api", recorded.digest(said, pulumi_env.directory, cluster.kubeconfig))


def test_a_release_changes(pulumi_env: PulumiEnv, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_MLOPS_HELM", str(tools.ensure("helm")["helm"]))
    before, after = programs.release(replicas=1, token=HUSH), programs.release(replicas=2, token=LOUD)
    said = changed(pulumi_env, before, after, **{"kubernetes:kubeconfig": str(cluster.kubeconfig)})
    assert HUSH not in said
    assert LOUD not in said
    compared("helm-release", recorded.digest(said, pulumi_env.directory, cluster.kubeconfig))


@pytest.mark.parametrize("form", ["digest", "events"])
def test_secrets_change(form: str, pulumi_env: PulumiEnv, cluster: Cluster) -> None:
    namespace = f"secrets-{form}"
    before, after = (programs.secrets(namespace, value) for value in (HUSH, LOUD))
    pulumi_env.environment.update(STREAMING if form == "events" else {})
    said = changed(pulumi_env, before, after, **{"kubernetes:kubeconfig": str(cluster.kubeconfig)})
    shown = repr(read(said, form))  # with outputs, which a recording leaves out
    kept = getattr(recorded, form)(said, pulumi_env.directory, cluster.kubeconfig)
    for text in (shown, kept):
        assert HUSH not in text
        assert LOUD not in text
    compared(f"secrets-{form}", kept)


def test_names_are_hostile(pulumi_env: PulumiEnv) -> None:
    said = changed(pulumi_env, programs.names("one"), programs.names("two"))
    compared("hostile-names", recorded.digest(said, pulumi_env.directory))


def test_owners_change(pulumi_env: PulumiEnv) -> None:
    said = changed(pulumi_env, programs.owners(after=False), programs.owners(after=True))
    compared("owners", recorded.digest(said, pulumi_env.directory))


def test_two_thousand_resources_come(pulumi_env: PulumiEnv) -> None:
    said = changed(pulumi_env, None, programs.fleet(2_000))
    compared("two-thousand", recorded.digest(said, pulumi_env.directory), packed=True)


def test_a_program_fails(pulumi_env: PulumiEnv) -> None:
    compared("failed", recorded.digest(changed(pulumi_env, None, programs.failing), pulumi_env.directory))


def first(engine: Engine, stack: str, **settings: Any) -> str:
    """What a preview of the stack says before anything is there."""
    engine.configure(stack, settings)
    return json.dumps(engine.preview_json(stack))


@pytest.fixture
def engine(tmp_path: Path, pulumi_home: Path) -> Engine:
    return engine_at(tmp_path, pulumi_home)


REGISTRY = "registry.example.org"
GATEWAY = {"gateway_class": "example", "gateway_url": "http://192.0.2.1"}


@pytest.mark.parametrize("stack", ["foundation-dev", "foundation-prod", "platform-dev", "platform-prod"])
def test_a_stack_on_aws_is_new(first_previews: FirstPreviews, stack: str) -> None:
    said = json.dumps(first_previews.of(stack))
    compared(f"new-{stack}", recorded.digest(said, first_previews.directory / stack), packed=True)


def test_the_platform_of_one_machine_is_new(engine: Engine) -> None:
    """While its cluster does not answer."""
    settings = {"image_mirror": REGISTRY, **GATEWAY, "chart_repository": str(ROOT / "standins" / "charts")}
    compared(f"new-{PLATFORM}", recorded.digest(first(engine, PLATFORM, **settings), engine.directory), packed=True)


def test_the_example_team_is_new(engine: Engine, cluster: Cluster) -> None:
    namespace, name = conventions.OBJECT_STORE_NAMESPACE, conventions.OBJECT_STORE_CREDENTIALS_SECRET
    keys = {conventions.ACCESS_KEY_ID_KEY: "a2V5", conventions.SECRET_ACCESS_KEY_KEY: "c2VjcmV0"}
    metadata = {"name": name, "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, "platform")
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": keys}, "platform")
    reached = dataclasses.replace(engine, kubeconfig=cluster.kubeconfig)

    said = recorded.digest(first(reached, PENGUINS, image_registry=REGISTRY), engine.directory)

    assert "c2VjcmV0" not in said
    compared(f"new-{PENGUINS}", said, packed=True)
