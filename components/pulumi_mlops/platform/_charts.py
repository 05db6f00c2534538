"""Helm charts: which one at which version, from upstream or from a mirror, and the release of it.

`helm.v3.Release` and no other resource (docs/decisions/0002): it runs a chart's hooks and can be previewed without a
cluster.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import pulumi
import pulumi_kubernetes as k8s

TIMEOUT_SECONDS = 300

HelmValues: TypeAlias = dict[str, Any]
"""Values of a chart. Any, because each chart has a notation of its own; tests check the keys and shapes."""


@dataclass(frozen=True)
class Chart:
    """One chart of the versions that the library is tested with."""

    name: str
    repository: str
    """Upstream's: a Helm repository (`https://…`) or a registry (`oci://…`)."""
    version: str

    def source(self, mirror: str | None = None) -> dict[str, Any]:
        """The arguments of a Helm release that say which chart.

        `mirror` is a Helm repository, a registry, or a directory that holds the chart's directory; a directory holds
        one version, so none is named.
        """
        place = (mirror or self.repository).rstrip("/")
        if place.startswith("oci://"):
            return {"chart": f"{place}/{self.name}", "version": self.version}
        if "://" in place:
            return {"chart": self.name, "version": self.version, "repository_opts": {"repo": place}}
        return {"chart": f"{place}/{self.name}"}


def release(
    resource_name: str,
    chart: Chart,
    *,
    namespace: pulumi.Input[str],
    values: HelmValues,
    opts: pulumi.ResourceOptions,
    name: str | None = None,
    mirror: str | None = None,
    skip_crds: bool = False,
    timeout_seconds: int = TIMEOUT_SECONDS,
) -> k8s.helm.v3.Release:
    """Installs a chart; `name` is the release's, by default the chart's own."""
    return k8s.helm.v3.Release(
        resource_name,
        **chart.source(mirror),
        name=name or chart.name,
        namespace=namespace,
        values=values,
        timeout=timeout_seconds,
        cleanup_on_fail=True,
        skip_crds=skip_crds or None,
        opts=opts,
    )


def when_ready(release: k8s.helm.v3.Release, name: str) -> pulumi.Output[str]:
    """Name of a release, known once its workloads are ready: resources that use it come after."""
    return release.id.apply(lambda _: name)
