"""Which tools there are, what each is built from, and which version on PATH makes a build unnecessary.

A tool's version stands in its module's go.mod and nowhere else; the binaries of one tool come from one Go module.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from local.progress import StepFailed

MODULES = Path(__file__).resolve().parent
"""Directory of the Go modules, one a tool."""


@dataclass(frozen=True)
class Probe:
    """How a binary found on PATH tells its version, and which versions will do: `at_least` <= version < `below`."""

    arguments: tuple[str, ...]
    at_least: tuple[int, int]
    below: tuple[int, int]

    def accepts(self, printed: str) -> str | None:
        """Returns the version in what the binary printed if it is a released one in range, otherwise None."""
        match = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)(?:-(\w+))?", printed)
        if match is None or match[4]:
            return None
        return match[0] if self.at_least <= (int(match[1]), int(match[2])) < self.below else None


@dataclass(frozen=True)
class Binary:
    """One executable: the Go package it is built from, and the probe for one on PATH (None: always our own)."""

    package: str
    probe: Probe | None = None


@dataclass(frozen=True)
class Tool:
    """One Go module in `local/tools/<name>` and the binaries that are built from it."""

    name: str
    module: str | None
    """Module whose version in go.mod is the tool's; None for a program of our own."""
    binaries: Mapping[str, Binary]
    variables: Mapping[str, str] = field(default_factory=dict)
    """Go variables set at link time; `{version}`, `{major}` and `{minor}` are filled in."""
    added_files: Mapping[str, str] = field(default_factory=dict)
    """Files that the module's zip lacks: path in the module -> file in our directory."""
    tags: tuple[str, ...] = ()
    """Build tags."""
    cgo: bool = False
    """Whether a C compiler is needed; the binary then runs on this machine's own Debian release alone."""

    @property
    def directory(self) -> Path:
        """Where go.mod is."""
        return MODULES / self.name

    @cached_property
    def version(self) -> str:
        """Version without the leading v, read from go.mod."""
        if self.module is None:
            return "1"
        go_mod = self.directory / "go.mod"
        match = re.search(rf"^(?:require)?\s+{re.escape(self.module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
        if match is None:
            raise StepFailed(f"Tool {self.name}: {go_mod} must require {self.module} with a version; restore the file.")
        return match[1]

    @cached_property
    def toolchain(self) -> str | None:
        """The Go release that go.mod asks for, where the tool needs a newer one than the rest; go downloads it."""
        match = re.search(r"^toolchain (\S+)", (self.directory / "go.mod").read_text(), re.MULTILINE)
        return match[1] if match else None

    def linker_flags(self) -> str:
        """Value of `go build -ldflags`."""
        major, minor, _ = self.version.split(".", 2) if self.module else ("1", "0", "")
        values = {k: v.format(version=self.version, major=major, minor=minor) for k, v in self.variables.items()}
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])


def _kubernetes(*names: str) -> dict[str, Binary]:
    same_minor = Probe(("--version",), (1, 36), (1, 37))
    # kubectl is supported one minor version either side of the API server.
    kubectl = Probe(("version", "--client=true"), (1, 35), (1, 38))
    return {n: Binary(f"k8s.io/kubernetes/cmd/{n}", kubectl if n == "kubectl" else same_minor) for n in names}


# The slowest builds first, so that the last ones to finish are short.
TOOLS = (
    Tool(
        "kubernetes",
        "k8s.io/kubernetes",
        _kubernetes("kube-apiserver", "kube-controller-manager", "kubelet", "kube-scheduler", "kube-proxy", "kubectl"),
        {
            "k8s.io/component-base/version.gitVersion": "v{version}",
            "k8s.io/component-base/version.gitMajor": "{major}",
            "k8s.io/component-base/version.gitMinor": "{minor}",
        },
    ),
    # Of the line that Kubernetes 1.36 is released with; 3.7 is out.
    Tool(
        "etcd",
        "go.etcd.io/etcd/server/v3",
        {"etcd": Binary("go.etcd.io/etcd/server/v3", Probe(("--version",), (3, 5), (3, 7)))},
    ),
    Tool(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        {"pulumi": Binary("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", Probe(("version",), (3, 259), (4, 0)))},
        # The Automation API parses it.
        {"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v{version}"},
    ),
    Tool(
        "argo-workflows",
        "github.com/argoproj/argo-workflows/v3",
        # They go into images, so they must be static and of exactly this version: never the ones on PATH.
        {
            "workflow-controller": Binary("github.com/argoproj/argo-workflows/v3/cmd/workflow-controller"),
            "argoexec": Binary("github.com/argoproj/argo-workflows/v3/cmd/argoexec"),
        },
        {"github.com/argoproj/argo-workflows/v3.version": "v{version}"},
        {"workflow/executor/osspecific/signal_linux.go": "signal_linux.go"},
    ),
    Tool("coredns", "github.com/coredns/coredns", {"coredns": Binary(".", Probe(("-version",), (1, 11), (2, 0)))}),
    Tool(
        "helm",
        "helm.sh/helm/v3",
        {"helm": Binary("helm.sh/helm/v3/cmd/helm", Probe(("version", "--short"), (3, 16), (4, 0)))},
        {"helm.sh/helm/v3/internal/version.version": "v{version}"},
    ),
    Tool(
        "actionlint",
        "github.com/rhysd/actionlint",
        {"actionlint": Binary("github.com/rhysd/actionlint/cmd/actionlint", Probe(("-version",), (1, 7), (2, 0)))},
        {"github.com/rhysd/actionlint.version": "v{version}"},
    ),
    Tool(
        "kustomize",
        "sigs.k8s.io/kustomize/kustomize/v5",
        {"kustomize": Binary("sigs.k8s.io/kustomize/kustomize/v5", Probe(("version",), (5, 7), (6, 0)))},
        {"sigs.k8s.io/kustomize/api/provenance.version": "v{version}"},
    ),
    # Crossplane's core and the functions of the platform's compositions, which tests run beside an API server. The
    # functions are built with the core's versions of what they share, so that it is compiled once.
    Tool(
        "crossplane",
        "github.com/crossplane/crossplane/v2",
        {"crossplane": Binary("github.com/crossplane/crossplane/v2/cmd/crossplane")},
        {"github.com/crossplane/crossplane-runtime/v2/pkg/version.version": "v{version}"},
    ),
    Tool(
        "function-patch-and-transform",
        "github.com/crossplane-contrib/function-patch-and-transform",
        {"function-patch-and-transform": Binary("github.com/crossplane-contrib/function-patch-and-transform")},
    ),
    Tool(
        "function-auto-ready",
        "github.com/crossplane/function-auto-ready",  # by that name its go.mod calls it; go.mod says where it lies
        {"function-auto-ready": Binary("github.com/crossplane/function-auto-ready")},
    ),
    # The operator of databases, which is also the first process in each database's pod.
    Tool(
        "cloudnative-pg",
        "github.com/cloudnative-pg/cloudnative-pg",
        {"cloudnative-pg": Binary("github.com/cloudnative-pg/cloudnative-pg/cmd/manager")},
    ),
    # The Git host of tests. Its SQLite is written in C, and it reads its pages from its module's directory.
    Tool(
        "gitea",
        "code.gitea.io/gitea",
        {"gitea": Binary("code.gitea.io/gitea")},
        {"main.Version": "{version}"},
        tags=("sqlite", "sqlite_unlock_notify"),
        cgo=True,
    ),
    # The delivery on one machine; all of them go into images.
    Tool(
        "argo-cd",
        "github.com/argoproj/argo-cd/v3",
        {"argocd": Binary("github.com/argoproj/argo-cd/v3/cmd")},
        {"github.com/argoproj/argo-cd/v3/common.version": "{version}"},
    ),
    Tool(
        "argo-events",
        "github.com/argoproj/argo-events",
        {"argo-events": Binary("github.com/argoproj/argo-events/cmd")},
        {"github.com/argoproj/argo-events.version": "v{version}"},
    ),
    Tool(
        "buildkit",
        "github.com/moby/buildkit",
        {name: Binary(f"github.com/moby/buildkit/cmd/{name}") for name in ("buildkitd", "buildctl")},
        {
            "github.com/moby/buildkit/version.Version": "v{version}",
            "github.com/moby/buildkit/version.Package": "github.com/moby/buildkit",
        },
    ),
    Tool("pause", None, {"pause": Binary(".")}),
    Tool("sensor-filter", None, {"sensor-filter": Binary(".")}),
)

BINARIES: Mapping[str, Tool] = {binary: tool for tool in TOOLS for binary in tool.binaries}
"""Every binary's name and the tool it belongs to, in building order."""
