"""`python -m delivery checkout|promote|propose|revert|report`: prints {"outcome", "detail"} as one line of JSON.

Exit status: 0 done or nothing to do, 1 an error, 3 the overlay is held by a person.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from delivery import git_host
from delivery.argo_cd import Application, Cluster, wait
from delivery.checkout import annotate, clone, fetch
from delivery.errors import DeliveryError
from delivery.git_host import Kind, Status, api_url, set_status
from delivery.overlay import Image
from delivery.promotion import Outcome, promote, revert
from delivery.proposal import Proposal, propose
from delivery.pull_request import PullRequests
from delivery.report import STATES, comment, describe, failures

HELD = 3
FAILURES = "DELIVERY_FAILURES"
"""Variable with the nodes that failed, as Argo Workflows lists them; by argv everybody on the node could read it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as directory:
            outcome, detail = _carry_out(arguments, Path(directory))
    except DeliveryError as error:
        print(f"delivery: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"outcome": outcome, "detail": detail}))
    return HELD if outcome == Outcome.HELD else 0


def _carry_out(arguments: argparse.Namespace, directory: Path) -> tuple[str, str | None]:
    if arguments.command == "checkout":
        fetch(arguments.repository, arguments.revision, arguments.directory, arguments.token_file)
        return "checked out", arguments.revision
    if arguments.command == "promote":
        return _promote(arguments, directory)
    if arguments.command == "propose":
        return _propose(arguments, directory)
    if arguments.command == "report":
        return _report(arguments, directory)
    checkout = clone(arguments.repository, arguments.branch, directory, arguments.token_file)
    commit = revert(checkout, arguments.overlay, arguments.revision, arguments.reason)
    return ("nothing to do", None) if commit is None else ("reverted", commit)


def _image(arguments: argparse.Namespace) -> Image:
    repository, _, digest = arguments.image.partition("@")
    return Image(arguments.name, repository, digest)


def _propose(arguments: argparse.Namespace, directory: Path) -> tuple[str, str]:
    host = PullRequests(api_url(arguments.repository, arguments.host), arguments.token_file)
    checkout = clone(arguments.repository, arguments.branch, directory, arguments.token_file)
    proposal = Proposal(arguments.overlay, _image(arguments), arguments.revision)
    done = propose(checkout, proposal, arguments.pull_request_branch, host)
    return done.outcome, done.detail


def _promote(arguments: argparse.Namespace, directory: Path) -> tuple[str, str]:
    image = _image(arguments)
    checkout = clone(arguments.repository, arguments.branch, directory, arguments.token_file)
    done = promote(checkout, arguments.overlay, image, arguments.revision)
    proceed = done.outcome in (Outcome.PROMOTED, Outcome.ALREADY)
    if proceed and arguments.application is not None:
        wait(Application(arguments.application, Cluster.of_pod()), checkout, done.detail, arguments.timeout_seconds)
    if arguments.proceed_file is not None:
        arguments.proceed_file.parent.mkdir(parents=True, exist_ok=True)
        arguments.proceed_file.write_text("true" if proceed else "false")
    return done.outcome, done.detail


def _report(arguments: argparse.Namespace, directory: Path) -> tuple[str, str]:
    """Sets the status first: whoever waits for it need not wait for the lines of the log."""
    failed = os.environ.get(FAILURES, "")
    description = describe(arguments.phase, failed, arguments.steps)
    status = Status(arguments.context, STATES[arguments.phase], description, arguments.target_url)
    repository, revision, token_file = arguments.repository, arguments.revision, arguments.token_file
    set_status(repository, arguments.host, revision, status, token_file)
    if found := failures(failed, arguments.steps, [token_file.read_text().strip()]):
        markdown = arguments.host == Kind.GITHUB
        text = comment(f"{arguments.context}: {description}", found, arguments.target_url, markdown=markdown)
        if markdown:
            git_host.comment(repository, revision, text, token_file)
        else:
            annotate(repository, revision, text, directory, token_file)
    return status.state, description


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="delivery", description="The steps of a delivery that need the Git host.")
    commands = parser.add_subparsers(dest="command", required=True)
    promotion = commands.add_parser("promote", help="make the overlay deploy an image")
    proposal = commands.add_parser("propose", help="open a pull request by which the overlay deploys an image")
    for command in (promotion, proposal):
        command.add_argument("--name", required=True, help="the image as the manifests of the base call it")
        command.add_argument("--image", required=True, help="the image to deploy, repository@sha256:…")
    proposal.add_argument("--pull-request-branch", required=True, help="branch that is the pull request's alone")
    promotion.add_argument("--application", help="<namespace>/<name> of Argo CD's Application to wait for")
    promotion.add_argument("--timeout-seconds", type=int, default=900, help="how long to wait for it; default 900")
    promotion.add_argument(
        "--proceed-file", type=Path, help="file for whether the overlay has this release: true, false"
    )
    reversal = commands.add_parser("revert", help="take a promotion back and hold the overlay")
    reversal.add_argument("--reason", required=True, help="why, for the commit and for whoever lifts the hold")
    source = commands.add_parser("checkout", help="put the files of one commit into a directory")
    source.add_argument(
        "--directory", type=Path, required=True, help="where to put them; it is empty or does not exist"
    )
    report = commands.add_parser("report", help=f"show a run on the commit; {FAILURES} has the nodes that failed")
    for command in (proposal, report):
        command.add_argument("--host", type=Kind, choices=list(Kind), required=True, help="kind of the Git host")
    report.add_argument("--context", required=True, help="name of the status, such as delivery/web")
    report.add_argument("--phase", choices=STATES, required=True, help="phase of the run in Argo Workflows")
    report.add_argument("--steps", nargs="+", default=[], help="steps to name where they failed, in their order")
    report.add_argument("--target-url", help="address of the run, for the link at the status")
    for command in (promotion, proposal, reversal):
        command.add_argument("--branch", required=True, help="branch that holds the overlay")
        command.add_argument("--overlay", required=True, help="directory of the overlay in the repository")
    for command in (source, promotion, proposal, reversal, report):
        command.add_argument("--repository", required=True, help="address of the repository")
        command.add_argument("--revision", required=True, help="commit of the source that the image was built from")
        needed = command in (proposal, report)
        command.add_argument("--token-file", type=Path, required=needed, help="file with the token for the Git host")
    return parser


if __name__ == "__main__":
    sys.exit(main())
