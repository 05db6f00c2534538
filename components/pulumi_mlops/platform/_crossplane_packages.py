"""Which packages Crossplane runs, under which names, as which pods, and which kinds they may bring along."""

from collections.abc import Sequence

import pulumi

from pulumi_mlops import versions
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources

PACKAGE_REGISTRY = "xpkg.crossplane.io"
ORGANISATION = "crossplane-contrib"
FAMILY = "provider-family-aws"
FUNCTIONS = {
    "function-patch-and-transform": versions.CROSSPLANE_PATCH_AND_TRANSFORM,
    "function-auto-ready": versions.CROSSPLANE_AUTO_READY,
}

ACTIVATIONS: dict[str, tuple[str, ...]] = {
    "ec2": (
        "securitygroups.ec2.aws.m.upbound.io",
        "securitygroupingressrules.ec2.aws.m.upbound.io",
        "securitygroupegressrules.ec2.aws.m.upbound.io",
    ),
    "iam": (
        "policies.iam.aws.m.upbound.io",
        "roles.iam.aws.m.upbound.io",
        "rolepolicies.iam.aws.m.upbound.io",
        "rolepolicyattachments.iam.aws.m.upbound.io",
    ),
    "rds": (
        "instances.rds.aws.m.upbound.io",
        "parametergroups.rds.aws.m.upbound.io",
        "subnetgroups.rds.aws.m.upbound.io",
    ),
    "s3": (
        "buckets.s3.aws.m.upbound.io",
        "bucketownershipcontrols.s3.aws.m.upbound.io",
        "bucketpolicies.s3.aws.m.upbound.io",
        "bucketpublicaccessblocks.s3.aws.m.upbound.io",
        "bucketserversideencryptionconfigurations.s3.aws.m.upbound.io",
        "bucketversionings.s3.aws.m.upbound.io",
    ),
}
"""Service → the definitions that its role's permissions reach. All others stay out of the API server, where each
costs memory: a hundred of them instead of nine hundred."""
SERVICES = tuple(ACTIVATIONS)

SERVICE_ACCOUNTS = {service: f"crossplane-provider-aws-{service}" for service in SERVICES}
FAMILY_SERVICE_ACCOUNT = "crossplane-provider-aws-family"
"""Without permissions: the family package brings the configuration's kinds and calls nothing."""


def package_name(package: str) -> str:
    """The name that Crossplane gives a package it installs as another's dependency.

    The family must bear it: under any other name, Crossplane installs the family a second time, its lock has the
    package twice, and every provider becomes unhealthy.
    """
    return f"{ORGANISATION}-{package}"


def package(name: str, version: str) -> str:
    """Fully qualified reference of a package. A mirror rewrites it, so that dependencies are found there as well."""
    return f"{PACKAGE_REGISTRY}/{ORGANISATION}/{name}:v{version}"


def package_spec(name: str, version: str, runtime: str) -> Manifest:
    """Spec of a Provider or Function whose pods are those of a DeploymentRuntimeConfig."""
    return {
        "package": package(name, version),
        "packagePullPolicy": "IfNotPresent",
        "revisionActivationPolicy": "Automatic",
        "revisionHistoryLimit": 1,
        "runtimeConfigRef": {
            "apiVersion": "pkg.crossplane.io/v1beta1",
            "kind": "DeploymentRuntimeConfig",
            "name": runtime,
        },
    }


def runtime_spec(
    account: str, annotations: pulumi.Input[dict[str, pulumi.Input[str]]], cpu: str, memory: pulumi.Input[str]
) -> Manifest:
    """Spec of a DeploymentRuntimeConfig: a service account of a known name, and pods of a restricted namespace.

    Without one the account is called after the package's revision and no trust can name it.
    """
    return {
        "serviceAccountTemplate": {"metadata": {"name": account, "annotations": annotations}},
        "deploymentTemplate": {
            "spec": {
                "selector": {},
                "template": {
                    "spec": {
                        "securityContext": pod_security(),
                        "containers": [
                            {
                                "name": "package-runtime",  # the name by which Crossplane finds its container
                                "resources": resources(cpu, memory),
                                # Providers write their work to the container's own /tmp.
                                "securityContext": {**container_security(), "readOnlyRootFilesystem": False},
                            }
                        ],
                    }
                },
            }
        },
    }


def mirror_spec(mirror: pulumi.Input[str]) -> Manifest:
    """Spec of an ImageConfig: every package of the public registry is fetched from the mirror under the same path."""
    return {
        "matchImages": [{"type": "Prefix", "prefix": PACKAGE_REGISTRY}],
        "rewriteImage": {"prefix": mirror},
    }


def activations(services: Sequence[str], more: Sequence[pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    """The definitions that become kinds of the API server."""
    return [*(kind for service in services for kind in ACTIVATIONS[service]), *more]
