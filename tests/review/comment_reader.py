"""What a Git host makes of a comment: its Markdown and HTML read by real parsers."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

OUR_TAGS = {
    "table": set(),
    "tr": set(),
    "th": {"colspan", "align"},
    "td": {"colspan"},
    "code": set(),
    "b": set(),
    "br": set(),
    "details": set(),
    "summary": set(),
}
"""Tags that a comment may have as HTML, with their attributes."""
READ = MarkdownIt("gfm-like", {"html": True, "linkify": False}).disable("linkify")


@dataclass
class Seen:
    """What is in a comment beside text."""

    tokens: set[str] = field(default_factory=set)
    """Kinds of Markdown tokens, tables and paragraphs included."""
    tags: set[str] = field(default_factory=set)
    """HTML tags, with attributes that are not ours."""
    quoted: list[str] = field(default_factory=list)
    """Texts in code: there a host reads neither mentions nor references."""
    loose: list[str] = field(default_factory=list)
    """Texts outside of code."""
    links: list[str] = field(default_factory=list)
    """Where its links lead."""
    open_tags: list[str] = field(default_factory=list)
    """Tags that are not closed."""


class _Html(HTMLParser):
    def __init__(self, seen: Seen) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = seen

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        foreign = {name for name, _ in attrs} - OUR_TAGS.get(tag, set())
        self.seen.tags.add(f"{tag} {' '.join(sorted(foreign))}".strip())
        if tag != "br":
            self.seen.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.seen.open_tags:
            self.seen.open_tags.reverse()
            self.seen.open_tags.remove(tag)
            self.seen.open_tags.reverse()
        else:
            self.seen.open_tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        (self.seen.quoted if "code" in self.seen.open_tags else self.seen.loose).append(data)

    def handle_comment(self, data: str) -> None:
        self.seen.tags.add("comment")

    def handle_decl(self, decl: str) -> None:
        self.seen.tags.add("declaration")


def seen(comment: str) -> Seen:
    """Everything that the comment would become."""
    found = Seen()
    html = _Html(found)
    for token in READ.parse(comment):
        found.tokens.add(token.type)
        if token.type == "html_block":
            html.feed(token.content)
        elif token.type in ("fence", "code_block"):
            found.quoted.append(token.content)
        for child in token.children or ():
            found.tokens.add(child.type)
            if child.type == "link_open":
                found.links.append(str(child.attrGet("href")))
            if child.type == "html_inline":
                html.feed(child.content)
            elif child.type == "code_inline":
                found.quoted.append(child.content)
            elif child.type == "text":
                found.loose.append(child.content)
    html.close()
    return found


ALLOWED_TOKENS = {
    f"{block}_{end}"
    for block in ("link", "heading", "paragraph", "bullet_list", "list_item", "blockquote", "strong")
    for end in ("open", "close")
} | {"inline", "text", "code_inline", "softbreak", "html_block", "fence"}
