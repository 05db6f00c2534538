"""The table of subcommands. Imports none of them before it is called, so that help is immediate."""

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from pulumi_mlops.cli.errors import DONE, INTERRUPTED, USAGE, CommandError
from pulumi_mlops.cli.output import say

PROGRAM = "pulumi-mlops"


@dataclass(frozen=True)
class Subcommand:
    """A module with a function `run`, and its line in the help."""

    module: str
    help: str


SUBCOMMANDS: Mapping[str, Subcommand] = {
    "plan": Subcommand("plan", "preview a stack, and say what the change means: dangers, broken rules, costs"),
    "preflight": Subcommand(
        "preflight.command", "before a first `pulumi up`: ask the account what would fail; changes nothing"
    ),
    "adopt": Subcommand("adopt", "take over what Terraform made: from its state to an import file and settings"),
    "destroy": Subcommand("destroy", "destroy a stack, unless data or somebody else's objects would be lost"),
    "leftovers": Subcommand("leftovers.command", "show what prevents a stack from being destroyed; changes nothing"),
    "keys": Subcommand("keys", "API keys of a model endpoint's clients: create, rotate, revoke, list"),
    "delivery": Subcommand(
        "delivery.command", "a DeliveryPipeline: what is where and what is held; hold, lift, approve"
    ),
    "repair": Subcommand("repair", "let `pulumi up` continue after a run that was killed during a Helm operation"),
    "versions": Subcommand("versions", "list every version that the library installs, and what has ended"),
    "review": Subcommand("review", "read previews: comments on pull requests, rules, costs, drift"),
}
EPILOG = """exit status: 0 done; 1 failed, the last line says why; 2 wrong command line; 3 something was found: a broken
rule, something that prevents a destroy, an interrupted Helm operation, a version whose support has ended,
what would make an `up` fail, a delivery that needs somebody"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [-h] COMMAND ...",
        description="\n".join(
            [
                "Works on the Pulumi project in the current directory, with your own backend and login.",
                "",
                "commands:",
                *(f"  {name:10} {one.help}" for name, one in SUBCOMMANDS.items()),
                "",
                f"`{PROGRAM} COMMAND --help` shows the options of one.",
            ]
        ),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version of the package and exit")
    parser.add_argument("command", choices=SUBCOMMANDS, nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.version:
        print(f"{PROGRAM} {_version()}")
        return DONE
    if chosen.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    name: str = chosen.command
    module = importlib.import_module(f"pulumi_mlops.cli.{SUBCOMMANDS[name].module}")
    run: Callable[[Sequence[str]], int] = module.run
    try:
        return run(chosen.arguments)
    except CommandError as error:
        say(f"{name}: {error}")
        return error.status
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        return INTERRUPTED


def _version() -> str:
    try:
        return metadata.version(PROGRAM)
    except metadata.PackageNotFoundError:
        return "of a checkout, which is not installed"


if __name__ == "__main__":
    sys.exit(main())
