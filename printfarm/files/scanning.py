"""Counts the moves of a stored file in a process of its own, and keeps how far it is. No transaction is open meanwhile."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from printfarm.core.storage import storage, storage_key
from printfarm.core.work import unit_of_work
from printfarm.files import scans
from printfarm.files.extraction import ROOT, ReadingBroke
from printfarm.files.readers import UnreadableFile
from printfarm.files.receiving import SCRATCH, drafts_folder

log = logging.getLogger(__name__)

# After so long it makes room for other work of the queue, and goes on later.
TURN_S = 120.0
TICK_S = 2.0
PLAN, KEPT, RESULT = "plan.json", "kept.json", "result.json"
_BROKE = "Counting the moves of this file failed in an unexpected way. Count again; if it stays so, slice it anew."


class NotWanted(Exception):
    """The file, or its count, went away meanwhile."""


class TurnIsOver(Exception):
    """It took as long as one turn may; what was kept is enough to go on."""


def scan_file(shop_id: UUID, file_id: UUID) -> None:
    """Count a file, from where an earlier count of it stopped. May run twice, and again after a crash."""
    with unit_of_work(shop_id) as db:
        scan = scans.start_scan(db, file_id)
    if scan is None or scan.checkpoint is None:
        return
    try:
        result = _scan(shop_id, file_id, scan.checkpoint)
    except NotWanted:
        return
    except TurnIsOver:
        with unit_of_work(shop_id) as db:
            scans.pause_scan(db, file_id)
    except FileNotFoundError:
        _fail(shop_id, file_id, "The file is no longer in the storage. Upload it again.")
    except UnreadableFile as refusal:
        _fail(shop_id, file_id, refusal.sentence)
    except ReadingBroke as problem:
        _fail(shop_id, file_id, str(problem))
    else:
        with unit_of_work(shop_id) as db:
            scans.finish_scan(db, file_id, result)


def count_in_child(
    path: Path,
    folder: Path,
    checkpoint: dict[str, Any],
    *,
    turn_s: float = TURN_S,
    note: Callable[[dict[str, Any] | None], None] = lambda _: None,
) -> dict[str, Any]:
    """What the count brought. `note` gets what is needed to go on from there (None when nothing is new), every two seconds.

    Raises UnreadableFile with a sentence, ReadingBroke when the child died, and TurnIsOver.
    """
    (folder / PLAN).write_text(json.dumps(checkpoint), encoding="utf-8")
    with (folder / "complaints").open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module; the path is the storage's, never a person's
            [sys.executable, "-m", "printfarm.files.scan_child", str(path), str(folder)],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        _watch(child, folder / KEPT, turn_s, note)
    finally:
        child.kill()
        child.wait()
    if child.returncode != 0:
        said = (folder / "complaints").read_text(errors="replace")
        log.error("a count ended with %s: %s", child.returncode, said[-2000:])
        raise ReadingBroke(_BROKE)
    answer: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    if not answer["ok"]:
        raise UnreadableFile(answer["error"])
    return answer


def _scan(shop_id: UUID, file_id: UUID, checkpoint: dict[str, Any]) -> dict[str, Any]:
    def note(kept: dict[str, Any] | None) -> None:
        percent = kept["percent"] if kept else 0
        with unit_of_work(shop_id) as db:
            if not scans.note_scan(db, file_id, percent, kept["scan"] if kept else None):
                raise NotWanted

    key = storage_key(shop_id, "sliced", file_id)
    with storage().local_copy(key) as path, tempfile.TemporaryDirectory(dir=drafts_folder(), prefix=SCRATCH) as scratch:
        answer = count_in_child(path, Path(scratch), checkpoint, note=note)
    return {"plates": answer["plates"]}


def _watch(
    child: "subprocess.Popen[bytes]", kept: Path, turn_s: float, note: Callable[[dict[str, Any] | None], None]
) -> None:
    ends_at = time.monotonic() + turn_s
    seen_ns = 0
    while True:
        try:
            child.wait(TICK_S)
        except subprocess.TimeoutExpired:
            written_ns = kept.stat().st_mtime_ns if kept.exists() else 0
            note(json.loads(kept.read_text(encoding="utf-8")) if written_ns > seen_ns else None)
            if time.monotonic() >= ends_at and written_ns > 0:
                raise TurnIsOver from None
            seen_ns = written_ns
        else:
            return


def _fail(shop_id: UUID, file_id: UUID, sentence: str) -> None:
    with unit_of_work(shop_id) as db:
        scans.fail_scan(db, file_id, sentence)
