"""Argo CD's part of a delivery: a project that says what may be deployed where, and one Application an environment."""

import pulumi

from pulumi_mlops._manifests import Manifest
from pulumi_mlops.contract.containers import MODEL_VERSION_ANNOTATION
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs, EnvironmentArgs

API_VERSION = "argoproj.io/v1alpha1"
THIS_CLUSTER = "https://kubernetes.default.svc"
MODEL_VERSION = f"/spec/template/metadata/annotations/{MODEL_VERSION_ANNOTATION.replace('~', '~0').replace('/', '~1')}"
"""The one field that a training pipeline owns, as a JSON pointer."""
TRIES = 5
"""How often Argo CD tries to apply a commit, in about five minutes."""


def project(name: str, args: DeliveryPipelineArgs) -> Manifest:
    """Spec of the AppProject: this repository into these two namespaces, and nothing that belongs to the cluster."""
    return {
        "description": f"What the DeliveryPipeline {name} may deploy.",
        "sourceRepos": [args["repository"]["url"]],
        "destinations": [
            {"server": THIS_CLUSTER, "namespace": environment["namespace"]}
            for environment in (args["staging"], args["production"])
        ],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": pulumi.Output.all(*args["allowed_kinds"]).apply(
            lambda kinds: [_group_and_kind(kind) for kind in kinds]
        ),
    }


def application(environment: EnvironmentArgs, owner: pulumi.Input[str], args: DeliveryPipelineArgs) -> Manifest:
    """Spec of an Application; `owner` is the name of the project.

    A commit is all that changes an environment: what somebody edits in the cluster is put back, and what a commit
    removes is deleted.
    """
    return {
        "project": owner,
        "source": {
            "repoURL": args["repository"]["url"],
            "targetRevision": args["repository"]["branch"],
            "path": environment["overlay"],
        },
        "destination": {"server": THIS_CLUSTER, "namespace": environment["namespace"]},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            # Otherwise a sync would write the field that is only left out of the comparison.
            "syncOptions": ["RespectIgnoreDifferences=true", "CreateNamespace=false"],
            "retry": {"limit": TRIES, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "2m"}},
        },
        "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": [MODEL_VERSION]}],
    }


def _group_and_kind(text: str) -> dict[str, str]:
    group, _, kind = text.rpartition("/")
    return {"group": group, "kind": kind}
