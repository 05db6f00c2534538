"""What every workflow of the library has in common, valid for Argo Workflows 3.7 and 4.x."""

import json

from pulumi_mlops._manifests import resources

API_VERSION = "argoproj.io/v1alpha1"
DAY_SECONDS = 86_400
KEEP_SUCCEEDED_SECONDS = DAY_SECONDS
KEEP_FAILED_SECONDS = 7 * DAY_SECONDS
"""A failed run keeps its pods as well, for whoever looks into it."""

# Argo's own containers say nothing about security and resources; without this patch the restricted Pod Security
# Standard and the quota of the workspace would refuse every pod.
_EXECUTOR = {
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    "resources": resources("10m", "128Mi"),
}
EXECUTOR_PATCH = json.dumps(
    {"initContainers": [{"name": "init", **_EXECUTOR}], "containers": [{"name": "wait", **_EXECUTOR}]},
    sort_keys=True,
)
