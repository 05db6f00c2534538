"""The provider's configuration: what is honoured, the kubeconfig it leads to, and what a change of it means."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from standins.plugins.plugin import Refused
from standins.plugins.values import UNKNOWN, Object

HONOURED = (
    "clusterIdentifier", "context", "deleteUnreachable", "enableConfigMapMutable", "enablePatchForce",
    "enableSecretMutable", "enableServerSideApply", "helmReleaseSettings", "kubeconfig", "namespace",
    "suppressDeprecationWarnings", "suppressHelmHookWarnings", "upsertExistingObjects",
)  # fmt: skip
OF_THE_ENGINE = ("version", "pluginDownloadURL", "__internal", "pluginChecksums")
HELM_SETTINGS = {
    "driver": "HELM_DRIVER",
    "repositoryCache": "HELM_REPOSITORY_CACHE",
    "repositoryConfigPath": "HELM_REPOSITORY_CONFIG",
    "registryConfigPath": "HELM_REGISTRY_CONFIG",
    "pluginsPath": "HELM_PLUGINS",
}
"""What helmReleaseSettings may set, and the variables by which helm knows it."""


@dataclass(frozen=True)
class Options:
    """What the provider resource, or the stack's `kubernetes:` configuration, sets."""

    kubeconfig: Object | None = None
    """The parsed kubeconfig, or None with `unreachable` saying why there is none."""
    unreachable: str = ""
    context: str | None = None
    namespace: str = "default"
    patch_force: bool = False
    mutable_config_map: bool = False
    mutable_secret: bool = False
    delete_unreachable: bool = False
    upsert: bool = False
    helm: Object = field(default_factory=dict)


def parse(raw: Object) -> Object:
    """The options by name, decoded: the engine sends every provider option as text.

    Raises:
        Refused: an option that this stand-in does not honour.
    """
    options = {}
    for name, value in raw.items():
        if name in OF_THE_ENGINE or value in (None, ""):
            continue
        if name not in HONOURED:
            raise Refused(
                f"provider option {name} is not implemented by the Kubernetes provider stand-in: leave it out, or use "
                "the published plugin"
            )
        options[name] = value if name == "kubeconfig" else _decoded(value)
    if options.get("enableServerSideApply", True) in (False, "false"):
        raise Refused(
            "provider option enableServerSideApply=false is not implemented by the Kubernetes provider stand-in, "
            "which always applies on the server: leave the option out, or use the published plugin"
        )
    settings = options.get("helmReleaseSettings") or {}
    unknown = sorted(set(settings) - set(HELM_SETTINGS)) if isinstance(settings, dict) else []
    if unknown:
        raise Refused(
            f"provider option helmReleaseSettings.{unknown[0]} is not implemented by the Kubernetes provider "
            "stand-in: leave it out, or use the published plugin"
        )
    return options


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def configure(options: Object) -> Options:
    """Options in their types, with the kubeconfig loaded; never fails for want of a cluster."""
    kubeconfig, problem = load_kubeconfig(options.get("kubeconfig"))
    context = options.get("context") or (kubeconfig or {}).get("current-context")
    if kubeconfig and not problem:
        problem = _context_problem(kubeconfig, context)
    of_context = _named(kubeconfig or {}, "contexts", context).get("context", {})

    def enabled(name: str, variable: str) -> bool:
        given = options.get(name)
        return given is True or (given is None and os.environ.get(variable, "").lower() == "true")

    return Options(
        kubeconfig=None if problem else kubeconfig,
        unreachable=problem,
        context=context,
        namespace=options.get("namespace") or of_context.get("namespace") or "default",
        patch_force=enabled("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        mutable_config_map=enabled("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
        mutable_secret=enabled("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
        delete_unreachable=enabled("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        upsert=enabled("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
        helm=options.get("helmReleaseSettings") or {},
    )


def load_kubeconfig(given: str | None) -> tuple[Object | None, str]:
    """The kubeconfig from its text, its path, $KUBECONFIG or ~/.kube/config; or None and the reason."""
    if given and given != UNKNOWN and ("\n" in given or given.lstrip().startswith("{")):
        return _parsed(given, "the provider's kubeconfig option")
    place = given or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"
    path = Path(place).expanduser()
    try:
        loaded, problem = _parsed(path.read_text(), str(path))
        return (_absolute(loaded, path.parent) if loaded else None), problem
    except OSError as error:
        return None, f"kubeconfig {path} cannot be read ({error.strerror})"


def _parsed(text: str, source: str) -> tuple[Object | None, str]:
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError:
        loaded = None
    if not isinstance(loaded, dict):
        return None, f"{source} is not a kubeconfig"
    return loaded, ""


def _absolute(kubeconfig: Object, directory: Path) -> Object:
    """The kubeconfig with the files that it names found from its own directory, as kubectl does."""
    for section, item in (("clusters", "cluster"), ("users", "user")):
        for entry in kubeconfig.get(section) or []:
            values = entry.get(item) or {}
            for field_name in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
                if values.get(field_name):
                    values[field_name] = str(directory / Path(values[field_name]).expanduser())
    return kubeconfig


def _named(kubeconfig: Object, section: str, name: str | None) -> Object:
    return next((item for item in kubeconfig.get(section) or [] if item.get("name") == name), {})


def _context_problem(kubeconfig: Object, context: str | None) -> str:
    if not context:
        return "the kubeconfig has no current-context, and the provider option context is not set"
    if not _named(kubeconfig, "contexts", context):
        known = ", ".join(item.get("name", "") for item in kubeconfig.get("contexts") or []) or "none"
        return f"the kubeconfig has no context {context!r} (it has: {known})"
    return ""


def cluster_of(options: Object) -> Any:
    """What tells one cluster from another: the identifier given, else the kubeconfig's active server."""
    if options.get("clusterIdentifier"):
        return options["clusterIdentifier"]
    loaded, _ = load_kubeconfig(options.get("kubeconfig"))
    context = options.get("context") or (loaded or {}).get("current-context")
    cluster = _named(loaded or {}, "contexts", context).get("context", {}).get("cluster")
    return _named(loaded or {}, "clusters", cluster).get("cluster", {}).get("server")
