"""What a team's stack learns of its platform."""

import json

import pytest
from pulumi_mlops import ArgumentError, Workspace, conventions, platform_outputs

from tests import callers
from tests.conftest import unknown

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


def workspace(**args):
    return lambda: Workspace("churn", args)


def test_a_workspace_of_an_eks_platform_takes_everything_from_it(build):
    graph = build(workspace(), platforms={PLATFORM: {"teams": ON_AWS}})

    assert graph["churn-platform"].inputs["metadata"]["name"] == conventions.PLATFORM_CONFIG_MAP
    assert graph["churn-platform"].inputs["data"] == {
        "MLFLOW_TRACKING_URI": conventions.MLFLOW_URL,
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL_S3": "https://s3.eu-central-1.amazonaws.com",
    }
    repository = json.loads(graph["churn-artifact-repositories"].inputs["data"]["object-store"])["s3"]
    assert (repository["bucket"], repository["useSDKCreds"]) == ("mlops-dev-workflows-1a2b3c4", True)
    assert graph.outputs_of("churn")["data_bucket"] == "mlops-dev-data-1a2b3c4"
    assert "Secret" not in graph.kinds()


def test_a_workspace_of_an_eks_platform_has_a_role_for_its_own_directory(build):
    graph = build(workspace(), platforms={PLATFORM: {"teams": ON_AWS}})

    (role,) = callers.roles(graph).values()
    assert role.may("s3:GetObject", "arn:aws:s3:::mlops-dev-data-1a2b3c4/churn/customers.parquet")
    assert role.may("s3:PutObject", "arn:aws:s3:::mlops-dev-workflows-1a2b3c4/churn/run/main.log")
    assert not role.may_ever("s3:PutObject", "arn:aws:s3:::mlops-dev-data-1a2b3c4/churn/customers.parquet")
    assert not role.may_ever("s3:GetObject", "arn:aws:s3:::mlops-dev-data-1a2b3c4/fraud/customers.parquet")
    association = graph["churn-identity-association"]
    assert (association.inputs["clusterName"], association.inputs["serviceAccount"]) == ("mlops-dev", "pipeline")
    assert association.urn in graph["churn-service-account"].dependencies
    assert graph["churn-identity"].parent == graph["churn"].urn


@pytest.mark.parametrize(
    "args",
    [
        {"service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/churn"}},
        {"object_store_access": "EXISTING_SECRET"},
    ],
)
def test_an_explicit_way_to_the_object_store_is_taken_in_the_place_of_a_role(build, args):
    graph = build(workspace(**args), platforms={PLATFORM: {"teams": ON_AWS}})

    assert "WorkloadIdentity" not in graph.kinds()


def test_explicit_arguments_replace_what_the_platform_says(build):
    args = {"object_store_endpoint": "https://s3.example.org", "object_store_region": "x", "storage_class": "fast"}

    graph = build(workspace(**args, workflows_bucket="logs"), platforms={PLATFORM: {"teams": ON_AWS}})

    assert graph["churn-platform"].inputs["data"]["AWS_ENDPOINT_URL_S3"] == "https://s3.example.org"
    assert graph["churn-platform"].inputs["data"]["AWS_REGION"] == "x"
    assert graph["churn-models"].inputs["spec"]["storageClassName"] == "fast"
    repository = json.loads(graph["churn-artifact-repositories"].inputs["data"]["object-store"])["s3"]
    assert repository["bucket"] == "logs"


def test_a_name_that_is_too_long_for_its_role_is_one_sentence_about_the_workspace(build):
    name = "c" * 50

    with pytest.raises(ArgumentError, match=rf'^Workspace "{name}": WorkloadIdentity "{name}-identity": name must be'):
        build(lambda: Workspace(name, {}), platforms={PLATFORM: {"teams": ON_AWS}})


def test_a_namespace_that_is_not_known_yet_cannot_have_a_role_for_its_directory(build):
    with pytest.raises(ArgumentError, match=r"args\.namespace must be a plain string"):
        build(lambda: Workspace("churn", {"namespace": unknown("n")}), platforms={PLATFORM: {"teams": ON_AWS}})
