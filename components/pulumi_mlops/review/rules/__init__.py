"""Rules for what a stack is made of: what must not be, why, how to fix it, and how to except it.

The same rules judge the JSON of a preview, here, and a run of the engine, by the policy pack in policies/.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from pulumi_mlops.review.findings import Finding, Judgement, Level, Undecided
from pulumi_mlops.review.preview import Preview
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources, after, tag_keys
from pulumi_mlops.review.rules import (
    capacity,
    encryption,
    exposure,
    fields,
    iam,
    images,
    owners,
    pods,
    secrets,
    support,
    tags,
)
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.rules.exceptions import OF_CHARTS, PREFIX, ExceptionsError, Exemption, on_resource, read

__all__ = [
    "EXCEPTION",
    "PREFIX",
    "ExceptionsError",
    "Exemption",
    "Judgement",
    "Resource",
    "Resources",
    "Rule",
    "Undecided",
    "after",
    "all_rules",
    "check",
    "excepted",
    "exception_findings",
    "judge",
    "judged",
    "read",
    "tag_keys",
    "undecided",
]

EXCEPTION = "exception"
"""Id of the findings about exceptions themselves, to which there is none."""
_FIX = "write its last day, at most a year ahead, and a reason; or fix what it excepts and remove it"


def all_rules(today: date | None = None) -> tuple[Rule, ...]:
    """Every rule, in the order of the documentation; `today`, by default this day, decides which support has ended."""
    return (
        *exposure.RULES,
        *encryption.RULES,
        *iam.RULES,
        *secrets.RULES,
        *images.RULES,
        *pods.RULES,
        *fields.RULES,
        *capacity.RULES,
        support.check_on(today or date.today()),
        support.soon_on(today or date.today()),
        *owners.RULES,
        *tags.RULES,
    )


def judged(previews: Sequence[Preview], exceptions: Sequence[Exemption] = (), today: date | None = None) -> Judgement:
    """What breaks a rule in stacks that are looked at together, by stack, resource and rule; excepted is left out.

    Also what no rule can decide before `up`, in the same order: the policy pack decides it during `up`.

    Args:
        previews: of stacks that would change, or with every resource that stays (`--show-sames`).
        exceptions: those of a file; those on resources are found by themselves.
        today: the day on which exceptions and support may have ended; by default this one.
    """
    today = today or date.today()
    resources = after(previews)
    rules = all_rules(today)
    found: set[Finding] = set()
    left: set[Undecided] = set()
    for resource in resources.all:
        found.update(exception_findings(resource, exceptions, rules, today))
        for rule in rules:
            if verdicts := list(rule.check(resource, resources)):
                found.update(_broken(rule, resource, verdicts, exceptions, today))
                left.update(
                    Undecided(rule.id, resource.stack, resource.urn, one.path)
                    for one in verdicts
                    if isinstance(one, Unknown)
                )
    return Judgement(
        tuple(sorted(found, key=lambda one: (one.stack, one.urn, one.rule, one.message))),
        tuple(sorted(left, key=lambda one: (one.stack, one.urn, one.rule, one.path))),
    )


def check(
    previews: Sequence[Preview], exceptions: Sequence[Exemption] = (), today: date | None = None
) -> list[Finding]:
    """What breaks a rule: see `judged`."""
    return list(judged(previews, exceptions, today).findings)


def undecided(previews: Sequence[Preview], today: date | None = None) -> list[Undecided]:
    """What no rule can decide before `up`: see `judged`."""
    return list(judged(previews, (), today).undecided)


def judge(
    rule: Rule, resource: Resource, resources: Resources, exceptions: Sequence[Exemption], today: date
) -> Iterator[Finding]:
    """What one rule finds on one resource; nothing where a valid exception covers it."""
    yield from _broken(rule, resource, list(rule.check(resource, resources)), exceptions, today)


def _broken(
    rule: Rule, resource: Resource, verdicts: Sequence[Verdict], exceptions: Sequence[Exemption], today: date
) -> Iterator[Finding]:
    broken = [verdict for verdict in verdicts if isinstance(verdict, Violation)]
    if broken and not excepted(rule.id, resource, exceptions, today):
        for verdict in broken:
            yield Finding(rule.id, rule.level, resource.stack, resource.urn, verdict.message, rule.fix)


def excepted(rule: str, resource: Resource, exceptions: Sequence[Exemption], today: date) -> bool:
    """Whether a valid exception covers what the rule of this id finds on the resource."""
    return any(
        one.rule == rule and one.covers(resource) and one.problem(today, [rule]) is None
        for one in (*on_resource(resource), *exceptions)
    )


def exception_findings(
    resource: Resource, exceptions: Sequence[Exemption], rules: Sequence[Rule], today: date
) -> Iterator[Finding]:
    """What is wrong with the exceptions of a resource; an expired one is a finding besides what it excepted."""
    known = [*(rule.id for rule in rules), *OF_CHARTS]
    for one in (*on_resource(resource), *(entry for entry in exceptions if entry.covers(resource))):
        if problem := one.problem(today, known):
            yield Finding(EXCEPTION, Level.BLOCKING, resource.stack, resource.urn, problem, _FIX)
