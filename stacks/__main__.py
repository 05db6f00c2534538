"""The program of every stack: builds the layer that the stack's configuration names."""

import importlib
import sys
from pathlib import Path

STACKS = Path(__file__).resolve().parent

# Out goes this directory, which Python put first (a module `platform` beside this file would hide the standard
# library's); in come the checkout, for `stacks`, and the library's sources, whether installed or not.
sys.path[:] = [str(STACKS.parent), str(STACKS.parent / "components")] + [
    entry for entry in sys.path if entry and Path(entry).resolve() != STACKS
]

settings = importlib.import_module("stacks.settings")
importlib.import_module(f"stacks.{settings.layer()}").build()
