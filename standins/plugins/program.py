"""Runs one Pulumi program under the engine: `python program.py <settings as JSON> <entry point> [arguments]`.

Uses the Pulumi SDK of the program's own environment and nothing else of this repository, which need not be there.
"""

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import traceback

SHOWN = 32
"""Exit code of a program that failed and has told the user why; the engine then adds nothing."""

ENDED = "resource monitor shut down"
"""The engine's answer to what a program still asks when a resource has failed; it has said which one, and why."""


def message(error: BaseException, program: str) -> str:
    """What the user reads: a traceback that begins in their own program, once."""
    root = os.path.realpath(program)
    directory = root if os.path.isdir(root) else os.path.dirname(root)
    shown = traceback.TracebackException.from_exception(error, compact=True)
    _trim(shown, directory, set())
    return "Program failed with an unhandled exception:\n" + "".join(shown.format()).rstrip()


def _trim(shown: traceback.TracebackException, directory: str, seen: set[int]) -> None:
    """Drops the frames before the program's first one, in the exception and in what it came from."""
    if id(shown) in seen:
        return
    seen.add(id(shown))
    own = [
        index
        for index, frame in enumerate(shown.stack)
        if not frame.filename.startswith("<") and os.path.realpath(frame.filename).startswith(directory + os.sep)
    ]
    if own:
        del shown.stack[: own[0]]
    for linked in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if linked is not None:
            _trim(linked, directory, seen)


def _interrupt(number: int, frame: object) -> None:
    """Ends the program once; the engine may ask twice."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def execute(settings: dict, program: str, arguments: list[str]) -> int:
    """Runs the program and returns the exit code: 0, or SHOWN."""
    try:
        import pulumi
        import pulumi.runtime
    except ImportError as error:
        print(
            f"the Pulumi SDK cannot be imported by {sys.executable} ({error}): install the program's requirements "
            "into this environment",
            file=sys.stderr,
        )
        return 1
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(pulumi.runtime.Settings(**settings))
    sys.argv = [program, *arguments]
    if not os.path.exists(os.path.join(program, "__main__.py") if os.path.isdir(program) else program):
        pulumi.log.error(f"{os.path.realpath(program)} has no Python program: Pulumi.yaml's `main` names where it is")
        return SHOWN
    signal.signal(signal.SIGINT, _interrupt)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # A failed program leaves futures that nobody awaits, and asyncio would complain about each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    code = SHOWN
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: runpy.run_path(program, run_name="__main__")))
        code = 0
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else SHOWN if error.code else 0
        if isinstance(error.code, str):
            pulumi.log.error(error.code)
    except KeyboardInterrupt:
        pass  # the engine interrupts a program when something else has failed, and says so itself
    except Exception as error:
        if str(error) != ENDED:
            pulumi.log.error(message(error, program))
    finally:
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return code


if __name__ == "__main__":
    sys.exit(execute(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]))
