"""Makes every generated file again: `make generate`. `--check` says which of them `make check` finds out of date.

What needs the engine, a browser or a whole run is compared by tests of `make test`; this table says by which.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from local.paths import ROOT
from local.progress import say


@dataclass(frozen=True)
class Generator:
    """One command that writes files, and what finds out that they are out of date."""

    files: str
    command: tuple[str, ...]
    """After `python -m`."""
    check: tuple[str, ...] = ()
    """After `python -m`: part of `make check`, within seconds; empty where it takes more."""
    tested_by: str = ""
    """The test that compares them otherwise."""
    program: str = ""
    """What it needs on PATH."""
    record: bool = False
    """Tests that write what they otherwise compare."""


SNAPSHOTS = ("tests/components", "tests/review", "tests/contract/test_schema.py")
GENERATORS = (
    Generator("requirements/*.txt", ("maintenance.locks", "compile"), ("maintenance.locks", "check")),
    Generator(
        "data of other projects' releases: chart keys, pods of charts, definitions, policies",
        ("maintenance.upstream_files",),
        ("maintenance.upstream_files", "--check"),
    ),
    Generator("fields of custom kinds", ("maintenance.fields",), ("maintenance.fields", "--check")),
    Generator(
        "recordings of the engine",
        ("pytest", "-q", "tests/engine/test_review_recordings.py"),
        tested_by="tests/engine/test_review_recordings.py",
        record=True,
    ),
    Generator(
        "snapshots: components, comments, the schema for SDKs",
        ("pytest", "-q", "--snapshot-update", *SNAPSHOTS),
        tested_by="tests/contract/test_schema.py",  # and by the other tests themselves
    ),
    Generator("sizes of EC2 instance types", ("maintenance.instance_types",), tested_by="tests/unit/test_capacity.py"),
    Generator("docs/cost.md, docs/aws.md", ("maintenance.cost_page",), tested_by="tests/engine/test_cost_of_stacks.py"),
    Generator(
        "the picture of a review",
        ("maintenance.comment_picture",),
        ("maintenance.comment_picture", "--check"),
        tested_by="tests/consumer/test_readme.py",
        program="chromium",
    ),
)
BY_HAND = "the picture of `make up`: run `make up 2>&1 | python -m maintenance.capture`"
"""It shows a real run, which takes minutes and a machine of its own."""


def check(generators: Sequence[Generator] = GENERATORS) -> int:
    """Runs every check, each of which prints what is out of date; the status is 1 if one is."""
    commands = [[sys.executable, "-m", *one.check] for one in generators if one.check]
    return int(any([subprocess.run(command, cwd=ROOT, check=False).returncode for command in commands]))


def generate(generators: Sequence[Generator] = GENERATORS) -> int:
    """Runs every generator that this machine can; the status is 1 if one failed or could not run."""
    failed = 0
    for one in generators:
        if one.program and not shutil.which(one.program):
            say(f"{one.files}: not made, {one.program} is not on PATH")
            failed = 1
            continue
        say(f"{one.files} …")
        environment = {**os.environ, "PULUMI_MLOPS_RECORD": "1"} if one.record else None
        command = [sys.executable, "-m", *one.command]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            say(f"{one.files}: `python -m {' '.join(one.command)}` failed, see above")
            failed = 1
    say(f"not among them: {BY_HAND}")
    subprocess.run(["git", "status", "--short"], cwd=ROOT, check=False)
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m maintenance.generate", description=__doc__)
    parser.add_argument("--check", action="store_true")
    return check() if parser.parse_args(arguments).check else generate()


if __name__ == "__main__":
    sys.exit(main())
