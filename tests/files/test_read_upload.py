"""The worker reads what was uploaded: once or twice, after a crash, and whatever the file is made of."""

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from PIL import Image
from sqlalchemy import func, select

from jobs.extraction import read_upload
from printfarm.core.owed import Owed
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import extraction, service
from printfarm.files.models import StoredFile
from printfarm.files.readers import UnreadableFile
from printfarm.files.sample_builder import PlateSpec, sliced_3mf_entries
from tests.support.uploads import arrive, arrive_and_read, offered, read, sliced, state_of, sweep

HOSTILE = {}


def hostile(function):
    HOSTILE[function.__name__] = function
    return function


def zipped(entries: dict[str, bytes], folder: Path, **options) -> bytes:
    path = folder / "hostile.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content, **options)
    return path.read_bytes()


def entries() -> dict[str, bytes]:
    return sliced_3mf_entries((PlateSpec(),))


@hostile
def a_picture(_folder):
    return b"\x89PNG\r\n\x1a\n" + b"\0" * 500


@hostile
def a_text(_folder):
    return b"Dear Sir or Madam,\n" * 40


@hostile
def a_zip_of_something_else(folder):
    return zipped({"holiday.txt": b"sun"}, folder)


@hostile
def a_truncated_file(folder):
    whole = sliced(folder).read_bytes()
    return whole[: len(whole) // 2]


@hostile
def an_encrypted_zip(folder):
    content = bytearray(sliced(folder).read_bytes())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(magic, start)) >= 0:
            flags = struct.unpack_from("<H", content, start + at)[0]
            struct.pack_into("<H", content, start + at, flags | 1)
            start += 4
    return bytes(content)


@hostile
def a_zip_bomb(folder):
    return zipped(entries() | {"Metadata/plate_1.gcode": b"\n" * 60_000_000}, folder)


@hostile
def names_that_climb(folder):
    return zipped({"../../../../tmp/evil": b"x", "/etc/evil": b"x"}, folder)


def leftovers(app) -> list[str]:
    settings = app.config["SETTINGS"]
    found = [*settings.files_dir.rglob("*"), *(settings.data_dir / "incoming").rglob("*")]
    return [str(path) for path in found if path.is_file()]


def owed(app, upload_id: UUID) -> list[str]:
    with app.app_context(), read_only(None) as db:
        return sorted(db.scalars(select(Owed.kind).where(Owed.subject_id == upload_id)))


def clear_away(app) -> None:
    """What the sweep would hand to a worker, done here."""
    with app.app_context(), read_only(None) as db:
        rows = [(row.shop_id, row.subject_id) for row in db.scalars(select(Owed).where(Owed.kind == service.FORGET))]
        for shop_id, file_id in rows:
            extraction.forget_file(shop_id, file_id)


def test_everything_that_the_file_says_is_kept(olga, tmp_path) -> None:
    plates = (PlateSpec(index=1, name="Body"), PlateSpec(index=3, name="Lid"))
    upload = read(olga, arrive(olga, sliced(tmp_path, plates=plates, title="Box", designer="Ann")))
    assert (upload.state, upload.progress_percent) == ("needs-answer", 100)
    assert (upload.extracted["title"], upload.extracted["designer"]) == ("Box", "Ann")
    assert [(p["index"], p["name"]) for p in upload.extracted["plates"]] == [(1, "Body"), (3, "Lid")]
    assert upload.extracted["raw"]
    assert set(upload.extracted["pictures"]) == {"1", "3"}
    assert owed(olga.app, upload.id) == ["scan-file"]


def picture(olga, url: str) -> Image.Image:
    response = olga.get(url).response
    assert response.content_type == "image/webp"
    return Image.open(io.BytesIO(response.data), formats=["WEBP"])


def test_pictures_are_ours_in_sizes_that_fit(olga, tmp_path) -> None:
    upload = read(olga, arrive(olga, sliced(tmp_path)))
    url = f"/files/pictures/{upload.picture_id}"
    whole, medium, small = (picture(olga, address) for address in (url, f"{url}?size=medium", f"{url}?size=small"))
    assert (medium.width, small.width) == (320, 160)
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        row = db.get_one(StoredFile, upload.picture_id)
    assert (row.width_px, row.height_px) == whole.size
    assert max(whole.size) > 320


def test_pictures_from_before_the_medium_size_are_still_shown(olga, tmp_path) -> None:
    upload = read(olga, arrive(olga, sliced(tmp_path)))
    with olga.app.app_context():
        storage().delete(storage_key(olga.shop_id, "medium", upload.picture_id))
    url = f"/files/pictures/{upload.picture_id}"
    assert picture(olga, f"{url}?size=medium").size == picture(olga, url).size


def test_the_page_moves_from_reading_to_the_question(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    waiting = olga.get(f"/library/uploads/{upload_id}")
    assert waiting.one("#upload-body")["hx-get"] == f"/library/uploads/{upload_id}"
    assert waiting.one("noscript meta")
    read(olga, upload_id)
    asked = olga.get(f"/library/uploads/{upload_id}", htmx=True)
    assert asked.one("#upload-body #answer")
    assert "hx-trigger" not in asked.one("#upload-body").attrs


def test_reading_twice_changes_nothing(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    before = leftovers(olga.app)
    assert read(olga, upload_id).attempts == 1
    assert leftovers(olga.app) == before


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_is_no_good_gets_a_sentence_and_leaves_nothing(kind, olga, tmp_path) -> None:
    upload = read(olga, arrive(olga, ("hostile.gcode.3mf", HOSTILE[kind](tmp_path))))
    assert upload.state == "failed"
    assert len(upload.error) > 20
    assert upload.error.endswith(".")
    page = olga.get(f"/library/uploads/{upload.id}")
    assert upload.error in page.text
    assert not page.all("form[action$=retry]")
    clear_away(olga.app)
    assert leftovers(olga.app) == []
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(StoredFile)) == 0
    assert not Path("/tmp/evil").exists()


def test_an_xml_bomb_is_not_unfolded(olga, tmp_path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
    )
    evil = entries() | {"Metadata/slice_info.config": bomb + b"]><config>&j;</config>"}
    upload = read(olga, arrive(olga, ("bomb.gcode.3mf", zipped(evil, tmp_path))))
    assert "slice_info.config" in (upload.error or upload.extracted["warnings"][0]["sentence"])
    assert "slice_info.config" in olga.get(f"/library/uploads/{upload.id}").text


def test_a_broken_file_can_be_uploaded_again(olga) -> None:
    first = read(olga, arrive(olga, ("broken.3mf", b"PK\x03\x04 nonsense")))
    again = read(olga, arrive(olga, ("broken.3mf", b"PK\x03\x04 nonsense")))
    assert (first.state, again.state) == ("failed", "failed")


def test_scripts_in_what_the_file_says_stay_text(olga, tmp_path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    plates = (PlateSpec(name=evil, objects=(evil,)),)
    file = sliced(tmp_path, plates=plates, title=evil, designer=evil, extra_settings={"print_settings_id": evil})
    upload_id = arrive_and_read(olga, file)
    page = olga.get(f"/library/uploads/{upload_id}")
    assert not page.all("script:not([src]), img[onerror], img[src=x]")
    assert "alert(1)" in page.text


def test_a_killed_worker_only_delays(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        assert service.start_reading(db, upload_id) is not None  # and then the worker is gone
    assert state_of(olga.app, olga.shop_id, upload_id).state == "reading"
    assert sweep(olga.app) == 0
    with time_machine.travel(extraction_is_given_up(), tick=True):
        assert sweep(olga.app) == 1
    upload = read(olga, upload_id)
    assert (upload.state, upload.attempts) == ("needs-answer", 2)


def extraction_is_given_up():
    from datetime import timedelta

    from printfarm.core.clock import utc_now

    return utc_now() + timedelta(seconds=service.ALIVE_S + 5)


def test_a_lost_queue_only_delays(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert owed(olga.app, upload_id) == [service.READ]
    with time_machine.travel(extraction_is_given_up(), tick=True):
        assert sweep(olga.app) == 1


def test_a_file_that_breaks_the_reader_is_given_up_and_may_be_tried_again(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    for _ in range(service.ATTEMPTS):
        with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
            assert service.start_reading(db, upload_id) is not None
    failed = read(olga, upload_id)
    assert failed.state == "failed"
    assert "broke off 3 times" in failed.error
    page = olga.get(f"/library/uploads/{upload_id}")
    assert page.one("form[action$=retry]")
    assert olga.post(f"/files/uploads/{upload_id}/retry").status == 303
    assert read(olga, upload_id).state == "needs-answer"


def test_trying_again_keeps_what_was_extracted_and_typed(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    url = f"/library/uploads/{upload_id}"
    olga.post(f"{url}/typed", {**offered(olga.get(url)), "model_name": "My own name", "note": "careful"})
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        upload = service.find_upload(db, upload_id)
        upload.state = "reading"
        service.fail_upload(db, upload_id, "Stopped in the middle.", keep_bytes=True)
    assert state_of(olga.app, olga.shop_id, upload_id).extracted is not None
    olga.post(f"/files/uploads/{upload_id}/retry")
    read(olga, upload_id)
    form = offered(olga.get(url))
    assert (form["model_name"], form["note"]) == ("My own name", "careful")


def test_a_viewer_may_not_try_again(bob, olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert bob.post(f"/files/uploads/{upload_id}/retry").status == 403


def test_what_did_not_fail_cannot_be_tried_again(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    answer = olga.post(f"/files/uploads/{upload_id}/retry")
    assert answer.status == 409
    assert "did not fail" in answer.text


def test_a_reader_that_takes_too_long_is_stopped(tmp_path) -> None:
    os.mkfifo(tmp_path / "endless")  # opening it waits for a writer that never comes
    with pytest.raises((extraction.ReadingBroke, UnreadableFile)):
        extraction.read_in_child(tmp_path / "endless", tmp_path, wall_s=1.0)


def test_the_reader_has_less_memory_than_the_machine() -> None:
    code = "from printfarm.files.child import limit_this_process as l; l(); bytearray(3_000_000_000)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in ended.stderr


def test_a_removed_upload_stops_being_read(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert olga.post(f"/files/uploads/{upload_id}/discard").status == 303
    with olga.app.app_context():
        read_upload(str(olga.shop_id), str(upload_id))
    assert state_of(olga.app, olga.shop_id, upload_id).state == "discarded"
    clear_away(olga.app)
    assert leftovers(olga.app) == []
