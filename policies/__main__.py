"""The review rules as a policy pack: `pulumi preview --policy-pack policies`, and the same for `up`.

It runs in an environment of its own (requirements/policy.txt, made by `python -m local.policies`): pulumi-policy
allows protobuf 5 at most. Unlike a preview's JSON it also judges what is known only during `up`, and then
stops a resource that breaks a blocking rule before it is made. It sees one stack at a time.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pulumi_mlops.review import rules
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.preview import MASKED, UNKNOWN, Urn
from pulumi_mlops.review.values import UNKNOWNS
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, serialize_properties

EXCEPTIONS = Path(__file__).resolve().parents[1] / "review-exceptions.toml"
LEVELS = {Level.BLOCKING: EnforcementLevel.MANDATORY, Level.WARNING: EnforcementLevel.ADVISORY}
Judged = Callable[[rules.Resource, rules.Resources], Any]


class Seen:
    """The resources of this run, in the order in which the program registers them: a parent before its children."""

    def __init__(self) -> None:
        self._resources: dict[str, rules.Resource] = {}
        self._resources_of_run: rules.Resources | None = None

    def remember(self, args: ResourceValidationArgs) -> None:
        """Keeps a resource as a preview's JSON would tell it.

        A remediation, although it changes nothing: validations are given secrets as plain text.
        """
        urn = Urn.parse(args.urn)
        self._resources_of_run = None
        raw = serialize_properties(args.props)
        provider = serialize_properties(args.provider.props) if args.provider else {}
        self._resources[args.urn] = rules.Resource(
            stack=urn.stack,
            urn=args.urn,
            type=args.resource_type,
            name=args.name,
            inputs={key: masked(value) for key, value in raw.items()},
            parent=args.opts.parent or "",
            default_tags=frozenset(rules.tag_keys(masked(provider.get("defaultTags")))),
        )

    def resource(self, urn: str) -> rules.Resource | None:
        """The resource of this URN, if it was registered in this run."""
        return self._resources.get(urn)

    @property
    def all_resources(self) -> rules.Resources:
        """All that was registered so far."""
        if self._resources_of_run is None:
            self._resources_of_run = rules.Resources(tuple(self._resources.values()))
        return self._resources_of_run


def masked(value: Any) -> Any:
    """A value as a preview's JSON shows it: secrets and what is not known replaced by their marks."""
    if isinstance(value, Mapping):
        if value.get(SPECIAL_SIG_KEY) == SPECIAL_SECRET_SIG:
            return MASKED
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return UNKNOWN if isinstance(value, str) and value in UNKNOWNS else value


def policies() -> list[Any]:
    """One policy for each rule, and one for exceptions."""
    seen = Seen()
    today = date.today()
    exceptions = rules.read(EXCEPTIONS.read_text(), EXCEPTIONS.name) if EXCEPTIONS.exists() else []
    known = rules.all_rules(today)

    def exception_problems(resource: rules.Resource, _: rules.Resources) -> Any:
        return rules.exception_findings(resource, exceptions, known, today)

    found: list[Any] = [
        ResourceValidationPolicy(
            name="inputs",
            description="Reads the inputs of every resource for the other policies, and changes none.",
            remediate=seen.remember,
            enforcement_level=EnforcementLevel.REMEDIATE,
        ),
        _for_resources(
            seen, rules.EXCEPTION, "an exception has a last day and a reason", Level.BLOCKING, exception_problems
        ),
    ]
    for rule in known:

        def judged(resource: rules.Resource, resources: rules.Resources, rule: rules.Rule = rule) -> Any:
            return rules.judge(rule, resource, resources, exceptions, today)

        make = _for_stack if rule.whole_stack else _for_resources
        found.append(make(seen, rule.id, f"{rule.title}: {rule.why}", rule.level, judged))
    return found


def _for_resources(seen: Seen, name: str, description: str, level: Level, judged: Judged) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = seen.resource(args.urn)
        if resource is None:
            args.not_applicable("only a run of the program tells inputs: `policy analyze` of a state does not")
            return
        for finding in judged(resource, seen.all_resources):
            report(f"{finding.message}. To fix: {finding.fix}.", None)

    return ResourceValidationPolicy(name, description, validate, LEVELS[level])


def _for_stack(seen: Seen, name: str, description: str, level: Level, judged: Judged) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = seen.all_resources
        for resource in resources.all:
            for finding in judged(resource, resources):
                report(f"{finding.message}. To fix: {finding.fix}.", resource.urn)

    return StackValidationPolicy(name, description, validate, LEVELS[level])


if __name__ == "__main__":
    PolicyPack(name="pulumi-mlops", policies=policies(), enforcement_level=EnforcementLevel.MANDATORY)
