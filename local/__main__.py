"""The Makefile's words: `python -m local up|train|predict|plan|status|down|prepare`, on AWS `adopt|destroy`."""

import argparse
import os
import sys
from pathlib import Path

from local.progress import StepFailed, say


def main() -> int:
    """Runs one command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m local")
    words = parser.add_subparsers(dest="word", required=True)
    for word in ("up", "predict", "status", "down", "prepare"):
        words.add_parser(word)
    words.add_parser("train").add_argument("--data-key", help="object of the data bucket to train on")
    words.add_parser("plan").add_argument("--stack", help="a stack on AWS; default: both local ones")
    adopting = words.add_parser("adopt")
    adopting.add_argument("state", type=Path, help="a Terraform state")
    adopting.add_argument("--stack", default="foundation-dev", help="the stack on AWS that takes its resources over")
    destroying = words.add_parser("destroy")
    destroying.add_argument("stack", help="a stack on AWS")
    destroying.add_argument("--keep-data", action="store_true", help="what is protected stays")
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args()
    from local import adoption, destruction, up  # after the arguments: the clients behind it take a second to import

    try:
        if arguments.word == "train":
            up.train(arguments.data_key)
        elif arguments.word == "plan":
            up.plan(arguments.stack)
        elif arguments.word == "adopt":
            adoption.adopt(arguments.state, arguments.stack, Path.cwd())
        elif arguments.word == "destroy":
            destruction.destroy(
                arguments.stack, keep_data=arguments.keep_data, confirmed=arguments.yes, target=Path.cwd()
            )
        else:
            getattr(up, arguments.word)()
    except StepFailed as failure:
        say(f"{arguments.word} failed: {failure}")
        if arguments.word in ("up", "down", "prepare"):
            say(f"what was done so far stays; `make {arguments.word}` again continues from there")
        return 1
    except KeyboardInterrupt:
        say(f"{arguments.word} was interrupted; `make {arguments.word}` again continues from there")
        return 130
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # A build that an interrupt left behind in a worker thread must not keep the terminal.
    os._exit(status) if status == 130 else sys.exit(status)
