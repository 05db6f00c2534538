"""Writes docs/benchmarks.md: one section a benchmark, each replaced when its benchmark runs again."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from local.paths import ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`; `.venv/bin/python -m bench NAME …` measures single sections again. Baselines are measured in
the same run as what is compared with them. What falls short of its target is shown like the rest.
"""


def machine() -> str:
    """The machine in one line: processor, cores, memory, kernel, Python."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def write(name: str, title: str, body: str) -> None:
    """Replaces the section `name` of the report, or adds it at the end."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    section = (
        f"<!-- {name} -->\n## {title}\n\n{body.strip()}\n\n"
        f"Measured {when} at `{commit}` by `python -m bench {name}` on {machine()}.\n<!-- end of {name} -->\n"
    )
    text = REPORT.read_text() if REPORT.exists() else HEAD
    pattern = re.compile(rf"<!-- {name} -->.*?<!-- end of {name} -->\n", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if pattern.search(text) else f"{text}\n{section}"
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(text)
