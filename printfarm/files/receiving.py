"""Whole files from a plain form: streamed to a draft in the data folder and hashed on the way, never held in memory.

No transaction is open while bytes arrive. A draft carries the upload's id; what a killed process left behind is swept.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from flask import Flask, current_app
from werkzeug.exceptions import BadRequest, ClientDisconnected

from printfarm.config import Settings
from printfarm.core.errors import DomainError, NotFound, Unavailable
from printfarm.core.storage import SCRATCH, storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import drafts, orphans, quota, service
from printfarm.files.drafts import drafts_folder, sweep_drafts
from printfarm.files.models import Upload
from printfarm.files.service import Received

__all__ = ["SCRATCH", "drafts_folder", "receive", "sweep_drafts"]

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 2.0
MIB = 1024 * 1024


class TooLarge(DomainError):
    """The file is over the limit of this installation."""

    status = 413


class Refused(DomainError):
    """The file cannot be taken as it is."""

    status = 422


class BrokenOff(DomainError):
    """The connection ended in the middle of the file."""

    status = 400


def install(app: Flask) -> None:
    """One gate for the whole process: uploads hold a thread each, and pages need threads too."""
    settings: Settings = app.config["SETTINGS"]
    app.extensions["printfarm.receiving"] = threading.BoundedSemaphore(settings.max_uploads)


@contextmanager
def a_place_in_line() -> Iterator[None]:
    """Raises Unavailable when as many uploads are coming in as this process takes at once."""
    gate: threading.BoundedSemaphore = current_app.extensions["printfarm.receiving"]
    if not gate.acquire(blocking=False):
        raise Unavailable("Too many files are coming in at this moment. Nothing was stored; try again in a minute.")
    try:
        yield
    finally:
        gate.release()


def receive(
    shop_id: UUID, user_id: UUID | None, name: str, declared_bytes: int | None, chunks: Iterable[bytes]
) -> Upload:
    """Take one file. The answer is an upload that waits for its reading, or is a duplicate.

    Raises a DomainError with a sentence (and leaves a failed upload that says the same) when the file is too large, empty,
    broken off, or cannot be stored.
    """
    sweep_drafts()
    with unit_of_work(shop_id) as db:
        quota.one_at_a_time(db)
        orphans.promise(db, shop_id)
        quota.refuse_beyond(db, 1)
        upload_id = service.begin_upload(db, name=name, declared_bytes=declared_bytes, user_id=user_id).id
    draft = drafts_folder() / f"{upload_id}.part"
    try:
        received = _write(shop_id, upload_id, chunks, draft)
        return _keep(shop_id, upload_id, received, draft)
    except DomainError as refusal:
        _fail(shop_id, upload_id, refusal.sentence)
        raise
    finally:
        draft.unlink(missing_ok=True)


def limit_bytes() -> int:
    """The size limit of one file."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.max_upload_bytes


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"This file is larger than {limit // MIB} MB, the limit here. Nothing was stored.")


def _write(shop_id: UUID, upload_id: UUID, chunks: Iterable[bytes], draft: Path) -> Received:
    sha256, md5, size, limit = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0, limit_bytes()
    tell = progress_of(shop_id, upload_id)
    try:
        with draft.open("xb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                sha256.update(chunk)
                md5.update(chunk)
                out.write(chunk)
                tell(size)
            out.flush()
            os.fsync(out.fileno())
    except (ClientDisconnected, BadRequest) as problem:
        raise BrokenOff("The upload broke off before it was complete. Nothing was stored; try again.") from problem
    except OSError as problem:
        raise in_words(problem) from problem
    if size == 0:
        raise Refused("This file is empty. Nothing was stored.")
    return Received(sha256.hexdigest(), md5.hexdigest().upper(), size)


def in_words(problem: OSError) -> DomainError:
    """What a person is told when bytes could not be written."""
    if drafts.is_full(problem):
        return Unavailable("The disk is full. Nothing was stored; free some space, then try again.")
    if isinstance(problem, (ConnectionError, TimeoutError)):
        return BrokenOff("The upload broke off before it was complete. Nothing was stored; try again.")
    log.error("an upload could not be written: %s", problem)
    return Unavailable("The file could not be written here. Nothing was stored; the log says why.")


def _keep(shop_id: UUID, upload_id: UUID, received: Received, draft: Path) -> Upload:
    with read_only(shop_id) as db:
        known = service.find_same(db, received.sha256) is not None
        if not known:
            quota.refuse_beyond(db, received.size_bytes, besides=upload_id)
    if not known:
        storage().put_file(storage_key(shop_id, "sliced", upload_id), draft)
    with unit_of_work(shop_id) as db:
        return service.keep_file(db, upload_id, received)


def progress_of(shop_id: UUID, upload_id: UUID) -> Callable[[int], None]:
    """A function that takes how many bytes are here, as often as one likes, and notes it every few seconds."""
    told_at = time.monotonic()

    def tell(size_bytes: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > PROGRESS_EVERY_S:
            told_at = time.monotonic()
            note_progress(shop_id, upload_id, size_bytes)

    return tell


def note_progress(shop_id: UUID, upload_id: UUID, size_bytes: int) -> None:
    """So much is here, for whoever looks on; the bytes matter more than the bar, so this never fails."""
    try:
        with unit_of_work(shop_id) as db:
            service.note_received(db, upload_id, size_bytes)
    except Unavailable as problem:
        log.info("progress of an upload was not noted: %s", problem)


def _fail(shop_id: UUID, upload_id: UUID, sentence: str) -> None:
    try:
        with unit_of_work(shop_id) as db:
            service.fail_upload(db, upload_id, sentence)
    except (Unavailable, NotFound) as problem:
        log.warning("upload %s will expire by itself: %s", upload_id, problem)
