"""Descriptions: what people write becomes harmless HTML, and what files say in HTML becomes text."""

import time
from html import escape

import pytest
from bs4 import BeautifulSoup

from printfarm.library.guesses import description
from printfarm.library.markdown import LONGEST, html_of, markdown_from_html

ALLOWED = {
    "p",
    "br",
    "hr",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "s",
    "code",
    "pre",
    "blockquote",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        "![x](https://example.com/spy.png)",
        "<a href='https://x' onclick='x'>x</a>",
        "<svg/onload=alert(1)>",
        "# <b onmouseover=x>x</b>",
        "| a |\n|---|\n| <iframe src=x> |",
        "[x]: javascript:alert(1)\n\n[x]",
        '[x](https://example.com "onmouseover=alert(1)")',
        "`<script>`\n\n    <script>",
    ],
)
def test_nothing_that_could_run_comes_through(text) -> None:
    soup = BeautifulSoup(html_of(text), "html.parser")
    for tag in soup.find_all(True):
        assert tag.name in ALLOWED
        assert set(tag.attrs) <= ({"href", "rel"} if tag.name == "a" else set())
        assert str(tag.get("href", "https://")).startswith(("https://", "http://", "mailto:"))


@pytest.mark.parametrize(
    "text",
    [
        "[" * LONGEST,
        "*" * LONGEST,
        "> " * (LONGEST // 2),
        "`" * LONGEST,
        "[a](" * (LONGEST // 4),
        "|a" * (LONGEST // 2),
        "<" * LONGEST,
        "- " * (LONGEST // 2),
        "_a*" * (LONGEST // 3),
    ],
)
def test_hostile_markdown_takes_bounded_time(text) -> None:
    began = time.perf_counter()
    html_of(text)
    markdown_from_html(text)
    assert time.perf_counter() - began < 5


def test_headings_stand_below_those_of_the_page() -> None:
    assert "<h3>One</h3>" in html_of("# One")
    assert "<h3>Six</h3>" in html_of("###### Six")


def test_headings_leave_no_level_out() -> None:
    soup = BeautifulSoup(html_of("## a\n\n#### b\n\n###### c\n\n### d\n\n# e\n\n# f\n\n## g\n"), "html.parser")
    assert [one.name for one in soup.find_all(True)] == ["h3", "h4", "h5", "h4", "h3", "h3", "h4"]


def test_headings_end_with_the_sixth_level() -> None:
    deepest = html_of("".join("#" * level + " x\n\n" for level in range(1, 7)))
    assert [deepest.count(f"<h{level}>") for level in range(3, 7)] == [1, 1, 1, 3]


class TestFromHtml:
    HTML = (
        "<p>A <strong>dragon</strong>.</p><ul><li>Layer 0.2</li><li>No <i>supports</i></li></ul>"
        '<a href="https://example.com/x">More</a><script>alert(1)</script><img src="https://spy.example/p.png">'
    )
    WANTED = "A **dragon**.\n\n- Layer 0.2\n- No *supports*\n\n[More](https://example.com/x)"

    @pytest.mark.parametrize("escaped", [0, 1, 2])
    def test_however_often_it_is_escaped(self, escaped) -> None:
        text = self.HTML
        for _ in range(escaped):
            text = escape(text)
        assert markdown_from_html(text) == self.WANTED

    def test_plain_text_stays(self) -> None:
        assert markdown_from_html("1 < 2 & 3 > 2\n\nIt's 5 mm.") == "1 < 2 & 3 > 2\n\nIt's 5 mm."
        assert markdown_from_html("") == ""

    def test_only_web_links_stay(self) -> None:
        assert markdown_from_html('<p><a href="javascript:x">bad</a> <a>none</a></p>') == "bad none"

    def test_control_characters_go_and_length_is_bounded(self) -> None:
        assert markdown_from_html("a\x00b\x1b[31m\u202ec") == "a b [31m c"
        assert len(markdown_from_html("<p>" + "x" * 200_000)) <= LONGEST

    def test_a_bambu_file_says_it_in_its_model(self) -> None:
        raw = {"model_metadata": {"Description": escape("<p>Hello</p>")}}
        assert description({"raw": raw}) == "Hello"
        assert description({"raw": {"model_metadata": "x"}}) == ""
        assert description({"raw": None, "description": ["x"]}) == ""
        assert description({}) == ""
