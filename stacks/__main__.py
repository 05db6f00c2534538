"""The program of every stack: builds the layer that the stack's configuration names."""

import importlib
import os
import signal
import sys
from pathlib import Path

STACKS = Path(__file__).resolve().parent
SHOWN = 32
"""Exit status by which Pulumi's language host knows that the user has read why the program failed.

After any other it adds `Program exited with non-zero exit code`, also to a RunError.
"""
# The language host interrupts the program where a resource has failed, and Python would print a traceback.
signal.signal(signal.SIGINT, lambda number, frame: os._exit(SHOWN))

# Out goes this directory, which Python put first (a module `platform` beside this file would hide the standard
# library's); in come the checkout, for `stacks`, and the library's sources, whether installed or not.
sys.path[:] = [str(STACKS.parent), str(STACKS.parent / "components")] + [
    entry for entry in sys.path if entry and Path(entry).resolve() != STACKS
]

import pulumi  # noqa: E402 - it imports the standard library's `platform`

configuration = importlib.import_module("stacks.configuration")
try:
    importlib.import_module(f"stacks.{configuration.layer()}").build()
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(SHOWN)
