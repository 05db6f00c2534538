"""Which composition a database manifest gets: exactly one, and the same one for good.

Crossplane takes any of the compositions of a kind that have the labels asked for, at random, and keeps to its choice.
So a manifest must say both labels, and no two compositions of a kind may have the same ones.
"""

from collections.abc import Sequence

ENVIRONMENTS = ("production", "development")
LABELS = ("provider", "environment")
"""By these a manifest chooses."""

Rule = dict[str, str]


def labels(provider: str, environment: str) -> dict[str, str]:
    """Labels of a composition of the platform's."""
    return dict(zip(LABELS, (provider, environment), strict=True))


def role(kind: str, provider: str, environment: str) -> str:
    """End of the one name that a composition of these labels may have."""
    return "-".join((kind.lower(), *labels(provider, environment).values()))


def rule(expression: str, message: str) -> Rule:
    """A rule of a schema, and what `kubectl apply` prints where it is broken."""
    return {"rule": expression, "message": message}


def rules(provider: str, where: str, before: str) -> list[Rule]:
    """Rules of a schema for the selector at `where`, which was at `before`, where one provider is offered."""
    selector = f"{where}.compositionSelector"
    environments = ", ".join(f"'{one}'" for one in ENVIRONMENTS)
    asked = f"{selector}.matchLabels"
    complete = (
        f"'provider' in {asked} && {asked}['provider'] == '{provider}' && "
        f"'environment' in {asked} && {asked}['environment'] in [{environments}]"
    )
    is_there = "" if where == "self.spec" else f"has({where}) && "
    return [
        rule(
            f"{is_there}(has({selector}) ? {complete} : has({where}.compositionRef))",
            "compositionSelector.matchLabels must have provider and environment: "
            f"provider {provider}, environment {' or '.join(ENVIRONMENTS)}",
        ),
        rule(
            f"!has({before}.compositionSelector) || (has({selector}) && {selector} == {before}.compositionSelector)",
            "compositionSelector cannot change: a database keeps the composition that it was made by",
        ),
    ]


def policy(api: str, group: str, kinds: Sequence[str]) -> dict[str, object]:
    """Spec of the policy for compositions: their labels are in their names, and so no two have the same."""
    named = ", ".join(f"'{kind}'" for kind in kinds)
    of_kind = "object.spec.compositeTypeRef"
    both = " && ".join(f"'{label}' in object.metadata.labels" for label in LABELS)
    values = " + '-' + ".join(f"object.metadata.labels['{label}']" for label in LABELS)
    name = f"'{api}-' + {of_kind}.kind.lowerAscii() + '-' + {values}"
    return {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["apiextensions.crossplane.io"],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["compositions"],
                }
            ]
        },
        "matchConditions": [
            {
                "name": "of-databases",
                "expression": f"{of_kind}.apiVersion.startsWith('{group}/') && {of_kind}.kind in [{named}]",
            },
            {"name": "chosen-by-labels", "expression": f"has(object.metadata.labels) && {both}"},
        ],
        "validations": [
            {
                "expression": f"object.metadata.name == {name}",
                "messageExpression": "'Crossplane would choose at random between this composition and another one with "
                f"the same labels: these labels belong to the composition ' + {name}",
            }
        ],
    }
