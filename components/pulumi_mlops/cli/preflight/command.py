"""`pulumi-mlops preflight STACK`: what would fail late in a first `pulumi up`, found out before.

What a stack needs is read from its preview, what the account has from AWS. Changes nothing.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pulumi_mlops.cli.errors import DONE, FAILED, FINDINGS, CommandError
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.preflight import account as aws
from pulumi_mlops.cli.preflight import report
from pulumi_mlops.cli.preflight.account import Account, Refused
from pulumi_mlops.cli.preflight.checks import (
    Check,
    charts,
    domains,
    identity,
    images,
    kubernetes_secrets,
    kubernetes_versions,
    login,
    permissions,
    quotas,
    scans,
    secrets,
    tools,
    zones,
)
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Outcome, Result, not_checked
from pulumi_mlops.cli.project import Project, stack_name
from pulumi_mlops.cli.pulumi import Pulumi, executable
from pulumi_mlops.review.files import load
from pulumi_mlops.review.preview import Preview, PreviewError
from pulumi_mlops.review.printable import shortened
from pulumi_mlops.review.reading import read

CHECKS: dict[str, Check] = {
    "account": identity.account,
    "permissions": permissions.permissions,
    "programs": tools.programs,
    "OIDC endpoint of EKS": tools.oidc_endpoint,
    "availability zones": zones.zones,
    "instance types": zones.instance_types,
    "Kubernetes version": kubernetes_versions.versions,
    "EKS add-ons": kubernetes_versions.add_ons,
    "quotas": quotas.counted,
    "NAT gateways in a zone": quotas.nat_gateways,
    "vCPUs": quotas.vcpus,
    "domain's delegation": domains.delegation,
    "certificates": domains.certificates,
    "images": images.images,
    "scans of images": scans.scans,
    "charts": charts.rendered,
    "secrets": secrets.secrets,
    "Secrets of the cluster": kubernetes_secrets.kubernetes_secrets,
    "identity provider": login.discovery,
}
"""What is looked at → how; in the order of the report."""
AT_ONCE = 8
"""Checks that run at the same time."""
MAX_REASON = 400
"""Characters of what a failed preview says."""
UNKNOWABLE = (
    "whether EC2 and Spot have the nodes at that time",
    "images that controllers start, and what a policy allows on single resources only",
)


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops preflight",
        description="Before a first `pulumi up`: previews a stack of the project in the current directory, and asks "
        "the AWS account, by calls that only read, for what would make `up` fail late. Changes nothing. Exit status: 0 "
        "nothing was found, 1 something could not be checked, 3 something would fail.",
    )
    parser.add_argument("stack", type=stack_name, help="the stack's name")
    parser.add_argument(
        "--preview",
        type=Path,
        metavar="FILE",
        help="what `pulumi preview --json --show-sames` printed; - reads it here",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    stack: str = given.stack
    file: Path | None = given.preview
    as_json: bool = given.json
    preview = _preview(file, stack)
    planned = Planned(preview)
    account = Account.open(aws.session(str(planned.provider_option("profile") or "")), planned.region)
    results = [*_incomplete(preview), *checked(planned, account, CHECKS)]
    print((report.document if as_json else report.text)(stack, account, results, UNKNOWABLE))
    return exit_status(results)


def exit_status(results: Sequence[Result]) -> int:
    """What was found decides; a check that was not made is no success."""
    outcomes = {one.outcome for one in results}
    if Outcome.FINDING in outcomes:
        return FINDINGS
    return FAILED if Outcome.NOT_CHECKED in outcomes else DONE


def checked(planned: Planned, account: Account, checks: dict[str, Check]) -> list[Result]:
    """The results of all checks, in their order. They run at the same time, and each ends: see `account.TIMEOUTS`."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(_made, name, check, planned, account) for name, check in checks.items()]
        return [result for one in running for result in one.result()]


def _made(name: str, check: Check, planned: Planned, account: Account) -> list[Result]:
    return list(_results(name, check, planned, account))


def _results(name: str, check: Check, planned: Planned, account: Account) -> Iterator[Result]:
    """What a check finds, and where it cannot go on, why."""
    try:
        yield from check(planned, account)
    except NotChecked as problem:
        yield not_checked(name, str(problem), problem.fix)
    except Refused as problem:
        yield not_checked(name, f"AWS refused the question: {problem}")


def _preview(file: Path | None, stack: str) -> Preview:
    """The preview in a file, which needs no project, or else one by the user's own Pulumi CLI.

    Raises:
        CommandError: there is none: no CLI, no login, no such stack, or a file of something else.
    """
    try:
        if file:
            return load(file, stack)
        project = Project.find(Path.cwd())
        executable()
        say(f"previewing stack {stack} …")
        return read(Pulumi(project.directory).preview(stack).stdout, stack)
    except PreviewError as error:
        raise CommandError(str(error)) from None


def _incomplete(preview: Preview) -> Iterator[Result]:
    if not preview.complete:
        reason = shortened(" ".join(" ".join(preview.errors).split()), MAX_REASON) or "its text is cut off"
        yield not_checked(
            "the rest of the preview",
            f"the preview did not come to its end, and what it would have shown is not checked: {reason}",
            f"pulumi preview --stack {preview.stack}",
        )
