"""The commands of the Makefile: `python -m local COMMAND`."""

import argparse
import os
import sys
from pathlib import Path

from pulumi_mlops.cli.errors import CommandError

from local.progress import StepFailed, begun, say

CONTINUED = ("up", "deliver", "down", "prepare")
"""Commands that go on where they stopped."""


def main() -> int:
    """Runs one command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m local")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "predict", "status", "release", "down", "prepare", "env"):
        commands.add_parser(name)
    delivering = commands.add_parser("deliver")
    delivering.add_argument("--remove", action="store_true", help="take the delivery's parts away again")
    commands.add_parser("train").add_argument("--data-key", help="object of the data bucket to train on")
    commands.add_parser("rollback").add_argument("--version", help="default: the version that was served before")
    commands.add_parser("mlflow").add_argument("--port", default="5001", help="of this machine's loopback")
    commands.add_parser("plan").add_argument("--stack", help="a stack on AWS; default: both local ones")
    adopting = commands.add_parser("adopt")
    adopting.add_argument("states", type=Path, nargs="*", help="Terraform states")
    adopting.add_argument("--bucket", action="append", default=[], help="USE=NAME: a bucket that the stack takes over")
    adopting.add_argument("--stack", default="foundation-dev", help="the stack on AWS that takes its resources over")
    for name in ("destroy", "leftovers", "preflight"):
        command = commands.add_parser(name)
        command.add_argument("stack", help="a stack on AWS")
        if name == "preflight":
            command.set_defaults(options=None)
            continue
        command.add_argument("--keep-data", action="append_const", dest="options", const="--keep-data")
        if name == "destroy":
            command.add_argument("--yes", action="append_const", dest="options", const="--yes")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except (StepFailed, CommandError) as failure:
        say(f"{arguments.command} failed: {failure}")
        if arguments.command in CONTINUED and begun():
            say(f"what was done so far stays; `make {arguments.command}` again continues from there")
        return 1
    except KeyboardInterrupt:
        if arguments.command == "mlflow":
            return 0
        if arguments.command == "train":
            say("train was interrupted; a run that was submitted goes on in the cluster, `make status` shows it")
        else:
            say(f"{arguments.command} was interrupted; `make {arguments.command}` again continues from there")
        return 130


def _run(arguments: argparse.Namespace) -> int:
    """Imports what the one command uses: the clients behind the others take seconds."""
    command = arguments.command
    if command == "status":
        from local import status

        return 0 if status.show() else 1
    elif command == "deliver":
        from local.delivery import deliver

        deliver.remove() if arguments.remove else deliver.deliver()
    elif command == "adopt":
        from local import on_aws

        on_aws.adopt(arguments.states, arguments.stack, arguments.bucket)
    elif command in ("destroy", "leftovers", "preflight"):
        from local import on_aws

        return on_aws.run(command, arguments.stack, arguments.options or ())
    elif command == "plan" and arguments.stack and _on_aws(arguments.stack):
        from local import planning

        planning.plan(arguments.stack)
    else:
        from local import up

        if command == "train":
            up.train(arguments.data_key)
        elif command == "mlflow":
            up.mlflow(arguments.port)
        elif command == "rollback":
            up.rollback(arguments.version)
        else:
            getattr(up, command)()
    return 0


def _on_aws(stack: str) -> bool:
    from local import planning

    return planning.on_aws(stack)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # A build that an interrupt left behind in a worker thread must not keep the terminal.
    os._exit(status) if status == 130 else sys.exit(status)
