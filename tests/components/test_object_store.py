import json
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, conventions
from pulumi_mlops.platform import ObjectStore
from pulumi_mlops.platform.object_store import _seaweedfs

from tests.conftest import Build, Secret, unknown

ARGS: dict[str, Any] = {
    "namespace": "object-store",
    "buckets": ["data", "mlflow"],
    "users": {"loader": {"write": ["data"]}, "reader": {"read": ["data"], "secret_name": "keys-of-reader"}},
}


def program(name: str = "store", **changes: Any) -> ObjectStore:
    return ObjectStore(name, {**ARGS, **changes})


def test_makes_one_server_with_its_volume_users_and_service(build: Build) -> None:
    graph = build(program)

    assert sorted(one.kind for one in graph) == [
        "NetworkPolicy", "ObjectStore", "PersistentVolumeClaim", "RandomPassword", "RandomPassword",
        "Secret", "Secret", "Secret", "Service", "StatefulSet",
    ]  # fmt: skip
    assert all("ObjectStore" in one.parent for one in graph if one.name != "store")
    assert all(one.name.startswith("store-") for one in graph if one.name != "store")


def test_the_outputs_are_what_an_s3_client_needs(build: Build) -> None:
    outputs = build(program).outputs_of("store")

    assert outputs["endpoint"] == "http://store.object-store.svc.cluster.local:8333"
    assert outputs["region"] == conventions.OBJECT_STORE_REGION
    assert outputs["credentials_secrets"] == {"loader": "store-credentials-loader", "reader": "keys-of-reader"}
    assert isinstance(outputs["credentials"], Secret)


def test_the_defaults_are_those_that_every_workspace_expects(build: Build) -> None:
    outputs = build(lambda: program(conventions.OBJECT_STORE_SERVICE)).outputs_of("object-store")

    assert outputs["endpoint"] == conventions.OBJECT_STORE_ENDPOINT


def test_keys_stay_secret_and_off_the_command_line(build: Build) -> None:
    graph = build(program)

    for name in ("store-credentials-loader", "store-credentials-reader", "store-identities"):
        assert all(isinstance(value, Secret) for value in _leaves(graph[name].inputs["stringData"]))
    assert not any("key" in word.lower() for word in _container(graph)["args"])


def test_only_the_s3_port_listens_beyond_loopback() -> None:
    flags = _seaweedfs.server_flags(10)

    assert "-ip.bind=127.0.0.1" in flags
    assert [flag for flag in flags if "0.0.0.0" in flag] == ["-s3.ip.bind=0.0.0.0"]


def test_nobody_is_told_about_the_installation() -> None:
    assert "-master.telemetry=false" in _seaweedfs.server_flags(10)


def test_users_get_the_rights_that_were_asked_for_and_no_more() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "u", "AWS_SECRET_ACCESS_KEY": "s"}

    file = json.loads(_seaweedfs.identities_file({"u": {"read": ["a", "b"], "write": ["b"]}}, {"u": keys}))

    (identity,) = file["identities"]
    assert identity["credentials"] == [{"accessKey": "u", "secretKey": "s"}]
    assert identity["actions"] == ["Read:a", "List:a", "Read:b", "List:b", "Write:b", "Tagging:b"]


@pytest.mark.parametrize(("storage_gib", "mib"), [(1, 64), (10, 102), (50, 512), (5000, 1024)])
def test_a_hundred_volumes_fit_on_the_disk(storage_gib: int, mib: int) -> None:
    assert _seaweedfs.volume_size_mib(storage_gib) == mib


def test_the_volume_is_protected_unless_told_otherwise(build: Build) -> None:
    assert build(program)["store-data"].protect
    assert not build(lambda: program(protect_data=False))["store-data"].protect


def test_other_users_mean_another_pod(build: Build) -> None:
    def digest(**changes: Any) -> Any:
        spec = build(lambda: program(**changes))["store-server"].inputs["spec"]
        return spec["template"]["metadata"]["annotations"]["pulumi-mlops.dev/identities"]

    assert digest() == digest()
    assert digest() != digest(users={"loader": {"read": ["data"]}})


def test_the_image_comes_from_the_mirror(build: Build) -> None:
    graph = build(lambda: program(image_mirror="mirror.example.org"))

    assert _container(graph)["image"].startswith("mirror.example.org/chrislusf/seaweedfs:")
    assert _container(build(program))["image"].startswith("docker.io/chrislusf/seaweedfs:")


def test_the_pod_obeys_the_restricted_security_standard(build: Build) -> None:
    pod = build(program)["store-server"].inputs["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert pod["containers"][0]["resources"]["limits"]["memory"]


@pytest.mark.parametrize(("memory", "limit"), [("384Mi", 288 * 1024**2), ("1Gi", 768 * 1024**2), ("1G", 750_000_000)])
def test_go_collects_garbage_before_the_pod_is_full(build: Build, memory: str, limit: int) -> None:
    server = build(lambda: program(memory=memory))["store-server"].inputs
    (container,) = server["spec"]["template"]["spec"]["containers"]

    assert container["env"] == [{"name": "GOGC", "value": "50"}, {"name": "GOMEMLIMIT", "value": str(limit)}]


def test_two_stores_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (program("one"), program("two", namespace="elsewhere")))

    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_a_namespace_that_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("namespace"), image_mirror=unknown("registry")), preview=True)

    assert {"StatefulSet", "Service", "PersistentVolumeClaim"} <= graph.kinds()


def test_the_server_waits_for_its_volume_and_users(build: Build) -> None:
    graph = build(program)

    assert {graph["store-data"].urn, graph["store-identities"].urn} <= graph["store-server"].dependencies


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"buckets": ["No_Bucket"]}, "args.buckets[0] must be a bucket name"),
        ({"users": {}}, "args.users must not be empty"),
        ({"users": {"u": {"write": ["other"]}}}, 'args.users.u.write must name one of args.buckets, got "other"'),
        ({"users": {"U ser": {}}}, 'args.users has the user name "U ser", which must be a DNS label'),
        ({"storage_gib": 0}, "args.storage_gib must be at least 1 GiB, got 0"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"storage_gb": 5}, 'did you mean "storage_gib"?'),
        ({"namespace": None}, "args.namespace is required"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match="ObjectStore") as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)
    assert isinstance(error.value, pulumi.RunError)


def _container(graph: Any) -> dict[str, Any]:
    return graph["store-server"].inputs["spec"]["template"]["spec"]["containers"][0]


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    return [value]
