"""Files that are not whole yet, in the data folder's `incoming`. What came of a half-sent file stays for days.

A half-sent file only grows: every piece is written where the file ends, under a lock that is held for that one write and
never while bytes are awaited. So two windows, or a connection that is dead without knowing it, cannot spoil each other's file;
who finds that the file stands elsewhere than expected is told where.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from flask import current_app

from printfarm.config import Settings
from printfarm.core.errors import Unavailable
from printfarm.core.storage import INCOMING, SCRATCH, storage
from printfarm.files.service import HALF_SENT_S

ABANDONED_S = 3600


class MovedOn(Exception):
    """The file stands elsewhere than its sender thought: another window sends it too, or has finished it."""


def drafts_folder() -> Path:
    """Where files lie while they come in."""
    settings: Settings = current_app.config["SETTINGS"]
    folder = settings.data_dir / INCOMING
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def have(upload_id: UUID) -> int:
    """So many bytes of a half-sent file are here."""
    try:
        return _half(upload_id).stat().st_size
    except FileNotFoundError:
        return 0


def append(upload_id: UUID, at: int, chunks: Iterable[bytes], tell: Callable[[int], None]) -> None:
    """Write what comes, from the byte `at` on; `tell` hears after each chunk how much is here.

    Raises MovedOn when the file does not stand there (any more), and OSError when the disk does not take it.
    """
    path = _half(upload_id)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for chunk in chunks:
            with _locked(descriptor):
                if not _is_still(path, descriptor) or os.fstat(descriptor).st_size != at:
                    raise MovedOn
                at += _write(descriptor, chunk, at)
            tell(at)
    finally:
        os.close(descriptor)


def hand_over(upload_id: UUID, size_bytes: int, key: str) -> bool:
    """Move a file that is whole into the storage; False when it is not here or not whole."""
    path = _half(upload_id)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        with _locked(descriptor):
            if not _is_still(path, descriptor) or os.fstat(descriptor).st_size != size_bytes:
                return False
            os.fsync(descriptor)
            storage().put_file(key, path, move=True)
    except OSError as problem:
        raise Unavailable("The disk could not take the whole file. What has arrived is kept; try again.") from problem
    finally:
        os.close(descriptor)
    return True


def forget(upload_id: UUID) -> None:
    """What came of this file is not wanted any more."""
    _half(upload_id).unlink(missing_ok=True)


def sweep_drafts() -> int:
    """Remove what killed processes and vanished people left; returns how many.

    Drafts and scratch folders go after an hour without a change, half-sent files after some days.
    """
    folder, now = drafts_folder(), time.time()
    left = [(path, ABANDONED_S) for pattern in ("*.part", f"{SCRATCH}*") for path in folder.glob(pattern)]
    left += [(path, HALF_SENT_S + ABANDONED_S) for path in folder.glob("*.half")]
    abandoned = [path for path, after_s in left if _modified(path) < now - after_s]
    for path in abandoned:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(abandoned)


def is_full(problem: OSError) -> bool:
    """Whether the disk, or what this person may use of it, is full."""
    return problem.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _half(upload_id: UUID) -> Path:
    return drafts_folder() / f"{upload_id}.half"


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write(descriptor: int, chunk: bytes, at: int) -> int:
    written = 0
    while written < len(chunk):
        written += os.pwrite(descriptor, chunk[written:], at + written)
    return written


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another thread has just finished with it
        return time.time()
