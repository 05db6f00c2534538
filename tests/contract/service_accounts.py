"""Which service accounts a program makes in a cluster, and which of those that get a role do not exist there."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.conftest import Registration

Account = tuple[str, str]
"""Namespace and name."""


def made_by(registrations: Iterable[Registration]) -> set[Account]:
    """The service accounts among the objects, those that a Helm release makes by the values of its chart, and those of
    Crossplane's packages, which are in Crossplane's own namespace."""
    every = [*registrations]
    return {account for one in every for account in _made_by(one)} | set(_of_packages(every))


def strangers(with_roles: Iterable[Account], existing: Iterable[Account]) -> list[str]:
    """One sentence for each service account that has a role and that nothing makes: its pods would get no role."""
    known = sorted("/".join(account) for account in existing)
    return [
        f"{account} has a role and does not exist; there is {', '.join(near) or 'nothing like it'}"
        for account in sorted("/".join(one) for one in with_roles)
        if account not in known
        for near in [difflib.get_close_matches(account, known, n=1, cutoff=0.5)]
    ]


def _made_by(one: Registration) -> Iterator[Account]:
    if one.kind == "ServiceAccount":
        yield one.inputs["metadata"]["namespace"], one.inputs["metadata"]["name"]
    if one.kind == "Release":
        for name in _named_in(one.inputs.get("values", {})):
            yield one.inputs["namespace"], name


def _of_packages(registrations: list[Registration]) -> Iterator[Account]:
    places = [
        one.inputs["namespace"]
        for one in registrations
        if one.kind == "Release" and one.inputs["chart"].rpartition("/")[2] == "crossplane"
    ]
    for one in registrations:
        if one.kind == "DeploymentRuntimeConfig":
            for place in places:
                yield place, one.inputs["spec"]["serviceAccountTemplate"]["metadata"]["name"]


def _named_in(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if key == "serviceAccount" and isinstance(value, Mapping) and value.get("create", True) and "name" in value:
            yield value["name"]
        elif isinstance(value, Mapping):
            yield from _named_in(value)
