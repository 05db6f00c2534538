"""S3-compatible storage inside the cluster, for clusters that have no cloud's own.

Creates one SeaweedFS server with its volume, buckets, users and Service. Does not own: the namespace, copies of the
credentials in other namespaces, backups. Highly available storage is the cloud's object store, not this.
"""

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops import conventions
from pulumi_mlops._args import check_args, inputs, renamed
from pulumi_mlops._manifests import Manifest, after, name_of
from pulumi_mlops._rules import named_by, object_name
from pulumi_mlops._volumes import volume_claim
from pulumi_mlops.platform import _parts
from pulumi_mlops.platform.object_store import _seaweedfs
from pulumi_mlops.platform.object_store._args import ARGUMENTS, ObjectStoreArgs, problems


class ObjectStore(pulumi.ComponentResource):
    """One SeaweedFS server that speaks S3, its buckets and its users.

    ```python
    from pulumi_mlops.platform import ObjectStore

    users = {"loader": {"write": ["data"]}, "trainer": {"read": ["data"]}}
    store = ObjectStore("object-store", {"namespace": "object-store", "buckets": ["data"], "users": users})
    pulumi.export("endpoint", store.endpoint)
    ```
    """

    endpoint: pulumi.Output[str]
    """URL of the S3 API inside the cluster."""
    region: pulumi.Output[str]
    """Region that clients sign their requests for."""
    credentials: pulumi.Output[dict[str, dict[str, str]]]
    """Secret: user name → `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`."""
    credentials_secrets: pulumi.Output[dict[str, str]]
    """User name → name of the Secret with the same two keys, in the store's namespace."""

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args = renamed(f'ObjectStore "{name}"', args)
        checked = check_args(
            ObjectStore,
            name,
            args,
            ObjectStoreArgs,
            ARGUMENTS,
            problems=problems,
            name_rule=named_by(args, object_name(40)),
        )
        super().__init__("pulumi-mlops:index:ObjectStore", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._called = checked["object_name"] or name
        self._pods = conventions.selector("object-store", self._called)

        self.credentials = self._create_keys()
        self.credentials_secrets = self._create_credentials_secrets()
        server = self._create_server(
            volume=volume_claim(
                f"{name}-data",
                self._metadata(f"{self._called}-data"),
                self,
                storage_gib=checked["storage_gib"],
                storage_class=checked["storage_class"],
                protect=checked["protect_data"],
            )
        )
        self.endpoint = pulumi.Output.format(
            "http://{0}:{1}", self._create_service(server), conventions.OBJECT_STORE_PORT
        )
        self.region = pulumi.Output.from_input(conventions.OBJECT_STORE_REGION)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "region": self.region,
                "credentials": self.credentials,
                "credentials_secrets": self.credentials_secrets,
            }
        )

    def _create_keys(self) -> pulumi.Output[dict[str, dict[str, str]]]:
        keys = {
            user: random.RandomPassword(f"{self._name}-{user}-key", length=40, special=False, opts=self._child).result
            for user in self._args["users"]
        }
        return pulumi.Output.secret(pulumi.Output.all(**keys)).apply(
            lambda known: {
                user: {conventions.ACCESS_KEY_ID_KEY: user, conventions.SECRET_ACCESS_KEY_KEY: key}
                for user, key in known.items()
            }
        )

    def _create_credentials_secrets(self) -> pulumi.Output[dict[str, str]]:
        secrets: dict[str, pulumi.Output[str]] = {}
        for user, rights in self._args["users"].items():
            secret_name = rights["secret_name"] or f"{self._called}-credentials-{user}"
            secret = k8s.core.v1.Secret(
                f"{self._name}-credentials-{user}",
                metadata=self._metadata(secret_name),
                string_data=self.credentials[user],
                opts=self._child,
            )
            secrets[user] = name_of(secret)
        return pulumi.Output.all(**secrets)

    def _create_server(self, volume: pulumi.Output[str]) -> k8s.apps.v1.StatefulSet:
        identities = self.credentials.apply(lambda known: _seaweedfs.identities_file(self._args["users"], known))
        secret = k8s.core.v1.Secret(
            f"{self._name}-identities",
            metadata=self._metadata(f"{self._called}-identities"),
            string_data={"identities.json": identities},
            opts=self._child,
        )
        return k8s.apps.v1.StatefulSet(
            f"{self._name}-server",
            metadata=self._metadata(),
            spec=_seaweedfs.stateful_set(self._called, self._args, volume, name_of(secret), identities),
            opts=self._child,
        )

    def _create_service(self, server: k8s.apps.v1.StatefulSet) -> pulumi.Output[str]:
        k8s.networking.v1.NetworkPolicy(
            f"{self._name}-ingress",
            metadata=self._metadata(),
            spec=_parts.ingress_to(self._pods, conventions.OBJECT_STORE_PORT),
            opts=self._child,
        )
        service = k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=self._metadata(),
            spec={"selector": self._pods, "ports": [{"name": "s3", "port": conventions.OBJECT_STORE_PORT}]},
            opts=after(server, self),
        )
        return pulumi.Output.all(name_of(service), self._args["namespace"]).apply(
            lambda known: conventions.service_host(*known)
        )

    def _metadata(self, name: str | None = None) -> Manifest:
        return {
            "name": name or self._called,
            "namespace": self._args["namespace"],
            "labels": conventions.labels("object-store", self._called),
        }
