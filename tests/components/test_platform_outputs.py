"""What a team's stack learns of its platform."""

import pytest
from pulumi_mlops import ArgumentError, conventions, platform_outputs

PLATFORM = "organization/pulumi-mlops/platform-dev"
ON_AWS: platform_outputs.PlatformOutputs = {
    "region": "eu-central-1",
    "object_store_endpoint": "https://s3.eu-central-1.amazonaws.com",
    "buckets": {"data": "mlops-dev-data-1a2b3c4", "workflows": "mlops-dev-workflows-1a2b3c4"},
    "mlflow_url": conventions.MLFLOW_URL,
    "storage_class": "shared",
    "cluster_name": "mlops-dev",
}


def test_without_the_setting_the_platform_is_the_one_in_the_cluster(build):
    found = []

    build(lambda: found.append(platform_outputs.read("Workspace", "churn")))

    assert found == [platform_outputs.IN_CLUSTER]
    assert found[0]["object_store_endpoint"] == conventions.OBJECT_STORE_ENDPOINT
    assert "cluster_name" not in found[0]


def test_the_setting_names_the_stack_whose_output_is_read(build):
    found = []

    build(lambda: found.append(platform_outputs.read("Workspace", "churn")), platforms={PLATFORM: {"teams": ON_AWS}})

    assert found == [ON_AWS]


@pytest.mark.parametrize(
    ("stack", "outputs", "complaint"),
    [
        (
            "platform-dev",
            {},
            'Workspace "churn": the setting pulumi-mlops:platform names stack platform-dev, but must have the form '
            "<organization>/<project>/<stack>",
        ),
        (PLATFORM, {}, "whose output `teams` lacks buckets, mlflow_url, object_store_endpoint, region, storage_class"),
        (
            PLATFORM,
            {"teams": {key: value for key, value in ON_AWS.items() if key != "region"}},
            f"whose output `teams` lacks region: bring that platform up with this version of the library first, by "
            f"`pulumi up --stack {PLATFORM}`",
        ),
    ],
)
def test_a_stack_that_tells_nothing_is_one_sentence(build, stack, outputs, complaint):
    with pytest.raises(ArgumentError) as caught:
        build(lambda: platform_outputs.read("Workspace", "churn"), platforms={stack: outputs})

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
