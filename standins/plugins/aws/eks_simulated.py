"""Add-ons, access entries, their policies and pod identities of an EKS cluster: the local API has none of them."""

import datetime
import hashlib

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Live, properties
from standins.plugins.aws.simulated_resource import Simulated
from standins.plugins.values import Object


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Simulation(Simulated):
    """What EKS keeps beside a cluster."""

    service = "eks"
    owner = ("describe_cluster", "name", "clusterName")
    operation = ""

    def _operations(self) -> list[str]:
        return [self.operation]

    def arn(self, account: Account, kind: str, *parts: str) -> str:
        """The ARN that EKS would give."""
        rest = "/".join(parts)
        return f"arn:aws:eks:{account.region}:{account.number}:{kind}/{rest}"

    def changed(self, before: Object, inputs: Object) -> Object:
        """When it was changed."""
        return {"modifiedAt": _now()} if "modifiedAt" in self.outputs else {}


class Addon(Simulation):
    """A managed add-on."""

    token = "aws:eks/addon:Addon"
    operation = "create_addon"
    properties = properties(
        "clusterName addonName addonVersion configurationValues serviceAccountRoleArn podIdentityAssociations "
        "preserve~ resolveConflictsOnCreate~ resolveConflictsOnUpdate~ tags"
    )
    outputs = ("arn", "createdAt", "modifiedAt")
    volatile = ("modifiedAt",)

    identity = "{clusterName}:{addonName}"

    def computed(self, account: Account, identifier: str, inputs: Object) -> Object:
        """ARN, times, and a version if none was given."""
        cluster, _, name = identifier.partition(":")
        times = dict.fromkeys(("createdAt", "modifiedAt"), _now())
        chosen = {} if "addonVersion" in inputs else {"addonVersion": "v1.0.0-eksbuild.1"}
        return {**times, **chosen, "arn": self.arn(account, "addon", cluster, name, _digest(identifier))}


class AccessEntry(Simulation):
    """Who may enter a cluster."""

    token = "aws:eks/accessEntry:AccessEntry"
    operation = "create_access_entry"
    properties = properties("clusterName principalArn kubernetesGroups type userName tags")
    outputs = ("accessEntryArn", "createdAt", "modifiedAt")
    volatile = ("modifiedAt",)
    renames = {"username": "userName"}

    identity = "{clusterName}:{principalArn}"

    def computed(self, account: Account, identifier: str, inputs: Object) -> Object:
        """ARN, times, and a user name if none was given."""
        cluster, _, principal = identifier.partition(":")
        times = dict.fromkeys(("createdAt", "modifiedAt"), _now())
        user = {} if "userName" in inputs else {"userName": principal}
        arn = self.arn(account, "access-entry", cluster, principal.rpartition(":")[2], _digest(identifier))
        return {**times, **user, "accessEntryArn": arn}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Its policies go with it."""
        for name in account.store.all().get(AccessPolicyAssociation.token, {}):
            if name.startswith(f"{state['clusterName']}#{state['principalArn']}#"):
                account.store.put(AccessPolicyAssociation.token, name, None)
        super().delete(account, identifier, state)


class AccessPolicyAssociation(Simulation):
    """What an access entry may do."""

    token = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
    operation = "associate_access_policy"
    properties = properties("clusterName principalArn policyArn accessScope")
    outputs = ("associatedAt", "modifiedAt")

    identity = "{clusterName}#{principalArn}#{policyArn}"

    def create(self, account: Account, inputs: Object) -> str:
        """Only for a principal with an access entry; a policy that the entry has already gets the new scope."""
        entry = f"{inputs['clusterName']}:{inputs['principalArn']}"
        if account.store.get(AccessEntry.token, entry) is None:
            raise Missing(f"the cluster has no access entry for {inputs['principalArn']}")
        account.store.put(self.token, self.parts(inputs), None)
        return super().create(account, inputs)

    def computed(self, account: Account, identifier: str, inputs: Object) -> Object:
        """Times."""
        return dict.fromkeys(self.outputs, _now())


class PodIdentityAssociation(Simulation):
    """Which role a service account takes."""

    token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    operation = "create_pod_identity_association"
    properties = properties("clusterName namespace serviceAccount roleArn disableSessionTags targetRoleArn policy tags")
    outputs = ("associationArn", "associationId", "externalId")

    def parts(self, inputs: Object) -> str:
        """As the API makes them, but the same for the same service account: there can be one alone."""
        place = f"{inputs['clusterName']}:{inputs['namespace']}:{inputs['serviceAccount']}"
        return f"a-{_digest(place)[:17]}"

    def computed(self, account: Account, identifier: str, inputs: Object) -> Object:
        """ARN and identifier."""
        arn = self.arn(account, "podidentityassociation", inputs["clusterName"], identifier)
        return {"associationArn": arn, "associationId": identifier}

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """Imported as `cluster,association`."""
        return super().read(account, identifier.rpartition(",")[2], state)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


KINDS = (Addon, AccessEntry, AccessPolicyAssociation, PodIdentityAssociation)
