"""Secrets of the cluster that pods of the stack read, and that nobody in the stack writes.

Reads them for their keys alone: no value is kept or shown.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

from pulumi_mlops.cli.cluster import Cluster, Refused, Unanswered
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.json_data import items, mapping
from pulumi_mlops.review.pods import Pod
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import at, is_hidden

CHECK = "Secrets of the cluster"
PROVIDER = "pulumi:providers:kubernetes"
CLUSTER = "aws:eks/cluster:Cluster"
NOT_FOUND = 404
Names = dict[tuple[str, str], set[str]]
"""(Namespace, name) → keys that are read."""


def kubernetes_secrets(planned: Planned, account: Account) -> Iterator[Result]:
    """Each Secret is there, with the keys that pods read."""
    wanted = _read(planned)
    for secret in _written(planned):
        wanted.pop(secret, None)
    if not wanted:
        return
    try:
        cluster = _cluster(planned, account)
        for (namespace, name), keys in sorted(wanted.items()):
            yield _secret(cluster, namespace, name, keys)
    except (NotChecked, Unanswered, CommandError) as problem:
        names = ", ".join(f"{namespace}/{name}" for namespace, name in sorted(wanted))
        namespace, name = min(wanted)
        yield not_checked(CHECK, f"{names}: {problem}", f"kubectl --namespace {namespace} describe secret {name}")


def _secret(cluster: Cluster, namespace: str, name: str, keys: set[str]) -> Result:
    why = "pods wait in CreateContainerConfigError or ContainerCreating, and what waits for them fails"
    options = " ".join(f"--from-file={key}=FILE" for key in sorted(keys)) or "--from-file=FILE"
    create = f"kubectl --namespace {namespace} create secret generic {name} {options}"
    try:
        found = mapping(cluster.get(f"/api/v1/namespaces/{namespace}/secrets/{name}"))
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        return finding(CHECK, f"{namespace} has no Secret {name}", why, create)
    if missing := sorted(keys - mapping(found.get("data")).keys()):
        fix = f"{create} --dry-run=client --output=yaml | kubectl apply --filename -, with the keys that it has"
        return finding(CHECK, f"the Secret {namespace}/{name} lacks {', '.join(missing)}", why, fix)
    return ok(CHECK, f"{namespace}/{name} has {', '.join(sorted(keys))}" if keys else f"{namespace}/{name} exists")


def _read(planned: Planned) -> Names:
    found: Names = defaultdict(set)
    for one in planned.resources:
        namespace = at(one.inputs, "metadata.namespace")
        if not isinstance(namespace, str) or is_hidden(namespace):
            continue
        for pod in one.pods:
            for name, key in _references(pod):
                if isinstance(name, str) and not is_hidden(name):
                    found[namespace, name] |= {key} if isinstance(key, str) else set()
    return found


def _references(pod: Pod) -> Iterator[tuple[object, object]]:
    """(name, key) of each Secret that the pod cannot start without; the key is None where any will do."""
    for container in pod.containers:
        for one in items(container.spec.get("env")):
            reference = mapping(at(mapping(one), "valueFrom.secretKeyRef"))
            if reference and reference.get("optional") is not True:
                yield reference.get("name"), reference.get("key")
        for one in items(container.spec.get("envFrom")):
            reference = mapping(mapping(one).get("secretRef"))
            if reference and reference.get("optional") is not True:
                yield reference.get("name"), None
    for volume in items(pod.spec.get("volumes")):
        source = mapping(mapping(volume).get("secret"))
        if not source or source.get("optional") is True:
            continue
        wanted = items(source.get("items"))
        yield source.get("secretName"), None
        for one in wanted:
            yield source.get("secretName"), mapping(one).get("key")


def _written(planned: Planned) -> Iterator[tuple[str, str]]:
    """(namespace, name) of each Secret that the stack makes, or has a controller make."""
    for one in planned.resources:
        namespace = str(at(one.inputs, "metadata.namespace"))
        for name in _made_by(one):
            if isinstance(name, str):
                yield namespace, name


def _made_by(resource: Resource) -> Iterator[object]:
    own = at(resource.inputs, "metadata.name")
    if resource.kind == "Secret":
        yield own
    elif resource.kind == "ExternalSecret":
        yield at(resource.inputs, "spec.target.name") or own
    elif resource.kind == "Certificate":
        yield at(resource.inputs, "spec.secretName")
    yield at(resource.inputs, "spec.writeConnectionSecretToRef.name")


def _cluster(planned: Planned, account: Account) -> Cluster:
    """The one cluster of the stack."""
    if planned.new(CLUSTER):
        raise NotChecked("the cluster does not exist yet")
    providers = [step.state.inputs for step in planned.preview.steps if step.type == PROVIDER]
    if not providers:
        return Cluster(None, None)
    if len(providers) > 1:
        raise NotChecked(
            f"the stack has {len(providers)} Kubernetes providers, and the preview does not say whose they are"
        )
    (options,) = providers
    kubeconfig, context = options.get("kubeconfig"), options.get("context")
    if isinstance(kubeconfig, str) and not is_hidden(kubeconfig):
        return Cluster(kubeconfig, context if isinstance(context, str) else None)
    if kubeconfig is None:
        return Cluster(None, context if isinstance(context, str) else None)
    arn = options.get("clusterIdentifier")
    if isinstance(arn, str) and ":cluster/" in arn:
        return Cluster(json.dumps(_kubeconfig(account, arn.rpartition("/")[2])), None)
    raise NotChecked("the provider's kubeconfig is a secret, which a preview does not show")


def _kubeconfig(account: Account, name: str) -> Mapping[str, object]:
    """As `aws eks update-kubeconfig` writes it."""
    found = account.ask("eks", "DescribeCluster", name=name)["cluster"]
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", account.region, "--output", "json"],
    }
    server = {"server": found["endpoint"], "certificate-authority-data": found["certificateAuthority"]["data"]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": server}],
        "users": [{"name": name, "user": {"exec": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
