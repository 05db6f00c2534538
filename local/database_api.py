"""What databases by manifest need in one machine's cluster: Crossplane, two functions and CloudNativePG's operator.

They are an option: the setting `database_api` of the stack platform-local, which `make up` reads. The manifests are
upstream's own, from the Go modules that the programs are built from; only the registry is this machine's, and limits
that would make a start wait are gone.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pulumi_mlops import conventions
from pulumi_mlops.platform import _crossplane_packages as packages

from local import images, stack_files, tools
from local.cluster import Cluster
from local.engine import PLATFORM
from local.images.catalogue import OF_DATABASES, postgres_major
from local.progress import StepFailed, step
from local.tools import build
from local.tools.catalogue import BINARIES

SETTING = "database_api"
WAIT_SECONDS = 180
OPERATOR_NAMESPACE = "cnpg-system"
Manifest = dict[str, Any]


def setting(cluster: Cluster) -> dict[str, Any]:
    """The stack's setting `database_api` with this machine's images; empty where it is not set."""
    chosen = stack_files.settings(PLATFORM).get(SETTING)
    if chosen is None:
        return {}
    return {SETTING: {"images": postgres(cluster), **chosen}}


def postgres(cluster: Cluster) -> dict[str, str]:
    """Image of each major version of Postgres that databases may have, which need not be there."""
    return {postgres_major(): images.references(cluster.registry, ["postgresql"])["postgresql"]}


def install(cluster: Cluster) -> None:
    """Installs what is missing and waits until it works, where the stack has the setting.

    Raises:
        StepFailed: a program or an image could not be built, or a part does not start.
    """
    if stack_files.settings(PLATFORM).get(SETTING) is not None:
        install_always(cluster)


def install_always(cluster: Cluster) -> None:
    """Like `install`, whether or not the stack has the setting."""
    references = images.build(cluster.registry_push, cluster.registry, OF_DATABASES)
    available = ("--for=condition=Available", "deployment", "--all")
    with step("database API: Crossplane and CloudNativePG"):
        _apply(cluster, [*_operator(references["cloudnative-pg"]), *_crossplane(references["crossplane"])])
        _wait(cluster, *available, f"--namespace={conventions.CROSSPLANE_NAMESPACE}")
        functions = [*packages.FUNCTIONS]
        _apply(cluster, [_function(name, references[name]) for name in functions])
        _wait(cluster, "--for=condition=Healthy", *(f"function/{packages.package_name(one)}" for one in functions))
        _wait(cluster, *available, f"--namespace={OPERATOR_NAMESPACE}")


def remove(cluster: Cluster) -> None:
    """Removes what `install` has installed, after its databases are gone; Crossplane's own definitions stay."""
    gone = ("--ignore-not-found", "--timeout=60s")
    functions = [f"function/{packages.package_name(name)}" for name in packages.FUNCTIONS]
    _run(_kubectl(cluster, "delete", *gone, *functions))
    installed = yaml.dump_all([*_operator(""), *_crossplane(":")], Dumper=yaml.CSafeDumper)
    _run(_kubectl(cluster, "delete", *gone, "--wait=false", "--filename=-"), installed)


def _operator(image: str) -> Iterator[Manifest]:
    tool = BINARIES["cloudnative-pg"]
    release = build.source(tool) / "releases" / f"cnpg-{tool.version}.yaml"
    for one in yaml.load_all(release.read_text(), yaml.CSafeLoader):
        if one["kind"] == "Deployment":
            pod = one["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            container |= {"image": image, "imagePullPolicy": "IfNotPresent"}
            del container["resources"]["limits"]["cpu"]  # a tenth of a core: its start would take most of a minute
            container["startupProbe"] |= {"periodSeconds": 1, "failureThreshold": 60}
            for variable in container["env"]:
                if variable["name"] == "OPERATOR_IMAGE_NAME":  # that of each database's first process
                    variable["value"] = image
        yield one


def _crossplane(image: str) -> Iterator[Manifest]:
    repository, _, tag = image.rpartition(":")
    values = {
        "image": {"repository": repository, "tag": tag},
        "leaderElection": False,
        "rbacManager": {"leaderElection": False},
        "provider": {"defaultActivations": []},
    }
    chart = build.source(BINARIES["crossplane"]) / "cluster" / "charts" / "crossplane"
    namespace = conventions.CROSSPLANE_NAMESPACE
    command = [tools.ensure("helm")["helm"], "template", "crossplane", chart, f"--namespace={namespace}", "--values=-"]
    rendered = _run(command, yaml.safe_dump(values))
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    for one in yaml.load_all(rendered, yaml.CSafeLoader):
        if one:
            yield one


def _function(name: str, image: str) -> Manifest:
    return {
        "apiVersion": "pkg.crossplane.io/v1",
        "kind": "Function",
        "metadata": {"name": packages.package_name(name)},
        "spec": {"package": image, "packagePullPolicy": "IfNotPresent"},
    }


def _apply(cluster: Cluster, manifests: list[Manifest]) -> None:
    command = _kubectl(cluster, "apply", "--server-side", "--force-conflicts", "--filename=-")
    _run(command, yaml.dump_all(manifests, Dumper=yaml.CSafeDumper))


def _wait(cluster: Cluster, *arguments: str) -> None:
    _run(_kubectl(cluster, "wait", f"--timeout={WAIT_SECONDS}s", *arguments))


def _kubectl(cluster: Cluster, *arguments: str) -> list[str | Path]:
    context = [f"--context={cluster.context}"] if cluster.context else []
    return [tools.ensure("kubectl")["kubectl"], f"--kubeconfig={cluster.kubeconfig}", *context, *arguments]


def _run(command: list[str | Path], given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(map(str, command[1:4]))
        raise StepFailed(f"Database API: `{Path(command[0]).name} {words} …` failed: {done.stderr.strip()}")
    return done.stdout
