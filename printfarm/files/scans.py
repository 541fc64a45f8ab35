"""Rules of the count of a file's moves, which goes on in the background after the file was read.

waiting → scanning → done, or failed, from where a person may begin anew. The row keeps how far the count is, so that a
worker that dies loses some seconds, and the file's row takes it along when it goes.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.core.owed import owe, settle
from printfarm.core.tenancy import shop_of
from printfarm.files.events import FileScanChanged, FileScanned, FileScanProgressed
from printfarm.files.models import FileScan

SCAN = "scan-file"

# A count that shows no life for this long is taken over by the next worker.
ALIVE_S = 20
# A file that ends so many workers without getting further is given up.
ATTEMPTS = 3


def await_scan(db: Session, file_id: UUID, extracted: Mapping[str, Any]) -> None:
    """The file was read: its moves are owed a count, when it has any. Asking again changes nothing."""
    plans = extracted.get("scan_plans")
    if not plans or find_scan(db, file_id) is not None:
        return
    scan = FileScan(file_id=file_id, checkpoint={"plans": plans, "kept": None})
    db.add(scan)
    db.flush()
    _enqueue(db, scan)


def find_scan(db: Session, file_id: UUID, *, lock: bool = False) -> FileScan | None:
    """The count of a file, with what it brought; None for a file without moves. `lock` holds it until the transaction ends."""
    wanted = select(FileScan).where(FileScan.file_id == file_id)
    wanted = wanted.options(undefer(FileScan.result), undefer(FileScan.checkpoint))
    if lock:
        wanted = locked(wanted)
    return db.scalar(wanted)


def start_scan(db: Session, file_id: UUID) -> FileScan | None:
    """A worker begins, or goes on after another died; None when there is nothing to count any more."""
    scan = find_scan(db, file_id, lock=True)
    if scan is None or scan.state not in {"waiting", "scanning"}:
        settle(db, SCAN, file_id)
        return None
    if scan.attempts >= ATTEMPTS:
        fail_scan(db, file_id, f"Counting the moves of this file broke off {ATTEMPTS} times at the same place.")
        return None
    scan.state, scan.attempts = "scanning", scan.attempts + 1
    owe(db, SCAN, file_id, within_s=ALIVE_S)
    _changed(db, scan)
    return scan


def note_scan(db: Session, file_id: UUID, percent: int, kept: Mapping[str, Any] | None) -> bool:
    """The count is alive and so far; `kept` is what it needs to go on from there. False when nobody wants it any more."""
    scan = find_scan(db, file_id, lock=True)
    if scan is None or scan.state != "scanning" or scan.checkpoint is None:
        return False
    owe(db, SCAN, file_id, within_s=ALIVE_S)
    if kept is not None:
        scan.checkpoint = {**scan.checkpoint, "kept": kept}
        scan.attempts = 1
    if percent > scan.progress_percent:
        scan.progress_percent = percent
        emit(db, FileScanProgressed(shop_id=shop_of(db), file_id=file_id))
    return True


def finish_scan(db: Session, file_id: UUID, result: Mapping[str, Any]) -> None:
    """Keep what was counted, and tell whoever waits for it. A second count of the same file changes nothing."""
    scan = find_scan(db, file_id, lock=True)
    if scan is None or scan.state != "scanning":
        return
    scan.state, scan.progress_percent, scan.error = "done", 100, None
    scan.result, scan.checkpoint = dict(result), None
    scan.updated_at = utc_now()
    settle(db, SCAN, file_id)
    db.flush()
    emit(db, FileScanned(shop_id=shop_of(db), file_id=file_id))


def fail_scan(db: Session, file_id: UUID, sentence: str) -> None:
    """End a count with a sentence; the file itself stays as good as it was."""
    scan = find_scan(db, file_id, lock=True)
    if scan is None or scan.state not in {"waiting", "scanning"}:
        return
    scan.state, scan.error = "failed", sentence
    settle(db, SCAN, file_id)
    _changed(db, scan)


def pause_scan(db: Session, file_id: UUID) -> None:
    """It has had its time for now; other work comes first, then it goes on where it is."""
    scan = find_scan(db, file_id, lock=True)
    if scan is not None and scan.state == "scanning":
        scan.state = "waiting"
        _enqueue(db, scan)


def scan_again(db: Session, file_id: UUID) -> None:
    """Count a file from its beginning after it failed. Raises NotFound, and DomainError when it did not fail."""
    scan = find_scan(db, file_id, lock=True)
    if scan is None:
        raise NotFound("This file has no moves to count.")
    if scan.state != "failed" or scan.checkpoint is None:
        raise DomainError("The moves of this file are counted already, or are being counted. Look at the page again.")
    scan.state, scan.error, scan.attempts, scan.progress_percent = "waiting", None, 0, 0
    scan.checkpoint = {**scan.checkpoint, "kept": None}
    _enqueue(db, scan)


def _enqueue(db: Session, scan: FileScan) -> None:
    owe(db, SCAN, scan.file_id, within_s=ALIVE_S)
    enqueue_after_commit(db, "jobs.scanning.scan_file", shop_of(db), scan.file_id, queue=SLOW)
    _changed(db, scan)


def _changed(db: Session, scan: FileScan) -> None:
    scan.updated_at = utc_now()
    emit(db, FileScanChanged(shop_id=shop_of(db), file_id=scan.file_id))
