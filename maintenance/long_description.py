"""What a package index shows of the project: the README with links that lead somewhere from there.

The build calls it, as pyproject.toml says: an index has neither the files of the repository nor anchors for headings.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

SOURCE = "source"
"""Entry of `[project.urls]`: the repository's page on its Git host, without a slash at the end."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)\s]+)\)")


def long_description(readme: str, version: str, source: str | None) -> str:
    """The README for an index.

    With the repository's page, links to files lead to the release's tag there. Without it, a link becomes its text with
    the file's name behind it, and a picture is left out.
    """

    def absolute(found: re.Match[str]) -> str:
        picture, text, place = found.groups()
        if place.startswith("#"):
            return text
        if source:
            return f"{picture}[{text}]({source}/{'raw' if picture else 'blob'}/v{version}/{place})"
        file = place.partition("#")[0]
        return "" if picture else text if text == file else f"{text} (`{file}` in the repository)"

    return LINK.sub(absolute, readme)


class LongDescription(MetadataHookInterface):
    """The field `readme` of the package's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Sets the field."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = long_description(readme, metadata["version"], metadata.get("urls", {}).get(SOURCE))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
