"""Stored files leave through a signed link, pictures to people of the shop; both as nothing but what they are."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import select

from printfarm.core.clock import utc_now
from printfarm.core.signing import FILE_SECONDS, file_url, sign
from printfarm.core.work import read_only
from printfarm.files.models import StoredFile
from printfarm.library.service import find_variant
from tests.support.uploads import add_variant, arrive_and_read, sliced, state_of


@pytest.fixture
def file(tmp_path):
    return sliced(tmp_path, "Größe ✓.gcode.3mf")


@pytest.fixture
def link(olga, file) -> str:
    variant_id = add_variant(olga, file)
    answer = olga.get(f"/library/variants/{variant_id}/file")
    assert answer.status == 303
    return answer.location


def test_a_signed_link_needs_no_session(link, stranger, file) -> None:
    answer = stranger.client.get(link)
    assert answer.status_code == 200
    assert answer.data == file.read_bytes()
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content_type == "model/3mf"


def test_a_part_of_it(link, stranger, file) -> None:
    answer = stranger.client.get(link, headers={"Range": "bytes=100-199"})
    assert answer.status_code == 206
    assert answer.data == file.read_bytes()[100:200]
    assert answer.headers["Content-Range"] == f"bytes 100-199/{file.stat().st_size}"


def test_what_a_browser_has_is_not_sent_again(link, stranger) -> None:
    etag = stranger.client.get(link).headers["ETag"]
    assert stranger.client.get(link, headers={"If-None-Match": etag}).status_code == 304


def test_a_forged_link_is_not_found(link, stranger) -> None:
    assert stranger.client.get(link[:-2] + ("AA" if link[-2:] != "AA" else "BB")).status_code == 404


def test_a_link_ends_after_an_hour(link, stranger) -> None:
    with time_machine.travel(utc_now() + timedelta(seconds=FILE_SECONDS + 60)):
        answer = stranger.get(link)
    assert answer.status == 404
    assert "no longer" in answer.text


def test_a_link_of_another_purpose_or_shop_opens_nothing(app, olga, charlie, file, stranger) -> None:
    with app.app_context(), read_only(olga.shop_id) as db:
        file_id = find_variant(db, add_variant(olga, file)).file_id
    with app.test_request_context():
        foreign = file_url(charlie.shop_id, file_id)
        wrong = sign({"shop": str(olga.shop_id), "file": str(file_id)}, "invite")
        broken = sign({"shop": "x"}, "file")
    for path in (foreign, f"/files/signed/{wrong}", f"/files/signed/{broken}"):
        assert stranger.client.get(urlsplit(path).path).status_code == 404


def test_bytes_that_are_gone_are_a_sentence(app, olga, file, stranger) -> None:
    variant_id = add_variant(olga, file)
    link = olga.get(f"/library/variants/{variant_id}/file").location
    for path in (app.config["SETTINGS"].files_dir).rglob("sliced/*"):
        path.unlink()
    answer = stranger.get(link)
    assert answer.status == 404
    assert "no longer there" in answer.text


class TestPictures:
    @pytest.fixture
    def url(self, olga, file) -> str:
        upload_id = arrive_and_read(olga, file)
        return f"/files/pictures/{state_of(olga.app, olga.shop_id, upload_id).picture_id}"

    def test_everybody_of_the_shop_sees_them_and_keeps_them(self, url, bob) -> None:
        answer = bob.get(url).response
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert "private" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        again = bob.browser.client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")

    def test_nobody_else_does(self, url, charlie, stranger) -> None:
        assert charlie.get(url).status == 404
        assert stranger.get(url).status == 303

    def test_a_sliced_file_is_no_picture(self, olga, url) -> None:
        with olga.app.app_context(), read_only(olga.shop_id) as db:
            sliced_id = db.scalar(select(StoredFile.id).where(StoredFile.kind == "sliced"))
        assert olga.get(f"/files/pictures/{sliced_id}").status == 404
