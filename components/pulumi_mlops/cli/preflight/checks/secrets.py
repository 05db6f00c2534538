"""Secrets of Secrets Manager that External Secrets is to read, and that nobody in the stack writes.

Reads their values, as External Secrets will, for the keys alone: no value is kept or shown.
"""

from collections import defaultdict
from collections.abc import Iterator

from pulumi_mlops.cli.preflight.account import Account, Refused
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.json_data import JsonObject, document, items, mapping
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import at, is_hidden

SECRETS = "secrets"
MISSING = "ResourceNotFoundException"
EXTERNAL_SECRET, STORES = "ExternalSecret", ("ClusterSecretStore", "SecretStore")


def secrets(planned: Planned, account: Account) -> Iterator[Result]:
    """Each secret is there, with the keys that are taken from it."""
    stores = {at(one.inputs, "metadata.name"): at(one.inputs, "spec.provider.aws") for one in _kinds(planned, *STORES)}
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in _kinds(planned, EXTERNAL_SECRET):
        store = at(one.inputs, "spec.secretStoreRef.name")
        source = mapping(stores.get(store))
        if source.get("service") != "SecretsManager":
            yield not_checked(SECRETS, f"{one.name} reads the store {store}, which is no Secrets Manager of this stack")
            continue
        region = str(source.get("region") or account.region)
        for key, properties in _references(one.inputs):
            wanted[region, key] |= properties
    for (region, key), properties in sorted(wanted.items()):
        try:
            yield _secret(account, region, key, properties)
        except (NotChecked, Refused) as problem:
            fix = problem.fix if isinstance(problem, NotChecked) else ""
            yield not_checked(SECRETS, f"{key}: {problem}", fix)


def _secret(account: Account, region: str, key: str, properties: set[str]) -> Result:
    why = "External Secrets makes no Secret of it: `up` waits for it and fails, with most of the rest made"
    template = "{" + ", ".join(f'"{one}": "…"' for one in sorted(properties)) + "}" if properties else "…"
    options = f"--secret-string '{template}' --region {region}"
    try:
        found = account.ask("secretsmanager", "GetSecretValue", region, SecretId=key)
    except Refused as refused:
        if refused.code != MISSING:
            raise
        create = f"aws secretsmanager create-secret --name {key} {options}"
        return finding(SECRETS, f"Secrets Manager in {region} has no {key}", why, create)
    has = mapping(document(found.get("SecretString")))
    if missing := sorted(properties - has.keys()):
        what = f"{key} lacks {', '.join(missing)}"
        put = f"aws secretsmanager put-secret-value --secret-id {key} {options}"
        return finding(SECRETS, what, why, f"write it whole, with the keys that it has: {put}")
    if empty := sorted(one for one in properties if has[one] in ("", None)):
        put = f"aws secretsmanager put-secret-value --secret-id {key} {options}"
        return finding(SECRETS, f"{key} has nothing under {', '.join(empty)}", "login fails", put)
    return ok(SECRETS, f"{key} has {', '.join(sorted(properties))}" if properties else f"{key} exists")


def _references(inputs: JsonObject) -> Iterator[tuple[str, set[str]]]:
    """(secret, keys of it) that an ExternalSecret takes; what is known only after `up` is made by the stack itself."""
    for one in items(at(inputs, "spec.data")):
        key, name = at(mapping(one), "remoteRef.key"), at(mapping(one), "remoteRef.property")
        if isinstance(key, str) and not is_hidden(key):
            yield key, {name} if isinstance(name, str) else set()
    for one in items(at(inputs, "spec.dataFrom")):
        key = at(mapping(one), "extract.key")
        if isinstance(key, str) and not is_hidden(key):
            yield key, set()


def _kinds(planned: Planned, *kinds: str) -> list[Resource]:
    return [one for one in planned.resources if one.kind in kinds]
