"""The data files that are made from other projects' releases.

Each holds `pin`, the pinned version that it was made for; `version`, that of the release that it was made from; and
`content`. `python -m maintenance.upstream_files` makes them and says which are out of date.
"""

import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pulumi_mlops import versions

from local.paths import ROOT
from maintenance import extraction, fields, rendered

PLATFORM = ROOT / "components" / "pulumi_mlops" / "platform"


@dataclass(frozen=True)
class Kind:
    """What a file holds, where it is, and how it is made."""

    name: str
    files: str
    """Path in this repository, with the file's name open."""
    extract: Callable[[Path, Any], Any]
    """From the place in the release and the content that the file has now, which says which kinds to keep."""


def _of_kinds(place: Path, before: Any) -> Any:
    return extraction.definitions(place, {one["spec"]["names"]["kind"] for one in before})


def _schema_of_kinds(place: Path, before: Any) -> Any:
    return extraction.json_schema(place, {*before} - {"definitions"})


CHART = Kind("chart", "tests/contract/data/charts/{}.json.gz", lambda place, _: extraction.chart(place))
RENDERED = Kind("rendered", "tests/contract/data/rendered/{}.json.gz", rendered.workloads)
DEFINITIONS = Kind("definitions", "tests/contract/schemas/{}.json.gz", _of_kinds)
JSON_SCHEMA = Kind("schema", "tests/contract/schemas/{}.json.gz", _schema_of_kinds)
INSTALLED = Kind("installed", "components/pulumi_mlops/platform/data/{}.json.gz", _of_kinds)
FIELDS = Kind("fields", "components/pulumi_mlops/review/known_fields/{}.json.gz", fields.of_kubernetes)
POLICY = Kind("policy", "tests/contract/data/iam/{}.json", lambda place, _: extraction.policy(place))


@dataclass(frozen=True)
class Data:
    """One file."""

    kind: Kind
    name: str
    pin: str
    """Name of the pin in versions.py."""
    place: str = ""
    """Directory or file in the project's repository; empty for a chart that comes from a chart repository."""
    repository: str = ""
    """Where the project is on GitHub."""
    module: str = ""
    """The repository as a Go module, if its releases are some: then Go downloads it and verifies its checksum."""
    own_number: bool = False
    """The release has another number than the pin, so that it has to be named."""

    def __str__(self) -> str:
        return f"{self.kind.name}/{self.name}"

    @property
    def file(self) -> Path:
        """Where it is."""
        return ROOT / self.kind.files.format(self.name)

    @property
    def pinned(self) -> str:
        """The version in versions.py."""
        return getattr(versions, self.pin)

    @property
    def made_for(self) -> str | None:
        """The version in versions.py when the file was made; None: it has not been made yet."""
        return self.read()["pin"] if self.file.exists() else None

    def read(self) -> dict[str, Any]:
        """`pin`, `version` and `content`."""
        text = self.file.read_bytes()
        return json.loads(gzip.decompress(text) if self.file.suffix == ".gz" else text)

    def write(self, version: str, place: Path) -> None:
        """Makes the file from the place in the release of a version."""
        content = self.kind.extract(place, self.read()["content"] if self.file.exists() else [])
        document = {"pin": self.pinned, "version": version, "content": content}
        if self.file.suffix == ".gz":
            text = json.dumps(document, sort_keys=True, separators=(",", ":"))
            self.file.write_bytes(gzip.compress(text.encode(), mtime=0))
        else:
            self.file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _github(owner_and_name: str, major: str = "") -> dict[str, str]:
    return {"repository": owner_and_name, "module": f"github.com/{owner_and_name}{major}"}


CERT_MANAGER = _github("cert-manager/cert-manager")
CROSSPLANE = _github("crossplane/crossplane", "/v2")
KARPENTER = _github("aws/karpenter-provider-aws")
KSERVE = _github("kserve/kserve")
KSERVE_CHARTS = ("kserve-crd", "kserve-resources", "kserve-runtime-configs")
ARGO_EVENTS = _github("argoproj/argo-events")
ARGO_4 = {"place": "manifests/base/crds/full", "repository": "argoproj/argo-workflows"}
LOAD_BALANCERS = {"repository": "kubernetes-sigs/aws-load-balancer-controller"}
SOURCES: Mapping[str, Mapping[str, str]] = {
    "cert-manager": {"place": "deploy/charts/cert-manager", **CERT_MANAGER},
    "crossplane": {"place": "cluster/charts/crossplane", **CROSSPLANE},
    **{name: {"place": f"charts/{name}", **KARPENTER} for name in ("karpenter", "karpenter-crd")},
    **{name: {"place": f"charts/{name}", **KSERVE} for name in KSERVE_CHARTS},
}
"""Chart → where it lies in a Go module that has the chart's version. helm pulls all others from their repositories."""
PINS = {"argo-workflows": "ARGO_WORKFLOWS_4_CHART"}
"""Charts of which the library installs two versions → the pin of the one on EKS."""


def pins_of_charts() -> dict[str, str]:
    """Chart → its pin, of all `Chart("cert-manager", …, versions.CERT_MANAGER)` in the platform's modules."""
    written = re.compile(r'\bChart\(\s*"([^"]+)",[^,]+,\s*versions\.(\w+)\s*\)')
    sources = [path.read_text(encoding="utf-8") for path in sorted(PLATFORM.rglob("*.py"))]
    return {chart: pin for source in sources for chart, pin in written.findall(source)} | PINS


CHARTS = tuple(Data(CHART, name, pin, **SOURCES.get(name, {})) for name, pin in sorted(pins_of_charts().items()))
DATA = (
    *CHARTS,
    *(replace(chart, kind=RENDERED) for chart in CHARTS),
    Data(
        DEFINITIONS,
        "argo-cd",
        "ARGO_CD_CHART",
        "manifests/crds",
        **_github("argoproj/argo-cd", "/v3"),
        own_number=True,
    ),
    Data(DEFINITIONS, "argo-events", "ARGO_EVENTS_CHART", "manifests/base/crds", **ARGO_EVENTS, own_number=True),
    Data(
        DEFINITIONS,
        "argo-workflows",
        "ARGO_WORKFLOWS",
        "manifests/base/crds/full",
        **_github("argoproj/argo-workflows", "/v3"),
    ),
    # The releases before and after the one on EKS, whose own manifests could not be had.
    Data(DEFINITIONS, "argo-workflows-before-eks", "ARGO_WORKFLOWS_4", **ARGO_4, own_number=True),
    Data(DEFINITIONS, "argo-workflows-after-eks", "ARGO_WORKFLOWS_4", **ARGO_4, own_number=True),
    Data(DEFINITIONS, "cert-manager", "CERT_MANAGER", "deploy/crds", **CERT_MANAGER),
    Data(DEFINITIONS, "crossplane", "CROSSPLANE", "cluster/crds", **CROSSPLANE),
    Data(
        DEFINITIONS,
        "crossplane-provider-aws",
        "CROSSPLANE_AWS",
        "package/crds",
        repository="crossplane-contrib/provider-upjet-aws",
    ),
    Data(
        DEFINITIONS,
        "external-secrets",
        "EXTERNAL_SECRETS",
        "config/crds/bases",
        repository="external-secrets/external-secrets",
    ),
    Data(DEFINITIONS, "karpenter", "KARPENTER", "pkg/apis/crds", **KARPENTER),
    Data(
        DEFINITIONS,
        "prometheus-operator",
        "KUBE_PROMETHEUS_STACK_CHART",
        "example/prometheus-operator-crd",
        **_github("prometheus-operator/prometheus-operator"),
        own_number=True,
    ),
    # The definitions of these two kinds admit any spec; this is the schema of what their controllers read.
    Data(
        JSON_SCHEMA,
        "event-sources-and-sensors",
        "ARGO_EVENTS_CHART",
        "api/jsonschema/schema.json",
        **ARGO_EVENTS,
        own_number=True,
    ),
    Data(
        FIELDS,
        "kubernetes",
        "KUBERNETES",
        "api/openapi-spec/swagger.json",
        "kubernetes/kubernetes",
        "k8s.io/kubernetes",
    ),
    Data(
        INSTALLED,
        "gateway-api",
        "GATEWAY_API",
        "config/crd/standard",
        "kubernetes-sigs/gateway-api",
        "sigs.k8s.io/gateway-api",
    ),
    Data(
        INSTALLED,
        "aws-load-balancer-controller",
        "LOAD_BALANCER_CONTROLLER",
        "helm/aws-load-balancer-controller/crds",
        **LOAD_BALANCERS,
    ),
    Data(
        POLICY,
        "aws-load-balancer-controller",
        "LOAD_BALANCER_CONTROLLER",
        "docs/install/iam_policy.json",
        **LOAD_BALANCERS,
    ),
    Data(
        POLICY,
        "aws-ebs-csi-driver",
        "EKS_EBS_CSI_DRIVER",
        "docs/AmazonEBSCSIDriverPolicyV2.json",
        "kubernetes-sigs/aws-ebs-csi-driver",
        own_number=True,
    ),
    Data(
        POLICY,
        "aws-efs-csi-driver",
        "EKS_EFS_CSI_DRIVER",
        "docs/iam-policy-example.json",
        "kubernetes-sigs/aws-efs-csi-driver",
        own_number=True,
    ),
)


def one(kind: Kind, name: str) -> Data:
    """The file of a kind; raises LookupError where there is none."""
    for data in DATA:
        if (data.kind, data.name) == (kind, name):
            return data
    raise LookupError(f"maintenance/upstream.py has no {kind.name} of {name}: add a line for it")


def content(kind: Kind, name: str) -> Any:
    """What the file of a kind holds."""
    return one(kind, name).read()["content"]


def named(name: str) -> list[Data]:
    """The files of a pin (`CERT_MANAGER`), or the one of this name (`chart/cert-manager`)."""
    return [data for data in DATA if name in (data.pin, str(data))]


def out_of_date(table: Sequence[Data] = DATA) -> list[str]:
    """One sentence for each file that was made for another version than the pinned one."""
    found: list[str] = []
    for data in table:
        if data.made_for is None:
            problem = "is missing"
        elif data.made_for != data.pinned:
            problem = f"is of {data.pin} {data.made_for}, the pin is {data.pinned}"
        else:
            continue
        found.append(f"{data.file.relative_to(ROOT)} {problem}: run `python -m maintenance.upstream_files {data}`")
    return found
