"""Charts in the place of upstream's, which cannot be fetched everywhere: one Deployment, and the definitions of kinds.

They have the names and versions that the library pins. What upstream's charts make of the values is not theirs to show:
the contract tests check the values against upstream's own keys.
"""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pulumi_mlops import versions
from pulumi_mlops.platform import (
    argo_cd,
    argo_events,
    argo_workflows,
    cert_manager,
    crossplane,
    external_dns,
    external_secrets,
    istio,
    karpenter,
    kserve,
    load_balancer_controller,
    monitoring,
    public_gateway,
    seldon,
)
from pulumi_mlops.platform._charts import Chart

SCHEMAS = Path(__file__).parent.parent / "contract" / "schemas"
CHARTS = (
    argo_cd.CHART,
    argo_events.CHART,
    argo_workflows.RELEASES[argo_workflows.ArgoWorkflowsLine.V4_0][0],
    cert_manager.CHART,
    crossplane.CHART,
    external_dns.CHART,
    external_secrets.CHART,
    istio.BASE,
    istio.ISTIOD,
    karpenter.DEFINITIONS,
    karpenter.CHART,
    kserve.DEFINITIONS,
    kserve.CONTROLLER,
    kserve.RUNTIMES_CHART,
    load_balancer_controller.CHART,
    monitoring.CHART,
    public_gateway.CHART,
    seldon.CHART,
)
SECRETS, EVENTS = f"external-secrets-{versions.EXTERNAL_SECRETS}", "argo-events-1.9.11"
NODES = f"karpenter-{versions.KARPENTER}"
CROSSPLANE, AWS = f"crossplane-{versions.CROSSPLANE}", f"crossplane-provider-aws-{versions.CROSSPLANE_AWS}"
KINDS = {
    external_secrets.CHART.name: [
        (SECRETS, "ClusterSecretStore", "external-secrets.io/v1", "Cluster"),
        (SECRETS, "ExternalSecret", "external-secrets.io/v1", "Namespaced"),
    ],
    argo_events.CHART.name: [(EVENTS, "EventBus", "argoproj.io/v1alpha1", "Namespaced")],
    karpenter.DEFINITIONS.name: [
        (NODES, "EC2NodeClass", "karpenter.k8s.aws/v1", "Cluster"),
        (NODES, "NodePool", "karpenter.sh/v1", "Cluster"),
    ],
    crossplane.CHART.name: [
        (CROSSPLANE, "Provider", "pkg.crossplane.io/v1", "Cluster"),
        (CROSSPLANE, "Function", "pkg.crossplane.io/v1", "Cluster"),
        (CROSSPLANE, "DeploymentRuntimeConfig", "pkg.crossplane.io/v1beta1", "Cluster"),
        (CROSSPLANE, "ManagedResourceActivationPolicy", "apiextensions.crossplane.io/v1alpha1", "Cluster"),
        (AWS, "ClusterProviderConfig", "aws.m.upbound.io/v1beta1", "Cluster"),  # really the family package's
    ],
}
"""Chart → file of the schema, kind, API version and scope of the kinds that it brings."""

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}, istio: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}, istio: {{ .Release.Name }}}
      annotations: {values: {{ toJson .Values | sha256sum }}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: main
          image: {{ .Chart.Name }}:{{ .Chart.Version }}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def write(directory: Path) -> Path:
    """Writes every chart into the directory, which is then a `chart_repository`, and returns it."""
    for chart in CHARTS:
        _write(directory / chart.name, chart, KINDS.get(chart.name, []))
    return directory


def _write(place: Path, chart: Chart, kinds: Iterable[tuple[str, str, str, str]]) -> None:
    (place / "templates").mkdir(parents=True)
    (place / "Chart.yaml").write_text(
        yaml.safe_dump({"apiVersion": "v2", "name": chart.name, "version": chart.version.removeprefix("v")})
    )
    (place / "templates" / "workload.yaml").write_text(WORKLOAD)
    # Not as templates themselves: a schema's texts may hold what Helm would take for its own.
    (place / "definitions.yaml").write_text(yaml.safe_dump_all([_definition(*kind) for kind in kinds]))
    (place / "templates" / "definitions.yaml").write_text('{{ .Files.Get "definitions.yaml" }}\n')


def _definition(file: str, kind: str, api_version: str, scope: str) -> dict[str, Any]:
    group, _, version = api_version.partition("/")
    schema = json.loads(gzip.decompress((SCHEMAS / f"{file}.json.gz").read_bytes()))[kind]
    plural = _plural(kind.lower())
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }


def _plural(word: str) -> str:
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"
