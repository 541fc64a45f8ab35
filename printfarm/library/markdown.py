"""Descriptions: Markdown that people write, shown as HTML that can do no harm; and Markdown of what files say in HTML.

Two fences, one behind the other: the parser knows no HTML and no pictures, and what it makes passes a list of allowed tags.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

from markupsafe import Markup

LONGEST = 20_000
_TAGS = frozenset(
    "p br hr h3 h4 h5 h6 ul ol li strong em s code pre blockquote a table thead tbody tr th td".split()  # noqa: SIM905
)
_SCHEMES = frozenset({"http", "https", "mailto"})
_LOOKS_LIKE_HTML = re.compile(
    r"<(?:p|br|div|span|a|ul|ol|li|strong|em|b|i|h[1-6]|img|figure)\b[^<>]{0,2000}>", re.IGNORECASE
)
_BLOCKS = frozenset("p div ul ol h1 h2 h3 h4 h5 h6 blockquote figure table tr pre section article".split())  # noqa: SIM905
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*"}
_SILENT = frozenset({"script", "style", "template", "iframe", "object", "svg", "head"})


@lru_cache(maxsize=256)
def html_of(text: str) -> Markup:
    """Markdown as HTML. Its headings stand under those of a page; pictures and HTML stay text; links leave with no trace."""
    import nh3

    tokens = _parser().parse(text[:LONGEST])
    _put_headings_in_order(tokens)
    made = _parser().renderer.render(tokens, _parser().options, {})
    cleaned = nh3.clean(
        made,
        tags=set(_TAGS),
        attributes={"a": {"href"}, "*": set()},
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)  # noqa: S704  # this is what came through both fences


def _put_headings_in_order(tokens: Sequence[Any]) -> None:
    """From h3 on, and no level is left out: who listens to a page finds their way by them."""
    above: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1])
            above = [*(one for one in above if one < level), level]
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, 2 + len(above))}"


def markdown_from_html(text: str) -> str:
    """What a file says about itself, as a person would have typed it; plain text stays as it is.

    Bambu Studio writes HTML that is escaped twice: once by the XML, which its reader has undone, and once more.
    """
    plain = text[: 5 * LONGEST]
    for _ in range(2):
        if _LOOKS_LIKE_HTML.search(plain):
            break
        plain = unescape(plain)
    if not _LOOKS_LIKE_HTML.search(plain):
        return _tidy(plain)
    reader = _HtmlText()
    reader.feed(plain)
    reader.close()
    return _tidy("".join(reader.parts))


@lru_cache(maxsize=1)
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return (
        MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
    )


def _tidy(text: str) -> str:
    """Without control characters, trailing blanks and more than one empty line in a row."""
    printable = "".join(
        c if c.isprintable() or c == "\n" else " " for c in text.replace("\r\n", "\n").replace("\t", " ")
    )
    lines = (line.rstrip() for line in printable.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:LONGEST]


class _HtmlText(HTMLParser):
    """Paragraphs, lists, headings, emphasis and links; everything else is dropped and its text kept."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self._say("\n")
        elif tag == "li":
            self._say("\n- ")
        elif tag in _BLOCKS:
            self._say("\n\n" + ("### " if tag in _HEADINGS else ""))
        elif tag in _MARKS:
            self._say(_MARKS[tag])
        elif tag == "a":
            self._links.append(_safe_link(dict(attrs).get("href") or ""))
            self._say("[" if self._links[-1] else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _MARKS:
            self._say(_MARKS[tag])
        elif tag in _BLOCKS:
            self._say("\n\n")
        elif tag == "a" and self._links:
            link = self._links.pop()
            self._say(f"]({link})" if link else "")

    def handle_data(self, data: str) -> None:
        self._say(re.sub(r"\s+", " ", data))

    def _say(self, text: str) -> None:
        if not self._silent:
            self.parts.append(text)


def _safe_link(href: str) -> str:
    return href if re.fullmatch(r"https?://[^\s()<>]{1,500}", href) else ""
