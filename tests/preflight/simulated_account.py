"""moto's account, and answers that moto does not have, checked against botocore's model of the service."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.review.preview import Operation, Preview, State, Step

REGION = "eu-central-1"
CALLER = "arn:aws:sts::123456789012:assumed-role/platform/me"
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the parameters of a call."""


class SimulatedAws:
    """boto3's session on moto. `answer` replaces moto's answers to one operation."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.calls: list[str] = []
        """Operations that were called, in order."""
        self._answers: dict[str, Answer | Mapping[str, Any]] = {}
        session.events.register("before-parameter-build", self._called)

    def answer(self, service: str, operation: str, answer: Answer | Mapping[str, Any]) -> None:
        """From now on clients that are made get this answer; its shape is what the service's model says."""

        def call(model: Any, context: dict[str, Any], **_: Any) -> Any:
            chosen = self._answers[operation]
            found = chosen(context["asked"]) if callable(chosen) else chosen
            if "Error" in found:
                raise ClientError(dict(found), operation)
            report = ParamValidator().validate(found, model.output_shape)
            assert not report.has_errors(), report.generate_report()
            return AWSResponse("https://example.org", 200, {}, None), found

        known = operation in self._answers
        self._answers[operation] = answer
        if not known:
            self.session.events.register(f"before-call.{service}.{operation}", call)

    def refuse(self, service: str, operation: str, code: str, message: str = "no") -> None:
        """From now on clients that are made are refused."""
        self.answer(service, operation, {"Error": {"Code": code, "Message": message}})

    def _called(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        self.calls.append(f"{model.service_model.signing_name}:{model.name}")
        context["asked"] = params


def planned(*steps: Step, **config: str) -> Planned:
    """A stack that makes these."""
    settings = {"aws:region": REGION, **{f"aws:{key}": value for key, value in config.items()}}
    return Planned(Preview("dev", steps, config=settings))


def new(type_token: str, urn_name: str = "it", /, **inputs: Any) -> Step:
    """A resource that the stack would make."""
    urn = f"urn:pulumi:dev::shop::{type_token}::{urn_name}"
    return Step(Operation.CREATE, urn, new=State(urn=urn, inputs=inputs, custom=True))


def kept(type_token: str, urn_name: str = "it", /, **inputs: Any) -> Step:
    """A resource that the stack has."""
    urn = f"urn:pulumi:dev::shop::{type_token}::{urn_name}"
    state = State(id="1", urn=urn, inputs=inputs, custom=True)
    return Step(Operation.SAME, urn, old=state, new=state)
