"""An import that is stopped, killed, or done twice at once takes each file in exactly once."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from jobs.importing import run_import
from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Spool  # noqa: F401
from printfarm.files.models import StoredFile, Upload
from printfarm.files.service import FORGET
from printfarm.library.importing import looking, running, service
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.service import NotMine
from printfarm.library.models import Model, ModelImage, Variant
from tests.library.importing import begin, fill, items, library, mesh_bytes, picture_bytes, states, work

ROOT = Path(__file__).parents[2]
# A program of its own, so that it can be killed.
RUNNER = """
import sys
from uuid import UUID
from printfarm import create_app
from printfarm.library.importing import running
with create_app().app_context():
    running.run_import(UUID(sys.argv[1]), UUID(sys.argv[2]), for_s=600, each=lambda: print("one", flush=True))
"""


def many(folder: Path, count: int) -> Path:
    files = {f"Model {n % 3}/part {n}.obj": mesh_bytes(n + 1) for n in range(count)}
    return fill(folder, files | {"Model 0/front.png": picture_bytes()})


def counted(app, shop_id) -> dict[str, int]:
    with app.app_context(), read_only(shop_id) as db:
        tables = (Model, Variant, ModelImage)
        made = {table.__tablename__: db.scalar(select(func.count()).select_from(table)) for table in tables}
        made["files"] = db.scalar(select(func.count()).select_from(StoredFile).where(StoredFile.kind == "sliced"))
        return made


def let_die(app, shop_id, import_id) -> None:
    """The time that a dead runner's claim lasts has passed."""
    with app.app_context(), unit_of_work(shop_id) as db:
        db.get_one(Import, import_id).alive_until = utc_now()


@pytest.mark.timeout(300)
def test_kill_it_again_and_again_and_each_file_comes_in_once(app, shop, tmp_path, settings_environ):
    import_id = begin(app, shop.id, many(tmp_path / "in", 5))
    for lines in (1, 4, 2):
        child = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(shop.id), str(import_id)],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **settings_environ},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _line in range(lines):
            child.stdout.readline()
        time.sleep(0.15 * lines)  # somewhere in the next one
        child.kill()
        child.wait()
        child.stdout.close()
        let_die(app, shop.id, import_id)
    assert work(app, shop.id, import_id).state == "done"
    assert set(states(app, shop.id, import_id).values()) == {"done"}
    assert counted(app, shop.id) == {"models": 3, "variants": 5, "model_images": 1, "files": 5}
    with app.app_context(), read_only(shop.id) as db:
        assert set(db.scalars(select(Upload.state))) == {"done"}


def test_it_is_owed_until_it_is_through(app, shop, tmp_path):
    import_id = begin(app, shop.id, many(tmp_path / "in", 1))

    def owed() -> bool:
        with app.app_context(), read_only(None) as db:
            return db.scalar(select(Owed.id).where(Owed.kind == "run-import", Owed.subject_id == import_id)) is not None

    assert owed()
    work(app, shop.id, import_id)
    assert not owed()


def test_a_second_runner_keeps_away_while_the_first_lives(app, shop, tmp_path):
    import_id = begin(app, shop.id, many(tmp_path / "in", 2))
    with app.app_context():
        with unit_of_work(shop.id) as db:
            service.take_over(db, import_id, uuid4())
        assert running.run_import(shop.id, import_id) is False
        run_import(str(shop.id), str(import_id))
    assert states(app, shop.id, import_id) == {}


def test_a_runner_that_was_thought_dead_changes_nothing(app, shop, tmp_path):
    import_id = begin(app, shop.id, many(tmp_path / "in", 2))
    first = uuid4()
    with app.app_context():
        with unit_of_work(shop.id) as db:
            service.take_over(db, import_id, first)
        let_die(app, shop.id, import_id)
        work(app, shop.id, import_id)
        with pytest.raises(NotMine), unit_of_work(shop.id) as db:
            service.hold(db, import_id, first)


def test_stop_and_go_on(app, shop, tmp_path):
    import_id = begin(app, shop.id, many(tmp_path / "in", 4))
    done = []

    def stop_after_six() -> None:  # listed, four looked into and the picture, one taken in
        done.append(1)
        if len(done) == 7:
            with unit_of_work(shop.id) as db:
                service.stop(db, import_id)

    with app.app_context():
        running.run_import(shop.id, import_id, each=stop_after_six)
    found = list(states(app, shop.id, import_id).values())
    assert sorted(found) == ["done", "ready", "ready", "ready", "ready"]
    with app.app_context(), unit_of_work(shop.id) as db:
        assert service.start(db, import_id).state == "running"
    assert work(app, shop.id, import_id).state == "done"
    assert counted(app, shop.id)["variants"] == 4


def test_what_changes_between_the_look_and_the_import_is_looked_at_again(app, shop, tmp_path):
    folder = fill(tmp_path / "in", {"Fox/fox.obj": mesh_bytes(1)})
    import_id = begin(app, shop.id, folder, goal="plan")
    work(app, shop.id, import_id)
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get_one(Import, import_id).goal, db.get_one(Import, import_id).state = "import", "running"
    (folder / "Fox" / "fox.obj").write_bytes(mesh_bytes(2))
    assert work(app, shop.id, import_id).state == "done"
    assert library(app, shop.id) == {"Fox": ["fox"]}
    assert counted(app, shop.id)["files"] == 1


def test_a_folder_that_went_away_fails_with_a_sentence_and_goes_on_when_it_is_back(app, shop, tmp_path):
    folder = fill(tmp_path / "in", {"Fox/fox.obj": mesh_bytes(1)})
    import_id = begin(app, shop.id, folder)
    folder.rename(tmp_path / "away")
    gone = work(app, shop.id, import_id)
    assert gone.state == "failed"
    assert "There is no folder" in gone.error
    (tmp_path / "away").rename(folder)
    with app.app_context(), unit_of_work(shop.id) as db:
        service.start(db, import_id)
    assert work(app, shop.id, import_id).state == "done"


def test_a_full_quota_stops_it_and_more_room_lets_it_go_on(app, shop, tmp_path):
    from printfarm.accounts.models import Shop

    def allow(size_bytes: int) -> None:
        with app.app_context(), unit_of_work(None) as db:
            db.get_one(Shop, shop.id).quota_bytes = size_bytes

    import_id = begin(app, shop.id, many(tmp_path / "in", 3))
    allow(150)
    stopped = work(app, shop.id, import_id)
    assert stopped.state == "stopped"
    assert "Remove uploads" in stopped.error
    allow(10_000_000)
    with app.app_context(), unit_of_work(shop.id) as db:
        service.start(db, import_id)
    assert work(app, shop.id, import_id).state == "done"
    assert counted(app, shop.id)["variants"] == 3


def test_a_full_disk_stops_it_with_a_sentence_and_no_file_is_blamed(app, shop, tmp_path, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    import_id = begin(app, shop.id, fill(tmp_path / "in", {"Fox/fox.obj": mesh_bytes(1)}))
    for _time in range(6):
        with monkeypatch.context() as disk:
            disk.setattr(looking.os, "fsync", full)
            stopped = work(app, shop.id, import_id)
        assert stopped.state == "stopped"
        assert "The disk of the server is full" in stopped.error
        with app.app_context(), unit_of_work(shop.id) as db:
            service.start(db, import_id)
    assert work(app, shop.id, import_id).state == "done"
    assert library(app, shop.id) == {"Fox": ["fox"]}


def test_a_file_that_kills_its_reader_is_given_up_and_the_rest_goes_on(app, shop, tmp_path):
    folder = fill(tmp_path / "in", {"Fox/fox.obj": mesh_bytes(1), "Fox/gun.obj": mesh_bytes(2)})
    import_id = begin(app, shop.id, folder)
    with app.app_context():
        listed = []
        running.run_import(shop.id, import_id, for_s=0.001, each=lambda: listed.append(time.sleep(0.01)))
        for _time in range(4):
            with unit_of_work(shop.id) as db:
                item = db.scalar(select(ImportItem).where(ImportItem.path == "Fox/gun.obj"))
                item.attempts += 1
        let_die(app, shop.id, import_id)
    work(app, shop.id, import_id)
    assert items(app, shop.id, import_id)["Fox/gun.obj"].sentence.startswith("Reading this file broke off 3 times")
    assert library(app, shop.id) == {"Fox": ["fox"]}


def test_a_turn_that_comes_late_does_nothing(app, shop, tmp_path):
    import_id = begin(app, shop.id, many(tmp_path / "in", 1))
    with app.app_context():
        with read_only(shop.id) as db:
            turn = service.find_import(db, import_id).runner_id
        running.run_import(shop.id, import_id, for_s=0)  # a sweep was faster, and has handed on
        assert running.run_import(shop.id, import_id, turn_id=turn) is False
        with read_only(shop.id) as db:
            after = service.find_import(db, import_id).runner_id
        assert after != turn
        run_import(str(shop.id), str(import_id), str(after))
    assert work(app, shop.id, import_id).state == "done"


def test_a_picture_whose_model_comes_at_the_second_try_is_not_thrown_away(app, shop, tmp_path):
    folder = fill(tmp_path / "in", {"Fox/fox.obj": b"torn", "Fox/fox.png": picture_bytes()})
    import_id = begin(app, shop.id, folder)
    work(app, shop.id, import_id)
    assert states(app, shop.id, import_id) == {"Fox/fox.obj": "failed", "Fox/fox.png": "failed"}
    fill(folder, {"Fox/fox.obj": mesh_bytes()})
    with app.app_context(), unit_of_work(shop.id) as db:
        service.try_again(db, import_id)
    work(app, shop.id, import_id)
    assert states(app, shop.id, import_id) == {"Fox/fox.obj": "done", "Fox/fox.png": "done"}
    picture = items(app, shop.id, import_id)["Fox/fox.png"].image_id
    with app.app_context(), read_only(shop.id) as db:
        assert list(db.scalars(select(Owed.kind).where(Owed.subject_id == picture, Owed.kind == FORGET))) == []
