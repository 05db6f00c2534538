"""`python -m delivery promote|revert`: prints {"outcome", "detail"} as one line of JSON.

Exit status: 0 done or nothing to do, 1 an error, 3 the overlay is held by a person.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from delivery.checkout import clone
from delivery.errors import DeliveryError
from delivery.overlay import Image
from delivery.promotion import Outcome, promote, revert

HELD = 3


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
    if arguments.command == "promote":
        repository, _, digest = arguments.image.partition("@")
        image = Image(arguments.name, repository, digest)
        checkout = clone(arguments.repository, arguments.branch, directory, arguments.token_file)
        done = promote(checkout, arguments.overlay, image, arguments.revision)
        return done.outcome, done.detail
    checkout = clone(arguments.repository, arguments.branch, directory, arguments.token_file)
    commit = revert(checkout, arguments.overlay, arguments.revision, arguments.reason)
    return ("nothing to do", None) if commit is None else ("reverted", commit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="delivery", description="Promotes an image into a kustomize overlay in Git.")
    commands = parser.add_subparsers(dest="command", required=True)
    promotion = commands.add_parser("promote", help="make the overlay deploy an image")
    promotion.add_argument("--name", required=True, help="the image as the manifests of the base call it")
    promotion.add_argument("--image", required=True, help="the image to deploy, repository@sha256:…")
    reversal = commands.add_parser("revert", help="take a promotion back and hold the overlay")
    reversal.add_argument("--reason", required=True, help="why, for the commit and for whoever lifts the hold")
    for command in (promotion, reversal):
        command.add_argument("--repository", required=True, help="where to clone from and push to")
        command.add_argument("--branch", required=True, help="branch that holds the overlay")
        command.add_argument("--overlay", required=True, help="directory of the overlay in the repository")
        command.add_argument("--revision", required=True, help="commit of the source that the image was built from")
        command.add_argument("--token-file", type=Path, help="file with the token for the Git host")
    return parser


if __name__ == "__main__":
    sys.exit(main())
