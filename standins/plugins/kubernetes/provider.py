"""The Kubernetes provider's side of the plugin protocol: from requests to operations on objects or Helm releases."""

import importlib.metadata
import threading
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from standins.plugins.diff import diff_response
from standins.plugins.kubernetes import helm, manifests, objects, options
from standins.plugins.kubernetes.client import ApiError, Client, Unreachable, official
from standins.plugins.kubernetes.cluster import Cluster, Task
from standins.plugins.kubernetes.names import RELEASE, Kind, kind_of, with_name
from standins.plugins.kubernetes.waits import check_of, timeout
from standins.plugins.plugin import EngineLog, Provider, Refused, answers, configured, serve
from standins.plugins.values import Object, decode, encode, has_unknowns, reveal


class Kubernetes(Provider):
    """Stand-in for pulumi-resource-kubernetes."""

    name = "kubernetes"

    def __init__(self, log: EngineLog) -> None:
        super().__init__(log)
        self.version = importlib.metadata.version("pulumi-kubernetes")
        self.cluster = Cluster(options.Options(), None, "the provider is not configured", log, self.cancelled)

    def warm_up(self) -> None:
        """Begins to import the official client while the program starts."""
        threading.Thread(target=official, daemon=True).start()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Refuses options that would be ignored."""
        try:
            options.parse(reveal(decode(request.news)))
        except Refused as error:
            return wire.CheckResponse(inputs=request.news, failures=[wire.CheckFailure(reason=str(error))])
        return wire.CheckResponse(inputs=request.news)

    @answers
    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another cluster replaces the provider and everything in it; any other change updates it."""
        old, new = (reveal(decode(side)) for side in (request.old_inputs or request.olds, request.news))
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        if not changed:
            return wire.DiffResponse(changes=wire.DiffResponse.DIFF_NONE)
        replaces: list[str] = []
        if not has_unknowns(new):
            before, after = options.parse(old), options.parse(new)
            by_identifier = "clusterIdentifier" in before or "clusterIdentifier" in after
            if by_identifier and before.get("clusterIdentifier") != after.get("clusterIdentifier"):
                replaces = ["clusterIdentifier"]
            elif not by_identifier and options.cluster_of(before) != options.cluster_of(after):
                replaces = [key for key in changed if key in ("kubeconfig", "context")]
        return wire.DiffResponse(changes=wire.DiffResponse.DIFF_SOME, diffs=changed, replaces=replaces)

    @answers
    def Configure(self, request: Any, context: Any) -> Any:
        """Loads the kubeconfig and asks the API server whether it is there; a cluster that is not is no error yet."""
        parsed = options.configure(options.parse(reveal(decode(request.args))))
        client, problem = None, parsed.unreachable
        if parsed.kubeconfig is not None:
            try:
                client = Client(parsed.kubeconfig, parsed.context)
                client.version()
            except (Unreachable, ApiError) as error:
                client, problem = None, str(error)
            except Exception as error:  # noqa: BLE001, RUF100 - whatever a kubeconfig's credentials plugin raises
                client, problem = None, f"the kubeconfig cannot be used ({type(error).__name__}: {error})"
        self.cluster = Cluster(parsed, client, problem, self.log, self.cancelled)
        return configured()

    @answers
    def Check(self, request: Any, context: Any) -> Any:
        """Fills in name and namespace, and refuses what is not implemented."""
        inputs, old = decode(request.news), decode(request.olds)
        try:
            if request.type == RELEASE:
                checked = helm.check(self.cluster, inputs, old, request)
            else:
                checked = self._checked(request, inputs, reveal(old))
        except Refused as error:
            return wire.CheckResponse(inputs=request.news, failures=[wire.CheckFailure(reason=str(error))])
        return wire.CheckResponse(inputs=encode(checked))

    def _checked(self, request: Any, inputs: Object, old: Object) -> Object:
        original, shown = inputs, reveal(inputs)
        kind = kind_of(request.type, shown)
        manifests.check_annotations(shown)
        check_of(kind, shown)
        timeout(shown, 0, 0)
        if isinstance(shown.get("metadata"), dict):
            inputs = {**inputs, "metadata": shown["metadata"]}  # its secrets are marked again below
        rules = request.autonaming if request.HasField("autonaming") else None
        named = with_name(inputs, old, request.name, request.randomSeed, rules)
        return manifests.with_secrets(manifests.with_namespace(named, self.cluster.namespace_for(kind)), original)

    @answers
    def Diff(self, request: Any, context: Any) -> Any:
        """Compares the inputs of the last run with the new ones, property by property."""
        state, new = decode(request.olds), decode(request.news)
        old = decode(request.old_inputs) if request.HasField("old_inputs") else reveal(state.get("__inputs") or {})
        if request.type == RELEASE:
            return diff_response(*helm.difference(reveal(old), reveal(new), list(request.ignoreChanges)))
        kind = kind_of(request.type, reveal(new))
        return diff_response(*objects.difference(self.cluster, kind, old, new, request.ignoreChanges))

    def _task(self, request: Any) -> Task:
        """The request's place in the cluster."""
        return Task(
            cluster=self.cluster,
            urn=request.urn,
            place=getattr(request, "id", ""),
            timeout=request.timeout,
            preview=getattr(request, "preview", False),
        )

    @answers
    def Create(self, request: Any, context: Any) -> Any:
        """Makes the object or release."""
        inputs, task = decode(request.properties), self._task(request)
        if request.type == RELEASE:
            place, state = helm.create(task, inputs)
        else:
            place, state = objects.create(task, kind_of(request.type, reveal(inputs)), inputs)
        return wire.CreateResponse(id=place, properties=encode(state))

    @answers
    def Read(self, request: Any, context: Any) -> Any:
        """The live object or release; an empty answer when it has gone."""
        state, inputs, task = decode(request.properties), decode(request.inputs), self._task(request)
        if request.type == RELEASE:
            found = helm.read(task, inputs)
        else:
            found = objects.read(task, _kind_of_state(request.type, state, inputs), reveal(state), inputs)
        if found is None:
            return wire.ReadResponse()
        return wire.ReadResponse(id=request.id, properties=encode(found[0]), inputs=encode(found[1]))

    @answers
    def Update(self, request: Any, context: Any) -> Any:
        """Changes the object or release in place."""
        state, inputs, task = decode(request.olds), decode(request.news), self._task(request)
        if request.type == RELEASE:
            return wire.UpdateResponse(properties=encode(helm.update(task, inputs)))
        kind = kind_of(request.type, reveal(inputs))
        updated = objects.update(task, kind, reveal(state), inputs, request.ignoreChanges)
        return wire.UpdateResponse(properties=encode(updated))

    @answers
    def Delete(self, request: Any, context: Any) -> Any:
        """Deletes the object or release, and waits until it is gone."""
        state, task = decode(request.properties), self._task(request)
        if request.type == RELEASE:
            helm.delete(task, reveal(state))
        else:
            objects.delete(task, _kind_of_state(request.type, state, {}), reveal(state))
        return empty_pb2.Empty()


def _kind_of_state(token: str, state: Object, inputs: Object) -> Kind:
    """The kind of an object in the state, which may be under an older apiVersion than the program's."""
    for manifest in (inputs, state):
        if manifest.get("apiVersion") and manifest.get("kind"):
            return kind_of(token, reveal(manifest))
    return kind_of(token, {})


def main() -> None:
    """Runs the plugin."""
    serve(Kubernetes)
