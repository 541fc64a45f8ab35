"""An upload is removed, or never arrives: nothing of it is left."""

import os
import time
from datetime import timedelta
from pathlib import Path

import time_machine
from sqlalchemy import func, select

from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import drafts, extraction, service
from printfarm.files.models import StoredFile
from tests.files.test_read_upload import clear_away, leftovers
from tests.support.uploads import add_variant, arrive, arrive_and_read, sliced, state_of, sweep

KEPT = 4  # the file itself, and its one picture in three sizes


OF_UPLOADS = (service.READ, service.EXPIRE, service.FORGET, service.FORGET_INCOMING)


def test_its_bytes_and_pictures_go(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    assert len(leftovers(olga.app)) == KEPT
    answer = olga.post(f"/files/uploads/{upload_id}/discard")
    assert (answer.status, answer.location) == (303, "/files/")
    clear_away(olga.app)
    assert leftovers(olga.app) == []
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(StoredFile)) == 0
    with olga.app.app_context(), read_only(None) as db:
        assert db.scalar(select(func.count()).select_from(Owed).where(Owed.kind.in_(OF_UPLOADS))) == 0
    assert "was removed" in olga.get(f"/library/uploads/{upload_id}").text


def test_removing_twice_is_no_error(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert olga.post(f"/files/uploads/{upload_id}/discard").status == 303
    assert olga.post(f"/files/uploads/{upload_id}/discard").status == 303


def test_what_is_in_the_library_stays(olga, tmp_path) -> None:
    add_variant(olga, sliced(tmp_path))
    upload_id = olga.get("/files/?show=ended").one(".row")["id"].removeprefix("upload-")
    answer = olga.post(f"/files/uploads/{upload_id}/discard")
    assert answer.status == 409
    assert "in the library already" in answer.text
    assert len(leftovers(olga.app)) == KEPT


def test_a_viewer_may_not(bob, olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert bob.post(f"/files/uploads/{upload_id}/discard").status == 403


def test_an_upload_that_never_arrives_ends_by_itself(olga) -> None:
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        upload_id = service.begin_upload(db, name="lost.3mf", declared_bytes=1000, user_id=None).id
    assert sweep(olga.app) == 0
    with time_machine.travel(utc_now() + timedelta(seconds=service.RECEIVING_S + 5), tick=True):
        assert sweep(olga.app) == 1
    with olga.app.app_context():
        extraction.expire_upload(olga.shop_id, upload_id)
    upload = state_of(olga.app, olga.shop_id, upload_id)
    assert upload.state == "failed"
    assert "broke off" in upload.error
    assert not upload.can_retry


def test_drafts_of_a_killed_process_are_swept(app) -> None:
    with app.app_context():
        folder = drafts.drafts_folder()
        old, fresh, scratch = folder / "old.part", folder / "fresh.part", folder / "read-old"
        old.write_bytes(b"x")
        fresh.write_bytes(b"x")
        scratch.mkdir()
        for path in (old, scratch):
            _age(path)
        assert drafts.sweep_drafts() == 2
        assert [path.name for path in folder.iterdir()] == ["fresh.part"]


def _age(path: Path) -> None:
    long_ago = time.time() - drafts.ABANDONED_S - 60
    os.utime(path, (long_ago, long_ago))
