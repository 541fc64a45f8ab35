"""The manifest, the icons and the service worker: what they say, and who may keep them."""

import io
import json
import re
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from printfarm.application import ROOT
from printfarm.core.icons import ICONS, draw_icon
from printfarm.installable import pages_version
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

FAVICON = ROOT / "static" / "favicon.svg"
GROUND, LETTERS = (11, 92, 107), (255, 253, 248)


def manifest(app: Flask) -> dict:
    return json.loads(app.test_client().get("/manifest.webmanifest").data)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGBA")


def test_the_manifest_makes_it_installable(app: Flask):
    said = manifest(app)
    assert (said["start_url"], said["scope"], said["display"]) == ("/", "/", "standalone")
    kinds = {(icon["purpose"], icon["sizes"]) for icon in said["icons"]}
    assert kinds == {(purpose, side) for purpose in ("any", "maskable") for side in ("192x192", "512x512")}
    assert {one["short_name"] for one in said["shortcuts"]} == {"Queue", "Printers", "Spools", "Scan"}


def test_every_address_of_the_manifest_leads_somewhere(app: Flask, alice):
    said = manifest(app)
    client = app.test_client()
    for icon in said["icons"]:
        answer = client.get(icon["src"])
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "x".join(map(str, opened(answer.data).size)) == icon["sizes"]
    for one in said["shortcuts"]:
        assert alice.get(one["url"]).status == 200


def test_the_same_for_everybody_so_no_cookie_and_no_variation(app: Flask, alice):
    for path in ("/manifest.webmanifest", "/service-worker.js", "/icons/apple-touch-icon.png"):
        answer = alice.get(path).response
        assert answer.status_code == 200
        assert "no-cache" in answer.headers["Cache-Control"], path
        assert "Cookie" not in answer.headers.get("Vary", ""), path
        assert "Set-Cookie" not in answer.headers, path
        again = app.test_client().get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), path


def test_an_icon_that_there_is_not(app: Flask):
    assert app.test_client().get("/icons/other.png").status_code == 404


@pytest.mark.parametrize("name", sorted(ICONS))
def test_icons_are_drawn_from_the_favicon(name: str):
    image = opened(draw_icon(name, FAVICON, "test"))
    side = image.size[0]
    assert image.size == (ICONS[name].size_px,) * 2
    corner = image.getpixel((1, 1))
    assert corner[3] == (255 if ICONS[name].full else 0)
    assert image.getpixel((side // 2, side // 16))[:3] == GROUND
    lowest = round(side * (0.5 + (24.5 / 32 - 0.5) * ICONS[name].scale))
    assert image.getpixel((side // 2, lowest))[:3] == LETTERS


@pytest.mark.parametrize("name", [name for name in ICONS if name.startswith("maskable")])
def test_what_counts_of_a_maskable_icon_lies_in_the_circle_that_is_never_cut(name: str):
    image = opened(draw_icon(name, FAVICON, "test"))
    side = image.size[0]
    drawn = [(x, y) for x in range(0, side, 2) for y in range(0, side, 2) if image.getpixel((x, y))[:3] != GROUND]
    assert drawn
    assert max((x - side / 2) ** 2 + (y - side / 2) ** 2 for x, y in drawn) <= (0.4 * side) ** 2


def test_a_favicon_that_cannot_be_drawn_is_refused(tmp_path: Path):
    path = tmp_path / "favicon.svg"
    path.write_text(FAVICON.read_text().replace("M23 6.5v4", "M23 6.5q4 4 4 4"))
    with pytest.raises(ValueError, match="cannot draw"):
        draw_icon("icon-192", path, "curved")


def test_the_worker_names_files_that_exist_with_their_hashes(app: Flask):
    text = app.test_client().get("/service-worker.js").get_data(as_text=True)
    files = json.loads(re.search(r"^const ASSETS = (.+);$", text, re.MULTILINE)[1])
    assert len(files) > 10
    client = app.test_client()
    for path in files:
        assert client.get(path).status_code == 200, path
    static = [path for path in files if path.startswith("/static/")]
    assert all("?v=" in path for path in static)
    assert not any("service-worker" in path for path in static)


def test_the_worker_is_small(app: Flask):
    answer = app.test_client().get("/service-worker.js", headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) < 4000


def test_a_changed_template_is_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = tmp_path / "page.html"
    page.write_text("one")
    before = pages_version(tmp_path)
    page.write_text("another")
    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    assert pages_version(tmp_path) != before


def test_the_policy_lets_only_our_own_worker_run(app: Flask):
    policy = app.test_client().get("/service-worker.js").headers["Content-Security-Policy"]
    assert "worker-src 'self'" in policy
    assert "manifest-src 'self'" in policy
