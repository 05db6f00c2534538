"""The API server refuses a model endpoint's route at a gateway on the internet that asks nobody who they are.

`ModelEndpoint` refuses it before, where its program names the platform. This is for programs that name none, and for
routes that somebody changes by hand. Routes that exist stay until they are written again.
"""

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _exceptions, conventions
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops._text import formatted

OPEN_PORT = conventions.ENDPOINT_PORT
EXCEPTION = f"{_exceptions.PREFIX}{_exceptions.ENDPOINT_ACCESS}"
MESSAGE = (
    "everybody who knows the URL would get predictions: give the ModelEndpoint `access`, or `open_access` with a "
    "reason and a last day"
)


def close(name: str, gateway: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """Creates the policy and its binding for the routes of a gateway, as children of the component called `name`."""
    metadata: Manifest = {"name": f"{gateway}-access", "labels": conventions.labels("gateway", gateway)}
    policy = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
        f"{name}-access",
        metadata=metadata,
        spec=spec(gateway, namespace),
        opts=opts,
    )
    binding: Manifest = {"policyName": name_of(policy), "validationActions": ["Deny"]}
    k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        f"{name}-access-binding",
        metadata=metadata,
        spec=binding,
        opts=opts,
    )


def spec(gateway: str, namespace: pulumi.Input[str]) -> Manifest:
    """The policy: which routes it judges, and which it lets through."""
    here = formatted(
        "has(object.spec.parentRefs) && object.spec.parentRefs.exists(one, one.name == '{0}' && "
        "(has(one.namespace) ? one.namespace : object.metadata.namespace) == '{1}')",
        gateway,
        namespace,
    )
    name_label = "app.kubernetes.io/name"
    endpoint = (
        f"has(object.metadata.labels) && '{name_label}' in object.metadata.labels && "
        f"object.metadata.labels['{name_label}'] == '{conventions.MODEL_ENDPOINT}'"
    )
    excepted = f"has(object.metadata.annotations) && '{EXCEPTION}' in object.metadata.annotations"
    guarded = (
        "object.spec.rules.all(rule, !has(rule.backendRefs) || "
        f"rule.backendRefs.all(one, !has(one.port) || one.port != {OPEN_PORT}))"
    )
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["gateway.networking.k8s.io"],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["httproutes"],
                }
            ]
        },
        "matchConditions": [
            {"name": "at-this-gateway", "expression": here},
            {"name": "model-endpoint", "expression": endpoint},
        ],
        "validations": [{"expression": f"({excepted}) || ({guarded})", "message": MESSAGE}],
    }
