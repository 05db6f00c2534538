"""Scans of images in ECR: whether anybody asks for them, and whether `up` would overwrite somebody's setting."""

import re
from collections.abc import Iterable, Iterator

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, ok
from pulumi_mlops.review.json_data import Json, items, mapping
from pulumi_mlops.review.values import at

SCANS = "scans of images"
REPOSITORY = "aws:ecr/repository:Repository"
REGISTRY = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
EVERY = '[{"scanFrequency":"SCAN_ON_PUSH","repositoryFilters":[{"filter":"*","filterType":"WILDCARD"}]}]'


def scans(planned: Planned, account: Account) -> Iterator[Result]:
    """The images of each new repository are scanned, and a registry's configuration is new where the stack makes it."""
    made, repositories = planned.new(REGISTRY), planned.new(REPOSITORY)
    if not made and not repositories:
        return
    there = mapping(account.ask("ecr", "GetRegistryScanningConfiguration").get("scanningConfiguration"))
    rules = items(there.get("rules"))
    shown = f"aws ecr get-registry-scanning-configuration --region {account.region}"
    if made and (rules or there.get("scanType") == "ENHANCED"):
        yield finding(
            SCANS,
            f"the account's registry in {account.region} has a scanning configuration: {there.get('scanType')}, "
            f"{len(rules)} rules",
            "`up` overwrites it, and `destroy` leaves an empty one",
            f"set scan_whole_registry to false; what there is: {shown}",
        )
        return
    covered = [one for one in repositories if planned.of(REGISTRY) or _covers(rules, str(one.inputs.get("name")))]
    asking = [one for one in repositories if at(one.inputs, "imageScanningConfiguration.scanOnPush") is True]
    # Where the registry has rules, they go before what the repositories ask for.
    asking = covered if planned.of(REGISTRY) or rules else asking
    if len(covered) == len(repositories):
        yield ok(SCANS, "the scanning configuration of the registry asks for them")
    elif len(asking) == len(repositories):
        yield ok(SCANS, "each repository asks for them")
    else:
        silent = sorted(one.name for one in repositories if one not in asking)
        yield finding(
            SCANS,
            f"nobody asks for those of {', '.join(silent)}",
            "`up` succeeds, and known vulnerabilities in the images are not reported",
            f"add a rule for them to those of the registry: {shown}"
            if rules
            else "aws ecr put-registry-scanning-configuration --scan-type BASIC --rules "
            f"'{EVERY}' --region {account.region}",
        )


def _covers(rules: Iterable[Json], name: str) -> bool:
    """Whether a rule of the registry is about a repository: `*` is any text, and a filter without it may be a part."""
    filters = [
        str(mapping(one).get("filter")) for rule in rules for one in items(mapping(rule).get("repositoryFilters"))
    ]
    wanted = [one if "*" in one else f"*{one}*" for one in filters]
    return any(re.fullmatch(".*".join(map(re.escape, one.split("*"))), name) for one in wanted)
