"""From a file that lies in the storage to what its slicer says of it. No transaction is open while anything is slow."""

import hashlib
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
from uuid import UUID, uuid5

from printfarm.core.owed import owe, settle
from printfarm.core.storage import CHUNK, storage, storage_key
from printfarm.core.work import unit_of_work
from printfarm.files import drafts, service
from printfarm.files.models import Upload
from printfarm.files.picture_sizes import SIDES_PX
from printfarm.files.quota import OverQuota
from printfarm.files.readers import UnreadableFile
from printfarm.files.readers.results import Json
from printfarm.files.receiving import SCRATCH, drafts_folder
from printfarm.files.service import PlatePicture, Received

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
WALL_S = 30.0
TICK_S = 5.0
# What a browser has put is still read from while it is taken in; it goes when that has ended, or by this time.
STILL_READ_S = 600
ANSWER_BYTES = 32 * 1024 * 1024


class ReadingBroke(Exception):
    """The reader itself gave up (killed, out of time): the file may be read again. The message is a sentence."""


def read_upload(shop_id: UUID, upload_id: UUID) -> None:
    """Read the file of an upload and keep what was found. May run twice, and again after a crash."""
    with unit_of_work(shop_id) as db:
        upload = service.start_reading(db, upload_id)
    if upload is None:
        return
    try:
        _read(shop_id, upload)
    except UnreadableFile as refusal:
        _fail(shop_id, upload_id, refusal.sentence, keep_bytes=False)
    except OverQuota as refusal:
        _fail(shop_id, upload_id, refusal.sentence, keep_bytes=False)
    except FileNotFoundError:
        _fail(shop_id, upload_id, "The file is no longer in the storage. Upload it again.", keep_bytes=False)
    except ReadingBroke as problem:
        _fail(shop_id, upload_id, str(problem), keep_bytes=True)


def read_in_child(
    path: Path, folder: Path, *, wall_s: float = WALL_S, tick: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """What the readers see, with the list of pictures written into `folder`.

    Raises UnreadableFile with the reader's sentence, and ReadingBroke when the child died or took longer than `wall_s`.
    """
    complaints = folder / "complaints"
    with complaints.open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module; the path is the storage's, never a person's
            [sys.executable, "-m", "printfarm.files.child", str(path), str(folder)],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        _wait(child, wall_s, tick)
    finally:
        child.kill()
        child.wait()
    if child.returncode != 0:
        log.error("a reader ended with %s: %s", child.returncode, complaints.read_text(errors="replace")[-2000:])
        raise ReadingBroke("Reading this file failed in an unexpected way. Try again; if it stays so, slice it anew.")
    return _answer(folder / "reading.json")


def refuse_unprintable(reading: Json) -> None:
    """A sliced file of which not one plate can be printed is of no use here; raises UnreadableFile that says why."""
    if not reading["sliced"] or any(plate["printable"] for plate in reading["plates"]):
        return
    reasons = [warning["sentence"] for warning in reading["warnings"]]
    raise UnreadableFile(reasons[0] if reasons else "This file holds no G-code that can be printed. Slice it again.")


def forget_file(shop_id: UUID, file_id: UUID) -> None:
    """Remove the bytes of a file whose row is gone: stored, half sent, or in parts."""
    for kind in ("incoming", "sliced", *SIDES_PX):
        storage().delete(storage_key(shop_id, kind, file_id))
    drafts.forget(file_id)
    direct = storage().direct
    if direct is not None:
        for parts in list(direct.open_parts(storage_key(shop_id, "incoming", file_id))):
            direct.abort_parts(parts.key, parts.parts_id)
    with unit_of_work(shop_id) as db:
        settle(db, service.FORGET, file_id)


def forget_incoming(shop_id: UUID, file_id: UUID) -> None:
    """Remove what a browser put into the storage, now that we have a copy of our own."""
    storage().delete(storage_key(shop_id, "incoming", file_id))
    with unit_of_work(shop_id) as db:
        settle(db, service.FORGET_INCOMING, file_id)


def expire_upload(shop_id: UUID, upload_id: UUID) -> None:
    """End an upload that never arrived."""
    with unit_of_work(shop_id) as db:
        service.expire_upload(db, upload_id)


def _read(shop_id: UUID, upload: Upload) -> None:
    assert upload.bytes_at is not None
    tick = _ticker(shop_id, upload.id)
    key = storage_key(shop_id, upload.bytes_at, upload.id)
    with storage().local_copy(key) as path, tempfile.TemporaryDirectory(dir=drafts_folder(), prefix=SCRATCH) as scratch:
        if upload.bytes_at == "incoming" and not _take_in(shop_id, upload, path, tick):
            return
        tick(10)
        answer = read_in_child(path, Path(scratch), tick=lambda: tick(0))
        refuse_unprintable(answer["reading"])
        tick(70)
        pictures = [_keep_picture(shop_id, upload.id, Path(scratch), shown) for shown in answer["pictures"]]
    with unit_of_work(shop_id) as db:
        service.finish_reading(db, upload.id, answer["reading"], pictures)
        if upload.bytes_at == "incoming":
            owe(db, service.FORGET_INCOMING, upload.id)


def _take_in(shop_id: UUID, upload: Upload, path: Path, tick: Callable[[int], None]) -> bool:
    """Hash what a browser has put into the storage, and move it to where no browser can write; False for a duplicate."""
    received = _hash(path, tick)
    storage().put_file(storage_key(shop_id, "sliced", upload.id), path)
    tick(5)
    with unit_of_work(shop_id) as db:
        kept = service.keep_file(db, upload.id, received)
        owe(db, service.FORGET_INCOMING, upload.id, within_s=STILL_READ_S)
    return kept.state == "reading"


def _hash(path: Path, tick: Callable[[int], None]) -> Received:
    told_at = time.monotonic()
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
            if time.monotonic() - told_at > TICK_S:
                told_at = time.monotonic()
                tick(0)
    return Received(sha256.hexdigest(), md5.hexdigest().upper(), size)


def _keep_picture(shop_id: UUID, upload_id: UUID, scratch: Path, shown: dict[str, int]) -> PlatePicture:
    """Store every size. The id follows from the upload and the plate, so a second run writes over the first."""
    number = shown["plate"]
    picture_id = uuid5(upload_id, f"plate {number}")
    for kind in SIDES_PX:
        storage().put_file(storage_key(shop_id, kind, picture_id), scratch / f"{number}-{kind}.webp")
    content = (scratch / f"{number}-picture.webp").read_bytes()
    return PlatePicture(
        picture_id, number, hashlib.sha256(content).hexdigest(), len(content), shown["width"], shown["height"]
    )


def _ticker(shop_id: UUID, upload_id: UUID) -> Callable[[int], None]:
    def tick(percent: int) -> None:
        with unit_of_work(shop_id) as db:
            service.note_reading(db, upload_id, percent)

    return tick


def _wait(child: "subprocess.Popen[bytes]", wall_s: float, tick: Callable[[], None]) -> None:
    ends_at = time.monotonic() + wall_s
    while True:
        try:
            child.wait(min(TICK_S, max(0.1, ends_at - time.monotonic())))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= ends_at:
                raise ReadingBroke(
                    f"Reading this file took longer than {wall_s:.0f} seconds and was stopped."
                ) from None
            tick()
        else:
            return


def _answer(path: Path) -> dict[str, Any]:
    if not path.is_file() or path.stat().st_size > ANSWER_BYTES:
        raise UnreadableFile("This file says more about itself than can be kept.")
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not answer["ok"]:
        raise UnreadableFile(answer["error"])
    return answer


def _fail(shop_id: UUID, upload_id: UUID, sentence: str, *, keep_bytes: bool) -> None:
    with unit_of_work(shop_id) as db:
        service.fail_upload(db, upload_id, sentence, keep_bytes=keep_bytes)
