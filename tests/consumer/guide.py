"""The guide to AWS as tests read it: its blocks of code, its tables, its names in code."""

import re
import textwrap

from local.paths import ROOT

TEXT = (ROOT / "docs" / "aws.md").read_text()


def blocks(language: str) -> list[str]:
    """The blocks of one language, those within lists included, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", TEXT, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for _, code in found]


def commands(program: str) -> list[str]:
    """Every command of a program, in the blocks for a shell and in running text, up to the next pipe."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", _without_blocks())
    found = [re.split(r"\$\((?=\w)", part)[-1] for text in [*lines, *inline] for part in re.split(r" \| (?=\w)", text)]
    words = [re.sub(r"^([A-Z0-9_]+=\S+ )+", "", text).strip() for text in found]
    return [_closed(text) for text in words if re.match(rf"{program} [a-z0-9]", text)]


def names() -> set[str]:
    """Every name in code in the running text."""
    return set(re.findall(r"`([A-Za-z0-9_]+)`", _without_blocks()))


def table(heading: str) -> list[list[str]]:
    """The rows, as cells, of the tables that are below a heading, without heads."""
    _, _, section = TEXT.partition(f"\n## {heading}\n")
    assert section, heading
    rows = [line for line in re.split(r"\n## ", section)[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if not row.startswith("|---")]


def _without_blocks() -> str:
    return re.sub(r"^( *)```.*?^\1```", "", TEXT, flags=re.DOTALL | re.MULTILINE)


def _closed(text: str) -> str:
    """Without the parenthesis that closed a substitution."""
    return text[:-1] if text.count(")") > text.count("(") else text
