"""Once a day: what lies in the storage without a row goes, what has one stays."""

import io
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine

from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from printfarm.core.owed import due_of
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only
from printfarm.files import orphans, sending
from printfarm.library.importing.sources import KIND
from printfarm.library.models import Variant
from printfarm.processes import keeping
from tests.files.test_send_in_pieces import begin, send_rest
from tests.files.test_upload_to_s3 import ask, put_step
from tests.library.importing import mesh_bytes, picture_bytes, zipped
from tests.support import s3
from tests.support.uploads import add_variant, arrive_and_read, sliced, state_of, sweep


def lay(person, kind: str, file_id: UUID | None = None, *, days_old: float = 2, shop_id: UUID | None = None) -> Path:
    """A file on the disk that no row knows."""
    key = storage_key(shop_id or person.shop_id, kind, file_id or new_id())
    path = person.app.config["SETTINGS"].files_dir / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    _age(path, days_old)
    return path


def _age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def age_all(person) -> set[str]:
    """Everything that is stored becomes old; returns the keys."""
    root = person.app.config["SETTINGS"].files_dir
    found = [path for path in root.rglob("*") if path.is_file()]
    for path in found:
        _age(path, 2)
    return {str(path.relative_to(root)) for path in found}


def swept(person) -> orphans.Swept:
    with person.app.app_context():
        return orphans.sweep_storage(person.shop_id)


def test_what_belongs_to_nothing_goes_and_everything_else_stays(olga, tmp_path) -> None:
    add_variant(olga, sliced(tmp_path))
    arrive_and_read(olga, sliced(tmp_path, "b.gcode.3mf", title="Other"))
    content = sliced(tmp_path, "c.gcode.3mf", title="Third").read_bytes()
    send_rest(olga, begin(olga, content).json, content)  # waits in `incoming` to be read
    kept = age_all(olga)
    gone = [lay(olga, kind) for kind in ("sliced", "picture", "medium", "thumb", "incoming")]
    assert swept(olga) == orphans.Swept(5, 25, 0)
    assert not any(path.exists() for path in gone)
    assert age_all(olga) == kept
    assert swept(olga).files == 0


def test_what_is_put_again_by_an_old_address_goes(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    late = lay(olga, "incoming", upload_id)
    assert swept(olga).files == 1
    assert not late.exists()
    assert state_of(olga.app, olga.shop_id, upload_id).file_id == upload_id


def test_young_files_other_kinds_and_other_shops_stay(olga, charlie) -> None:
    stays = [
        lay(olga, "sliced", days_old=0.5),
        lay(olga, "of-another-area"),
        lay(olga, "sliced", shop_id=charlie.shop_id),
    ]
    strange = olga.app.config["SETTINGS"].files_dir / str(olga.shop_id) / "sliced" / "readme.txt"
    strange.write_bytes(b"no id")
    _age(strange, 9)
    assert swept(olga).files == 0
    assert all(path.exists() for path in (*stays, strange))


def test_what_killed_processes_were_writing_goes(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    kept = age_all(olga)
    whole = olga.app.config["SETTINGS"].files_dir / storage_key(olga.shop_id, "sliced", upload_id)
    half = whole.with_name(f".{upload_id}.123.part")
    half.write_bytes(b"1234")
    assert swept(olga).files == 0, "it may be written at this moment"
    _age(half, 2)
    assert swept(olga) == orphans.Swept(1, 4, 0)
    assert age_all(olga) == kept


def test_a_zip_that_no_import_waits_for_goes(olga) -> None:
    content = zipped({"Fox/fox.obj": mesh_bytes()})
    sent = olga.post("/library/imports", {"zip": (io.BytesIO(content), "a.zip")}, content_type="multipart/form-data")
    assert sent.status == 303
    kept = age_all(olga)
    assert len(kept) == 1
    gone = lay(olga, KIND)
    assert swept(olga).files == 1
    assert not gone.exists()
    assert age_all(olga) == kept


def test_a_picture_that_waits_for_a_worker_stays(olga, tmp_path) -> None:
    variant_id = add_variant(olga, sliced(tmp_path))
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        model_id = db.get_one(Variant, variant_id).model_id
    kept = age_all(olga)
    picture = {"images": (io.BytesIO(picture_bytes()), "front.png")}
    assert olga.post(f"/library/models/{model_id}/images", picture, content_type="multipart/form-data").status == 303
    waits = age_all(olga) - kept
    assert len(waits) == 1
    assert swept(olga).files == 0


def test_more_than_a_page_of_them(olga, monkeypatch) -> None:
    monkeypatch.setattr(orphans, "PAGE", 10)
    for _ in range(35):
        lay(olga, "sliced")
    assert swept(olga).files == 35


def test_it_comes_again_every_day(olga, charlie, tmp_path) -> None:
    arrive_and_read(olga, sliced(tmp_path))
    with olga.app.app_context(), read_only(None) as db:
        due = due_of(db, orphans.SWEEP, olga.shop_id)
        assert due_of(db, orphans.SWEEP, charlie.shop_id) is None
    assert timedelta(hours=23) < due - utc_now() <= timedelta(days=1)
    orphan = lay(olga, "sliced")
    with time_machine.travel(utc_now() + timedelta(days=1, minutes=1), tick=True):
        assert sweep(olga.app) >= 1
        swept(olga)
        with olga.app.app_context(), read_only(None) as db:
            assert due_of(db, orphans.SWEEP, olga.shop_id) - utc_now() > timedelta(hours=23)
    assert not orphan.exists()


def test_the_command_counts_and_names_a_few_and_removes_only_when_asked(olga, capsys) -> None:
    paths = [lay(olga, "sliced") for _ in range(3)]
    settings = olga.app.config["SETTINGS"]
    keeping.orphans(settings, 2, sys.stdout, remove=False)
    said = capsys.readouterr().out
    assert said.count("/sliced/") == 2
    assert "Alice's Prints: 3 files without a row (15 B) found" in said
    assert all(path.exists() for path in paths)
    keeping.orphans(settings, 0, sys.stdout, remove=True)
    assert "removed" in capsys.readouterr().out
    assert not any(path.exists() for path in paths)


class TestInABucket:
    @pytest.fixture
    def server(self, tmp_path_factory):
        with s3.running(tmp_path_factory.mktemp("s3")) as running:
            yield running

    @pytest.fixture
    def settings_environ(self, settings_environ, server):
        return settings_environ | server.environ() | {"PRINTFARM_S3_PREFIX": "farm"}

    def test_files_and_parts_go_and_what_waits_stays(self, olga, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(sending, "PIECE_BYTES", 5 * 1024 * 1024)
        content = b"x" * (6 * 1024 * 1024)
        waits = ask(olga, content).json
        put_step(olga, waits, content)
        (tmp_path / "orphan").write_bytes(b"12345")
        with olga.app.app_context():
            direct = storage().direct
            direct.begin_parts(storage_key(olga.shop_id, "incoming", new_id()))
            storage().put_file(storage_key(olga.shop_id, "sliced", new_id()), tmp_path / "orphan")
            assert orphans.sweep_storage(olga.shop_id) == orphans.Swept(0, 0, 0)
            monkeypatch.setattr(orphans, "YOUNG", timedelta(seconds=-1))
            monkeypatch.setattr(orphans, "HALF_SENT_S", 0)
            assert orphans.sweep_storage(olga.shop_id) == orphans.Swept(1, 5, 1)
            assert len(list(direct.open_parts(f"{olga.shop_id}/"))) == 1
        step = ask(olga, content).json
        assert (step["upload_id"], step["send"]["at"]) == (waits["upload_id"], 5 * 1024 * 1024)
