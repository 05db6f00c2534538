"""Who may ask a model endpoint after a change and could not before: the rules on tokens in its server's environment."""

from collections.abc import Iterator

from pulumi_mlops.contract import tokens
from pulumi_mlops.contract.containers import Variable
from pulumi_mlops.contract.tokens import TokenRules
from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.json_data import items, mapping
from pulumi_mlops.review.preview import State, Step
from pulumi_mlops.review.values import at, is_hidden

DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def admitted(step: Step, stack: str) -> Iterator[Danger]:
    """What an endpoint's new rules on tokens let in. An endpoint without rules is a matter of its access as a whole."""
    if step.type != DEPLOYMENT or step.old is None or step.new is None:
        return
    before, after = _text(step.old), _text(step.new)
    if not before or not after or before == after:
        return
    if is_hidden(before) or is_hidden(after):
        yield _danger(step, stack, "gets other rules on tokens, which are known after apply")
        return
    try:
        old, new = tokens.read(before), tokens.read(after)
    except ValueError:
        return  # the server refuses them, and says so
    for meaning in _wider(old, new):
        yield _danger(step, stack, meaning)


def _danger(step: Step, stack: str, meaning: str) -> Danger:
    return Danger(DangerKind.IDENTITY, stack, step.urn, meaning)


def _wider(old: TokenRules, new: TokenRules) -> Iterator[str]:
    if old.issuer != new.issuer:
        yield f"trusts the tokens of {new.issuer} in the place of {old.issuer}"
    if more := sorted({*new.audiences} - {*old.audiences}):
        yield f"accepts tokens that are made for {', '.join(more)} as well"
    if old.groups and not new.groups:
        yield f"accepts everybody who has a token, no longer only the groups {', '.join(old.groups)}"
    elif old.groups and (more := sorted({*new.groups} - {*old.groups})):
        yield f"accepts the groups {', '.join(more)} as well"
    if old.groups and new.groups and old.groups_claim != new.groups_claim:
        yield f"reads groups from the claim {new.groups_claim} in the place of {old.groups_claim}"


def _text(state: State) -> str:
    """The rules in the environment of a container; empty where there are none."""
    for container in map(mapping, items(at(state.inputs, "spec.template.spec.containers"))):
        for variable in map(mapping, items(container.get("env"))):
            if variable.get("name") == Variable.TOKEN_RULES:
                return str(variable.get("value") or "")
    return ""
