"""RDS instances with their subnet and parameter groups."""

import base64
import contextlib
import hashlib
import math
from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.secretsmanager import SecretRotation
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

TAGGING = Tagging(
    "add_tags_to_resource", "remove_tags_from_resource", "list_tags_for_resource", {"ResourceName": "{arn}"},
    answer="TagList",
)  # fmt: skip


class SubnetGroup(Resource):
    """A subnet group."""

    token = "aws:rds/subnetGroup:SubnetGroup"
    service = "rds"
    properties = properties("name namePrefix subnetIds description tags")
    outputs = ("arn", "vpcId")
    renames = {"DBSubnetGroupName": "name", "DBSubnetGroupDescription": "description", "DBSubnetGroupArn": "arn"}
    tagging = TAGGING
    create_call = Call("create_db_subnet_group", "DBSubnetGroup.DBSubnetGroupName")
    read_call = Call("describe_db_subnet_groups", "DBSubnetGroups[0]", DBSubnetGroupName="{id}")
    delete_call = Call("delete_db_subnet_group", DBSubnetGroupName="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the names of its subnets."""
        return {**self.translated(found), "subnetIds": [one["SubnetIdentifier"] for one in found["Subnets"]]}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """As a whole."""
        account.call(
            "rds", "modify_db_subnet_group", DBSubnetGroupName=identifier, SubnetIds=inputs["subnetIds"],
            DBSubnetGroupDescription=inputs.get("description", "Managed by Pulumi"),
        )  # fmt: skip


class ParameterGroup(Resource):
    """A parameter group."""

    token = "aws:rds/parameterGroup:ParameterGroup"
    service = "rds"
    properties = properties("name namePrefix family description parameters skipDestroy~ tags")
    outputs = ("arn",)
    renames = {"DBParameterGroupName": "name", "DBParameterGroupFamily": "family", "DBParameterGroupArn": "arn",
               "ParameterName": "name", "ParameterValue": "value"}  # fmt: skip
    absent = {"parameters": []}
    tagging = TAGGING
    write_call = "modify_db_parameter_group"
    create_call = Call("create_db_parameter_group", "DBParameterGroup.DBParameterGroupName")
    read_call = Call("describe_db_parameter_groups", "DBParameterGroups[0]", DBParameterGroupName="{id}")
    delete_call = Call("delete_db_parameter_group", DBParameterGroupName="{id}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the parameters that somebody set."""
        live = account.call("rds", "describe_db_parameters", DBParameterGroupName=identifier).get("Parameters") or []
        given = [
            {"name": one["ParameterName"], "value": str(one["ParameterValue"]),
             "applyMethod": one.get("ApplyMethod", "immediate")}
            for one in live
            if "ParameterValue" in one
        ]  # fmt: skip
        return {**self.translated(found), "parameters": given}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Sets what is given, resets what is gone."""
        wanted = {one["name"]: one for one in inputs.get("parameters") or []}
        if wanted:
            parameters = [
                {"ParameterName": name, "ParameterValue": str(one["value"]),
                 "ApplyMethod": one.get("applyMethod", "immediate")}
                for name, one in wanted.items()
            ]  # fmt: skip
            account.call("rds", "modify_db_parameter_group", DBParameterGroupName=identifier, Parameters=parameters)
        gone = [one["name"] for one in state.get("parameters") or [] if one["name"] not in wanted]
        if gone and "arn" in state:
            raise Refused(f"the AWS provider stand-in cannot reset parameter {gone[0]}: give its default value")

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Deletes it, unless it is to stay; AWS refuses while an instance holds it, which the local API does not check.

        Raises:
            Refused: an instance still has the group. The published provider retries for three minutes before it fails.
        """
        if state.get("skipDestroy"):
            return
        for one in account.call("rds", "describe_db_instances")["DBInstances"]:
            if identifier in [group["DBParameterGroupName"] for group in one.get("DBParameterGroups") or []]:
                raise Refused(
                    f"InvalidDBParameterGroupState: parameter group {identifier} is still that of instance "
                    f"{one['DBInstanceIdentifier']}"
                )
        super().delete(account, identifier, state)


class Instance(Resource):
    """A database instance."""

    token = "aws:rds/instance:Instance"
    service = "rds"
    local = "applyImmediately~ skipFinalSnapshot~ finalSnapshotIdentifier~ deleteAutomatedBackups~"
    properties = properties(
        "identifier identifierPrefix instanceClass engine engineVersion allocatedStorage maxAllocatedStorage "
        "storageType iops storageThroughput storageEncrypted kmsKeyId dbName username password "
        "manageMasterUserPassword masterUserSecretKmsKeyId port dbSubnetGroupName vpcSecurityGroupIds "
        "parameterGroupName publiclyAccessible multiAz availabilityZone backupRetentionPeriod backupWindow "
        "maintenanceWindow copyTagsToSnapshot deletionProtection autoMinorVersionUpgrade allowMajorVersionUpgrade~ "
        "caCertIdentifier enabledCloudwatchLogsExports databaseInsightsMode engineLifecycleSupport "
        "performanceInsightsEnabled performanceInsightsKmsKeyId "
        f"performanceInsightsRetentionPeriod monitoringInterval monitoringRoleArn iamDatabaseAuthenticationEnabled "
        f"{local} tags"
    )
    outputs = ("address", "arn", "endpoint", "engineVersionActual", "hostedZoneId", "masterUserSecrets", "resourceId",
               "status")  # fmt: skip
    renames = {
        "DBInstanceIdentifier": "identifier", "DBInstanceClass": "instanceClass", "DBParameterGroupName":
        "parameterGroupName", "MasterUsername": "username", "MasterUserPassword": "password", "DBName": "dbName",
        "DBInstanceArn": "arn", "DbiResourceId": "resourceId", "DBInstanceStatus": "status", "MultiAZ": "multiAz",
        "EnableIAMDatabaseAuthentication": "iamDatabaseAuthenticationEnabled",
        "EnablePerformanceInsights": "performanceInsightsEnabled", "PreferredBackupWindow": "backupWindow",
        "PreferredMaintenanceWindow": "maintenanceWindow", "CACertificateIdentifier": "caCertIdentifier",
        "EnableCloudwatchLogsExports": "enabledCloudwatchLogsExports",
        "PerformanceInsightsKMSKeyId": "performanceInsightsKmsKeyId",
    }  # fmt: skip
    absent = {"deletionProtection": False, "iamDatabaseAuthenticationEnabled": False, "storageEncrypted": False}
    unread = frozenset({"password", "manageMasterUserPassword", "masterUserSecretKmsKeyId",
                        "performanceInsightsKmsKeyId", "enabledCloudwatchLogsExports", "caCertIdentifier",
                        "performanceInsightsEnabled", "performanceInsightsRetentionPeriod", "maxAllocatedStorage",
                        "storageThroughput", "monitoringRoleArn", "monitoringInterval"})  # fmt: skip
    tagging = TAGGING
    create_call = Call("create_db_instance")
    read_call = Call("describe_db_instances", "DBInstances[0]", DBInstanceIdentifier="{name}")

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """With the name that the instance has now; an import gives a name."""
        kept = account.store.get(self.token, identifier) if identifier else None
        return {**super().known(account, identifier, state), "name": (kept or {}).get("identifier", identifier)}

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """A resource identifier, which survives a new name. The local API has one and the same for every instance."""
        name = inputs["identifier"]
        known = account.store.all().get(self.token, {})
        identifier = next((one for one, kept in known.items() if kept["identifier"] == name), None)
        identifier = identifier or _resource_id(account, name)
        account.store.put(self.token, identifier, {"identifier": name})
        return identifier

    def wrong(self, inputs: Object) -> list[str]:
        """What the published provider refuses as well."""
        final = inputs.get("skipFinalSnapshot") or inputs.get("finalSnapshotIdentifier")
        return [] if final else ["finalSnapshotIdentifier must be given unless skipFinalSnapshot is true"]

    def suppresses(self, name: str, new: Any, inputs: Object, state: Object) -> bool:
        """A size below what storage autoscaling has reached, and a version that is a prefix of the live one."""
        if name == "allocatedStorage" and inputs.get("maxAllocatedStorage"):
            return float(new) < float(state.get("allocatedStorage", 0))
        if name == "engineVersion":
            return f"{state.get('engineVersionActual', '')}.".startswith(f"{new}.")
        return False

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With addresses, groups and the managed password's secret in Pulumi's form."""
        name = found["DBInstanceIdentifier"]
        if account.store.get(self.token, identifier) is None:  # imported by its name
            identifier = self.identify(account, found, {"identifier": name})
        values = {**self.translated(found), "__id": identifier, "resourceId": identifier}
        endpoint = found.get("Endpoint") or {}
        values |= {"address": endpoint.get("Address"), "hostedZoneId": endpoint.get("HostedZoneId"),
                   "port": endpoint.get("Port"), "endpoint": f"{endpoint.get('Address')}:{endpoint.get('Port')}",
                   "engineVersionActual": found.get("EngineVersion")}  # fmt: skip
        if self.suppresses("engineVersion", given := state.get("engineVersion"), {}, values):
            values["engineVersion"] = given  # the program's `17` is the live 17.6
        groups = found.get("DBParameterGroups") or []
        values["parameterGroupName"] = next((one["DBParameterGroupName"] for one in groups), None)
        values["dbSubnetGroupName"] = (found.get("DBSubnetGroup") or {}).get("DBSubnetGroupName")
        security = found.get("VpcSecurityGroups") or []
        values["vpcSecurityGroupIds"] = [one["VpcSecurityGroupId"] for one in security]
        secret = found.get("MasterUserSecret")
        values["masterUserSecrets"] = [self.translated(secret)] if secret else []
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """In one call. Without applyImmediately, what waits for the maintenance window is not made here."""
        live = self.read_call(account, self.service, self.known(account, identifier, {}))
        given = {**self.defaults, **inputs}
        major = "engineVersion" in changed and _major(inputs) != _major(
            {**inputs, "engineVersion": live["EngineVersion"]}
        )
        waiting = set() if inputs.get(self.facts.deferred_unless) else changed & self.facts.deferred
        if major and "engineVersion" in waiting:
            waiting.add("parameterGroupName")
        names = {key for key in changed - waiting if key in given and not self.properties[key].local}
        if major and "engineVersion" in names:
            self._check_major(account, live, given)
        wanted = self.parameters(
            "modify_db_instance", {key: given[key] for key in names - {"port", "engine", "identifier"}}
        )
        if "port" in names:
            wanted["DBPortNumber"] = given["port"]
        if "identifier" in names:
            wanted["NewDBInstanceIdentifier"] = given["identifier"]
        if "allocatedStorage" in names:
            wanted["AllocatedStorage"] = _grown(int(live["AllocatedStorage"]), int(given["allocatedStorage"]))
        if "enabledCloudwatchLogsExports" in names | (changed - {*given}):
            before, after = (side.get("enabledCloudwatchLogsExports") or [] for side in (state, inputs))
            wanted["CloudwatchLogsExportConfiguration"] = {
                "EnableLogTypes": [one for one in after if one not in before],
                "DisableLogTypes": [one for one in before if one not in after],
            }
        if inputs.get("allowMajorVersionUpgrade"):
            wanted["AllowMajorVersionUpgrade"] = True
        if wanted:
            account.call(
                "rds", "modify_db_instance", DBInstanceIdentifier=live["DBInstanceIdentifier"],
                ApplyImmediately=True, **wanted,
            )  # fmt: skip
        if "identifier" in names:
            account.store.put(self.token, identifier, {"identifier": given["identifier"]})

    def _check_major(self, account: Account, live: Object, given: Object) -> None:
        """What AWS asks of a major version and the local API does not.

        Raises:
            Refused: it was not allowed, or the parameter group is another major version's.
        """
        if not given.get("allowMajorVersionUpgrade"):
            raise Refused(f"{given['engineVersion']} is another major version: it needs allowMajorVersionUpgrade")
        name = given.get("parameterGroupName") or live["DBParameterGroups"][0]["DBParameterGroupName"]
        family, wanted = _family(account, name), f"{live['Engine']}{_major(given)}"
        if family not in ("", wanted):
            raise Refused(
                f"InvalidParameterCombination: parameter group {name} is of the family {family}, engine version "
                f"{given['engineVersion']} needs {wanted}"
            )

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """With a final snapshot, unless the program does without."""
        name = self.known(account, identifier, {})["name"]
        more: Object = {"SkipFinalSnapshot": True}
        if not state.get("skipFinalSnapshot"):
            more = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": state["finalSnapshotIdentifier"]}
        with contextlib.suppress(Missing):
            account.call("rds", "delete_db_instance", DBInstanceIdentifier=name, **more)
        account.store.put(self.token, identifier, None)
        for secret in state.get("masterUserSecrets") or []:  # goes with its instance, and what is kept of it as well
            account.store.put(SecretRotation.token, secret["secretArn"], None)


def _resource_id(account: Account, name: str) -> str:
    """A DbiResourceId: `db-` and 26 capitals and digits."""
    digest = hashlib.sha256(f"{account.region}/{name}".encode()).digest()
    return "db-" + base64.b32encode(digest).decode()[:26]


def _major(inputs: Object) -> str:
    """The part of an engine version that a parameter group's family has: `17` of Postgres, `8.4` of MySQL."""
    parts = str(inputs.get("engineVersion", "")).split(".")
    return ".".join(parts[: 1 if str(inputs.get("engine", "postgres")).startswith("postgres") else 2])


def _family(account: Account, group: str) -> str:
    """The family of a parameter group; empty for a default group, which AWS changes by itself."""
    if group.startswith("default"):
        return ""
    found = account.call("rds", "describe_db_parameter_groups", DBParameterGroupName=group)["DBParameterGroups"]
    return str(found[0]["DBParameterGroupFamily"])


def _grown(live: int, wanted: int) -> int:
    """The size that AWS gives: it never shrinks a volume, and grows it by a tenth at least.

    Raises:
        Refused: the size is below the live one.
    """
    if wanted < live:
        raise Refused(f"allocatedStorage cannot shrink: the instance has {live} GiB, got {wanted}")
    return max(wanted, math.ceil(live * 1.1)) if wanted > live else live


KINDS = (SubnetGroup, ParameterGroup, Instance)
