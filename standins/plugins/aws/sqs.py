"""Queues and their policies."""

import json
from typing import Any

from standins.plugins.aws.account import Account
from standins.plugins.aws.description import Call, Tagging, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.values import Object

ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
"""Properties that the API takes as texts, under names of its own."""


class Queue(Resource):
    """A standard queue."""

    token = "aws:sqs/queue:Queue"
    service = "sqs"
    properties = properties(f"name namePrefix {' '.join(ATTRIBUTES)} tags")
    outputs = ("arn", "url")
    tagging = Tagging(
        "tag_queue", "untag_queue", "list_queue_tags", {"QueueUrl": "{id}"}, "Tags", "TagKeys", "Tags", None
    )  # fmt: skip
    read_call = Call("get_queue_attributes", "Attributes", QueueUrl="{id}", AttributeNames=["All"])
    delete_call = Call("delete_queue", QueueUrl="{id}")

    def create(self, account: Account, inputs: Object) -> str:
        """Makes it with its attributes and tags; the identifier is its URL."""
        given = {**self.defaults, **inputs}
        answer = account.call(
            self.service, "create_queue", QueueName=inputs["name"], Attributes=_attributes(given),
            tags=self.all_tags(account, inputs),
        )  # fmt: skip
        return answer["QueueUrl"]

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """Numbers and switches again."""
        values = {ours: json.loads(found[theirs].lower()) for ours, theirs in ATTRIBUTES.items() if theirs in found}
        return {**values, "name": identifier.rpartition("/")[2], "arn": found["QueueArn"], "url": identifier}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The attributes that changed."""
        given = {**self.defaults, **inputs}
        wanted = _attributes({key: given[key] for key in changed if key in given})
        # With the policy: moto, unlike AWS, drops it whenever other attributes are set.
        known = account.call(self.service, "get_queue_attributes", QueueUrl=identifier, AttributeNames=["Policy"])
        both = {**(known.get("Attributes") or {}), **wanted}
        account.call(self.service, "set_queue_attributes", QueueUrl=identifier, Attributes=both)


class QueuePolicy(Resource):
    """Who may send and receive."""

    token = "aws:sqs/queuePolicy:QueuePolicy"
    service = "sqs"
    properties = properties("queueUrl policy")
    read_call = Call("get_queue_attributes", "Attributes", QueueUrl="{id}", AttributeNames=["Policy"])
    delete_call = Call("set_queue_attributes", QueueUrl="{id}", Attributes={"Policy": ""})

    def create(self, account: Account, inputs: Object) -> str:
        """Writes the policy; the identifier is the queue's URL."""
        self.update(account, inputs["queueUrl"], {}, inputs, {"policy"})
        return inputs["queueUrl"]

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The text, on its queue."""
        return {"queueUrl": identifier, "policy": found["Policy"]}

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """The policy as a whole."""
        account.call(
            self.service, "set_queue_attributes", QueueUrl=identifier, Attributes={"Policy": inputs["policy"]}
        )  # fmt: skip


def _attributes(given: Object) -> dict[str, str]:
    return {theirs: json.dumps(given[ours]) for ours, theirs in ATTRIBUTES.items() if ours in given}


KINDS = (Queue, QueuePolicy)
