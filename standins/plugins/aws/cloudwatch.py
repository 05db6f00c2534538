"""Log groups, and event rules with their targets."""

from typing import Any

from standins.plugins.aws.account import Account, Missing
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.values import Object


class LogGroup(Resource):
    """A log group."""

    token = "aws:cloudwatch/logGroup:LogGroup"
    service = "logs"
    properties = properties("name namePrefix retentionInDays kmsKeyId logGroupClass skipDestroy~ tags")
    outputs = ("arn",)
    renames = {"logGroupName": "name"}
    tagging = Tagging(
        "tag_resource", "untag_resource", "list_tags_for_resource", {"resourceArn": "{arn}"}, "tags", "tagKeys", "tags",
        None,
    )  # fmt: skip
    create_call = Call("create_log_group")
    read_call = Call("describe_log_groups", "logGroups", logGroupNamePrefix="{id}")
    delete_call = Call("delete_log_group", logGroupName="{id}")

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The name."""
        return inputs["name"]

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The group among those that begin alike."""
        one = next((one for one in found if one["logGroupName"] == identifier), None)
        if one is None:
            raise Missing(identifier)
        values = self.translated(one)
        return {"retentionInDays": 0, **values, "arn": str(one["arn"]).removesuffix(":*")}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Retention and key by their own calls."""
        if "retentionInDays" in changed:
            days = inputs.get("retentionInDays", 0)
            if days:
                account.call("logs", "put_retention_policy", logGroupName=identifier, retentionInDays=days)
            else:
                account.call("logs", "delete_retention_policy", logGroupName=identifier)
        if "kmsKeyId" in changed and inputs.get("kmsKeyId") != state.get("kmsKeyId"):
            if inputs.get("kmsKeyId"):
                account.call("logs", "associate_kms_key", logGroupName=identifier, kmsKeyId=inputs["kmsKeyId"])
            else:
                account.call("logs", "disassociate_kms_key", logGroupName=identifier)

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Deletes it, unless it is to stay."""
        if not state.get("skipDestroy"):
            super().delete(account, identifier, state)


class EventRule(Resource):
    """An event rule."""

    token = "aws:cloudwatch/eventRule:EventRule"
    service = "events"
    properties = properties(
        "name namePrefix eventBusName eventPattern scheduleExpression description roleArn state forceDestroy~ tags"
    )
    outputs = ("arn",)
    tagging = Tagging("tag_resource", "untag_resource", "list_tags_for_resource", {"ResourceARN": "{arn}"})
    create_call = Call("put_rule")
    read_call = Call("describe_rule", "@", Name="{id}", EventBusName="{bus}")
    delete_call = Call("delete_rule", Name="{id}", EventBusName="{bus}")

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """With the bus."""
        return {**super().known(account, identifier, state), "bus": state.get("eventBusName", "default")}

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The name."""
        return inputs["name"]

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The rule as a whole."""
        account.call("events", "put_rule", **self.parameters("put_rule", {**self.defaults, **inputs}))


class EventTarget(Resource):
    """A target of an event rule."""

    token = "aws:cloudwatch/eventTarget:EventTarget"
    service = "events"
    properties = properties("rule arn targetId eventBusName roleArn input inputPath forceDestroy~")
    renames = {"Id": "targetId"}

    def create(self, account: Account, inputs: Object) -> str:
        """One target."""
        self.update(account, "", {}, inputs, set())
        return f"{inputs['rule']}-{inputs['targetId']}"

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The target as a whole."""
        names = {"targetId": "Id", "arn": "Arn", "roleArn": "RoleArn", "input": "Input", "inputPath": "InputPath"}
        target = {api: inputs[key] for key, api in names.items() if key in inputs}
        bus = inputs.get("eventBusName", "default")
        account.call("events", "put_targets", Rule=inputs["rule"], EventBusName=bus, Targets=[target])

    read_call = Call("list_targets_by_rule", "Targets", Rule="{rule}", EventBusName="{bus}")
    delete_call = Call("remove_targets", Rule="{rule}", EventBusName="{bus}", Ids=["{targetId}"])

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """With the bus."""
        return {**super().known(account, identifier, state), "bus": state.get("eventBusName", "default")}

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The target among those of its rule."""
        one = next((one for one in found if one["Id"] == state.get("targetId")), None)
        if one is None:
            raise Missing(identifier)
        return self.translated(one)


KINDS = (LogGroup, EventRule, EventTarget)
