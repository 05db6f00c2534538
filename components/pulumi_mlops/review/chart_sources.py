"""Where the charts of Helm releases are read from: this machine, or the repository that a release names."""

import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pulumi_mlops.review.json_data import JsonObject, mapping
from pulumi_mlops.review.values import is_hidden

SECONDS = 60
"""Time to fetch one chart."""
AT_ONCE = 6
"""Charts that are fetched at the same time."""
OCI = "oci://"


class NotFetched(Exception):
    """The message says why, as the end of a sentence."""


Fetched = Mapping[tuple[str, str, str], Path | NotFetched]
"""Chart, repository and version → the directory with it, or why there is none."""


def is_here(inputs: JsonObject) -> bool:
    """Whether the chart is a directory or an archive on this machine."""
    chart = inputs.get("chart")
    if not isinstance(chart, str) or "://" in chart or repository(inputs):
        return False
    place = Path(chart)
    return (place / "Chart.yaml").is_file() or (place.suffix == ".tgz" and place.is_file())


def repository(inputs: JsonObject) -> JsonObject:
    """The release's `repositoryOpts`, without what is empty."""
    return {key: value for key, value in mapping(inputs.get("repositoryOpts")).items() if value}


def source(inputs: JsonObject) -> tuple[str, str, str]:
    """What a chart is fetched by: its name or address, the repository, the version."""
    return str(inputs.get("chart")), str(repository(inputs).get("repo", "")), str(inputs.get("version") or "")


def fetched(releases: Iterable[JsonObject], helm: Path, directory: Path) -> Fetched:
    """Fetches each chart once, with the user's own settings of helm."""
    wanted = sorted({source(one) for one in releases if set(repository(one)) <= {"repo"} and not is_here(one)})

    def pulled(number: int) -> Path | NotFetched:
        return _pulled(wanted[number], helm, directory / str(number))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(pulled, range(len(wanted))), strict=True))


def _pulled(wanted: tuple[str, str, str], helm: Path, to: Path) -> Path | NotFetched:
    chart, repo, version = wanted
    if any(map(is_hidden, (chart, repo, version))) or not (repo or chart.startswith(OCI)):
        return NotFetched("its repository is not in the preview")
    words = ["pull", chart, "--untar", "--untardir", str(to)]
    words += ["--repo", repo] if repo else []
    words += ["--version", version] if version else []
    try:
        done = subprocess.run([str(helm), *words], capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return NotFetched(f"helm pull took longer than {SECONDS} seconds")
    if done.returncode:
        return NotFetched(f"helm pull says: {(done.stderr.strip().splitlines() or ['nothing'])[-1]}")
    return next(to.iterdir())
