"""The node's storage classes and the program behind them: a claim gets a directory of the machine that all may write.

The controller-manager's own host-path provisioner makes directories that only root may write, in /tmp.
Limits: sizes are not enforced, and there are no block volumes, snapshots or selectors.
"""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from local.node.api import Api, ApiError, Manifest

PROVISIONER = "pulumi-mlops.dev/directory"
CLASSES = {"standard": True, "shared": False}
"""Name of each class, and whether it is the default. They differ in nothing else: one node can share any directory."""

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
WATCH_SECONDS = 300
RETRY_SECONDS = 1
READY_MARK = "following"
"""What the provisioner prints once it watches."""


USER = "pulumi-mlops:storage"
RULES: list[Manifest] = [
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["list", "watch", "create", "patch", "delete"]},
]
"""What the provisioner must be allowed to do."""


def storage_classes() -> list[Manifest]:
    """The classes, as the API server wants them."""
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": name,
                "annotations": {"storageclass.kubernetes.io/is-default-class": str(default).lower()},
            },
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
        }
        for name, default in CLASSES.items()
    ]


class Provisioner:
    """Makes a volume for each claim of the classes, and removes volume and directory when the claim is gone."""

    def __init__(self, api: Api, directory: Path) -> None:
        self._api = api
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)

    def run(self) -> None:
        """Follows claims and volumes until the process ends."""
        threading.Thread(target=self._follow, args=(VOLUMES, self.release), daemon=True).start()
        self._follow(CLAIMS, self.provide)

    def provide(self, claim: Manifest) -> None:
        """Makes or grows the volume of a claim, whichever it waits for."""
        self.provision(claim)
        self.grow(claim)

    def provision(self, claim: Manifest) -> None:
        """Makes the directory and the volume of a claim that waits for one; does nothing for any other claim."""
        volume = volume_for(claim, self._directory)
        if volume is None:
            return
        place = Path(volume["spec"]["hostPath"]["path"])
        place.mkdir(exist_ok=True)
        place.chmod(0o777)  # a host path has no fsGroup: containers run as whatever user their image says
        try:
            self._api.request("POST", VOLUMES, volume)
            _say(f"made {place} for {claim['metadata']['namespace']}/{claim['metadata']['name']}")
        except ApiError as error:
            if error.status != 409:  # 409: made before, the claim is just not bound yet
                raise

    def grow(self, claim: Manifest) -> None:
        """Says of the volume that it is as large as its claim asks for by now: a directory has no size."""
        metadata, spec = claim["metadata"], claim["spec"]
        asked = spec["resources"]["requests"]["storage"]
        has = claim.get("status", {}).get("capacity", {}).get("storage")
        ours = spec.get("storageClassName") in CLASSES
        if not (ours and spec.get("volumeName") and has) or asked == has or "deletionTimestamp" in metadata:
            return
        patch = "application/merge-patch+json"
        capacity = {"capacity": {"storage": asked}}
        status = f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}/status"
        try:
            self._api.request("PATCH", f"{VOLUMES}/{spec['volumeName']}", {"spec": capacity}, patch)
            self._api.request("PATCH", status, {"status": capacity}, patch)
            _say(f"grew {metadata['namespace']}/{metadata['name']} from {has} to {asked}")
        except ApiError as error:
            if error.status != 404:
                raise

    def release(self, volume: Manifest) -> None:
        """Removes a volume whose claim is gone, with its data; does nothing for any other volume."""
        metadata, spec = volume["metadata"], volume["spec"]
        ours = metadata.get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == PROVISIONER
        gone = volume.get("status", {}).get("phase") == "Released" and "deletionTimestamp" not in metadata
        if not (ours and gone and spec["persistentVolumeReclaimPolicy"] == "Delete"):
            return
        place = self._directory / metadata["name"]
        if place.exists():
            shutil.rmtree(place)
        try:
            self._api.request("DELETE", f"{VOLUMES}/{metadata['name']}")
            _say(f"removed {place}")
        except ApiError as error:
            if error.status != 404:
                raise

    def _follow(self, path: str, handle: Callable[[Manifest], None]) -> None:
        while True:
            try:
                listing = self._api.request("GET", path)
                for item in listing["items"]:
                    handle(item)
                _say(f"{READY_MARK} {path}")
                for event in self._api.watch(path, listing["metadata"]["resourceVersion"], WATCH_SECONDS):
                    if event["type"] == "ERROR":
                        break
                    if event["type"] != "DELETED":
                        handle(event["object"])
            except OSError as error:  # the API server restarts, a directory is busy: look at everything again
                _say(f"{path}: {error}")
                time.sleep(RETRY_SECONDS)


def volume_for(claim: Manifest, directory: Path) -> Manifest | None:
    """The volume that a claim of our classes waits for; None if it waits for none of ours."""
    metadata, spec = claim["metadata"], claim["spec"]
    waits = not spec.get("volumeName") and "deletionTimestamp" not in metadata
    plain = spec.get("volumeMode", "Filesystem") == "Filesystem" and "selector" not in spec
    if not (waits and plain and spec.get("storageClassName") in CLASSES):
        return None
    name = f"pvc-{metadata['uid']}"
    claim_reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    claim_reference |= {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec["storageClassName"],
            "hostPath": {"path": str(directory / name), "type": "Directory"},
            "claimRef": claim_reference,
        },
    }


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    Provisioner(Api(Path(sys.argv[1])), Path(sys.argv[2])).run()
