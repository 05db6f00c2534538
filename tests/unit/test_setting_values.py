"""Settings whose values a component would refuse in its own words, late, or not at all."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import WorkloadIdentity

from stacks import configuration, settings, values

FOUNDATION = {
    "environment": "dev",
    "zones": ["eu-central-1a", "eu-central-1b"],
    "domain_name": "ml.example.org",
    "node_groups": [{"name": "a"}],
}
PLATFORM = {"environment": "dev", "login": {"issuer": "https://id.example.org"}}
LAYERS = [(settings.FoundationSettings, FOUNDATION), (settings.PlatformEksSettings, PLATFORM)]
each_layer = pytest.mark.parametrize(("kind", "needed"), LAYERS, ids=["foundation", "platform"])
CERTIFICATE = "arn:aws:acm:{}:123456789012:certificate/0a1b2c3d"


@pytest.fixture
def read() -> Iterator[Any]:
    """`read(kind, {key: value})` reads a layer's settings as `pulumi config set` would set them."""

    def _read(kind: Any, given: dict[str, Any]) -> Any:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        pulumi.runtime.set_all_config({f"pulumi-mlops:{key}": text for key, text in texts.items()})
        return configuration.read(kind)

    yield _read
    pulumi.runtime.set_all_config({})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        *(
            ({"environment": name}, "environment must be 1 to 16 lower-case letters, digits and inner hyphens")
            for name in ("Dev", "dev_1", "1dev", "dev-", "d" * 17)
        ),
        ({"tags": {"cost-centre": 42}}, "tags must have texts as values: put that of cost-centre in quotes, got 42"),
        ({"tags": {"aws:x": "y"}}, "tags must not have keys that begin with aws:, which are AWS's own, got 'aws:x'"),
        ({"tags": {"k" * 129: "y"}}, "tags must have keys of 1 to 128 letters"),
        ({"tags": {"": "y"}}, "tags must have keys of 1 to 128 letters"),
        ({"tags": {"team": "v" * 257}}, "tags must have values of at most 256 letters"),
        ({"tags": {"team": "a;b"}}, "tags must have values of at most 256 letters"),
    ],
)
@each_layer
def test_a_value_that_aws_would_refuse_is_one_line(
    read: Any, kind: Any, needed: dict[str, Any], wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(configuration.SettingsError) as error:
        read(kind, {**needed, **wrong})

    assert f"setting pulumi-mlops:{sentence}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "right",
    [
        {"environment": "d" * 16},
        {"environment": "d"},
        {"environment": "eu-1"},
        {"tags": {"k" * 128: "v" * 256, "a:b/c": "", "Größe": "e-mail = a@b.org"}},
    ],
)
@each_layer
def test_a_value_at_its_limit_is_read(read: Any, kind: Any, needed: dict[str, Any], right: dict[str, Any]) -> None:
    (key, value) = next(iter(right.items()))
    assert getattr(read(kind, {**needed, **right}), key) == value


@pytest.mark.parametrize("length", [values.LONGEST_ENVIRONMENT, values.LONGEST_ENVIRONMENT + 1])
def test_the_longest_environment_is_what_the_longest_role_of_the_platform_leaves(build: Any, length: int) -> None:
    account = "aws-load-balancer-controller"
    statements = [{"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::b"]}]
    args: Any = {"cluster_name": "c", "namespace": "n", "service_account": account, "statements": statements}

    def program() -> None:
        WorkloadIdentity(f"mlops-{'d' * length}-{account}", args)

    if length > values.LONGEST_ENVIRONMENT:
        with pytest.raises(ArgumentError, match="name must be 1 to"):
            build(program)
    else:
        assert build(program).of_kind("Role")


def test_a_bucket_for_a_use_that_there_is_not_is_one_line(read: Any) -> None:
    with pytest.raises(configuration.SettingsError) as error:
        read(settings.FoundationSettings, {**FOUNDATION, "existing_buckets": {"mlflo": "acme-mlflow"}})

    assert "existing_buckets must have uses among data, mlflow, workflows as keys, got 'mlflo'" in str(error.value)
    given = {"mlflow": "acme-mlflow"}
    assert read(settings.FoundationSettings, {**FOUNDATION, "existing_buckets": given}).existing_buckets == given


def test_a_certificate_of_another_region_is_one_line() -> None:
    problem = values.certificate_problem(CERTIFICATE.format("us-east-1"), "eu-central-1")

    with pytest.raises(configuration.SettingsError) as error:
        configuration.refuse("certificate_arn", problem)
    assert (
        "setting pulumi-mlops:certificate_arn must be a certificate of eu-central-1, where the load balancer is; "
        f"request or import one there, got '{CERTIFICATE.format('us-east-1')}'"
    ) in str(error.value)


@pytest.mark.parametrize("arn", [CERTIFICATE.format("eu-central-1"), None, "no ARN, which the component says better"])
def test_any_other_certificate_is_left_to_its_component(arn: str | None) -> None:
    configuration.refuse("certificate_arn", values.certificate_problem(arn, "eu-central-1"))
