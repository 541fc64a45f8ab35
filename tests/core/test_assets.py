"""Static files are kept by browsers for as long as they stay the same, and text travels compressed."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest
from flask import Flask, Response, url_for

from printfarm.application import ROOT
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

CSS = ROOT / "static" / "app.css"


def address(app: Flask, name: str) -> str:
    with app.test_request_context():
        return url_for("static", filename=name)


def test_the_address_names_the_content(app: Flask):
    assert address(app, "app.css") == f"/static/app.css?v={hashlib.sha256(CSS.read_bytes()).hexdigest()[:10]}"
    assert address(app, "no-such-file.css") == "/static/no-such-file.css"


def test_only_the_hashed_address_is_kept_for_long(app: Flask):
    client = app.test_client()
    kept = client.get(address(app, "app.css"))
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for other in ("/static/app.css", "/static/app.css?v=0000000000"):
        assert client.get(other).headers["Cache-Control"] == "no-cache"


def test_a_changed_file_gets_another_address(app: Flask, tmp_path: Path):
    from printfarm.core.assets import version_of

    path = tmp_path / "app.css"
    path.write_text("a {}")
    before = version_of(path)
    path.write_text("b { color: red }")
    assert version_of(path) not in {before, None}


@pytest.mark.parametrize("name", ["app.css", "js/live.js", "icons.svg"])
def test_static_text_is_compressed(app: Flask, name: str):
    plain = (ROOT / "static" / name).read_bytes()
    response = app.test_client().get(address(app, name), headers={"Accept-Encoding": "gzip, br"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["Vary"]
    assert int(response.headers["Content-Length"]) == len(response.data) < len(plain) / 2
    assert stripped(gzip.decompress(response.data)) == stripped(plain)


def stripped(text: bytes) -> list[bytes]:
    """The lines that mean something: scripts travel without comment and indentation."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(b"//")]


def test_our_scripts_travel_without_their_comments(app: Flask):
    response = app.test_client().get(address(app, "js/live.js"), headers={"Accept-Encoding": "gzip"})
    lines = gzip.decompress(response.data).splitlines()
    assert lines == stripped((ROOT / "static/js/live.js").read_bytes())


@pytest.mark.parametrize("path", sorted((ROOT / "static").glob("[jw]*/*.js")), ids=lambda path: path.name)
def test_no_script_has_a_text_of_several_lines(path: Path):
    """Where a comment or an indentation would be part of the text."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert line.count("`") % 2 == 0, f"{path.name}:{number}"
        assert "/*" not in line, f"{path.name}:{number}"
        assert not line.endswith("\\"), f"{path.name}:{number}"


def test_who_cannot_read_gzip_gets_it_plain_and_caches_know(app: Flask):
    for accepts in ({}, {"Accept-Encoding": "gzip;q=0"}):
        response = app.test_client().get(address(app, "app.css"), headers=accepts)
        assert "Content-Encoding" not in response.headers
        assert "Accept-Encoding" in response.headers["Vary"]
        assert response.data == CSS.read_bytes()


def test_a_part_of_a_file_is_a_part_of_the_plain_file(app: Flask):
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-99"}
    response = app.test_client().get(address(app, "app.css"), headers=headers)
    assert response.status_code == 206
    assert "Content-Encoding" not in response.headers
    assert response.data == CSS.read_bytes()[:100]


def test_the_etag_is_weak_and_still_saves_the_body(app: Flask):
    client = app.test_client()
    first = client.get("/static/app.css", headers={"Accept-Encoding": "gzip"})
    assert first.headers["ETag"].startswith('W/"')
    again = client.get("/static/app.css", headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]


def test_head_says_what_get_would(app: Flask):
    client = app.test_client()
    headers = {"Accept-Encoding": "gzip"}
    asked, got = (method(address(app, "app.css"), headers=headers) for method in (client.head, client.get))
    assert asked.headers["Content-Length"] == got.headers["Content-Length"]
    assert asked.data == b""


def page(app: Flask, **headers: str) -> Response:
    return app.test_client().get("/sign-in", headers={"Accept-Encoding": "gzip", **headers}, follow_redirects=True)


def test_a_page_is_compressed(app: Flask, shop):
    response = page(app)
    assert response.headers["Content-Encoding"] == "gzip"
    text = gzip.decompress(response.data).decode()
    assert re.search(r"<!doctype html>.*</html>", text, re.DOTALL)
    assert len(response.data) < len(text) / 2


def test_a_page_that_another_site_asked_for_is_not_compressed(app: Flask, shop):
    assert "Content-Encoding" not in page(app, **{"Sec-Fetch-Site": "cross-site"}).headers
    assert "Content-Encoding" in page(app, **{"Sec-Fetch-Site": "same-origin"}).headers


def test_streams_pictures_and_small_answers_stay_as_they_are(app: Flask):
    app.add_url_rule("/stream", "stream", lambda: Response((b"x" * 900 for _ in range(3)), mimetype="text/html"))
    app.add_url_rule("/picture", "picture", lambda: Response(b"x" * 5000, mimetype="image/png"))
    app.add_url_rule("/small", "small", lambda: Response("short", mimetype="text/html"))
    app.add_url_rule(
        "/done", "done", lambda: Response("x" * 5000, mimetype="text/html", headers={"Content-Encoding": "br"})
    )
    client = app.test_client()
    for path, encoding in (("/stream", None), ("/picture", None), ("/small", None), ("/done", "br")):
        response = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert response.headers.get("Content-Encoding") == encoding, path
