"""The connection that all operations of one provider share, and one operation's place in it."""

import threading
from dataclasses import dataclass

from standins.plugins.kubernetes.client import ApiError, Client, NotServed, Unreachable
from standins.plugins.kubernetes.names import Kind
from standins.plugins.kubernetes.options import Options
from standins.plugins.plugin import EngineLog, Refused
from standins.plugins.values import Object, has_unknowns


@dataclass(frozen=True)
class Cluster:
    """Options and client; no client where there is no cluster, and then the reason."""

    options: Options
    client: Client | None
    unreachable: str
    log: EngineLog
    cancelled: threading.Event

    def connected(self) -> Client:
        """The client.

        Raises:
            Refused: there is no cluster to talk to.
        """
        if self.client is None:
            raise Refused(
                f"the Kubernetes cluster is unreachable: {self.unreachable}; start it, or point the provider's "
                "kubeconfig to one that runs"
            )
        return self.client

    def namespace_for(self, kind: Kind) -> str | None:
        """The default namespace of a kind; None for one outside namespaces. One not served yet counts as namespaced."""
        if kind.is_cluster_scoped_by_name:
            return None
        if self.client is not None:
            try:
                return self.options.namespace if self.client.resource(kind).get("namespaced") else None
            except (NotServed, ApiError, Unreachable):
                pass
        return self.options.namespace

    def can_preview(self, kind: Kind, inputs: Object) -> bool:
        """Whether the API server can say what it would make of these inputs."""
        try:
            return self.client is not None and not has_unknowns(inputs) and self.client.serves(kind)
        except (ApiError, Unreachable):
            return False


@dataclass(frozen=True)
class Task:
    """One operation on one resource."""

    cluster: Cluster
    urn: str
    place: str = ""
    """The resource's id; empty before it exists."""
    timeout: float = 0.0
    """Seconds that the program's customTimeouts give; 0 where it gives none."""
    preview: bool = False

    def say(self, message: str) -> None:
        """Shows what is being waited for, beside the resource."""
        self.cluster.log.status(self.urn, message)
