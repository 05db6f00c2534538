"""Argo CD's ConfigMaps: who may log in, what counts as healthy, what is not watched."""

import json

import pulumi

from pulumi_mlops._manifests import Manifest, resources
from pulumi_mlops.platform._chart_values import mirrored
from pulumi_mlops.platform.add_on import HelmValues
from pulumi_mlops.platform.add_ons._argo_cd_args import ArgoCDArgs

REDIS_SECRET = "argocd-redis"  # noqa: S105 - the name that Argo CD's programs look for
REDIS_PASSWORD_KEY = "auth"  # noqa: S105 - a key
REDIS_REGISTRY = "ecr-public.aws.com"
REDIS_CLIENTS = ("server", "repo-server", "application-controller")
"""Parts that connect to Redis, by the chart's names."""

CLIENT_SECRET_KEY = "client-secret"  # noqa: S105 - the key of a Secret
NOBODY = ""
"""Role of a user without a group: none. Upstream's default as well, but it is what keeps strangers out."""

EXCLUDED_KINDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("", "discovery.k8s.io"): ("Endpoints", "EndpointSlice"),
    ("coordination.k8s.io",): ("Lease",),
    ("authentication.k8s.io", "authorization.k8s.io"): (
        "SelfSubjectReview",
        "TokenReview",
        "LocalSubjectAccessReview",
        "SelfSubjectAccessReview",
        "SelfSubjectRulesReview",
        "SubjectAccessReview",
    ),
    ("certificates.k8s.io",): ("CertificateSigningRequest",),
    ("cert-manager.io",): ("CertificateRequest",),
    # Crossplane makes one for each use of a provider's configuration: hundreds that say nothing of an application.
    ("*",): ("ProviderConfigUsage",),
}
"""API groups → kinds that Argo CD does not watch. The chart's own list is text and is replaced as a whole, hence its
entries for what this platform has stand here again."""

CROSSPLANE_HEALTH = """
local status = obj.status or {}
local hs = {status = "Progressing", message = "not reconciled yet"}
if status.conditions == nil then
  if status.users ~= nil or obj.kind == "ProviderConfig" or obj.kind == "ClusterProviderConfig" or
      obj.kind == "Composition" or obj.kind == "DeploymentRuntimeConfig" or obj.kind == "ImageConfig" or
      obj.kind == "EnvironmentConfig" then
    return {status = "Healthy", message = "has no state of its own"}
  end
  return hs
end
for _, condition in ipairs(status.conditions) do
  if condition.status == "False" and (condition.type == "Synced" or condition.type == "LastAsyncOperation") then
    return {status = "Degraded", message = condition.message or condition.reason}
  end
  if condition.type == "Ready" or condition.type == "Healthy" or condition.type == "Established" or
      condition.type == "Offered" then
    if condition.status == "True" then
      hs = {status = "Healthy", message = condition.reason}
    else
      return {status = "Progressing", message = condition.message or condition.reason}
    end
  end
end
return hs
"""
"""Argo CD knows nothing of Crossplane's conditions; without this an application is healthy before its database is."""


def config_map(args: ArgoCDArgs) -> HelmValues:
    """Entries of `argocd-cm`. Its values are text; JSON is YAML, and does not depend on indentation."""
    health = {"health.lua": CROSSPLANE_HEALTH}
    return {
        "admin.enabled": "false",  # one shared password for everybody is no login
        "application.resourceTrackingMethod": "annotation",  # labels end at 63 characters and are cut by Crossplane
        "oidc.config": pulumi.Output.json_dumps(oidc(args)),
        "resource.customizations": json.dumps({"*.crossplane.io/*": health, "*.upbound.io/*": health}),
        "resource.exclusions": json.dumps(
            [
                {"apiGroups": list(groups), "kinds": list(kinds), "clusters": ["*"]}
                for groups, kinds in EXCLUDED_KINDS.items()
            ]
        ),
    }


def oidc(args: ArgoCDArgs) -> HelmValues:
    """The identity provider. The client's secret is named, not held: Argo CD reads `$<Secret>:<key>` by itself."""
    secret = pulumi.Output.from_input(args["oidc_secret_name"])
    return {
        "name": "SSO",
        "issuer": args["oidc_issuer"],
        "clientID": args["oidc_client_id"],
        "clientSecret": secret.apply(lambda name: f"${name}:{CLIENT_SECRET_KEY}"),
        "requestedScopes": [
            "openid",
            "profile",
            "email",
            *([] if args["groups_scope"] is None else [args["groups_scope"]]),
        ],
    }


def rbac(args: ArgoCDArgs) -> HelmValues:
    """Entries of `argocd-rbac-cm`: the groups of the identity provider that may change everything, or see it."""
    groups = [("role:admin", group) for group in args["admin_groups"]]
    groups += [("role:readonly", group) for group in args["reader_groups"]]
    return {
        "policy.default": NOBODY,
        "policy.csv": "".join(f"g, {json.dumps(group)}, {role}\n" for role, group in groups),
        "scopes": "[groups]",
    }


def redis(name: str, args: ArgoCDArgs) -> HelmValues:
    """Values of the cache: three replicas behind a proxy, or one."""
    mirror = args["image_mirror"]
    image = {"repository": mirrored(mirror, REDIS_REGISTRY, "docker/library/redis")}
    if not args["redis_high_availability"]:
        return {"redis": {"image": image, "resources": resources("100m", "256Mi")}}
    script = {"resources": resources("10m", "64Mi")}  # a shell and redis-cli
    return {
        "redis-ha": {
            "enabled": True,
            "existingSecret": REDIS_SECRET,
            "image": image,
            "init": script,
            "redis": {"resources": resources("100m", "256Mi")},
            "sentinel": {"resources": resources("20m", "64Mi")},
            "splitBrainDetection": script,
            "podDisruptionBudget": {"maxUnavailable": 1},
            "networkPolicy": {"enabled": True},  # for its own pods and the proxy
            "haproxy": {
                "networkPolicy": {"enabled": True, "ingressRules": [{"selectors": [_argo_cd_pods(name)]}]},
                "image": {"repository": mirrored(mirror, REDIS_REGISTRY, "docker/library/haproxy")},
                "init": script,
                "resources": resources("50m", "128Mi"),
                "podDisruptionBudget": {"maxUnavailable": 1},
            },
        }
    }


def _argo_cd_pods(name: str) -> Manifest:
    """The peer of a network policy that is each part of Argo CD with a connection to Redis.

    The chart's global policy covers a single Redis alone, not the sub-chart of three replicas.
    """
    parts = [f"argocd-{part}" for part in REDIS_CLIENTS]
    return {
        "podSelector": {
            "matchLabels": {"app.kubernetes.io/instance": name},
            "matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": parts}],
        }
    }
