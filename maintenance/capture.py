"""Shows in the README what `make up` really prints: `make up 2>&1 | python -m maintenance.capture`.

Writes the steps of that run into the README and, as a picture of the terminal, into docs/pictures/make-up.svg. What
`pulumi up` itself prints is left out of both.
"""

import re
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "pictures" / "make-up.svg"
OURS = re.compile(r"^ *\d+\.\d+s  ")
LINE_HEIGHT, CHARACTER_WIDTH, MARGIN = 19, 8.05, 16


def steps(output: str) -> list[str]:
    """The lines that `make up` prints itself, without the announcements of steps whose end is there as well."""
    ours = [line.rstrip() for line in output.splitlines() if OURS.match(line)]
    return [line for line in ours if not line.endswith("…")]


def picture(lines: list[str]) -> str:
    """A terminal with the lines in it, as SVG."""
    width = MARGIN * 2 + CHARACTER_WIDTH * max(len(line) for line in lines)
    height = MARGIN * 2 + LINE_HEIGHT * len(lines)
    rows = [(MARGIN + LINE_HEIGHT * (number + 0.75), escape(line)) for number, line in enumerate(lines)]
    texts = "\n".join(f'<text x="{MARGIN}" y="{y:.1f}" xml:space="preserve">{line}</text>' for y, line in rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" role="img">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#1e2127"/>\n'
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="#d7dae0">\n'
        f"{texts}\n</g>\n</svg>\n"
    )


def main() -> None:
    """Reads a run from standard input."""
    lines = steps(sys.stdin.read())
    if not lines or not any("by model" in line for line in lines):
        sys.exit("this is no output of a `make up` that ended well")
    block = "```text\n$ make up\n" + "\n".join(lines) + "\n```"
    readme = README.read_text()
    begin, end = "<!-- up -->\n", "\n<!-- end of up -->"
    before, _, rest = readme.partition(begin)
    README.write_text(before + begin + block + end + rest.partition(end.lstrip())[2])
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(["$ make up", *lines]))


if __name__ == "__main__":
    main()
