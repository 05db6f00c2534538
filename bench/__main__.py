"""`python -m bench [section …]` measures and writes docs/benchmarks.md; all sections by default."""

import importlib
import sys

from bench import report

SECTIONS = ("serving", "imports", "scale", "up", "preview", "loop", "cold", "review", "plan", "training")
"""Module names; each has TITLE and measure(), which returns Markdown. `preview` and `loop` need the platform up, which
`up` leaves behind."""


def main() -> None:
    """Runs the sections that are named, and writes each as soon as it is measured."""
    chosen = sys.argv[1:] or list(SECTIONS)
    if unknown := [name for name in chosen if name not in SECTIONS]:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in chosen:
        section = importlib.import_module(f"bench.{name}")
        print(f"{section.TITLE} …", file=sys.stderr, flush=True)
        body = section.measure()
        print(body, flush=True)
        report.write(name, section.TITLE, body)


if __name__ == "__main__":
    main()
