"""The review rules on previews and runs of the real engine: by their JSON, and by the policy pack."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from aws import Aws
from aws_stacks import AwsEngine
from first_previews import NO_CLUSTER, FirstPreviews
from pulumi_cli import PulumiEnv
from pulumi_mlops.review import reading, rules
from pulumi_mlops.review.preview import Urn

from local import planning, policies, stack_files
from local.paths import ROOT

pytestmark = pytest.mark.engine

BAD = """
import json, pulumi, pulumi_aws as aws, pulumi_kubernetes as k8s
TAGS = {"environment": "dev", "managed-by": "test"}
KEY = {"provider": {"key_arn": "arn:aws:kms:eu-central-1:123456789012:key/1"}, "resources": ["secrets"]}

def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})

def pod(name, labels=None, spec=None, **changes):
    container = {
        "name": "c", "image": "nginx:1.29", "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "1Mi"}}, **changes,
    }
    labels = labels or {"app": name}
    k8s.apps.v1.Deployment(name, metadata={"name": name, "namespace": "birds"}, spec={
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {
            "securityContext": {"runAsNonRoot": True}, "containers": [container], **(spec or {})}},
    })

def settings(name, object_name, data):
    k8s.core.v1.ConfigMap(name, metadata={"name": object_name, "namespace": "birds"}, data=data)

aws.s3.BucketPublicAccessBlock("s3-public", bucket="birds", block_public_acls=True)
aws.rds.Instance("rds-public", instance_class="db.t4g.micro", engine="postgres", engine_version="17",
    storage_encrypted=True, publicly_accessible=True, skip_final_snapshot=True, tags=TAGS,
    allocated_storage=20, username="app", manage_master_user_password=True)
aws.eks.Cluster("eks-public", role_arn="arn:aws:iam::123456789012:role/eks", version="1.36", tags=TAGS,
    vpc_config={"subnet_ids": ["subnet-1", "subnet-2"]},
    encryption_config=KEY)
aws.eks.Cluster("end-of-support", role_arn="arn:aws:iam::123456789012:role/eks", version="1.29", tags=TAGS,
    vpc_config={"subnet_ids": ["subnet-1", "subnet-2"], "endpoint_public_access": False},
    encryption_config=KEY)
aws.vpc.SecurityGroupIngressRule("security-group-public", security_group_id="sg-1", ip_protocol="tcp",
    from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0")
aws.sqs.QueuePolicy("resource-policy-public", queue_url="https://sqs.eu-central-1.amazonaws.com/123456789012/q",
    policy=policy(Principal="*", Action="sqs:SendMessage", Resource="*"))
aws.efs.FileSystem("encryption", tags=TAGS)
aws.s3.Bucket("required-tags")
aws.iam.RolePolicy("iam-wildcard", role="birds", policy=policy(Action="s3:*", Resource="*"))
aws.iam.Role("iam-trust", tags=TAGS, assume_role_policy=policy(
    Principal={"Service": "pods.eks.amazonaws.com"}, Action="sts:AssumeRole"))
aws.s3.Bucket("exception", tags={**TAGS, "pulumi-mlops.dev/except-s3-public": "2020-01-31 it was needed once"})
aws.s3.Bucket("excepted", tags={"pulumi-mlops.dev/except-required-tags": "LATER the owner of it is not known yet"})
pod("image-version", image="nginx:latest")
pod("resources", resources={"requests": {"cpu": "1m"}})
pod("pod-security", spec={"hostNetwork": True})
pod("readiness")
k8s.core.v1.Service("service", metadata={"name": "readiness", "namespace": "birds"},
    spec={"selector": {"app": "readiness"}, "ports": [{"port": 80}]})
aws.eks.NodeGroup("node-group-minimum", cluster_name="c", node_role_arn="arn:aws:iam::123456789012:role/n",
    subnet_ids=["subnet-1"], version="1.35", tags=TAGS,
    scaling_config={"min_size": 3, "desired_size": 2, "max_size": 4})
k8s.core.v1.Service("gateway", spec={"type": "LoadBalancer", "ports": [{"port": 443}]},
    metadata={"name": "public", "namespace": "gateway"})
k8s.apiextensions.CustomResource("endpoint-access", api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute",
    metadata={"name": "churn", "namespace": "birds", "labels": {"app.kubernetes.io/name": "model-endpoint"}},
    spec={"parentRefs": [{"name": "public", "namespace": "gateway"}],
          "rules": [{"backendRefs": [{"name": "churn", "port": 8000}]}]})
k8s.apiextensions.CustomResource("unknown-field", api_version="policy/v1", kind="PodDisruptionBudget",
    metadata={"name": "late", "namespace": "birds"}, spec={"minAvailable": 1, "selektor": {}})
k8s.apiextensions.CustomResource("unknown-custom-field", api_version="gateway.networking.k8s.io/v1",
    kind="GatewayClass", metadata={"name": "birds"}, spec={"controllerName": "example.org/birds", "descripton": "b"})
settings("plain-secret", "logins", {"DB_PASSWORD": "hunter2-Xy9!"})
settings("single-owner", "settings", {"a": "b"})
settings("owner", "settings", {"a": "b"})
settings("fine", "marked", {"DB_PASSWORD": pulumi.Output.secret("hunter2-Xy9!")})
"""
ELSEWHERE = ("platform-fits", "support-ends-soon")
"""Rules that need a whole platform or a certain day: tests/unit breaks them, in test_capacity and test_review_rules."""
EXPECTED = {(rule.id, rule.id) for rule in rules.all_rules() if rule.id not in ELSEWHERE} | {
    ("exception", "exception"),
    ("owner", "single-owner"),
}
"""(name of the resource, rule): each resource is called like the one rule that it breaks."""


@pytest.fixture(scope="session")
def pack() -> Path:
    return policies.ensure()


@pytest.fixture
def unreachable(tmp_path: Path, pulumi_env: PulumiEnv) -> PulumiEnv:
    """The CLI with a cluster that does not answer: enough to preview plain objects."""
    dead = tmp_path / "kubeconfig"
    dead.write_text(NO_CLUSTER)
    pulumi_env.environment["KUBECONFIG"] = str(dead)
    return pulumi_env


def bad_project(environment: PulumiEnv) -> Path:
    later = datetime.date.today() + datetime.timedelta(days=30)
    config = {"aws:region": "eu-central-1"}
    return environment.project(environment.directory / "bad", BAD.replace("LATER", str(later)), config)


def violations(log: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event["policyEvent"] for event in events if "policyEvent" in event]


STACKS = [stack for stack in stack_files.names() if planning.on_aws(stack)]
OPEN = {
    "foundation-dev": {"iam-wildcard", "s3-public"},
    "foundation-prod": {"iam-wildcard", "s3-public", "resource-policy-public"},  # the policy of Karpenter's queue
    "platform-dev": set[str](),
    "platform-prod": set[str](),
}
"""Rules of which a stack has values that are known only after `up`."""


def test_these_are_the_stacks_on_aws() -> None:
    """The local ones need a cluster that answers; tests/review judges recordings of them."""
    assert STACKS == ["foundation-dev", "foundation-prod", "platform-dev", "platform-prod"]


@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_on_aws_breaks_a_rule(
    aws_engine: AwsEngine, first_previews: FirstPreviews, stack: str, pack: Path
) -> None:
    planned = reading.read(json.dumps(first_previews.of(stack)), stack)
    assert len(planned.steps) > 80
    assert rules.check([planned]) == []
    assert {one.rule for one in rules.undecided([planned])} == OPEN[stack]

    planning.configure(aws_engine, stack)
    done = aws_engine.ran(stack, "preview", "--policy-pack", str(pack))
    assert done.returncode == 0, done.stdout
    assert "✅ pulumi-mlops@v0.1.0" in done.stdout
    assert "[mandatory]" not in done.stdout
    assert "[advisory]" not in done.stdout


def test_each_bad_resource_is_found_by_its_rule_alone_in_the_json(unreachable: PulumiEnv, aws: Aws) -> None:
    done = unreachable.run("preview", "--json", cwd=bad_project(unreachable))
    planned = reading.read(done.stdout, "test")
    assert planned.complete, done.stdout + done.stderr
    assert {(Urn.parse(one.urn).name, one.rule) for one in rules.check([planned])} == EXPECTED


def test_each_bad_resource_is_found_by_its_rule_alone_in_the_engine(
    unreachable: PulumiEnv, aws: Aws, pack: Path, tmp_path: Path
) -> None:
    log = tmp_path / "events.json"
    words = ("preview", "--policy-pack", str(pack), "--event-log", str(log))
    done = unreachable.run(*words, cwd=bad_project(unreachable))
    assert done.returncode, done.stdout
    found = violations(log)
    assert {(Urn.parse(one["resourceUrn"]).name, one["policyName"]) for one in found} == EXPECTED
    assert {one["policyName"] for one in found if one["enforcementLevel"] == "advisory"} == {
        "resources",
        "readiness",
        "required-tags",
        "unknown-custom-field",
    }
    assert "hunter2" not in done.stdout + done.stderr


def test_a_pack_reads_the_exceptions_of_its_repository(
    unreachable: PulumiEnv, aws: Aws, pack: Path, tmp_path: Path
) -> None:
    copy, log = tmp_path / "repository" / "policies", tmp_path / "events.json"
    copy.mkdir(parents=True)
    for name in ("PulumiPolicy.yaml", "__main__.py"):
        (copy / name).write_bytes((pack / name).read_bytes())
    (copy / ".venv").symlink_to(pack / ".venv")
    until = datetime.date.today() + datetime.timedelta(days=30)
    (copy.parent / "review-exceptions.toml").write_text(
        f'[[exception]]\nstack = "test"\nresource = "iam-wildcard"\nrule = "iam-wildcard"\nuntil = {until}\n'
        'reason = "it goes within a month"\n'
    )
    unreachable.run("preview", "--policy-pack", str(copy), "--event-log", str(log), cwd=bad_project(unreachable))
    found = {(Urn.parse(one["resourceUrn"]).name, one["policyName"]) for one in violations(log)}
    assert found == EXPECTED - {("iam-wildcard", "iam-wildcard")}


def test_what_is_known_only_during_up_is_stopped_before_it_is_made(
    pulumi_env: PulumiEnv, aws: Aws, pack: Path, tmp_path: Path
) -> None:
    main = """
import json, pulumi_aws as aws
TAGS = {"environment": "dev", "managed-by": "test"}
trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
bucket = aws.s3.Bucket("data", tags=TAGS)
role = aws.iam.Role("role", assume_role_policy=json.dumps(trust), tags=TAGS)
wide = bucket.arn.apply(lambda arn: json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": arn}]}))
aws.iam.RolePolicy("wide", role=role.name, policy=wide)
"""
    directory = pulumi_env.project(pulumi_env.directory / "late", main, {"aws:region": "eu-central-1"})
    planned = pulumi_env.run("preview", "--policy-pack", str(pack), cwd=directory)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    done = pulumi_env.run("up", "--yes", "--skip-preview", "--policy-pack", str(pack), cwd=directory)
    assert done.returncode
    assert "policy allows every action (s3:*)" in done.stdout + done.stderr
    state = json.loads(pulumi_env.run("stack", "export", cwd=directory).stdout)["deployment"]["resources"]
    assert {Urn.parse(one["urn"]).name for one in state} >= {"data", "role"}
    assert "wide" not in {Urn.parse(one["urn"]).name for one in state}


def test_a_pack_without_its_environment_is_one_sentence(unreachable: PulumiEnv, aws: Aws, tmp_path: Path) -> None:
    copy = tmp_path / "policies"
    copy.mkdir()
    for name in ("PulumiPolicy.yaml", "__main__.py"):
        (copy / name).write_bytes((ROOT / "policies" / name).read_bytes())
    done = unreachable.run("preview", "--policy-pack", str(copy), cwd=bad_project(unreachable))
    assert done.returncode
    assert "runtime.options.virtualenv '.venv' has no" in done.stdout + done.stderr
