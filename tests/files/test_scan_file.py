"""The moves of a file are counted in the background, after it was read: from the job to the row."""

import json
import signal
import subprocess
import sys
import threading
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select

from jobs.scanning import scan_file
from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import scanning, scans
from printfarm.files.models import FileScan
from printfarm.files.readers import read_file
from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries
from tests.support.uploads import arrive, arrive_and_read, count, read, sliced, sweep

PURGING = (
    SampleFilament(slot=1, grams=8.0),
    SampleFilament(slot=2, colour="#1565C0", grams=4.0, purge_grams=1.5, tower_grams=0.5, support_grams=0.25),
)
ROOT = Path(__file__).resolve().parents[2]


def scan_of(person, upload_id: UUID) -> FileScan | None:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return scans.find_scan(db, upload_id)


def owed(app, kind: str = scans.SCAN) -> list[UUID]:
    with app.app_context(), read_only(None) as db:
        return list(db.scalars(select(Owed.subject_id).where(Owed.kind == kind)))


def plans(path: Path) -> list[dict]:
    return [plate.scan_plan.to_json() for plate in read_file(path).plates]


def test_a_read_file_is_owed_a_count_and_gets_it(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=[PlateSpec(filaments=PURGING)]))
    waiting = scan_of(olga, upload_id)
    assert (waiting.state, waiting.result, owed(app)) == ("waiting", None, [upload_id])
    done = count(olga, upload_id)
    assert (done.state, done.progress_percent, done.checkpoint, owed(app)) == ("done", 100, None, [])
    (plate,) = done.result["plates"]
    assert plate["split_g"]["2"]["purge"] == pytest.approx(1.5, abs=0.01)
    assert plate["split_g"]["2"]["tower"] == pytest.approx(0.5, abs=0.01)
    assert plate["split_g"]["2"]["support"] == pytest.approx(0.25, abs=0.01)
    assert plate["use_by_layer"][-1][1] == {"1": 1.0, "2": 1.0}


def test_counting_twice_changes_nothing(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    first = count(olga, upload_id)
    assert count(olga, upload_id).updated_at == first.updated_at


def test_reading_twice_asks_for_one_count(olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    read(olga, upload_id)
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        scans.await_scan(db, upload_id, {"scan_plans": [{}]})
    assert scan_of(olga, upload_id).checkpoint["plans"] != [{}]


def test_a_lost_queue_loses_no_count(olga, tmp_path) -> None:
    arrive_and_read(olga, sliced(tmp_path))
    assert sweep(olga.app) == 0
    with time_machine.travel(utc_now() + timedelta(seconds=scans.ALIVE_S + 1), tick=True):
        assert sweep(olga.app) == 1


def test_another_shop_has_no_part_in_it(app, olga, charlie, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    assert count(charlie, upload_id) is None
    assert scan_of(olga, upload_id).state == "waiting"
    count(olga, upload_id)
    assert scan_of(charlie, upload_id) is None


def test_a_missing_file_fails_with_a_sentence(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    with app.app_context():
        storage().delete(storage_key(olga.shop_id, "sliced", upload_id))
    failed = count(olga, upload_id)
    assert (failed.state, failed.error, owed(app)) == (
        "failed",
        "The file is no longer in the storage. Upload it again.",
        [],
    )


def test_a_count_that_breaks_off_at_the_same_place_is_given_up(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    with app.app_context():
        for _ in range(scans.ATTEMPTS):
            with unit_of_work(olga.shop_id) as db:
                assert scans.start_scan(db, upload_id) is not None
        with unit_of_work(olga.shop_id) as db:
            assert scans.start_scan(db, upload_id) is None
    assert "broke off 3 times" in scan_of(olga, upload_id).error


def test_a_count_that_gets_further_each_time_is_not_given_up(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    with app.app_context():
        for place in range(scans.ATTEMPTS + 2):
            with unit_of_work(olga.shop_id) as db:
                assert scans.start_scan(db, upload_id) is not None
            with unit_of_work(olga.shop_id) as db:
                kept = {"done": [], "offset": place, "long_lines": 0, "counter": None}
                assert scans.note_scan(db, upload_id, place, kept)
    assert scan_of(olga, upload_id).progress_percent == scans.ATTEMPTS + 1


def test_an_upload_that_is_removed_ends_its_count(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    with app.app_context(), unit_of_work(olga.shop_id) as db:
        scans.start_scan(db, upload_id)
    assert olga.post(f"/files/uploads/{upload_id}/discard").status in {200, 303}
    assert scan_of(olga, upload_id) is None
    with app.app_context(), unit_of_work(olga.shop_id) as db:
        assert not scans.note_scan(db, upload_id, 5, None)
        scans.finish_scan(db, upload_id, {"plates": []})
    with app.app_context():
        scan_file(str(olga.shop_id), str(upload_id))
    assert (scan_of(olga, upload_id), owed(app)) == (None, [])


def test_a_count_has_its_turn_and_goes_on_later(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    with app.app_context():
        with unit_of_work(olga.shop_id) as db:
            scans.start_scan(db, upload_id)
        with unit_of_work(olga.shop_id) as db:
            scans.pause_scan(db, upload_id)
    assert (scan_of(olga, upload_id).state, owed(app)) == ("waiting", [upload_id])
    assert count(olga, upload_id).state == "done"


@pytest.fixture(scope="module")
def long_file(tmp_path_factory) -> Path:
    """Some 200 MB of G-code in two plates, quickly made: enough to be stopped in the middle of counting it."""
    folder = tmp_path_factory.mktemp("long")
    entries = sliced_3mf_entries([PlateSpec(index=n, filaments=PURGING) for n in (1, 2)])
    body = "".join(f"G1 X{n % 97} Y{n % 89} E.0{n % 83}\n" for n in range(100_000)).encode()
    with zipfile.ZipFile(folder / "long.gcode.3mf", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in entries.items():
            mark = b"; FEATURE: Outer wall\n"
            long = content.replace(mark, mark + body * 50, 1) if name.endswith(".gcode") else content
            archive.writestr(name, long)
    return folder / "long.gcode.3mf"


class Count:
    """The child of a worker, started as the worker does."""

    def __init__(self, path: Path, folder: Path, checkpoint: dict) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "plan.json").write_text(json.dumps({**checkpoint, "every_s": 0.05}))
        command = [sys.executable, "-m", "printfarm.files.scan_child", str(path), str(folder)]
        self.process = subprocess.Popen(command, cwd=ROOT)

    def kept(self, patience_s: float = 30) -> dict:
        """What it has written down so far, as soon as there is something."""
        ends_at = time.monotonic() + patience_s
        while not (self.folder / "kept.json").exists():
            assert self.process.poll() is None, "it was done before it kept anything"
            assert time.monotonic() < ends_at
            time.sleep(0.02)
        return json.loads((self.folder / "kept.json").read_text())

    def result(self) -> dict:
        assert self.process.wait(120) == 0
        return json.loads((self.folder / "result.json").read_text())


@pytest.mark.slow
def test_a_killed_count_goes_on_where_it_was_and_ends_with_the_same(long_file, tmp_path) -> None:
    whole = Count(long_file, tmp_path / "whole", {"plans": plans(long_file), "kept": None}).result()
    kept, places = None, []
    for turn in range(6):
        running = Count(long_file, tmp_path / str(turn), {"plans": plans(long_file), "kept": kept})
        try:
            found = running.kept()
        except AssertionError:
            break
        finally:
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()
        kept = found["scan"]
        places.append(found["percent"])
    assert len(places) >= 1
    assert places == sorted(places)
    assert 0 < places[0] < 100
    last = Count(long_file, tmp_path / "last", {"plans": plans(long_file), "kept": kept}).result()
    assert last == whole


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a parent that can be seen to be gone")
def test_a_count_whose_worker_is_gone_ends(long_file, tmp_path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"plans": plans(long_file), "kept": None, "every_s": 0.01}))
    code = (
        "import pathlib, subprocess, sys, time\n"
        f"files, kept = [{str(long_file)!r}, {str(tmp_path)!r}], pathlib.Path({str(tmp_path / 'kept.json')!r})\n"
        "command = [sys.executable, '-m', 'printfarm.files.scan_child', *files]\n"
        "child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "while not kept.exists(): time.sleep(0.005)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    pid = int(run.stdout)
    ends_at = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < ends_at, "it counts on although nobody waits for it"
        time.sleep(0.1)
    assert not (tmp_path / "result.json").exists()


def test_what_a_child_keeps_reaches_the_row(app, olga, tmp_path, monkeypatch) -> None:
    """A worker notes how far its child is; the next worker begins there."""
    monkeypatch.setattr(scanning, "TICK_S", 0.2)
    path = sliced(tmp_path, plates=[PlateSpec(layers=1_000, filaments=PURGING, detail=40)])
    upload_id = arrive_and_read(olga, path)
    with app.app_context():
        with unit_of_work(olga.shop_id) as db:
            checkpoint = scans.start_scan(db, upload_id).checkpoint
        seen: list[dict | None] = []
        answer = scanning.count_in_child(path, tmp_path, checkpoint, note=seen.append)
    assert [plate["plate"] for plate in answer["plates"]] == [1]
    assert all(one is None or {"percent", "scan"} <= one.keys() for one in seen)


def test_a_turn_ends_when_it_is_long_enough(app, olga, long_file, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(scanning, "TICK_S", 0.05)
    checkpoint = {"plans": plans(long_file), "kept": None, "every_s": 0.01}
    with pytest.raises(scanning.TurnIsOver):
        scanning.count_in_child(long_file, tmp_path, checkpoint, turn_s=0.1)


def test_a_worker_stops_when_the_file_is_gone_meanwhile(app, olga, long_file, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(scanning, "TICK_S", 0.2)
    upload_id = arrive_and_read(olga, long_file)
    working = threading.Thread(target=lambda: count(olga, upload_id))
    working.start()
    while scan_of(olga, upload_id).state != "scanning":
        time.sleep(0.02)
    olga.post(f"/files/uploads/{upload_id}/discard")
    started = time.monotonic()
    working.join(20)
    assert not working.is_alive()
    assert time.monotonic() - started < 10
    assert scan_of(olga, upload_id) is None
    assert not [process for process in Path("/proc").glob("[0-9]*") if _counts(process, upload_id)]


def _counts(process: Path, upload_id: UUID) -> bool:
    try:
        return str(upload_id) in (process / "cmdline").read_text()
    except OSError:
        return False
