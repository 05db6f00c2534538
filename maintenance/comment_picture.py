"""Shows in the documentation what a review looks like on a Git host: `python -m maintenance.comment_picture`.

Makes the comment of recorded previews by the command itself, and renders it with a real Markdown parser in a style like
GitHub's, in a headless Chromium (Debian's package `chromium`), into docs/pictures/review.png. The picture carries the
checksum of the page that it shows, by which `--check` finds out when it is no longer the command's.
"""

import contextlib
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from markdown_it import MarkdownIt
from pulumi_mlops.review import cli

from local.paths import ROOT
from tests.review import recorded

PICTURE = ROOT / "docs" / "pictures" / "review.png"
WIDTH = 920
STACKS = {"orders-prod": "database-replacement", "platform-prod": "node-group", "penguins-prod": "image-bump"}
"""Stack → recording of its preview."""
STYLE = """
body { font: 14px/1.5 'DejaVu Sans', sans-serif; color: #1f2328; margin: 0; padding: 16px; background: #fff }
main { border: 1px solid #d1d9e0; border-radius: 6px; padding: 4px 16px 16px }
h2 { font-size: 21px; border-bottom: 1px solid #d1d9e0; padding-bottom: 6px } h3 { font-size: 17px }
code { font: 12px 'DejaVu Sans Mono', monospace; background: #eff1f3; padding: 2px 5px; border-radius: 5px;
       overflow-wrap: anywhere }
pre { background: #f6f8fa; padding: 12px; border-radius: 6px } pre code { background: none; padding: 0 }
table { border-collapse: collapse } td, th { border: 1px solid #d1d9e0; padding: 5px 11px; vertical-align: top }
blockquote { border-left: 4px solid #cf222e; margin: 12px 0; padding: 0 12px }
.caution { color: #cf222e; font-weight: 600 } summary { cursor: pointer }
"""


def page(comment: str) -> str:
    """The comment as a page."""
    body = MarkdownIt("commonmark", {"html": True}).render(comment)
    body = re.sub(r"\[!caution\]\n?", '<span class="caution">&#9888; Caution</span><br>', body, flags=re.IGNORECASE)
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><main>{body}</main>'


def checksum() -> bytes:
    """What identifies the page as the code makes it now, as a text in a PNG file: keyword and value."""
    return b"Source\0" + hashlib.sha256(page(comment()).encode()).hexdigest().encode()


def marked(png: bytes, text: bytes) -> bytes:
    """The picture with one text more, before its last chunk (PNG specification, 11.3.4.3)."""
    chunk = b"tEXt" + text
    last = png.rindex(b"IEND") - 4
    return png[:last] + len(text).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + png[last:]


def comment() -> str:
    """What the command says of the stacks."""
    said = io.StringIO()
    words = [f"--stack={name}={recorded.DATA / recording}.json" for name, recording in STACKS.items()]
    with contextlib.redirect_stdout(said):
        cli.main(["comment", "--format", "github", "--fail-on", "never", "--artifact", "review", *words])
    return said.getvalue()


def main() -> None:
    """Takes the picture, or says with `--check` that the comment is another one now."""
    if sys.argv[1:] == ["--check"]:
        old = checksum() not in PICTURE.read_bytes()
        sys.exit(
            f"{PICTURE.relative_to(ROOT)} is of another comment: run `python -m maintenance.comment_picture`"
            if old
            else 0
        )
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("Debian's chromium is needed, and is not installed")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "page.html").write_text(page(comment()))
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={place}",
            f"--screenshot={PICTURE}", f"--window-size={WIDTH},1290", (place / "page.html").as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    PICTURE.write_bytes(marked(PICTURE.read_bytes(), checksum()))


if __name__ == "__main__":
    main()
