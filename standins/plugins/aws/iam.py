"""Roles, policies, OIDC providers and instance profiles."""

import json
from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.plugin import Refused
from standins.plugins.values import Object


def _text(document: Any) -> Any:

    return json.dumps(document) if isinstance(document, dict) else document


class Role(Resource):
    """A role."""

    token = "aws:iam/role:Role"
    service = "iam"
    properties = properties(
        "name namePrefix path assumeRolePolicy description maxSessionDuration permissionsBoundary "
        "managedPolicyArns forceDetachPolicies~ tags"
    )
    outputs = ("arn", "createDate", "uniqueId")
    renames = {"RoleName": "name", "AssumeRolePolicyDocument": "assumeRolePolicy", "RoleId": "uniqueId"}
    absent = {"description": ""}
    tagging = Tagging("tag_role", "untag_role", "list_role_tags", {"RoleName": "{id}"})
    create_call = Call("create_role", "Role.RoleName")
    read_call = Call("get_role", "Role", RoleName="{id}")
    delete_call = Call("delete_role", RoleName="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its documents as texts and what is attached."""
        values = self.translated(found)
        values["assumeRolePolicy"] = _text(found["AssumeRolePolicyDocument"])
        values["permissionsBoundary"] = (found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        if "managedPolicyArns" in state:
            values["managedPolicyArns"] = self._attached(account, identifier)
        return values

    def _attached(self, account: Account, identifier: str) -> list[str]:
        found = account.call("iam", "list_attached_role_policies", RoleName=identifier)["AttachedPolicies"]
        return [one["PolicyArn"] for one in found]

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Each part by its own call."""
        if "assumeRolePolicy" in changed:
            account.call(
                "iam", "update_assume_role_policy", RoleName=identifier, PolicyDocument=inputs["assumeRolePolicy"]
            )
        if changed & {"description", "maxSessionDuration"}:
            account.call(
                "iam", "update_role", RoleName=identifier, Description=inputs.get("description", ""),
                MaxSessionDuration=inputs.get("maxSessionDuration", 3600),
            )  # fmt: skip
        if "permissionsBoundary" in changed:
            if inputs.get("permissionsBoundary"):
                account.call(
                    "iam", "put_role_permissions_boundary", RoleName=identifier,
                    PermissionsBoundary=inputs["permissionsBoundary"],
                )  # fmt: skip
            else:
                account.call("iam", "delete_role_permissions_boundary", RoleName=identifier)
        if "managedPolicyArns" in changed:
            live, wanted = self._attached(account, identifier), inputs.get("managedPolicyArns") or []
            for arn in [one for one in live if one not in wanted]:
                account.call("iam", "detach_role_policy", RoleName=identifier, PolicyArn=arn)
            for arn in [one for one in wanted if one not in live]:
                account.call("iam", "attach_role_policy", RoleName=identifier, PolicyArn=arn)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Detaches what the role itself attached, or everything with forceDetachPolicies."""
        try:
            mine = state.get("managedPolicyArns") or []
            for arn in self._attached(account, identifier):
                if arn in mine or state.get("forceDetachPolicies"):
                    account.call("iam", "detach_role_policy", RoleName=identifier, PolicyArn=arn)
        except Missing:
            return
        super().delete(account, identifier, state)


class RolePolicy(Resource):
    """A policy inside a role."""

    token = "aws:iam/rolePolicy:RolePolicy"
    service = "iam"
    properties = properties("role policy name namePrefix")
    renames = {"RoleName": "role", "PolicyName": "name", "PolicyDocument": "policy"}
    create_call = Call("put_role_policy")
    update_calls = (Call("put_role_policy", RoleName="{role}", PolicyName="{name}"),)
    read_call = Call("get_role_policy", "@", RoleName="{role}", PolicyName="{name}")
    delete_call = Call("delete_role_policy", RoleName="{role}", PolicyName="{name}")

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """The identifier says role and name."""
        role, _, name = identifier.partition(":")
        return {**super().known(account, identifier, state), **({"role": role, "name": name} if identifier else {})}

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """Role and name."""
        return f"{inputs['role']}:{inputs['name']}"

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its document as a text."""
        return {**self.translated(found), "policy": _text(found["PolicyDocument"])}


class RolePolicyAttachment(Resource):
    """A managed policy on a role."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    service = "iam"
    properties = properties("role policyArn")
    renames = {"RoleName": "role"}
    create_call = Call("attach_role_policy")
    delete_call = Call("detach_role_policy", RoleName="{role}", PolicyArn="{policyArn}")
    read_call = Call("list_attached_role_policies", "AttachedPolicies", RoleName="{role}")

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """The identifier says role and policy."""
        role, _, arn = identifier.partition("/")
        mine = {"role": role, "policyArn": arn} if identifier else {}
        return {**super().known(account, identifier, state), **mine}

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """Role and policy, as the published provider imports them."""
        return f"{inputs['role']}/{inputs['policyArn']}"

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """Whether it is attached."""
        role, _, arn = identifier.partition("/")
        if not any(one["PolicyArn"] == arn for one in found):
            raise Missing(identifier)
        return {"role": role, "policyArn": arn}


class Policy(Resource):
    """A managed policy; a change makes a new default version and removes the oldest when there are five."""

    token = "aws:iam/policy:Policy"
    service = "iam"
    properties = properties("name namePrefix path description policy tags")
    outputs = ("arn", "policyId", "attachmentCount")
    renames = {"PolicyName": "name", "PolicyDocument": "policy"}
    tagging = Tagging("tag_policy", "untag_policy", "list_policy_tags", {"PolicyArn": "{id}"})
    create_call = Call("create_policy", "Policy.Arn")
    read_call = Call("get_policy", "Policy", PolicyArn="{id}")
    delete_call = Call("delete_policy", PolicyArn="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the default version's document."""
        version = account.call(
            "iam", "get_policy_version", PolicyArn=identifier, VersionId=found["DefaultVersionId"]
        )  # fmt: skip
        values = {**self.translated(found), "policy": _text(version["PolicyVersion"]["Document"])}
        values.pop("attachmentCount", None)
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """A new default version."""
        versions = self._others(account, identifier)
        if len(versions) >= 4:
            account.call("iam", "delete_policy_version", PolicyArn=identifier, VersionId=versions[0])
        account.call(
            "iam", "create_policy_version", PolicyArn=identifier, PolicyDocument=inputs["policy"], SetAsDefault=True
        )

    def _others(self, account: Account, identifier: str) -> list[str]:
        found = account.call("iam", "list_policy_versions", PolicyArn=identifier)["Versions"]
        others = [one["VersionId"] for one in found if not one["IsDefaultVersion"]]
        return sorted(others, key=lambda text: int(text.removeprefix("v")))

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Versions go first."""
        try:
            for version in self._others(account, identifier):
                account.call("iam", "delete_policy_version", PolicyArn=identifier, VersionId=version)
        except Missing:
            return
        super().delete(account, identifier, state)


class OpenIdConnectProvider(Resource):
    """An OIDC provider."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    service = "iam"
    properties = properties("url clientIdLists thumbprintLists tags")
    outputs = ("arn",)
    renames = {"ClientIDList": "clientIdLists", "ThumbprintList": "thumbprintLists"}
    tagging = Tagging(
        "tag_open_id_connect_provider", "untag_open_id_connect_provider", "list_open_id_connect_provider_tags",
        {"OpenIDConnectProviderArn": "{id}"},
    )  # fmt: skip
    create_call = Call("create_open_id_connect_provider", "OpenIDConnectProviderArn")
    read_call = Call("get_open_id_connect_provider", "@", OpenIDConnectProviderArn="{id}")
    delete_call = Call("delete_open_id_connect_provider", OpenIDConnectProviderArn="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With its ARN, and its address as it was given."""
        values = {**self.translated(found), "arn": identifier}
        values["url"] = "https://" + str(found.get("Url", "")).removeprefix("https://")
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Thumbprints as a whole, clients one by one."""
        if "thumbprintLists" in changed and inputs.get("thumbprintLists"):
            account.call(
                "iam", "update_open_id_connect_provider_thumbprint", OpenIDConnectProviderArn=identifier,
                ThumbprintList=inputs["thumbprintLists"],
            )  # fmt: skip
        before, after = state.get("clientIdLists") or [], inputs["clientIdLists"]
        for operation, clients in (
            ("remove_client_id_from_open_id_connect_provider", [one for one in before if one not in after]),
            ("add_client_id_to_open_id_connect_provider", [one for one in after if one not in before]),
        ):
            for client in clients:
                account.call("iam", operation, OpenIDConnectProviderArn=identifier, ClientID=client)


class InstanceProfile(Resource):
    """An instance profile with its role."""

    token = "aws:iam/instanceProfile:InstanceProfile"
    service = "iam"
    properties = properties("name namePrefix path role tags")
    outputs = ("arn", "createDate", "uniqueId")
    renames = {"InstanceProfileName": "name", "InstanceProfileId": "uniqueId"}
    tagging = Tagging(
        "tag_instance_profile", "untag_instance_profile", "list_instance_profile_tags", {"InstanceProfileName": "{id}"}
    )
    create_call = Call("create_instance_profile", "InstanceProfile.InstanceProfileName")
    read_call = Call("get_instance_profile", "InstanceProfile", InstanceProfileName="{id}")
    delete_call = Call("delete_instance_profile", InstanceProfileName="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the name of its role."""
        return {**self.translated(found), "role": next((one["RoleName"] for one in found.get("Roles", [])), None)}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Swaps the role."""
        live = self.read(account, identifier, state)
        before, after = live and live.values.get("role"), inputs.get("role")
        for operation, role in (
            ("remove_role_from_instance_profile", before), ("add_role_to_instance_profile", after)
        ):  # fmt: skip
            if role and before != after:
                account.call("iam", operation, InstanceProfileName=identifier, RoleName=role)

    def read_tags(self, account: Account, identifier: str, state: Object) -> dict[str, str] | None:
        """The local API has no list of them; the profile itself does."""
        found = account.call("iam", "get_instance_profile", InstanceProfileName=identifier)["InstanceProfile"]
        return {one["Key"]: one["Value"] for one in found.get("Tags") or []}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """The role leaves first."""
        try:
            self.update(account, identifier, state, {}, {"role"})
        except Missing:
            return
        except Refused:
            pass  # the role has gone already; deleting says what is in the way
        super().delete(account, identifier, state)


KINDS = (Role, RolePolicy, RolePolicyAttachment, Policy, OpenIdConnectProvider, InstanceProfile)
