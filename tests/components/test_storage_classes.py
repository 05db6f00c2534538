from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions
from pulumi_mlops.platform import EfsStorageClass, NfsStorageClass
from syrupy.assertion import SnapshotAssertion

from tests.conftest import UNKNOWN, Build, unknown

PARAMETERS = {
    "provisioningMode": "efs-ap",
    "fileSystemId": "fs-0123456789abcdef0",
    "directoryPerms": "0700",
    "uid": "10001",
    "gid": "10001",
}
NFS: Any = {"server": "files.example.org", "share": "/exports"}
BOTH = [(EfsStorageClass, {"parameters": PARAMETERS}), (NfsStorageClass, NFS)]


@pytest.mark.parametrize(("component", "args"), BOTH)
def test_the_class_is_as_reviewed(build: Build, component: Any, args: Any, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: component("files", args)).contract() == snapshot
    full = {**args, "class_name": "models", "keep_volumes": False}
    assert build(lambda: component("files", full)).contract() == snapshot


@pytest.mark.parametrize(("component", "args"), BOTH)
def test_the_class_has_the_name_that_workspaces_ask_for(build: Build, component: Any, args: Any) -> None:
    graph = build(lambda: component("files", args))
    assert graph["files-storage-class"].inputs["metadata"]["name"] == conventions.SHARED_STORAGE_CLASS
    assert graph.outputs_of("files") == {"name": conventions.SHARED_STORAGE_CLASS}


@pytest.mark.parametrize(("component", "args"), BOTH)
def test_volumes_outlive_their_claims_unless_told_otherwise(build: Build, component: Any, args: Any) -> None:
    kept = build(lambda: component("files", args))["files-storage-class"].inputs
    dropped = build(lambda: component("files", {**args, "keep_volumes": False}))["files-storage-class"].inputs
    assert (kept["reclaimPolicy"], dropped["reclaimPolicy"]) == ("Retain", "Delete")
    assert (kept["parameters"].get("onDelete"), dropped["parameters"].get("onDelete")) in [
        (None, None),
        ("retain", "delete"),
    ]


def test_the_directory_of_a_kept_nfs_volume_is_kept(build: Build) -> None:
    parameters = build(lambda: NfsStorageClass("files", NFS))["files-storage-class"].inputs["parameters"]
    assert parameters == {"server": "files.example.org", "share": "/exports", "onDelete": "retain"}


def test_parameters_that_are_not_known_yet_are_no_obstacle(build: Build) -> None:
    def program() -> None:
        late = unknown("files").apply(lambda known: {**PARAMETERS, "fileSystemId": known})
        EfsStorageClass("files", {"parameters": late})

    assert build(program, preview=True)["files-storage-class"].inputs["parameters"] == UNKNOWN


@pytest.mark.parametrize(
    ("component", "args", "complaint"),
    [
        (EfsStorageClass, {}, "args.parameters is required"),
        (EfsStorageClass, {"parameters": {**PARAMETERS, "provisioningMode": "efs-dir"}}, 'must be "efs-ap"'),
        (EfsStorageClass, {"parameters": {**PARAMETERS, "fileSystemId": "birds"}}, "must be the id of a file system"),
        (EfsStorageClass, {"parameters": {"provisioningMode": "efs-ap"}}, "args.parameters.uid is required"),
        (EfsStorageClass, {"parameters": PARAMETERS, "class_name": "A B"}, "args.class_name must be the name of"),
        (NfsStorageClass, {**NFS, "server": "a b"}, "args.server must be a host or an address"),
        (NfsStorageClass, {**NFS, "share": "exports"}, "args.share must be an absolute path"),
        (NfsStorageClass, {"server": "files"}, "args.share is required"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, component: Any, args: Any, complaint: str) -> None:
    with pytest.raises(ArgumentError, match=f'{component.__name__} "files": ') as error:
        build(lambda: component("files", args))
    assert complaint in str(error.value)
