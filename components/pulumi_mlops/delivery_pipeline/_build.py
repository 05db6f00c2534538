"""The image of a delivery: BuildKit without root, with its cache in the registry.

Rootless BuildKit makes user namespaces. It needs what the restricted Pod Security Standard forbids: a setuid program
that maps its users, and the system calls and mounts that the runtime's seccomp and AppArmor profiles keep from others.
It is not privileged, and it runs as user 1000.
"""

import pulumi

from pulumi_mlops._manifests import Manifest, resources
from pulumi_mlops.contract.containers import OUTPUTS_DIRECTORY
from pulumi_mlops.delivery_pipeline import _parts
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs

USER = 1000
"""User of the upstream image for rootless BuildKit."""
STATE = "/home/user/.local/share/buildkit"
STATE_SIZE = "20Gi"
BUILD_SECONDS = 3600
CPU_REQUEST = "1"

BUILD = """\
mkdir -p "$OUTPUTS"
cache="type=registry,ref=$IMAGE:buildcache"
set --
if [ -n "$TARGET" ]; then set -- --opt "target=$TARGET"; fi
buildctl-daemonless.sh build --frontend dockerfile.v0 --progress plain \\
  --local context="$CONTEXT" --local dockerfile="$CONTEXT" --opt "filename=$DOCKERFILE" "$@" \\
  --import-cache "$cache" --export-cache "$cache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true" \\
  --output "type=image,name=$IMAGE:$REVISION,push=true" --metadata-file /tmp/metadata.json
digest=$(sed -n 's/.*"containerimage.digest": *"\\(sha256:[0-9a-f]*\\)".*/\\1/p' /tmp/metadata.json)
if [ -z "$digest" ]; then echo "BuildKit named no digest of the image" >&2; exit 1; fi
printf '%s@%s' "$IMAGE" "$digest" > "$OUTPUTS/image"
"""
"""The image gets the commit as its tag, for people; everything after this goes by the digest."""


def template(args: DeliveryPipelineArgs, parts: _parts.Parts) -> Manifest:
    """The template that builds and pushes the image; its output `image` is the image by digest."""
    build = args["build"]
    variables: dict[str, pulumi.Input[str]] = {
        "CONTEXT": parts.directory(),
        "DOCKERFILE": build["dockerfile"],
        "TARGET": "" if build["target"] is None else build["target"],
        "IMAGE": args["image"],
        "REVISION": _parts.COMMIT,
        "OUTPUTS": OUTPUTS_DIRECTORY,
        "DOCKER_CONFIG": _parts.REGISTRY_DIRECTORY,
        "BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox",  # it would need a /proc of its own
    }
    return {
        "name": "image",
        "metadata": parts.metadata("image"),
        "activeDeadlineSeconds": BUILD_SECONDS,
        "volumes": [{"name": "buildkit", "emptyDir": {"sizeLimit": STATE_SIZE}}],
        "initContainers": [parts.checkout()],
        "container": {
            "image": build["builder_image"],
            "command": ["sh", "-euc", BUILD],
            "env": [{"name": key, "value": value} for key, value in variables.items()],
            "resources": resources(CPU_REQUEST, build["memory"]),
            "securityContext": {
                "runAsUser": USER,
                "runAsGroup": USER,
                "allowPrivilegeEscalation": True,  # newuidmap and newgidmap are setuid
                "seccompProfile": {"type": "Unconfined"},
                "appArmorProfile": {"type": "Unconfined"},
            },
            **_parts.LAST_LINES,
            "volumeMounts": [
                {"name": "source", "mountPath": _parts.SOURCE, "readOnly": True},
                {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108
                {"name": "buildkit", "mountPath": STATE},
                {"name": "registry", "mountPath": _parts.REGISTRY_DIRECTORY, "readOnly": True},
            ],
        },
        "outputs": {"parameters": [{"name": "image", "valueFrom": {"path": f"{OUTPUTS_DIRECTORY}/image"}}]},
    }
