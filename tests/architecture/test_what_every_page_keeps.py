"""The browser of the tests objects to what no page may have, on every page that comes by, looked at or not."""

import pytest
from flask import Flask

from tests.support.browser import Page

HEAD = "<!doctype html><html><head><title>Spools</title></head><body>"


def come(markup: str) -> Page:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: markup)
    return Page(app.test_client().get("/"))


@pytest.mark.parametrize(
    ("markup", "objection"),
    [
        ('<p id="a"></p><p class="b" id=\'a\'></p>', "twice on the page: ..a"),
        ('<p style="top: 0">', "inline"),
        ("<button onclick='go()'>Go</button>", "inline"),
        ("<SCRIPT>alert(1)</SCRIPT>", "inline"),
        ('<form method="post">', "without an action"),
        ('<form action="" method="post">', "without an action"),
        ("<html><head></head></html>", "without a title"),
        ("<html><head><title> </title></head></html>", "empty title"),
    ],
)
def test_it_fails_the_test(markup: str, objection: str):
    with pytest.raises(AssertionError, match=objection):
        come(markup)


@pytest.mark.parametrize(
    "markup",
    [
        '<p id="a" data-id="b"></p><p id="b">id="a", id="a"</p>',
        "<textarea>a style=b</textarea>",
        '<script src="/static/app.js" defer></script>',
        '<form id="find"><input name="q"></form><form action="/spools" method="post"></form>',
    ],
)
def test_what_is_right_or_only_a_text_passes(markup: str):
    page = come(HEAD + markup)
    assert page.text.startswith("Spools")
