"""EKS clusters and node groups, by the API; what it drops of them is kept in a file."""

import hashlib
import os
from typing import Any

from standins.plugins.aws.account import Account, shape
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.shapes import from_api, to_api
from standins.plugins.aws.simulated import PLACE
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

TAGGING = Tagging(
    "tag_resource",
    "untag_resource",
    "list_tags_for_resource",
    {"resourceArn": "{arn}"},
    "tags",
    "tagKeys",
    "tags",
    None,
)

TAGS = "tags of node groups"
AUTO_MODE = (("computeConfig",), ("storageConfig", "blockStorage"), ("kubernetesNetworkConfig", "elasticLoadBalancing"))
"""Where the parts of Auto Mode are enabled."""


class Cluster(Resource):
    """A cluster; what the local API drops of it is kept in a file."""

    token = "aws:eks/cluster:Cluster"
    service = "eks"
    properties = properties(
        "name roleArn vpcConfig version accessConfig encryptionConfig enabledClusterLogTypes "
        "kubernetesNetworkConfig bootstrapSelfManagedAddons upgradePolicy deletionProtection computeConfig "
        "storageConfig tags"
    )
    outputs = ("arn", "certificateAuthority", "clusterId", "createdAt", "endpoint", "identities", "platformVersion",
               "status")  # fmt: skip
    inner = {"vpcConfig": ("clusterSecurityGroupId", "vpcId")}
    renames = {"resourcesVpcConfig": "vpcConfig"}
    unread = frozenset({"encryptionConfig", "accessConfig", "upgradePolicy", "kubernetesNetworkConfig",
                        "computeConfig", "storageConfig"})  # fmt: skip
    overlaid = frozenset({"version", "accessConfig", "upgradePolicy", "deletionProtection", "encryptionConfig",
                          "bootstrapSelfManagedAddons", "computeConfig", "storageConfig",
                          "kubernetesNetworkConfig"})  # fmt: skip
    tagging = TAGGING
    create_call = Call("create_cluster", "cluster.name")
    read_call = Call("describe_cluster", "cluster", name="{id}")
    delete_call = Call("delete_cluster", name="{id}")

    def create(self, account: Account, inputs: Object) -> str:
        """One call, with the log types in their place."""
        _check_auto_mode(inputs)
        given = self.parameters("create_cluster", inputs)
        types = inputs.get("enabledClusterLogTypes")
        if types:
            given["logging"] = {"clusterLogging": [{"types": types, "enabled": True}]}
        account.call("eks", "create_cluster", **given)
        self._create_security_group(account, inputs)
        self.tag(account, inputs["name"], inputs, {}, self.all_tags(account, inputs))
        return inputs["name"]

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With issuer, security group and log types in Pulumi's form."""
        values = self.translated(found)
        values["identities"] = [{"oidcs": [{"issuer": _issuer(found)}]}]
        group = _security_group(account, identifier)
        if group:
            place = {"clusterSecurityGroupId": group["GroupId"], "vpcId": group["VpcId"]}
            values["vpcConfig"] = {**values["vpcConfig"], **place}
        logging = (found.get("logging") or {}).get("clusterLogging") or []
        values["enabledClusterLogTypes"] = [name for one in logging if one.get("enabled") for name in one["types"]]
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Access and logs by the API, one at a time as it wants; the rest is kept beside."""
        self._check_update(account, identifier, state, inputs, changed)
        _check_auto_mode(inputs)
        if "vpcConfig" in changed:
            wanted = self.parameters("update_cluster_config", {"vpcConfig": inputs["vpcConfig"]})
            account.call("eks", "update_cluster_config", name=identifier, **wanted)
        if "enabledClusterLogTypes" in changed:
            every = ("api", "audit", "authenticator", "controllerManager", "scheduler")
            wanted = inputs.get("enabledClusterLogTypes") or []
            logging = [{"types": wanted, "enabled": True}] if wanted else []
            off = [name for name in every if name not in wanted]
            logging += [{"types": off, "enabled": False}] if off else []
            account.call("eks", "update_cluster_config", name=identifier, logging={"clusterLogging": logging})

    def _check_update(
        self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]
    ) -> None:
        """What EKS refuses to change, and the local API does not.

        Raises:
            Refused: subnets in other zones, a version that is not the next one, or access by the ConfigMap again.
        """
        if "vpcConfig" in changed:
            live = self.read_call(account, self.service, {"id": identifier})["resourcesVpcConfig"]["subnetIds"]
            before, after = (_zones(account, subnets) for subnets in (live, inputs["vpcConfig"]["subnetIds"]))
            if before != after:
                raise Refused(
                    f"InvalidParameterException: the cluster was created in {', '.join(before)}, and accepts "
                    f"subnets in exactly these zones; got {', '.join(after)}"
                )
        if "version" in changed and "version" in state and "version" in inputs:
            old, new = ([int(part) for part in str(side["version"]).split(".")] for side in (state, inputs))
            if new not in ([old[0], old[1] + 1], old):
                raise Refused(
                    f"InvalidParameterException: a cluster of version {state['version']} is upgraded one minor version "
                    f"at a time, got {inputs['version']}"
                )
        modes = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]
        old_mode, new_mode = ((side.get("accessConfig") or {}).get("authenticationMode") for side in (state, inputs))
        if old_mode in modes and new_mode in modes and modes.index(new_mode) < modes.index(old_mode):
            raise Refused(f"InvalidParameterException: authenticationMode {old_mode} cannot become {new_mode} again")

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Refused while it is protected, as AWS does."""
        if state.get("deletionProtection"):
            raise Refused("deletionProtection is on: set it to false and run `pulumi up` first")
        group = _security_group(account, identifier)
        super().delete(account, identifier, state)
        if group:
            account.call("ec2", "delete_security_group", GroupId=group["GroupId"])

    def _create_security_group(self, account: Account, inputs: Object) -> None:
        """EKS makes one for every cluster, in the VPC of the subnets; the local API makes none."""
        subnets = account.call("ec2", "describe_subnets", SubnetIds=inputs["vpcConfig"]["subnetIds"][:1])["Subnets"]
        group = account.call(
            "ec2",
            "create_security_group",
            GroupName=_group_name(inputs["name"]),
            Description="made by EKS for the cluster's nodes and network interfaces",
            VpcId=subnets[0]["VpcId"],
        )["GroupId"]
        account.call(
            "ec2", "create_tags", Resources=[group], Tags=[{"Key": f"kubernetes.io/cluster/{inputs['name']}",
                                                            "Value": "owned"}],
        )  # fmt: skip


class NodeGroup(Resource):
    """A managed node group."""

    token = "aws:eks/nodeGroup:NodeGroup"
    service = "eks"
    properties = properties(
        "clusterName nodeGroupName nodeGroupNamePrefix nodeRoleArn subnetIds scalingConfig amiType "
        "capacityType diskSize instanceTypes labels launchTemplate taints updateConfig nodeRepairConfig version "
        "releaseVersion forceUpdateVersion~ remoteAccess tags"
    )
    outputs = ("arn", "resources", "status")
    renames = {"nodegroupName": "nodeGroupName", "nodeRole": "nodeRoleArn", "subnets": "subnetIds",
               "nodegroupArn": "arn"}  # fmt: skip
    maps = frozenset({"labels", "tags"})
    unread = frozenset({"launchTemplate", "version", "releaseVersion", "updateConfig", "nodeRepairConfig",
                        "remoteAccess"})  # fmt: skip
    imported = frozenset({"launchTemplate"})  # to add one to a group that has none is to replace the group
    # The local API does not keep the first ones, and gives every group the same key to log in with.
    overlaid = frozenset({"launchTemplate", "version", "releaseVersion", "updateConfig", "nodeRepairConfig"})
    tagging = TAGGING
    read_call = Call("describe_nodegroup", "nodegroup", clusterName="{cluster}", nodegroupName="{group}")
    delete_call = Call("delete_nodegroup", clusterName="{cluster}", nodegroupName="{group}")

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """The identifier says cluster and group."""
        cluster, _, group = identifier.partition(":")
        return {**super().known(account, identifier, state), "cluster": cluster, "group": group}

    def _operations(self) -> list[str]:
        return ["create_nodegroup"]

    def create(self, account: Account, inputs: Object) -> str:
        """One call; a launch template's name and identifier exclude each other in the local API's answer."""
        given = self.parameters("create_nodegroup", inputs)
        account.call("eks", "create_nodegroup", **given, tags=self.all_tags(account, inputs))
        return f"{inputs['clusterName']}:{inputs['nodeGroupName']}"

    def tag(self, account: Account, identifier: str, state: Object, old: Any, new: Any) -> None:
        """The local API tags clusters alone: changed tags of a group are kept beside it."""
        if dict(old) != dict(new):
            account.store.put(TAGS, identifier, dict(new))

    def read_tags(self, account: Account, identifier: str, state: Object) -> dict[str, str] | None:
        """Those that the group was made with, unless they were changed."""
        kept = account.store.get(TAGS, identifier) if os.environ.get(PLACE) else None
        return kept if kept is not None else dict(state.get("tags") or {})

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """With the tags beside it."""
        super().delete(account, identifier, state)
        if os.environ.get(PLACE):
            account.store.put(TAGS, identifier, None)

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its group of machines as a list."""
        values = {key: value for key, value in self.translated(found).items() if value is not None}
        groups = (found.get("resources") or {}).get("autoScalingGroups") or []
        values["resources"] = [{"autoscalingGroups": from_api(groups, {})}]
        values.setdefault("taints", [])
        values.setdefault("labels", {})
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Sizes, labels and taints by the API."""
        given: Object = {}
        if "scalingConfig" in changed:
            given |= self.parameters("update_nodegroup_config", {"scalingConfig": inputs["scalingConfig"]})
        before, after = state.get("labels") or {}, inputs.get("labels") or {}
        if before != after:
            given["labels"] = {
                "addOrUpdateLabels": {key: after[key] for key in after if before.get(key) != after[key]},
                "removeLabels": [key for key in before if key not in after],
            }
        if "taints" in changed:
            shape_of = self._taint_shape()
            old, new = (to_api(shape_of, side.get("taints") or [], {}, "taints") for side in (state, inputs))
            kept = {(one["key"], one["effect"]) for one in new}
            given["taints"] = {
                "addOrUpdateTaints": [one for one in new if one not in old],
                "removeTaints": [one for one in old if (one["key"], one["effect"]) not in kept],
            }
        if given:
            cluster, _, group = identifier.partition(":")
            account.call("eks", "update_nodegroup_config", clusterName=cluster, nodegroupName=group, **given)

    @staticmethod
    def _taint_shape() -> Any:
        return shape("eks", "create_nodegroup").members["taints"]


def _zones(account: Account, subnets: list[str]) -> list[str]:
    """The availability zones of subnets."""
    found = account.call("ec2", "describe_subnets", SubnetIds=subnets)["Subnets"]
    return sorted({one["AvailabilityZone"] for one in found})


def _check_auto_mode(inputs: Object) -> None:
    """EKS takes compute, block storage and load balancing of Auto Mode together, and node pools with a role.

    Raises:
        Refused: one of them is missing.
    """
    enabled = {bool(_part(inputs, place).get("enabled")) for place in AUTO_MODE}
    if len(enabled) > 1:
        listed = ", ".join(".".join((*place, "enabled")) for place in AUTO_MODE)
        raise Refused(f"InvalidParameterException: {listed} must all be true or all be false")
    compute = inputs.get("computeConfig") or {}
    if bool(compute.get("nodePools")) != bool(compute.get("nodeRoleArn")):
        raise Refused("InvalidParameterException: computeConfig.nodePools and computeConfig.nodeRoleArn go together")


def _part(inputs: Object, place: tuple[str, ...]) -> Object:
    found = inputs
    for key in place:
        found = found.get(key) or {}
    return found


def _issuer(cluster: Object) -> str:
    """Each cluster has an issuer of its own; the local API gives one a region."""
    shared: str = cluster["identity"]["oidc"]["issuer"]
    return f"{shared.rpartition('/')[0]}/{_digest(cluster['arn']).upper()}"


def _group_name(cluster: str) -> str:
    return f"eks-cluster-sg-{cluster}-{int(_digest(cluster)[:8], 16)}"


def _security_group(account: Account, cluster: str) -> Object | None:
    """The group that EKS made for the cluster; None for a cluster that was made beside this provider."""
    wanted = [{"Name": "group-name", "Values": [_group_name(cluster)]}]
    found = account.call("ec2", "describe_security_groups", Filters=wanted)["SecurityGroups"]
    return found[0] if found else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


KINDS = (Cluster, NodeGroup)
