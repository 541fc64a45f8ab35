"""Somebody uploads files: with the page's script, as a plain form, with files that are no good."""

import io
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from printfarm.core.live import render_events
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import service
from printfarm.files.events import UploadChanged, UploadProgressed
from printfarm.files.models import StoredFile, Upload
from tests.support.uploads import JSON, arrive, send, sliced, state_of

BOUNDARY = "frontier"


def count(person, kind) -> int:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return db.scalar(select(func.count()).select_from(kind))


def on_disk(app: Flask) -> list[Path]:
    folder = app.config["SETTINGS"].data_dir
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".db", ".key"}]


def body(*parts: tuple[str, str | None, bytes], end: bool = True) -> bytes:
    """A multipart body of (field, file name, content)."""
    out = b""
    for name, file_name, content in parts:
        extra = f'; filename="{file_name}"' if file_name is not None else ""
        out += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return out + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def post_raw(person, content: bytes, **headers: str):
    return person.browser.client.post(
        "/files/uploads",
        input_stream=io.BytesIO(content),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        environ_overrides={"CONTENT_LENGTH": headers.pop("length", str(len(content)))},
        headers={**JSON, **headers},
    )


def test_the_script_gets_the_upload_and_where_it_goes_on(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    answer = send(olga, file)
    assert answer.status == 201
    upload = state_of(olga.app, olga.shop_id, UUID(answer.json["id"]))
    assert (upload.state, upload.original_name, upload.received_bytes) == ("received", file.name, file.stat().st_size)
    assert upload.user_id == olga.user_id
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        stored = db.get(StoredFile, upload.file_id)
        assert stored.size_bytes == file.stat().st_size
        assert stored.md5.isupper()
    assert olga.get(answer.json["url"]).status == 200


def test_a_plain_form_goes_on_to_the_uploads_page(olga, tmp_path) -> None:
    answer = send(olga, sliced(tmp_path), json=False)
    assert answer.status == 303
    assert "Waiting to be read" in olga.get(answer.location).text


def test_a_plain_form_takes_several_files(olga, tmp_path) -> None:
    answer = send(olga, sliced(tmp_path, "one.gcode.3mf"), sliced(tmp_path, "two.gcode.3mf", title="Two"), json=False)
    assert (answer.status, answer.location) == (303, "/files/")
    page = olga.get("/files/")
    assert "2 files have arrived" in page.text
    assert {"one.gcode.3mf", "two.gcode.3mf"} <= {name.get_text() for name in page.all(".row-name")}


def test_without_script_the_list_refreshes_itself_while_something_is_open(olga, tmp_path) -> None:
    assert not olga.get("/files/").all("noscript meta")
    send(olga, sliced(tmp_path))
    assert olga.get("/files/").one("noscript meta")["http-equiv"] == "refresh"


def test_every_screen_hears_of_it(app, bob, olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    html, topics = render_events(app, bob.shop_id, [UploadChanged(shop_id=bob.shop_id, upload_id=upload_id)])
    assert "uploads" in topics
    html, topics = render_events(app, bob.shop_id, [UploadProgressed(shop_id=bob.shop_id, upload_id=upload_id)])
    assert f'id="upload-progress-{upload_id}" hx-swap-oob="true"' in html
    assert "uploads" not in topics
    assert bob.get("/files/", htmx=True).one(f"#upload-{upload_id}")


def test_progress_is_noted_while_bytes_come_in(olga) -> None:
    with olga.app.app_context():
        with unit_of_work(olga.shop_id) as db:
            upload_id = service.begin_upload(db, name="big.3mf", declared_bytes=1000, user_id=None).id
        with unit_of_work(olga.shop_id) as db:
            service.note_received(db, upload_id, 420)
    assert olga.get("/files/").one(f"#upload-progress-{upload_id} progress")["value"] == "42"


def test_a_viewer_may_look_but_not_upload(bob, tmp_path) -> None:
    assert send(bob, sliced(tmp_path)).status == 403
    assert count(bob, Upload) == 0
    assert bob.get("/files/").status == 200


@pytest.mark.usefixtures("shop")
def test_a_stranger_is_sent_to_sign_in(stranger) -> None:
    answer = stranger.post(
        "/files/uploads", {"files": [(io.BytesIO(b"x"), "x.3mf")]}, content_type="multipart/form-data"
    )
    assert answer.status == 303
    assert "/sign-in" in answer.location


def test_another_shop_sees_nothing_of_it(alice, charlie, tmp_path) -> None:
    upload_id = arrive(alice, sliced(tmp_path))
    assert charlie.get(f"/library/uploads/{upload_id}").status == 404
    assert charlie.post(f"/files/uploads/{upload_id}/discard").status == 404
    assert charlie.post(f"/files/uploads/{upload_id}/retry").status == 404
    assert charlie.post(f"/library/uploads/{upload_id}", {"action": "save"}).status == 404
    assert not charlie.get("/files/").all(".row")
    assert state_of(alice.app, alice.shop_id, upload_id).state == "received"


def test_the_same_bytes_may_be_in_two_shops(alice, charlie, tmp_path) -> None:
    file = sliced(tmp_path)
    assert state_of(alice.app, alice.shop_id, arrive(alice, file)).state == "received"
    assert state_of(charlie.app, charlie.shop_id, arrive(charlie, file)).state == "received"


def test_an_empty_file_is_refused_and_leaves_a_sentence(olga) -> None:
    answer = send(olga, ("nothing.3mf", b""))
    assert answer.status == 422
    assert answer.json["error"] == "This file is empty. Nothing was stored."
    assert "This file is empty" in olga.get("/files/").text
    assert count(olga, StoredFile) == 0


def test_no_file_at_all_is_refused(olga) -> None:
    answer = send(olga, ("", b""), json=False)
    assert answer.status == 422
    assert "Choose a file first" in answer.text


def test_one_bad_file_does_not_hold_up_the_others(olga, tmp_path) -> None:
    answer = send(olga, ("empty.3mf", b""), sliced(tmp_path), json=False)
    assert answer.status == 303
    page = olga.get("/files/")
    assert "1 file has arrived" in page.text
    assert "This file is empty" in page.one("#toasts").get_text()


@pytest.fixture
def small_limit(settings_environ):
    settings_environ["PRINTFARM_MAX_UPLOAD_MB"] = "1"


@pytest.mark.usefixtures("small_limit")
class TestOverTheLimit:
    def test_the_answer_names_the_limit(self, olga) -> None:
        answer = send(olga, ("big.3mf", b"x" * 1_100_000))
        assert (answer.status, answer.json["error"]) == (
            413,
            "This file is larger than 1 MB, the limit here. Nothing was stored.",
        )
        assert count(olga, StoredFile) == 0
        assert on_disk(olga.app) == []

    def test_a_person_gets_a_page(self, olga) -> None:
        answer = send(olga, ("big.3mf", b"x" * 1_100_000), json=False)
        assert answer.status == 413
        assert "larger than 1 MB" in answer.text

    def test_also_when_the_length_is_not_said(self, olga) -> None:
        content = body(("files", "big.3mf", b"x" * 1_100_000))
        answer = olga.browser.client.post(
            "/files/uploads",
            input_stream=io.BytesIO(content),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers={**JSON, "X-CSRFToken": olga.browser.csrf, "Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code == 413
        assert on_disk(olga.app) == []

    def test_exactly_the_limit_is_taken(self, olga) -> None:
        assert send(olga, ("full.3mf", b"x" * 1_048_576)).status == 201


def test_a_length_that_says_too_little_is_a_broken_upload(olga) -> None:
    content = body(("files", "cut.3mf", b"x" * 5000))
    answer = post_raw(olga, content, length=str(len(content) - 2000), **{"X-CSRFToken": olga.browser.csrf})
    assert answer.status_code == 400
    assert "broke off" in answer.json["error"]
    assert count(olga, StoredFile) == 0
    assert on_disk(olga.app) == []


def test_a_length_that_promises_more_than_comes_is_a_broken_upload(olga) -> None:
    content = body(("files", "cut.3mf", b"x" * 5000), end=False)
    answer = post_raw(olga, content, length=str(len(content) + 2000), **{"X-CSRFToken": olga.browser.csrf})
    assert answer.status_code == 400
    assert on_disk(olga.app) == []


def test_what_comes_after_the_last_boundary_does_not_matter(olga, tmp_path) -> None:
    content = body(("files", "whole.3mf", sliced(tmp_path).read_bytes())) + b"a tail"
    assert post_raw(olga, content, **{"X-CSRFToken": olga.browser.csrf}).status_code == 201


def test_a_body_that_breaks_off_stores_nothing(olga) -> None:
    answer = post_raw(olga, body(("files", "cut.3mf", b"x" * 300_000), end=False), **{"X-CSRFToken": olga.browser.csrf})
    assert answer.status_code == 400
    assert count(olga, StoredFile) == 0
    assert on_disk(olga.app) == []
    assert "broke off" in olga.get("/files/").text


def test_nonsense_in_place_of_a_form_is_refused(olga) -> None:
    for content in (b"", b"nonsense", f"--{BOUNDARY}\r\n\r\nno header".encode(), f"--{BOUNDARY}--\r\n".encode()):
        answer = post_raw(olga, content, **{"X-CSRFToken": olga.browser.csrf})
        assert answer.status_code in {400, 422}, (content, answer.status_code)
    assert olga.post("/files/uploads", json={"files": []}, headers=JSON).status == 422
    assert count(olga, Upload) == 0


def test_a_forged_form_is_refused_before_a_byte_is_stored(olga, tmp_path) -> None:
    content = body(("files", "x.3mf", sliced(tmp_path).read_bytes()), ("csrf_token", None, olga.browser.csrf.encode()))
    assert post_raw(olga, content).status_code == 400
    content = body(("csrf_token", None, b"guessed"), ("files", "x.3mf", b"x"))
    assert post_raw(olga, content).status_code == 400
    assert count(olga, Upload) == 0


def test_names_of_files_never_become_paths(olga, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    upload = state_of(olga.app, olga.shop_id, arrive(olga, ("..\\..//../etc/pass\x00wd.3mf", content)))
    assert upload.original_name == "passwd.3mf"
    folder = olga.app.config["SETTINGS"].files_dir
    assert [str(path.relative_to(folder)) for path in on_disk(olga.app)] == [f"{olga.shop_id}/sliced/{upload.id}"]


def test_a_name_that_is_a_script_stays_a_name(olga, tmp_path) -> None:
    arrive(olga, ("<script>alert(1)</script>.3mf", sliced(tmp_path).read_bytes()))
    page = olga.get("/files/")
    assert not page.all("script:not([src])")
    assert "script>.3mf" in page.text


def test_as_many_at_once_as_the_setting_says(app, olga, tmp_path) -> None:
    gate = app.extensions["printfarm.receiving"]
    places = app.config["SETTINGS"].max_uploads
    for _ in range(places):
        assert gate.acquire(blocking=False)
    try:
        answer = send(olga, sliced(tmp_path))
        assert answer.status == 503
        assert "Too many files" in answer.json["error"]
    finally:
        for _ in range(places):
            gate.release()
    assert send(olga, sliced(tmp_path)).status == 201


def test_a_full_disk_is_a_sentence_and_leaves_nothing(olga, tmp_path) -> None:
    """The real limit of the operating system: files of this process may not grow beyond 300 kB for a moment."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    content = body(("files", "big.3mf", b"x" * 3_000_000))
    olga.get("/files/")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, before[1]))
    try:
        answer = post_raw(olga, content, **{"X-CSRFToken": olga.browser.csrf})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, previous)
    assert answer.status_code == 503
    assert "The disk is full" in answer.json["error"]
    assert count(olga, StoredFile) == 0
    assert on_disk(olga.app) == []
