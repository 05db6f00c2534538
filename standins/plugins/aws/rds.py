"""RDS instances with their subnet and parameter groups."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.resource import Call, Resource, Tagging, properties
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
    properties = properties("name! namePrefix! subnetIds* description tags")
    outputs = ("arn", "vpcId")
    renames = {"DBSubnetGroupName": "name", "DBSubnetGroupDescription": "description", "DBSubnetGroupArn": "arn"}
    defaults = {"description": "Managed by Pulumi"}
    name, lower_names = "name", True
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
    properties = properties("name! namePrefix! family*! description! parameters skipDestroy~ tags")
    outputs = ("arn",)
    renames = {"DBParameterGroupName": "name", "DBParameterGroupFamily": "family", "DBParameterGroupArn": "arn",
               "ParameterName": "name", "ParameterValue": "value"}  # fmt: skip
    defaults = {"description": "Managed by Pulumi", "parameters": []}
    name, lower_names = "name", True
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
        """Deletes it, unless it is to stay."""
        if not state.get("skipDestroy"):
            super().delete(account, identifier, state)


class Instance(Resource):
    """A database instance."""

    token = "aws:rds/instance:Instance"
    service = "rds"
    local = "applyImmediately~ skipFinalSnapshot~ finalSnapshotIdentifier~ deleteAutomatedBackups~"
    properties = properties(
        "identifier! identifierPrefix! instanceClass* engine! engineVersion allocatedStorage maxAllocatedStorage "
        "storageType iops storageThroughput storageEncrypted! kmsKeyId! dbName! username! password "
        "manageMasterUserPassword masterUserSecretKmsKeyId port dbSubnetGroupName vpcSecurityGroupIds "
        "parameterGroupName publiclyAccessible multiAz availabilityZone! backupRetentionPeriod backupWindow "
        "maintenanceWindow copyTagsToSnapshot deletionProtection autoMinorVersionUpgrade allowMajorVersionUpgrade~ "
        "caCertIdentifier enabledCloudwatchLogsExports performanceInsightsEnabled performanceInsightsKmsKeyId "
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
    defaults = {
        "publiclyAccessible": False, "backupRetentionPeriod": 0, "copyTagsToSnapshot": False,
        "deletionProtection": False, "autoMinorVersionUpgrade": True, "monitoringInterval": 0,
        "storageEncrypted": False, "performanceInsightsEnabled": False,
        "iamDatabaseAuthenticationEnabled": False,
    }  # fmt: skip
    settled = frozenset({"engineVersion", "allocatedStorage", "storageType", "iops", "storageThroughput", "kmsKeyId",
                         "port", "dbSubnetGroupName", "vpcSecurityGroupIds", "parameterGroupName", "multiAz",
                         "availabilityZone", "backupWindow", "maintenanceWindow", "caCertIdentifier",
                         "performanceInsightsKmsKeyId", "performanceInsightsRetentionPeriod",
                         "masterUserSecretKmsKeyId"})  # fmt: skip
    unread = frozenset({"password", "manageMasterUserPassword", "engineVersion", "masterUserSecretKmsKeyId",
                        "performanceInsightsKmsKeyId", "enabledCloudwatchLogsExports", "caCertIdentifier",
                        "performanceInsightsEnabled", "performanceInsightsRetentionPeriod", "maxAllocatedStorage",
                        "storageThroughput", "monitoringRoleArn", "monitoringInterval"})  # fmt: skip
    name, name_limit, lower_names = "identifier", 63, True
    tagging = TAGGING
    create_call = Call("create_db_instance", "DBInstance.DBInstanceIdentifier")
    read_call = Call("describe_db_instances", "DBInstances[0]", DBInstanceIdentifier="{id}")

    def wrong(self, inputs: Object) -> list[str]:
        """What the published provider refuses as well."""
        final = inputs.get("skipFinalSnapshot") or inputs.get("finalSnapshotIdentifier")
        found = [] if final else ["finalSnapshotIdentifier must be given unless skipFinalSnapshot is true"]
        if inputs.get("manageMasterUserPassword") and "password" in inputs:
            found.append("manageMasterUserPassword and password exclude each other")
        return found

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With addresses, groups and the managed password's secret in Pulumi's form."""
        values = self.translated(found)
        endpoint = found.get("Endpoint") or {}
        values |= {"address": endpoint.get("Address"), "hostedZoneId": endpoint.get("HostedZoneId"),
                   "port": endpoint.get("Port"), "endpoint": f"{endpoint.get('Address')}:{endpoint.get('Port')}",
                   "engineVersionActual": found.get("EngineVersion")}  # fmt: skip
        groups = found.get("DBParameterGroups") or []
        values["parameterGroupName"] = next((one["DBParameterGroupName"] for one in groups), None)
        values["dbSubnetGroupName"] = (found.get("DBSubnetGroup") or {}).get("DBSubnetGroupName")
        security = found.get("VpcSecurityGroups") or []
        values["vpcSecurityGroupIds"] = [one["VpcSecurityGroupId"] for one in security]
        secret = found.get("MasterUserSecret")
        values["masterUserSecrets"] = [self.translated(secret)] if secret else []
        return values

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """In one call; the local API has no maintenance windows, so at once."""
        given = {**self.defaults, **inputs}
        names = {key for key in changed if key in given and not self.properties[key].local}
        wanted = self.parameters("modify_db_instance", {key: given[key] for key in names - {"port", "engine"}})
        if "port" in names:
            wanted["DBPortNumber"] = given["port"]
        if "enabledCloudwatchLogsExports" in changed:
            before, after = (side.get("enabledCloudwatchLogsExports") or [] for side in (state, inputs))
            wanted["CloudwatchLogsExportConfiguration"] = {
                "EnableLogTypes": [one for one in after if one not in before],
                "DisableLogTypes": [one for one in before if one not in after],
            }
        if inputs.get("allowMajorVersionUpgrade"):
            wanted["AllowMajorVersionUpgrade"] = True
        if wanted:
            account.call(
                "rds", "modify_db_instance", DBInstanceIdentifier=identifier,
                ApplyImmediately=True, **wanted,
            )  # fmt: skip

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """With a final snapshot, unless the program does without."""
        more: Object = {"SkipFinalSnapshot": True}
        if not state.get("skipFinalSnapshot"):
            more = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": state["finalSnapshotIdentifier"]}
        try:
            account.call("rds", "delete_db_instance", DBInstanceIdentifier=identifier, **more)
        except Missing:
            return


KINDS = (SubnetGroup, ParameterGroup, Instance)
