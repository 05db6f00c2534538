"""A TEST DOUBLE of the AWS provider: echoes inputs and invents what AWS would compute. It calls no AWS, not even moto.

It knows as much as the tests of the EKS components need: names and identifiers.
"""

import dataclasses
import hashlib
import importlib.metadata
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from standins.plugins.aws import facts
from standins.plugins.diff import changes, diff_response
from standins.plugins.paths import parse
from standins.plugins.plugin import Provider, Refused, answers, serve
from standins.plugins.values import Object, decode, encode, has_unknowns, reveal

KNOWN = (
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/addon:Addon",
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:iam/role:Role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
)
"""The types; which changes replace one is read from the stand-in's facts."""
NAMED = ("aws:eks/cluster:Cluster", "aws:iam/role:Role")
NO_VERSION = "0.1"
"""A Kubernetes version that cannot be created."""
ARN = "arn:aws:{}:eu-central-1:123456789012:{}"


def invent(token: str, identifier: str, inputs: Object) -> Object:
    """What AWS would compute."""
    service, _, kind = token.partition(":")[2].partition("/")
    state: Object = {"arn": ARN.format(service, f"{kind.partition(':')[0]}/{identifier}")}
    if token.endswith(":Cluster"):
        issuer = f"https://oidc.eks.eu-central-1.amazonaws.com/id/{identifier}"
        state |= {
            "certificateAuthority": {"data": "Y2VydGlmaWNhdGU="},
            "endpoint": f"https://{identifier}.eks.invalid",
            "identities": [{"oidcs": [{"issuer": issuer}]}],
            "vpcConfig": {**inputs["vpcConfig"], "clusterSecurityGroupId": f"sg-of-{identifier}"},
        }
    return state | ({"latestVersion": 1} if token.endswith(":LaunchTemplate") else {})


class Double(Provider):
    """Echoes."""

    name = "aws"
    version = importlib.metadata.version("pulumi-aws")

    @answers
    def Check(self, request: Any, context: Any) -> Any:
        """Names what has no name."""
        if request.type not in KNOWN:
            raise Refused(f"{request.type} is not known to the test double of the AWS provider")
        inputs = decode(request.news)
        if request.type in NAMED and "name" not in inputs:
            seed = hashlib.sha256(request.urn.encode()).hexdigest()[:7]
            inputs["name"] = f"{request.urn.rpartition('::')[2]}-{seed}"
        return wire.CheckResponse(inputs=encode(inputs))

    @answers
    def Diff(self, request: Any, context: Any) -> Any:
        """Compares inputs, and takes from the facts what replaces a resource."""
        known = facts.of(request.type)
        before, after = (reveal(decode(side)) for side in (request.old_inputs, request.news))
        known.settle(before, after)
        found = [
            dataclasses.replace(change, replaces=known.replacing(change, before, after))
            for change in changes(before, after, (), [parse(path) for path in request.ignoreChanges])
        ]
        return diff_response(found, known.deletes_first)

    @answers
    def Create(self, request: Any, context: Any) -> Any:
        """Invents an identifier; a preview leaves everything but the inputs unknown."""
        inputs = decode(request.properties)
        if request.preview:
            return wire.CreateResponse(properties=request.properties)
        assert not has_unknowns(inputs)
        if inputs.get("version") == NO_VERSION:
            raise Refused(f"unsupported Kubernetes version {NO_VERSION}")
        seed = hashlib.sha256(request.urn.encode()).hexdigest()[:12]
        identifier = inputs["name"] if request.type in NAMED else f"id-{seed}"
        state = {**inputs, **invent(request.type, identifier, reveal(inputs))}
        return wire.CreateResponse(id=identifier, properties=encode(state))

    @answers
    def Update(self, request: Any, context: Any) -> Any:
        """Takes the new inputs."""
        inputs = decode(request.news)
        if request.preview:
            return wire.UpdateResponse(properties=encode({**decode(request.olds), **inputs}))
        return wire.UpdateResponse(properties=encode({**inputs, **invent(request.type, request.id, reveal(inputs))}))

    @answers
    def Delete(self, request: Any, context: Any) -> Any:
        """Nothing is there."""
        return empty_pb2.Empty()


def main() -> None:
    """Runs the plugin."""
    serve(Double)
