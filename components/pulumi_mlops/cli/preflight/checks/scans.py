"""Scans of images in ECR: whether anybody asks for them, and whether `up` would overwrite somebody's setting."""

from collections.abc import Iterator

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, ok
from pulumi_mlops.review.json_data import items, mapping
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
    if made and rules:
        yield finding(
            SCANS,
            f"the account's registry in {account.region} has a scanning configuration: {there.get('scanType')}, "
            f"{len(rules)} rules",
            "`up` overwrites it, and `destroy` leaves an empty one",
            "set scan_whole_registry to false; what there is: "
            f"aws ecr get-registry-scanning-configuration --region {account.region}",
        )
        return
    asking = [one for one in repositories if at(one.inputs, "imageScanningConfiguration.scanOnPush") is True]
    if planned.of(REGISTRY) or rules:
        yield ok(SCANS, "the scanning configuration of the registry asks for them")
    elif len(asking) == len(repositories):
        yield ok(SCANS, "each repository asks for them")
    else:
        silent = sorted(one.name for one in repositories if one not in asking)
        yield finding(
            SCANS,
            f"nobody asks for those of {', '.join(silent)}",
            "`up` succeeds, and known vulnerabilities in the images are not reported",
            f"aws ecr put-registry-scanning-configuration --scan-type BASIC --rules '{EVERY}' --region "
            f"{account.region}",
        )
