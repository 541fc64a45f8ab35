"""Which size of a picture a place on a page asks for."""

import re

from flask import Flask
from flask.templating import render_template_string

from printfarm.files.picture_sizes import picture_source, picture_sources

OURS = "/files/pictures/0192f1d0-0000-7000-8000-000000000001"
MACRO = '{% import "_ui/pictures.html" as p %}{{ p.picture(url, "A plate", size=size, w=w, h=w) }}'


def drawn(app: Flask, url: str, size: str, w: int) -> str:
    with app.test_request_context():
        return render_template_string(MACRO, url=url, size=size, w=w)


def test_a_small_place_loads_the_small_file_whatever_the_page_named(app: Flask):
    for url in (OURS, f"{OURS}?size=small"):
        html = drawn(app, url, "thumb", 64)
        assert f'src="{OURS}?size=small"' in html
        assert "srcset" not in html


def test_a_wide_place_lets_the_browser_choose(app: Flask):
    html = drawn(app, OURS, "thumb-l", 320)
    widths = re.findall(r"([^\s\",]+) (\d+)w", html)
    assert [width for _, width in widths] == ["160", "320", "640"]
    assert [url.partition("?")[2] for url, _ in widths] == ["size=small", "size=medium", ""]
    assert 'sizes="auto, ' in html
    assert 'loading="lazy"' in html
    assert 'width="320"' in html


def test_a_picture_from_elsewhere_keeps_its_address():
    camera = "/fleet/cameras/1/frame.jpg?at=3"
    assert picture_source(camera, 64) == camera
    assert picture_sources(camera) == ""
