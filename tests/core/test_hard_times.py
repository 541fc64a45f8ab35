"""A locked database, a full disk, several processes at once: an error that can be read, and nothing lost."""

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text

from printfarm.core.database import db as database
from printfarm.core.errors import Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament

ROOT = Path(__file__).parents[2]
FORM = {"brand": "B", "material": "PLA", "colour_name": "Sky", "colour_hex": "#123456"}


@pytest.fixture
def sqlite_file(ctx, backend, database_url):
    if backend != "sqlite":
        pytest.skip("about SQLite's one writer and its file")
    return Path(database_url.removeprefix("sqlite:///"))


def count():
    with read_only(None) as db:
        return db.execute(select(func.count()).select_from(Filament.__table__.alias())).scalar_one()


def add(shop_id, name, note=""):
    with unit_of_work(shop_id) as db:
        db.add(Filament(**{**FORM, "colour_name": name, "note": note}))


def test_a_database_that_stays_locked_is_a_503_and_changes_nothing(alice, sqlite_file, monkeypatch):
    database.engine.dispose()  # new connections wait less long
    monkeypatch.setattr("printfarm.core.database.SQLITE_BUSY_MS", 100)
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        page = alice.post("/filament/filaments/new", FORM)
        assert page.status == 503
        assert "busy with other work" in page.text
        assert alice.get("/filament/filaments").status == 200, "reading goes on beside the writer"
    finally:
        other.rollback()
        other.close()
    assert count() == 0
    assert alice.post("/filament/filaments/new", FORM).status == 303


def test_a_writer_waits_for_another_that_is_quick(alice, sqlite_file):
    other = sqlite3.connect(sqlite_file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.5, other.rollback).start()
    started = time.monotonic()
    assert alice.post("/filament/filaments/new", FORM).status == 303
    assert time.monotonic() - started > 0.3
    other.close()


def test_reading_before_writing_never_fails_because_somebody_wrote_in_between(app, alice, sqlite_file):
    """A deferred transaction would: whoever writes takes the lock when it begins."""
    problems = []

    def work(name):
        with app.app_context():
            for number in range(15):
                try:
                    with unit_of_work(alice.shop_id) as db:
                        db.scalar(select(func.count()).select_from(Filament))
                        time.sleep(0.002)
                        db.add(Filament(**{**FORM, "colour_name": f"{name} {number}"}))
                except Unavailable as problem:
                    problems.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert count() == 45


def test_a_full_disk_is_a_sentence_and_nothing_is_lost(alice, sqlite_file):
    add(alice.shop_id, "before")
    with database.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    database.engine.dispose()

    def limit(dbapi, _record):
        dbapi.execute(f"PRAGMA max_page_count={pages + 2}")

    event.listen(database.engine, "connect", limit)
    try:
        with pytest.raises(Unavailable, match="disk is full"):
            add(alice.shop_id, "too much", note="x" * 200_000)
        page = alice.post("/filament/filaments/new", {**FORM, "note": "x" * 1999, "colour_name": "y" * 60})
        assert page.status in {303, 503}
    finally:
        event.remove(database.engine, "connect", limit)
        database.engine.dispose()
    with read_only(alice.shop_id) as db:
        names = list(db.scalars(select(Filament.colour_name)))
    assert "before" in names
    assert "too much" not in names
    add(alice.shop_id, "after")
    with database.engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_a_disk_that_fills_while_writing_leaves_a_sound_database(alice, sqlite_file, redis_url):
    """RLIMIT_FSIZE in a process of its own: the write-ahead log cannot grow, as on a full disk."""
    add(alice.shop_id, "before")
    database.engine.dispose()
    program = f"""
import resource, signal, sys
from uuid import UUID
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.errors import Unavailable
from printfarm.core.work import unit_of_work
from printfarm.filament.models import Filament
app = build(load_settings({{"PRINTFARM_DATA_DIR": {str(sqlite_file.parent)!r}, "PRINTFARM_DATABASE_URL": "sqlite:///{sqlite_file}",
    "PRINTFARM_REDIS_URL": {redis_url!r}, "PRINTFARM_SECRET_KEY": "5e" * 32}}))
size = {sqlite_file.stat().st_size} // 2
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
kept = 0
with app.app_context():
    for number in range(200):
        try:
            with unit_of_work(UUID({str(alice.shop_id)!r})) as db:
                db.add(Filament(brand="B", material="PLA", colour_name=f"n{{number}}", colour_hex="#123456", note="x" * 20_000))
        except Unavailable as problem:
            print(kept, problem.sentence)
            sys.exit(0)
        kept += 1
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    kept, sentence = done.stdout.split(" ", 1)
    assert sentence.strip().endswith("try again.") or "try again in a moment" in sentence
    assert count() == 1 + int(kept), "what was confirmed is there, what was refused is not"
    with database.engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    add(alice.shop_id, "after")


def test_three_processes_of_mixed_writes_lose_nothing(ctx, alice, database_url, redis_url):
    database.engine.dispose()
    writers = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.core.mixed_writer", database_url, redis_url, str(alice.shop_id), name, "40"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for name in ("one", "two", "three")
    }
    for name, writer in writers.items():
        out, err = writer.communicate(timeout=100)
        assert writer.returncode == 0, err
        left, waited = map(int, out.split())
        assert waited == 0, f"{name} was refused {waited} times"
        with read_only(alice.shop_id) as db:
            found = db.scalar(select(func.count()).select_from(Filament).where(Filament.brand == name))
        assert found == left
