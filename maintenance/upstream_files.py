"""Makes the data files of other projects' releases: `python -m maintenance.upstream_files [--check | NAME …]`.

A NAME is a pin (`CERT_MANAGER`: all its files) or a file (`chart/cert-manager`); without one, every file that is out of
date is made. The release comes from Go, if it is a Go module, or from its chart repository by helm. Where neither can
be downloaded, `--directory` names a copy from elsewhere: of the chart, or of the place in the repository.
"""

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pulumi_mlops.platform import add_ons
from pulumi_mlops.platform._charts import Chart

from local import tools
from local.progress import StepFailed, say
from maintenance import upstream
from maintenance.upstream import Data

COMMAND = "python -m maintenance.upstream_files"
TIMEOUT_SECONDS = 300


class NotAvailable(Exception):
    """The release cannot be downloaded here; the text says why."""


@cache
def charts() -> dict[str, Chart]:
    """Every chart that the library installs, by its name."""
    modules = [
        importlib.import_module(one.name) for one in pkgutil.iter_modules(add_ons.__path__, f"{add_ons.__name__}.")
    ]
    return {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Chart)}


@contextmanager
def downloaded(data: Data, version: str) -> Iterator[Path]:
    """The place in the release that a file is made from.

    Raises:
        NotAvailable: neither Go nor helm gets it.
    """
    if data.module:
        answer = _run("go", "mod", "download", "-json", f"{data.module}@v{version.removeprefix('v')}")
        yield Path(json.loads(answer)["Dir"]) / data.place
    elif data.kind in (upstream.CHART, upstream.RENDERED):
        with tempfile.TemporaryDirectory() as directory:
            chart = charts()[data.name]
            if chart.repository.startswith("oci://"):
                source = [f"{chart.repository}/{chart.name}"]
            else:
                source = [chart.name, "--repo", chart.repository]
            helm = str(tools.ensure("helm")["helm"])
            _run(helm, "pull", *source, "--version", version, "--untar", "--untardir", directory)
            yield Path(directory) / chart.name
    else:
        raise NotAvailable("its releases are neither a Go module nor a chart")


def _run(*command: str) -> str:
    """What the command prints; outside the repository, where Go would look for a module."""
    try:
        done = subprocess.run(
            command, cwd=tempfile.gettempdir(), capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise NotAvailable(str(error)) from error
    if done.returncode:
        *_, last = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise NotAvailable(f"{Path(command[0]).name}: {last}")
    return done.stdout


def make(data: Data, version: str | None = None, directory: Path | None = None) -> str:
    """Makes one file and returns one sentence about what was done, or has to be done elsewhere.

    Raises:
        NotAvailable: as that sentence.
    """
    if data.own_number and not version:
        was = data.read()["version"]
        raise NotAvailable(
            f"{data} has another number than the pin {data.pin} {data.pinned} (it is of {was}): find out the release "
            f"of {data.repository} that belongs to it, and run `{COMMAND} {data} --version VERSION`"
        )
    release = version or data.pinned.removeprefix("v" if data.kind not in (upstream.CHART, upstream.RENDERED) else "")
    try:
        if directory:
            data.write(release, directory)
        else:
            with downloaded(data, release) as place:
                data.write(release, place)
    except NotAvailable as error:
        where = f"{data.place} of {data.repository}" if data.place else f"chart {data.name}"
        raise NotAvailable(
            f"{data} {release} cannot be downloaded here ({error}): get {where} at that release elsewhere, and run "
            f"`{COMMAND} {data} --version {release} --directory DIRECTORY`"
        ) from error
    return f"{data}: made from {release}"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the status is 1 if a file is out of date, or could not be made."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true", help="only say which files are out of date")
    parser.add_argument("--version", help="of the release, where it is not the pin")
    parser.add_argument("--directory", type=Path, help="a copy of what one file is made from")
    options = parser.parse_args(arguments)
    problems = upstream.out_of_date()
    if options.check:
        print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
        return int(bool(problems))
    files = [data for name in options.names for data in upstream.named(name)]
    if unknown := [name for name in options.names if not upstream.named(name)]:
        parser.error(f"{unknown[0]} is neither a pin nor one of {', '.join(map(str, upstream.DATA))}")
    if options.directory and len(files) != 1:
        parser.error(f"--directory belongs to one file, got {', '.join(map(str, files)) or 'none'}")
    failed = 0
    for data in files or [data for data in upstream.DATA if data.made_for != data.pinned]:
        try:
            say(make(data, options.version, options.directory))
        except (NotAvailable, StepFailed) as error:
            failed = 1
            say(str(error))
    return failed


if __name__ == "__main__":
    sys.exit(main())
