"""Files in pieces on the app's own disk: they go on where they were, whatever happens in between."""

import errno
import os
import time
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import func, select

from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import drafts, extraction, sending, service
from printfarm.files.models import StoredFile, Upload
from tests.support.uploads import JSON, read, sliced, state_of, sweep

PIECE = 1000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that small files have several; the size is a matter of proxies, not of the rules."""
    monkeypatch.setattr(sending, "PIECE_BYTES", PIECE)


def begin(person, content: bytes, name: str = "Fox.gcode.3mf", **described):
    described = {"name": name, "size": len(content), "modified": 1_700_000_000_000, "path": "", **described}
    return person.post("/files/uploads/begin", json=described, headers=JSON)


def post_piece(person, step: dict, content: bytes):
    send = step["send"]
    assert send["method"] == "POST"
    return post_bytes(person, send["url"], content[send["at"] : send["to"]])


def post_bytes(person, url: str, content: bytes, **headers: str):
    return person.browser.client.post(
        url,
        data=content,
        content_type="application/octet-stream",
        headers={**JSON, "X-CSRFToken": person.browser.csrf, **headers},
    )


def send_rest(person, step: dict, content: bytes) -> UUID:
    for _ in range(10_000):
        if "send" not in step:
            return UUID(step["id"])
        answer = post_piece(person, step, content)
        assert answer.status_code == 200, answer.json
        step = answer.json
    raise AssertionError("it never ends")


def count(person, kind) -> int:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return db.scalar(select(func.count()).select_from(kind))


@pytest.fixture
def content(tmp_path) -> bytes:
    return sliced(tmp_path).read_bytes()


def test_piece_by_piece_it_arrives_whole(olga, content) -> None:
    step = begin(olga, content).json
    assert (step["send"]["at"], step["send"]["to"]) == (0, PIECE)
    upload_id = send_rest(olga, step, content)
    upload = state_of(olga.app, olga.shop_id, upload_id)
    assert (upload.state, upload.bytes_at, upload.received_bytes) == ("received", "incoming", len(content))
    assert read(olga, upload_id).state == "needs-answer"
    with olga.app.app_context():
        extraction.forget_incoming(olga.shop_id, upload_id)
        stored = olga.app.config["SETTINGS"].files_dir / f"{olga.shop_id}/sliced/{upload_id}"
        assert stored.read_bytes() == content
        assert list(drafts.drafts_folder().iterdir()) == []


def test_after_a_closed_tab_the_same_file_goes_on(olga, content) -> None:
    step = begin(olga, content).json
    for _ in range(3):
        step = post_piece(olga, step, content).json
    again = begin(olga, content).json
    assert (again["upload_id"], again["send"]["at"]) == (step["upload_id"], 3 * PIECE)
    send_rest(olga, again, content)
    assert count(olga, Upload) == 1


def test_the_list_says_how_much_is_here_and_what_to_do(olga, content) -> None:
    step = begin(olga, content).json
    post_piece(olga, step, content)
    row = f"#upload-{step['upload_id']}"
    assert "Coming in" in olga.get("/files/").one(row).get_text()
    with time_machine.travel(utc_now() + timedelta(minutes=5), tick=True):
        text = " ".join(olga.get("/files/").one(row).get_text().split())
        assert "Half sent" in text
        assert "Drop the file again to go on" in text
        assert "1 kB of" in text
        assert "Drop the file again" in olga.get(f"/library/uploads/{step['upload_id']}").text


def test_a_file_that_is_here_is_not_sent_again(olga, content) -> None:
    first = send_rest(olga, begin(olga, content).json, content)
    assert begin(olga, content).json["id"] == str(first)
    read(olga, first)
    assert begin(olga, content).json["id"] == str(first)


def test_what_was_removed_or_failed_is_sent_anew(olga, content) -> None:
    step = begin(olga, content).json
    post_piece(olga, step, content)
    assert olga.post(step["cancel_url"], headers=JSON).json == {"removed": True}
    sweep(olga.app)
    with olga.app.app_context():
        extraction.forget_file(olga.shop_id, UUID(step["upload_id"]))
        assert list(drafts.drafts_folder().iterdir()) == []
    again = begin(olga, content).json
    assert again["upload_id"] != step["upload_id"]
    assert again["send"]["at"] == 0
    answer = olga.post(step["next_url"], json={}, headers=JSON)
    assert (answer.status, "was removed" in answer.json["error"]) == (422, True)


def test_another_file_of_the_same_name_is_another_upload(olga, content) -> None:
    one = begin(olga, content).json["upload_id"]
    assert begin(olga, content + b"x").json["upload_id"] != one
    assert begin(olga, content, modified=1).json["upload_id"] != one
    assert begin(olga, content, path="box/Fox.gcode.3mf").json["upload_id"] != one


def test_two_windows_never_spoil_the_file(olga, content) -> None:
    mine, theirs = begin(olga, content).json, begin(olga, content).json
    assert mine["upload_id"] == theirs["upload_id"]
    mine = post_piece(olga, mine, content).json
    late = post_piece(olga, theirs, content)
    assert late.status_code == 409
    assert (late.json["send"]["at"], late.json["error"]) == (PIECE, "Another window sends this file too.")
    theirs = post_piece(olga, late.json, content).json
    assert post_piece(olga, mine, content).status_code == 409
    upload_id = send_rest(olga, theirs, content)
    assert olga.post(mine["next_url"], json={}, headers=JSON).json["id"] == str(upload_id)
    late = post_piece(olga, mine, content)
    assert (late.status_code, late.json["id"]) == (409, str(upload_id))
    assert read(olga, upload_id).state == "needs-answer"


def test_a_piece_that_breaks_off_in_the_middle_is_kept_as_far_as_it_came(olga, content) -> None:
    step = begin(olga, content).json
    broken = olga.browser.client.post(
        step["send"]["url"],
        data=content[:400],
        content_type="application/octet-stream",
        environ_overrides={"CONTENT_LENGTH": "1000"},
        headers={**JSON, "X-CSRFToken": olga.browser.csrf},
    )
    assert broken.status_code == 400
    step = olga.post(step["next_url"], json={}, headers=JSON).json
    assert step["send"]["at"] == 400
    assert read(olga, send_rest(olga, step, content)).state == "needs-answer"


def test_no_more_than_was_announced(olga, content) -> None:
    step = begin(olga, content[:500]).json
    answer = post_bytes(olga, step["send"]["url"], content[:900])
    assert (answer.status_code, "has grown" in answer.json["error"]) == (422, True)
    answer = post_bytes(olga, step["send"]["url"], content[: PIECE + 2])
    assert answer.status_code == 413


def test_a_piece_of_the_full_length_is_taken_also_where_its_end_is_not_announced(olga, content) -> None:
    """As gunicorn hands over what comes: the stream ends by itself."""
    step = begin(olga, content).json
    answer = olga.browser.client.post(
        step["send"]["url"],
        data=content[:PIECE],
        content_type="application/octet-stream",
        environ_overrides={"wsgi.input_terminated": True},
        headers={**JSON, "X-CSRFToken": olga.browser.csrf},
    )
    assert (answer.status_code, answer.json["send"]["at"]) == (200, PIECE)


def test_a_forged_form_is_refused(olga, content) -> None:
    step = begin(olga, content).json
    answer = post_bytes(olga, step["send"]["url"], content[:PIECE], **{"X-CSRFToken": "guessed"})
    assert answer.status_code == 400
    assert drafts_of(olga) == []


def drafts_of(person) -> list[str]:
    with person.app.app_context():
        return [path.name for path in drafts.drafts_folder().iterdir()]


@pytest.mark.parametrize("at", ["1000", "-5", "x", "99999999999999999999"])
def test_a_place_that_is_not_the_end_of_the_file_is_told_the_right_one(at, olga, content) -> None:
    step = begin(olga, content).json
    if at == "x":  # no number: from the start
        post_piece(olga, step, content)
    answer = post_bytes(olga, step["send"]["url"].split("?")[0] + f"?at={at}", content[:10])
    assert answer.status_code == 409
    assert answer.json["send"]["at"] == (PIECE if at == "x" else 0)


@pytest.mark.parametrize(
    ("name", "size", "status", "words"),
    [
        ("notes.txt", 10, 422, "It reads .gcode.3mf"),
        ("picture.jpg", 10, 422, "cannot read this kind"),
        ("empty.gcode", 0, 422, "This file is empty"),
        ("huge.gcode", 300_000_000, 413, "the limit here is 209.7 MB"),
    ],
)
def test_refusals_come_before_a_byte_is_sent(name, size, status, words, olga) -> None:
    answer = olga.post("/files/uploads/begin", json={"name": name, "size": size}, headers=JSON)
    assert (answer.status, words in answer.json["error"]) == (status, True), answer.json
    assert count(olga, Upload) == 0


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        {"name": "x"},
        {"name": "", "size": 1},
        {"name": "x.3mf", "size": -1},
        {"name": "x.3mf", "size": "1"},
    ],
)
def test_a_description_of_another_shape_is_refused(sent, olga) -> None:
    assert olga.post("/files/uploads/begin", json=sent, headers=JSON).status == 422


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("dragons/red/plate.3mf", "dragons/red/plate.3mf"),
        ("C:\\Prints\\Räder\\plate.3mf", "C:/Prints/Räder/plate.3mf"),
        ("../../etc/plate.3mf", "etc/plate.3mf"),
        ("a/\x00b\u202e/🐉 " + "x" * 245 + ".3mf", "a/b/🐉 " + "x" * 245 + ".3mf"),
        ("", None),
    ],
)
def test_paths_are_kept_for_people_and_lead_nowhere(path, kept, olga) -> None:
    name = path.replace("\\", "/").rsplit("/", 1)[-1] or "plate.3mf"
    step = begin(olga, b"x" * 10, name=name, path=path).json
    upload = state_of(olga.app, olga.shop_id, UUID(step["upload_id"]))
    assert upload.relative_path == kept
    assert upload.original_name == (kept or "plate.3mf").rsplit("/", 1)[-1]


def test_names_of_250_characters_and_emoji_stay_whole(olga) -> None:
    for name in ("x" * 244 + ".gcode", "🐉" * 244 + ".gcode", "Überraschungs-Ei.3mf"):
        step = begin(olga, b"x" * 10, name=name).json
        assert state_of(olga.app, olga.shop_id, UUID(step["upload_id"])).original_name == name
    assert "🐉🐉" in olga.get("/files/").text


def test_roles_and_other_shops(bob, charlie, olga, content) -> None:
    assert begin(bob, content).status == 403
    step = begin(olga, content).json
    assert charlie.post(step["next_url"], json={}, headers=JSON).status == 404
    assert post_piece(charlie, step, content).status_code == 404
    assert post_piece(bob, step, content).status_code == 403
    assert begin(charlie, content).json["upload_id"] != step["upload_id"]


def test_the_same_bytes_under_another_name_are_found_by_the_worker(olga, content) -> None:
    first = send_rest(olga, begin(olga, content).json, content)
    read(olga, first)
    second = send_rest(olga, begin(olga, content, name="Other.3mf").json, content)
    upload = read(olga, second)
    assert (upload.state, upload.duplicate_of_id) == ("duplicate", first)
    assert begin(olga, content, name="Other.3mf").json["id"] == str(second)
    assert count(olga, StoredFile) == 2  # the file and its picture


def test_a_full_disk_keeps_what_came_and_goes_on(olga, content, monkeypatch) -> None:
    step = begin(olga, content).json
    step = post_piece(olga, step, content).json

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as world:
        world.setattr(os, "pwrite", full)  # the operating system's edge
        answer = post_piece(olga, step, content)
    assert (answer.status_code, "disk of the server is full" in answer.json["error"]) == (503, True)
    step = olga.post(step["next_url"], json={}, headers=JSON).json
    assert step["send"]["at"] == PIECE
    assert read(olga, send_rest(olga, step, content)).state == "needs-answer"


def test_a_crash_between_the_last_byte_and_the_row_loses_nothing(olga, content) -> None:
    """The file lies in the storage already, but nobody wrote it down."""
    step = begin(olga, content).json
    upload_id = UUID(step["upload_id"])
    with olga.app.app_context():
        drafts.append(upload_id, 0, [content], lambda _at: None)
        assert drafts.hand_over(upload_id, len(content), f"{olga.shop_id}/incoming/{upload_id}")
    assert olga.post(step["next_url"], json={}, headers=JSON).json["id"] == str(upload_id)
    assert read(olga, upload_id).state == "needs-answer"


def test_what_never_comes_is_given_up_after_three_days(olga, content) -> None:
    step = begin(olga, content).json
    post_piece(olga, step, content)
    with time_machine.travel(utc_now() + timedelta(days=2), tick=True):
        sweep(olga.app)
        assert state_of(olga.app, olga.shop_id, UUID(step["upload_id"])).state == "receiving"
        assert drafts_of(olga) == [f"{step['upload_id']}.half"]
    with time_machine.travel(utc_now() + timedelta(days=3, minutes=1), tick=True):
        assert sweep(olga.app) >= 1
        with olga.app.app_context():
            extraction.expire_upload(olga.shop_id, UUID(step["upload_id"]))
            extraction.forget_file(olga.shop_id, UUID(step["upload_id"]))
    upload = state_of(olga.app, olga.shop_id, UUID(step["upload_id"]))
    assert (upload.state, "never came" in upload.error) == ("failed", True)
    assert drafts_of(olga) == []


def test_drafts_without_a_row_are_swept_after_some_days(app) -> None:
    with app.app_context():
        old, young = drafts.drafts_folder() / "old.half", drafts.drafts_folder() / "young.half"
        for path, age_s in ((old, service.HALF_SENT_S + 2 * drafts.ABANDONED_S), (young, 2 * drafts.ABANDONED_S)):
            path.write_bytes(b"x")
            os.utime(path, (time.time() - age_s, time.time() - age_s))
        assert drafts.sweep_drafts() == 1
        assert young.exists()


def test_a_plain_form_is_not_gone_on_with(olga) -> None:
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        upload_id = service.begin_upload(db, name="x.3mf", declared_bytes=10, user_id=None).id
    assert olga.post(f"/files/uploads/{upload_id}/next", json={}, headers=JSON).status == 422
    assert post_bytes(olga, f"/files/uploads/{upload_id}/bytes?at=0", b"0123456789").status_code in {409, 422}


def test_as_many_at_once_as_the_setting_says(app, olga, content) -> None:
    step = begin(olga, content).json
    gate = app.extensions["printfarm.receiving"]
    places = app.config["SETTINGS"].max_uploads
    for _ in range(places):
        gate.acquire(blocking=False)
    try:
        answer = post_piece(olga, step, content)
        assert (answer.status_code, "Too many files" in answer.json["error"]) == (503, True)
    finally:
        for _ in range(places):
            gate.release()
    assert post_piece(olga, step, content).status_code == 200


def test_the_sweep_takes_nothing_away_that_is_still_being_read(olga, content, monkeypatch) -> None:
    """The fast worker removes what was taken in; the slow one reads on from it."""
    upload_id = send_rest(olga, begin(olga, content).json, content)
    real = extraction.read_in_child

    def while_the_sweep_goes(*args: object, **options: object) -> object:
        sweep(olga.app)
        place = olga.app.config["SETTINGS"].files_dir / f"{olga.shop_id}/incoming/{upload_id}"
        assert place.exists()
        return real(*args, **options)

    monkeypatch.setattr(extraction, "read_in_child", while_the_sweep_goes)
    assert read(olga, upload_id).state == "needs-answer"
    assert due(olga.app, upload_id) == [service.FORGET_INCOMING]


def due(app, upload_id: UUID) -> list[str]:
    with app.app_context(), read_only(None) as db:
        mine = select(Owed.kind).where(Owed.subject_id == upload_id, Owed.due_at <= utc_now())
        return list(db.scalars(mine.where(Owed.kind == service.FORGET_INCOMING)))
