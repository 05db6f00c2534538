"""Each rule on what it is about: fine, broken, and not known before `up`."""

import dataclasses
import re
from datetime import date, timedelta
from typing import Any

import pytest
from pulumi_mlops import versions
from pulumi_mlops.review import rules
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.preview import MASKED, UNKNOWN, Operation, State, Step
from pulumi_mlops.review.rules import support

from tests.unit.review_resources import (
    ATTACHMENT,
    BLOCK,
    BUCKET,
    BUCKET_POLICY,
    CLUSTER,
    CONFIG_MAP,
    CONTAINER,
    DATABASE,
    DEPLOYMENT,
    FILES,
    FIRST,
    GOOD,
    GROUP,
    GROUP_RULE,
    INGRESS_RULE,
    POD,
    POLICY,
    RELEASE,
    ROLE,
    SECRET,
    SERVICE,
    STORAGE_CLASS,
    TAGS,
    TEMPLATE,
    TODAY,
    WORKFLOW,
    policy,
    preview,
    spoiled,
    step,
    trust,
)

ELSEWHERE = step(SERVICE, GOOD[SERVICE], "service")


def found(*steps: Step, **more: Any) -> list[tuple[str, str]]:
    """(rule, message) of what is found in one stack."""
    return [(one.rule, one.message) for one in rules.check([preview(*steps, **more)], today=TODAY)]


def open_at(*steps: Step) -> set[tuple[str, str]]:
    return {(one.rule, one.path) for one in rules.undecided([preview(*steps)], today=TODAY)}


@pytest.mark.parametrize("type_", GOOD)
def test_what_is_in_order_is_no_finding(type_: str) -> None:
    others = [] if type_ == SERVICE else [ELSEWHERE]
    assert found(step(type_, GOOD[type_]), *others) == []


BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("s3-public", BLOCK, spoiled(BLOCK, blockPublicPolicy=False), "blockPublicPolicy"),
    ("s3-public", BLOCK, spoiled(BLOCK, restrictPublicBuckets=None), "restrictPublicBuckets"),
    ("s3-public", BUCKET, spoiled(BUCKET, acl="public-read"), "public-read"),
    ("s3-public", BUCKET_POLICY, {"policy": policy({"Principal": "*", "Action": "s3:GetObject"})}, "everybody"),
    ("s3-public", BUCKET_POLICY, {"policy": policy({"Principal": {"AWS": ["*"]}, "Action": "s3:Get*"})}, "everybody"),
    (
        "security-group-public",
        GROUP,
        spoiled(GROUP, ingress__1__cidrBlocks=["0.0.0.0/0"]),
        "ingress[1].cidrBlocks lets 0.0.0.0/0 connect to port 22",
    ),
    (
        "security-group-public",
        GROUP,
        spoiled(GROUP, ingress__1__ipv6CidrBlocks=["fd00::/8", "::/0"]),
        "ingress[1].ipv6CidrBlocks lets ::/0 connect to port 22",
    ),
    (
        "security-group-public",
        GROUP,
        spoiled(GROUP, ingress__0={"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}),
        "every port",
    ),
    ("security-group-public", GROUP, spoiled(GROUP, ingress__0__toPort="8443"), "ports 443 to 8443"),
    (
        "security-group-public",
        GROUP,
        spoiled(GROUP, ingress__0__fromPort=0, ingress__0__toPort=65_535),
        "every port",
    ),
    ("security-group-public", GROUP_RULE, spoiled(GROUP_RULE, cidrBlocks=["0.0.0.0/1", "128.0.0.0/1"]), "port 5432"),
    ("security-group-public", GROUP_RULE, spoiled(GROUP_RULE, ipv6CidrBlocks=["2000::/3"]), "2000::/3"),
    ("security-group-public", GROUP_RULE, spoiled(GROUP_RULE, protocol="all", cidrBlocks=["0.0.0.0/0"]), "every port"),
    ("security-group-public", INGRESS_RULE, spoiled(INGRESS_RULE, cidrIpv4="0.0.0.0/0"), "cidrIpv4 lets 0.0.0.0/0"),
    (
        "security-group-public",
        INGRESS_RULE,
        spoiled(INGRESS_RULE, cidrIpv4=None, cidrIpv6="::/0"),
        "cidrIpv6 lets ::/0",
    ),
    (
        "security-group-public",
        INGRESS_RULE,
        {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
        "cidrIpv4 lets 0.0.0.0/0 connect to every port",
    ),
    (
        "resource-policy-public",
        "aws:lambda/functionUrl:FunctionUrl",
        {"functionName": "f", "authorizationType": "NONE"},
        "everybody who has the URL",
    ),
    ("rds-public", DATABASE, spoiled(DATABASE, publiclyAccessible=True), "publiclyAccessible"),
    ("eks-public", CLUSTER, spoiled(CLUSTER, vpcConfig__endpointPublicAccess=True), "0.0.0.0/0"),
    ("eks-public", CLUSTER, spoiled(CLUSTER, vpcConfig__endpointPublicAccess=None), "0.0.0.0/0"),
    (
        "eks-public",
        CLUSTER,
        spoiled(CLUSTER, vpcConfig__endpointPublicAccess=True, vpcConfig__publicAccessCidrs=["64.0.0.0/2"]),
        "64.0.0.0/2",
    ),
    ("encryption", DATABASE, spoiled(DATABASE, storageEncrypted=False), "storageEncrypted is false"),
    ("encryption", DATABASE, spoiled(DATABASE, storageEncrypted=None), "storageEncrypted is not set"),
    ("encryption", FILES, spoiled(FILES, encrypted=None), "encrypted"),
    (
        "encryption",
        TEMPLATE,
        spoiled(TEMPLATE, blockDeviceMappings__0__ebs={"volumeSize": 5}),
        "blockDeviceMappings[0].ebs.encrypted",
    ),
    ("encryption", CLUSTER, spoiled(CLUSTER, encryptionConfig=None), "encryptionConfig"),
    ("encryption", STORAGE_CLASS, spoiled(STORAGE_CLASS, parameters={"type": "gp3"}), "parameters.encrypted"),
    ("iam-wildcard", POLICY, {"policy": policy({"Action": "*", "Resource": "arn:aws:s3:::x"})}, "every action"),
    ("iam-wildcard", POLICY, {"policy": policy({"Action": "s3:*", "Resource": "arn:aws:s3:::x"})}, "every action"),
    ("iam-wildcard", POLICY, {"policy": policy({"Action": "s3:GetObject", "Resource": "*"})}, "every resource"),
    ("iam-wildcard", POLICY, {"policy": policy({"NotAction": "iam:*", "Resource": "arn:aws:s3:::x"})}, "NotAction"),
    ("iam-wildcard", ATTACHMENT, {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "AdministratorAccess"),
    ("iam-wildcard", ATTACHMENT, {"policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}, "AmazonS3FullAccess"),
    (
        "iam-wildcard",
        ROLE,
        spoiled(ROLE, inlinePolicies=[{"name": "a", "policy": policy({"Action": "*", "Resource": "*"})}]),
        "inlinePolicies[0]",
    ),
    ("iam-trust", ROLE, spoiled(ROLE, assumeRolePolicy=trust({"Service": "pods.eks.amazonaws.com"})), "pods.eks"),
    ("iam-trust", ROLE, spoiled(ROLE, assumeRolePolicy=trust({"AWS": "arn:aws:iam::210987654321:root"})), ":root"),
    ("iam-trust", ROLE, spoiled(ROLE, assumeRolePolicy=trust("*")), "lets * take"),
    (
        "iam-trust",
        ROLE,
        spoiled(ROLE, assumeRolePolicy=trust({"Federated": "arn:aws:iam::123456789012:oidc-provider/x"})),
        "oidc-provider",
    ),
    ("image-version", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "nginx"}), "neither tag nor digest"),
    ("image-version", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "host:5000/nginx"}), "neither tag"),
    ("image-version", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "nginx:latest"}), "moves"),
    ("image-version", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "nginx:stable"}), "moves"),
    (
        "image-version",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{POD}initContainers": [{**CONTAINER, "image": "busybox"}]}),
        "initContainers[0]",
    ),
    (
        "image-version",
        WORKFLOW,
        spoiled(WORKFLOW, spec__templates__1__container__image="steps:main"),
        "templates[1].container",
    ),
    ("image-version", RELEASE, spoiled(RELEASE, version=None), "no version"),
    ("image-version", RELEASE, spoiled(RELEASE, version="~33.2"), "range"),
    ("image-version", RELEASE, spoiled(RELEASE, values__image__tag="latest"), "values.image.tag"),
    ("resources", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}resources": None}), "requests.cpu, requests.memory"),
    ("resources", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}resources__limits": None}), "lacks limits.memory"),
    ("resources", WORKFLOW, spoiled(WORKFLOW, spec__templates__1__container__resources=None), "templates[1]"),
    ("pod-security", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}securityContext__privileged": True}), "privileged"),
    ("pod-security", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}securityContext__runAsUser": 0}), "root"),
    ("pod-security", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{POD}securityContext": None}), "may run as root"),
    ("pod-security", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{POD}hostNetwork": True}), "hostNetwork"),
    (
        "pod-security",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{POD}volumes": [{"name": "v", "hostPath": {"path": "/etc"}}]}),
        "/etc",
    ),
    (
        "pod-security",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}securityContext__capabilities": {"add": ["SYS_ADMIN"]}}),
        "SYS_ADMIN",
    ),
    (
        "pod-security",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}securityContext__allowPrivilegeEscalation": True}),
        "allowPrivilegeEscalation",
    ),
    ("pod-security", WORKFLOW, spoiled(WORKFLOW, spec__securityContext=None), "templates[1].container"),
    ("pod-security", RELEASE, spoiled(RELEASE, values__controller={"privileged": True}), "values.controller"),
    ("readiness", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}readinessProbe": None}), "readinessProbe"),
    ("required-tags", BUCKET, spoiled(BUCKET, tags={"environment": "dev"}), "managed-by"),
    ("required-tags", BUCKET, spoiled(BUCKET, tags=None), "environment and managed-by"),
    ("end-of-support", CLUSTER, spoiled(CLUSTER, version="1.32"), "ended in 2026-03"),
    ("support-ends-soon", CLUSTER, spoiled(CLUSTER, version="1.34"), "ends in 2026-12"),
    ("end-of-support", DATABASE, spoiled(DATABASE, engineVersion="13.14"), "PostgreSQL on RDS 13"),
    ("end-of-support", DATABASE, spoiled(DATABASE, engine="mysql", engineVersion="8.0.39"), "MySQL on RDS 8.0"),
    ("end-of-support", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "postgres:12-alpine"}), "PostgreSQL 12"),
    ("end-of-support", DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "quay.io/minio/minio:2025"}), "refused"),
    ("end-of-support", RELEASE, spoiled(RELEASE, chart="seldon-core-operator", version="1.18.2"), "refused"),
    (
        "unknown-field",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}imagePullPolcy": "Always"}),
        "apps/v1 Deployment has no field spec.template.spec.containers[0].imagePullPolcy as of Kubernetes "
        f"{versions.KUBERNETES}; did you mean imagePullPolicy?",
    ),
    (
        "unknown-field",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}securityContext__securityContext": {"runAsNonRoot": True}}),
        "containers[0].securityContext.securityContext",
    ),
    ("unknown-field", CONFIG_MAP, spoiled(CONFIG_MAP, metadata__lables={"a": "b"}), "did you mean labels?"),
    ("unknown-field", SECRET, spoiled(SECRET, xyz=1), "v1 Secret has no field xyz as of Kubernetes"),
    (
        "unknown-custom-field",
        WORKFLOW,
        spoiled(WORKFLOW, spec__templates__1__container__imagePullPolcy="Always"),
        "spec.templates[1].container.imagePullPolcy in the definition known here; did you mean imagePullPolicy?",
    ),
    ("unknown-custom-field", WORKFLOW, spoiled(WORKFLOW, metadata__lables={"a": "b"}), "metadata.lables"),
    (
        "platform-fits",
        "pulumi-mlops:index:EksPlatform",
        {"node_groups": [{"name": "general", "instance_types": ["t3.small"], "min_size": 1}]},
        "with min_size 2 of the node group `general` it fits",
    ),
    (
        "node-group-minimum",
        "aws:eks/nodeGroup:NodeGroup",
        {"version": "1.36", "tags": TAGS, "scalingConfig": {"minSize": 3, "desiredSize": 2, "maxSize": 6}},
        "scalingConfig.minSize is 3 and desiredSize 2",
    ),
    ("plain-secret", CONFIG_MAP, spoiled(CONFIG_MAP, data={"DB_PASSWORD": "hunter2-Xy9!"}), "DB_PASSWORD"),
    ("plain-secret", SECRET, spoiled(SECRET, stringData={"any": "thing"}), "stringData.any"),
    (
        "plain-secret",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}env": [{"name": "API_TOKEN", "value": "f3a9c1e07b5d4826"}]}),
        "env[0].value",
    ),
    ("plain-secret", DATABASE, spoiled(DATABASE, password="correct7Horse"), "password"),
]


@pytest.mark.parametrize(("rule", "type_", "inputs", "word"), BAD, ids=lambda value: str(value)[:40])
def test_what_breaks_a_rule_is_found_by_that_rule_alone(
    rule: str, type_: str, inputs: dict[str, Any], word: str
) -> None:
    findings = found(step(type_, inputs), ELSEWHERE)
    assert {one for one, _ in findings} == {rule}
    assert any(word in message for _, message in findings)


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, *_ in BAD} | {"single-owner", "endpoint-access"} == {
        rule.id for rule in rules.all_rules(TODAY)
    }


FINE: list[tuple[str, dict[str, Any]]] = [
    *(
        (INGRESS_RULE, {"ipProtocol": "tcp", "fromPort": port, "toPort": port, "cidrIpv4": "0.0.0.0/0"})
        for port in (80, 443)
    ),
    (INGRESS_RULE, {"ipProtocol": "udp", "fromPort": 443, "toPort": 443, "cidrIpv6": "::/0"}),
    (INGRESS_RULE, {"ipProtocol": "icmp", "fromPort": 3, "toPort": 4, "cidrIpv4": "0.0.0.0/0"}),
    (INGRESS_RULE, {"ipProtocol": "-1", "referencedSecurityGroupId": "sg-1"}),
    (GROUP_RULE, {"type": "egress", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}),
    (GROUP_RULE, {"type": "ingress", "protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}),
    (BUCKET, spoiled(BUCKET, acl="private")),
    (BUCKET, spoiled(BUCKET, tags={"environment": UNKNOWN, "managed-by": "x"})),
    (CLUSTER, spoiled(CLUSTER, vpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]})),
    (
        BUCKET_POLICY,
        {"policy": policy({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}})},
    ),
    (ROLE, spoiled(ROLE, assumeRolePolicy=trust({"AWS": "arn:aws:iam::123456789012:role/ci"}))),
    (
        ROLE,
        spoiled(
            ROLE,
            assumeRolePolicy=trust(
                {"Service": "pods.eks.amazonaws.com"}, Condition={"StringEquals": {"aws:RequestTag/a": "b"}}
            ),
        ),
    ),
    (POLICY, {"policy": policy({"Action": "ec2:Describe*", "Resource": "arn:aws:ec2:eu-central-1:1:vpc/*"})}),
    (POLICY, {"policy": policy({"Effect": "Deny", "Action": "*", "Resource": "*"})}),
    (DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": f"nginx@sha256:{'0a' * 32}"})),
    (DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}image": "host:5000/nginx:1"})),
    (DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{POD}volumes": [{"name": "v", "emptyDir": {}}]})),
    (DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}securityContext__capabilities": {"add": ["NET_BIND_SERVICE"]}})),
    (RELEASE, spoiled(RELEASE, chart="./charts/traefik", version=None)),
    (RELEASE, spoiled(RELEASE, chart="seldon-core-operator", version="1.17.1")),
    (CLUSTER, spoiled(CLUSTER, version="1.35")),
    (SECRET, spoiled(SECRET, stringData={"password": MASKED})),
    (DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}env": [{"name": "TOKEN_FILE", "value": "/run/secrets/token"}]})),
    ("kubernetes:apps/v1:DeploymentPatch", {"metadata": {"name": "x"}, "spec": {}}),
    (DEPLOYMENT, {**spoiled(DEPLOYMENT, **{f"{POD}nodeSelector": {"any.key": "x"}}), "__fieldManager": "pulumi"}),
    (
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
        {"spec": {"versions": [{"schema": {"openAPIV3Schema": {"x-kubernetes-anything": {"not": {}}}}}]}},
    ),
    ("kubernetes:example.org/v1:Other", {"metadata": {"name": "x"}, "anything": {"goes": 1}}),
    ("example:index:Other", {"anything": ["goes", {"here": 1}]}),
]


@pytest.mark.parametrize(("type_", "inputs"), FINE, ids=lambda value: str(value)[:40])
def test_what_is_allowed_is_no_finding(type_: str, inputs: dict[str, Any]) -> None:
    assert found(step(type_, inputs)) == []


HIDDEN: list[tuple[str, str, str, dict[str, Any]]] = [
    ("s3-public", "blockPublicAcls", BLOCK, spoiled(BLOCK, blockPublicAcls=UNKNOWN)),
    ("s3-public", "acl", BUCKET, spoiled(BUCKET, acl=UNKNOWN)),
    ("s3-public", "policy", BUCKET_POLICY, {"policy": UNKNOWN}),
    ("security-group-public", "ingress", GROUP, spoiled(GROUP, ingress=UNKNOWN)),
    ("security-group-public", "ingress[1]", GROUP, spoiled(GROUP, ingress__1=UNKNOWN)),
    ("security-group-public", "cidrBlocks", GROUP_RULE, spoiled(GROUP_RULE, cidrBlocks=[UNKNOWN])),
    ("security-group-public", "cidrIpv4", INGRESS_RULE, spoiled(INGRESS_RULE, cidrIpv4=UNKNOWN)),
    ("security-group-public", "type", GROUP_RULE, spoiled(GROUP_RULE, type=UNKNOWN)),
    (
        "security-group-public",
        "fromPort",
        INGRESS_RULE,
        spoiled(INGRESS_RULE, cidrIpv4="0.0.0.0/0", fromPort=UNKNOWN),
    ),
    ("rds-public", "publiclyAccessible", DATABASE, spoiled(DATABASE, publiclyAccessible=UNKNOWN)),
    ("eks-public", "vpcConfig.endpointPublicAccess", CLUSTER, spoiled(CLUSTER, vpcConfig=UNKNOWN)),
    (
        "eks-public",
        "vpcConfig.publicAccessCidrs",
        CLUSTER,
        spoiled(CLUSTER, vpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": UNKNOWN}),
    ),
    ("encryption", "storageEncrypted", DATABASE, spoiled(DATABASE, storageEncrypted=UNKNOWN)),
    ("encryption", "snapshotIdentifier", DATABASE, spoiled(DATABASE, storageEncrypted=None, snapshotIdentifier="s")),
    ("encryption", "encryptionConfig", CLUSTER, spoiled(CLUSTER, encryptionConfig=UNKNOWN)),
    ("iam-wildcard", "policy", POLICY, {"policy": UNKNOWN}),
    ("iam-wildcard", "policyArn", ATTACHMENT, {"policyArn": UNKNOWN}),
    ("iam-trust", "assumeRolePolicy", ROLE, spoiled(ROLE, assumeRolePolicy=UNKNOWN)),
    ("iam-trust", "assumeRolePolicy", ROLE, spoiled(ROLE, assumeRolePolicy=trust({"Federated": UNKNOWN}))),
    (
        "image-version",
        "spec.template.spec.containers[0].image",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}image": UNKNOWN}),
    ),
    (
        "image-version",
        "spec.templates[1].container.image",
        WORKFLOW,
        spoiled(WORKFLOW, spec__templates__1__container__image="{{inputs.parameters.image}}"),
    ),
    ("image-version", "spec.template.spec", DEPLOYMENT, spoiled(DEPLOYMENT, spec__template__spec=UNKNOWN)),
    (
        "resources",
        "spec.template.spec.containers[0].resources",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{FIRST}resources__limits": UNKNOWN}),
    ),
    (
        "pod-security",
        "spec.template.spec.containers[0].securityContext",
        DEPLOYMENT,
        spoiled(DEPLOYMENT, **{f"{POD}securityContext": UNKNOWN}),
    ),
    ("required-tags", "tags", BUCKET, spoiled(BUCKET, tags=UNKNOWN)),
    ("end-of-support", "version", CLUSTER, spoiled(CLUSTER, version=UNKNOWN)),
    ("end-of-support", "engineVersion", DATABASE, spoiled(DATABASE, engineVersion=None)),
    ("single-owner", "metadata.name", CONFIG_MAP, spoiled(CONFIG_MAP, metadata__name=UNKNOWN)),
]


@pytest.mark.parametrize(("rule", "path", "type_", "inputs"), HIDDEN, ids=lambda value: str(value)[:40])
def test_what_is_not_known_is_no_finding_and_is_said_to_be_open(
    rule: str, path: str, type_: str, inputs: dict[str, Any]
) -> None:
    assert found(step(type_, inputs)) == []
    assert (rule, path) in open_at(step(type_, inputs))


@pytest.mark.parametrize("type_", GOOD)
def test_no_rule_takes_a_resource_of_unknown_values_for_broken(type_: str) -> None:
    hidden = {
        key: value if key in ("apiVersion", "kind", "provisioner", "engine") else UNKNOWN
        for key, value in GOOD[type_].items()
    }
    assert found(step(type_, hidden), ELSEWHERE) == []


def test_what_is_known_is_not_open() -> None:
    assert open_at(*(step(type_, inputs, f"n{n}") for n, (type_, inputs) in enumerate(GOOD.items()))) == set()


def test_a_statement_with_a_reason_in_its_component_is_no_finding() -> None:
    identity = step(
        "pulumi-mlops:index:WorkloadIdentity",
        {
            "statements": [
                {
                    "actions": ["ec2:DescribeVpcs"],
                    "resources": ["*"],
                    "reason": "EC2 knows no resource for reading",
                }
            ]
        },
        "identity",
    )
    document = policy({"Action": ["ec2:DescribeVpcs"], "Resource": ["*"]})
    other = policy({"Action": ["ec2:RunInstances"], "Resource": ["*"]})
    assert found(identity, step(POLICY, {"policy": document}, parent=identity.urn)) == []
    assert [rule for rule, _ in found(identity, step(POLICY, {"policy": document}))] == ["iam-wildcard"]
    assert [rule for rule, _ in found(identity, step(POLICY, {"policy": other}, parent=identity.urn))] == [
        "iam-wildcard"
    ]


def test_the_reason_for_public_access_of_the_cluster_component_counts() -> None:
    component = step("pulumi-mlops:index:Cluster", {"public_access_reason": "a workshop for everybody"}, "cluster")
    inputs = spoiled(CLUSTER, vpcConfig__endpointPublicAccess=True)
    assert found(component, step(CLUSTER, inputs, parent=component.urn)) == []
    assert [rule for rule, _ in found(component, step(CLUSTER, inputs))] == ["eks-public"]


def route(port: Any = 8000, name: str = "model-endpoint", **annotations: str) -> dict[str, Any]:
    """An HTTPRoute from the platform's Gateway to a port."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": "churn",
            "namespace": "birds",
            "labels": {"app.kubernetes.io/name": name},
            "annotations": {f"pulumi-mlops.dev/{key}": value for key, value in annotations.items()},
        },
        "spec": {
            "parentRefs": [{"name": "public", "namespace": "gateway"}],
            "rules": [{"backendRefs": [{"name": "churn", "port": port}]}],
        },
    }


def balancer(scheme: str, namespace: str = "gateway") -> dict[str, Any]:
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-scheme": scheme}
    spec = {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}
    return {"metadata": {"name": "public", "namespace": namespace, "annotations": annotations}, "spec": spec}


ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"


def at_gateway(inputs: dict[str, Any], gateway: dict[str, Any], stack: str = "platform-dev") -> list[tuple[str, str]]:
    """What is found in the team's stack, with the platform's beside it."""
    platform = preview(step(SERVICE, gateway, "balancer", stack=stack), stack=stack)
    found = rules.check([preview(step(ROUTE, inputs)), platform], today=TODAY)
    return [(one.rule, one.message) for one in found if one.stack == "birds-dev"]


def test_an_endpoint_on_the_internet_that_asks_nobody_breaks_a_rule() -> None:
    public = balancer("internet-facing")

    assert at_gateway(route(), public) == [
        (
            "endpoint-access",
            "spec.rules[0].backendRefs[0].port is 8000, where anybody who knows the URL gets predictions",
        )
    ]
    assert at_gateway(route(8001), public) == []
    assert at_gateway(route(name="mlflow"), public) == []
    assert at_gateway(route(), balancer("internal")) == []
    assert at_gateway(route(), balancer("internet-facing", "elsewhere")) == []
    assert at_gateway(route(), public, "platform-prod") == [], "another cluster"
    assert open_at(step(ROUTE, route(UNKNOWN)), step(SERVICE, public, "balancer")) == {
        ("endpoint-access", "spec.rules[0].backendRefs[0].port")
    }


def test_the_exception_of_an_open_endpoint_is_one_like_every_other() -> None:
    def excepted(text: str) -> list[str]:
        return [rule for rule, _ in at_gateway(route(**{"except-endpoint-access": text}), balancer("internet-facing"))]

    assert excepted(f"{TODAY} a public demonstration") == []
    assert excepted("2026-01-31 a public demonstration") == ["endpoint-access", "exception"]
    assert excepted(f"{TODAY} demo") == ["endpoint-access", "exception"]


def test_tags_of_the_provider_count() -> None:
    bare = step(BUCKET, spoiled(BUCKET, tags=None))
    tags = '{"tags": {"environment": "dev", "managed-by": "x"}}'
    assert found(bare, config={"aws:defaultTags": tags}) == []
    provider = step("pulumi:providers:aws", {"defaultTags": tags}, "aws")
    assert found(bare, provider) == []
    assert [rule for rule, _ in found(bare, config={"aws:defaultTags": '{"tags": {"environment": "dev"}}'})] == [
        "required-tags"
    ]


def test_a_probe_is_asked_for_only_behind_a_service() -> None:
    bare = step(DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{FIRST}readinessProbe": None}))
    assert found(bare) == []
    for changes in ({"spec__selector": {"app": "fish"}}, {"metadata__namespace": "fish"}, {"spec__selector": {}}):
        assert found(bare, step(SERVICE, spoiled(SERVICE, **changes), "service")) == []
    assert found(bare, step(SERVICE, spoiled(SERVICE, metadata__namespace=UNKNOWN), "service"))
    sidecar = {"name": "log", **{key: CONTAINER[key] for key in ("image", "resources", "securityContext")}}
    with_sidecar = step(DEPLOYMENT, spoiled(DEPLOYMENT, **{f"{POD}containers": [CONTAINER, sidecar]}))
    assert found(with_sidecar, ELSEWHERE) == []


def test_an_object_in_two_stacks_of_one_environment_is_found_from_both_sides() -> None:
    def owners(*stacks: str) -> list[tuple[str, str, str]]:
        previews = [preview(step(CONFIG_MAP, GOOD[CONFIG_MAP], stack=stack), stack=stack) for stack in stacks]
        return [(one.rule, one.stack, one.message) for one in rules.check(previews, today=TODAY)]

    assert owners("platform-dev", "birds-dev") == [
        ("single-owner", "birds-dev", "ConfigMap settings in birds is also it of stack platform-dev"),
        ("single-owner", "platform-dev", "ConfigMap settings in birds is also it of stack birds-dev"),
    ]
    assert owners("platform-dev", "platform-prod") == []


def test_many_owners_of_one_object_are_one_sentence_each() -> None:
    made = preview(*(step(CONFIG_MAP, GOOD[CONFIG_MAP], f"it-{number}") for number in range(6)))
    found = rules.check([made], today=TODAY)
    assert [one.rule for one in found] == ["single-owner"] * 6
    assert found[0].message.count("of stack") == 3
    assert found[0].message.endswith(" and 2 more")


def test_a_patch_and_a_deleted_object_have_no_claim() -> None:
    mine = step(CONFIG_MAP, GOOD[CONFIG_MAP])
    patch = step("kubernetes:core/v1:ConfigMapPatch", GOOD[CONFIG_MAP], "patch")
    gone = dataclasses.replace(
        step(CONFIG_MAP, GOOD[CONFIG_MAP], "old"),
        operation=Operation.DELETE,
        old=State(inputs=GOOD[CONFIG_MAP]),
        new=None,
    )
    assert found(mine, patch, gone) == []
    assert {rule for rule, _ in found(mine, step(CONFIG_MAP, GOOD[CONFIG_MAP], "other"))} == {"single-owner"}


def test_what_is_only_read_is_not_ours_to_judge() -> None:
    assert found(step(BUCKET, {}, external=True)) == []
    assert found(step(BUCKET, {}))


def test_the_steps_of_a_replacement_are_one_resource() -> None:
    bad = step(BUCKET, spoiled(BUCKET, tags=None))
    steps = [dataclasses.replace(bad, operation=one) for one in (Operation.CREATE_REPLACEMENT, Operation.REPLACE)]
    assert len(rules.check([preview(*steps)], today=TODAY)) == 1


def test_findings_come_in_the_same_order_whatever_the_order_of_steps() -> None:
    steps = [step(type_, inputs, f"n{n}") for n, (_, type_, inputs, _) in enumerate(BAD)]
    assert rules.check([preview(*steps)], today=TODAY) == rules.check([preview(*reversed(steps))], today=TODAY)


def test_support_ends_with_its_month() -> None:
    import datetime

    ended = step(CLUSTER, spoiled(CLUSTER, version="1.34"))
    (soon,) = rules.check([preview(ended)], today=datetime.date(2026, 12, 31))
    assert (soon.rule, soon.level) == ("support-ends-soon", Level.WARNING)
    (one,) = rules.check([preview(ended)], today=datetime.date(2027, 1, 1))
    assert one.level == Level.BLOCKING
    assert one.message == "version is 1.34: the support of Kubernetes on EKS 1.34 ended in 2026-12"


@pytest.mark.parametrize(
    ("engine", "version", "last_day"),
    [
        # The community ends each three months before RDS does.
        *(("postgres", str(major), f"{2013 + major}-02-28") for major in (13, 14, 15, 16, 17, 18)),
        ("aurora-postgresql", "17.5", "2030-02-28"),
        ("mysql", "8.0.40", "2026-07-31"),
        ("mysql", "8.4.5", "2029-07-31"),
    ],
)
def test_a_database_on_rds_has_support_for_as_long_as_rds_gives_it(engine: str, version: str, last_day: str) -> None:
    last = date.fromisoformat(last_day)

    def ended(day: date) -> list[str]:
        database = step(DATABASE, spoiled(DATABASE, engine=engine, engineVersion=version))
        return [one.rule for one in rules.check([preview(database)], today=day) if one.rule == "end-of-support"]

    assert ended(last) == []
    assert ended(last + timedelta(days=2)) == ["end-of-support"]  # 29 February is one day of support more


def test_a_cluster_whose_version_ends_soon_is_told_what_eks_then_does() -> None:
    def said(today: str, **changes: Any) -> list[str]:
        cluster = step(CLUSTER, spoiled(CLUSTER, version="1.34", **changes))
        return [one.message for one in rules.check([preview(cluster)], today=date.fromisoformat(today))]

    policy = {"supportType": "STANDARD"}
    (forced,) = said("2026-11-30", upgradePolicy=policy)
    assert forced == (
        "standard support of Kubernetes 1.34 ends in 2026-12: EKS then upgrades the cluster by itself, and refuses to "
        "go back to 1.34"
    )
    (billed,) = said("2026-11-30")
    assert billed.endswith("ends in 2026-12: EKS then bills six times the price for 1.34")
    assert said("2026-10-31", upgradePolicy=policy) == []


def test_the_tables_of_versions_agree_with_the_pins() -> None:
    assert {one.name for one in versions.REFUSED} == set(support.REFUSED)
    ends = {pin.version: pin.ends for pin in versions.PINS}
    assert versions.SUPPORT_ENDS["Kubernetes on EKS"][versions.EKS_KUBERNETES] == ends[versions.EKS_KUBERNETES]
    assert versions.SUPPORT_ENDS["PostgreSQL"][versions.POSTGRES.split(".")[0]] == ends[versions.POSTGRES]
    assert set(versions.DATABASE_ENGINES.values()) <= set(versions.SUPPORT_ENDS)
    months = [month for lines in versions.SUPPORT_ENDS.values() for month in lines.values()]
    assert all(re.fullmatch(r"\d{4}-\d{2}", month) for month in months)


def test_what_a_rule_finds_does_not_grow_with_the_square_of_the_stack() -> None:
    """Grouping is done once: a thousand objects and workloads are looked at, not each with each."""
    calls = 0

    def counted(resource: rules.Resource) -> str:
        nonlocal calls
        calls += 1
        return resource.type

    steps = [step(CONFIG_MAP, GOOD[CONFIG_MAP], f"n{n}") for n in range(100)]
    seen = rules.after([preview(*steps)])
    for resource in seen.all:
        assert len(seen.groups(resource, counted)[CONFIG_MAP]) == 100
    assert calls == 100
