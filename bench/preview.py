"""`pulumi preview` of the platform stack with nothing to change, against a bare program of as many plain resources."""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.report import table
from local import up
from local.cluster import target
from local.engine import PLATFORM, Engine
from local.paths import ROOT

TITLE = "Preview of the platform stack, no changes"
ROUNDS = 5
BARE = "bench-bare"

PROGRAM = """
import pulumi_kubernetes as k8s
for number in range({count}):
    name = f"bench-plain-{{number}}"
    k8s.core.v1.ConfigMap(name, metadata={{"name": name}}, data={{"n": str(number)}})
"""


def measure() -> str:
    """Needs the platform up; alternates both previews and compares medians."""
    cluster = target()
    engine = up.engine_of(cluster)
    settings = engine.directory / f"Pulumi.{PLATFORM}.yaml"
    exported = _pulumi(engine, ROOT, "stack", "export", "--stack", PLATFORM)
    count = exported.count('"custom": true') - exported.count('"type": "pulumi:providers:')
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory)
        runtime = f"{{name: python, options: {{toolchain: pip, virtualenv: {ROOT / '.venv'}}}}}"
        (project / "Pulumi.yaml").write_text(f"name: {BARE}\nruntime: {runtime}\n")
        (project / "__main__.py").write_text(PROGRAM.format(count=count))
        _pulumi(engine, project, "stack", "init", BARE)
        try:
            _pulumi(engine, project, "up", "--yes", "--skip-preview", "--stack", BARE)
            seconds: dict[str, list[float]] = {"platform stack": [], "bare program": []}
            for _ in range(ROUNDS):
                for name, place, options in (
                    ("platform stack", ROOT, ("--stack", PLATFORM, "--config-file", str(settings))),
                    ("bare program", project, ("--stack", BARE)),
                ):
                    begin = time.perf_counter()
                    _pulumi(engine, place, "preview", "--expect-no-changes", *options)
                    seconds[name].append(time.perf_counter() - begin)
        finally:
            _pulumi(engine, project, "destroy", "--yes", "--skip-preview", "--stack", BARE)
            _pulumi(engine, project, "stack", "rm", "--yes", BARE)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians["platform stack"] / medians["bare program"]
    rows = [[f"{name}, {count} resources", f"{median:.1f} s"] for name, median in medians.items()]
    return table(["", f"median of {ROUNDS}"], rows) + f"\n\nRatio {ratio:.2f}; target at most 1.5, and at most 5 s."


def _pulumi(engine: Engine, directory: Path, *arguments: str) -> str:
    command = [str(engine.executable), *arguments, "--non-interactive", "--color", "never", "--cwd", str(directory)]
    done = subprocess.run(command, env=engine.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`pulumi {' '.join(arguments)}` failed: {done.stdout}{done.stderr}")
    return done.stdout
