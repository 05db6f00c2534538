"""Shows in the documentation what a review looks like on a Git host: `python docs/comment_picture.py COMMENT.md`.

Renders the comment with a real Markdown parser and a style like GitHub's, in a headless Chromium (Debian's package
`chromium`), into docs/pictures/review.png.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

PICTURE = Path(__file__).resolve().parent / "pictures" / "review.png"
WIDTH = 920
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


def main() -> None:
    """Reads the comment that the command line names."""
    browser = shutil.which("chromium")
    if len(sys.argv) != 2 or browser is None:
        sys.exit("usage: python docs/comment_picture.py COMMENT.md, with Debian's chromium installed")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "page.html").write_text(page(Path(sys.argv[1]).read_text()))
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={place}",
            f"--screenshot={PICTURE}", f"--window-size={WIDTH},1290", (place / "page.html").as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


if __name__ == "__main__":
    main()
