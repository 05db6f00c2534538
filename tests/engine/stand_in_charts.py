"""Charts in the place of upstream's, which cannot be fetched everywhere: one Deployment, and the definitions of kinds.

They have the names and versions that the library pins. What upstream's charts make of the values is not theirs to show:
the contract tests check the values against upstream's own keys.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml
from pulumi_mlops.platform import ADD_ONS
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_ons import argo_events, argo_workflows, crossplane, external_secrets, karpenter

from tests.contract import definitions

ARGO_WORKFLOWS = argo_workflows.RELEASES[argo_workflows.ArgoWorkflowsLine.V4_0][0]
"""That of the platform on EKS, whose line is not the default one."""


def charts(*add_ons: str) -> tuple[Chart, ...]:
    """Charts of these add-ons, by default of all."""
    every = [one.chart for name in add_ons or ADD_ONS for one in ADD_ONS[name].releases]
    return tuple(ARGO_WORKFLOWS if chart.name == ARGO_WORKFLOWS.name else chart for chart in every)


DEFINITIONS = {
    # The newest stored ones before those of the chart's own version.
    ARGO_WORKFLOWS.name: ["argo-workflows-before-eks"],
    external_secrets.CHART.name: ["external-secrets"],
    argo_events.CHART.name: ["argo-events"],
    karpenter.DEFINITIONS.name: ["karpenter"],
    crossplane.CHART.name: ["crossplane", "crossplane-provider-aws"],  # the latter are really the family package's
}
"""Chart → projects whose definitions it brings, as far as the platform's stacks make objects of their kinds."""

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
    for chart in charts():
        _write(directory / chart.name, chart, DEFINITIONS.get(chart.name, []))
    return directory


def _write(place: Path, chart: Chart, projects: Iterable[str]) -> None:
    (place / "templates").mkdir(parents=True)
    (place / "Chart.yaml").write_text(
        yaml.safe_dump({"apiVersion": "v2", "name": chart.name, "version": chart.version.removeprefix("v")})
    )
    (place / "templates" / "workload.yaml").write_text(WORKLOAD)
    brought = [one for project in projects for one in definitions.of_project(project)]
    # Not as templates themselves: a schema's texts may hold what Helm would take for its own.
    (place / "definitions.yaml").write_text(yaml.safe_dump_all(brought))
    (place / "templates" / "definitions.yaml").write_text('{{ .Files.Get "definitions.yaml" }}\n')
