"""Rules of uploads and stored files.

receiving → received → reading → needs-answer → done. From each of the first four an upload may fail or be discarded;
bytes that the shop has already make it a duplicate. A sliced file has the id of its upload, so whatever lies in the
storage belongs to a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.owed import owe, settle
from printfarm.core.tenancy import shop_of
from printfarm.files import quota
from printfarm.files.events import UploadChanged, UploadProgressed
from printfarm.files.models import StoredFile, Upload
from printfarm.files.names import content_type, plain_name, plain_path
from printfarm.files.scans import await_scan

READ, EXPIRE, FORGET, FORGET_INCOMING = "read-upload", "expire-upload", "forget-file", "forget-incoming"

# A reading that shows no life for this long is taken over by the next worker.
ALIVE_S = 20
# The longest that a whole file may take to come in by a form, and that a half-sent one waits for its other half.
RECEIVING_S = 2 * 3600
HALF_SENT_S = 3 * 24 * 3600
ATTEMPTS = 3


@dataclass(frozen=True)
class Received:
    """What arrived: hashes in hexadecimal (MD5 in capitals, as printers check it)."""

    sha256: str
    md5: str
    size_bytes: int


@dataclass(frozen=True)
class PlatePicture:
    """A picture that lies in the storage already. `plate` 0 is the picture of the whole file."""

    id: UUID
    plate: int
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int


def find_upload(db: Session, upload_id: UUID, *, lock: bool = False) -> Upload:
    """Raises NotFound. `lock` holds the row against other workers until the transaction ends."""
    wanted = select(Upload).where(Upload.id == upload_id).options(undefer(Upload.extracted))
    found = db.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("This upload is not here. It may have been removed.")
    return found


def begin_upload(
    db: Session,
    *,
    name: str,
    declared_bytes: int | None,
    user_id: UUID | None,
    relative_path: str = "",
    fingerprint: str | None = None,
) -> Upload:
    """A file is about to come in. Unless it arrives, the upload expires by itself; with a fingerprint it may go on later."""
    upload = Upload(
        original_name=plain_name(name),
        declared_bytes=declared_bytes,
        user_id=user_id,
        relative_path=plain_path(relative_path) or None,
        fingerprint=fingerprint,
        state="receiving",
    )
    db.add(upload)
    db.flush()
    await_bytes(db, upload)
    _changed(db, upload)
    return upload


def await_bytes(db: Session, upload: Upload) -> None:
    """From now on so long; then it counts as given up."""
    owe(db, EXPIRE, upload.id, within_s=HALF_SENT_S if upload.fingerprint else RECEIVING_S)


def find_again(db: Session, fingerprint: str) -> Upload | None:
    """The upload of the same file: half sent, or here already. What failed or was removed is begun anew."""
    states = ("receiving", "received", "reading", "needs-answer", "done", "duplicate")
    same = select(Upload).where(Upload.fingerprint == fingerprint, Upload.state.in_(states))
    found = db.scalar(same.order_by(Upload.created_at.desc(), Upload.id.desc()).limit(1))
    if found is None or found.state == "receiving" or found.bytes_at or found.duplicate_of_id:
        return found
    return None


def note_parts(db: Session, upload_id: UUID, parts_id: str | None, *, instead_of: str | None) -> str | None:
    """The storage gathers this upload's parts under `parts_id`, unless somebody was faster; returns what holds now."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.parts_id == instead_of:
        upload.parts_id = parts_id
    return upload.parts_id


def note_received(db: Session, upload_id: UUID, received_bytes: int) -> None:
    """So much has come in so far."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state != "receiving":
        return
    upload.received_bytes, upload.updated_at = received_bytes, utc_now()
    if upload.declared_bytes:
        upload.progress_percent = min(99, received_bytes * 100 // upload.declared_bytes)
    emit(db, UploadProgressed(shop_id=shop_of(db), upload_id=upload.id))


def find_same(db: Session, sha256: str) -> StoredFile | None:
    """The sliced file of this shop with the same bytes."""
    return db.scalar(select(StoredFile).where(StoredFile.kind == "sliced", StoredFile.sha256 == sha256))


def keep_file(db: Session, upload_id: UUID, received: Received, *, hurry: bool = True) -> Upload:
    """The bytes lie in the storage under the upload's id: make them the shop's, or find that it has them already.

    `hurry`: a worker reads it at once; else whoever called does, and a worker only when they have not.
    """
    upload = find_upload(db, upload_id, lock=True)
    if upload.state not in {"receiving", "received", "reading"}:
        owe(db, FORGET, upload.id)
        return upload
    upload.received_bytes = received.size_bytes
    same = find_same(db, received.sha256)
    if same is None:
        quota.refuse_beyond(db, received.size_bytes, besides=upload.id)
        same = _insert_file(db, upload, received)
    if same is not None and same.id != upload.id:
        _end_as_duplicate(db, upload, same)
        return upload
    upload.file_id, upload.bytes_at = upload.id, "sliced"
    if upload.state == "receiving":
        await_reading(db, upload, hurry=hurry)
    return upload


def await_reading(db: Session, upload: Upload, *, hurry: bool = True) -> None:
    """All of it is here: it is owed a reading."""
    upload.state, upload.progress_percent, upload.error = "received", 0, None
    settle(db, EXPIRE, upload.id)
    owe(db, READ, upload.id, within_s=ALIVE_S)
    if hurry:
        enqueue_after_commit(db, "jobs.extraction.read_upload", shop_of(db), upload.id, queue=SLOW)
    _changed(db, upload)


def keep_direct(db: Session, upload_id: UUID, size_bytes: int) -> Upload:
    """The browser has put the file into the storage itself; a worker will hash what really lies there."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state == "receiving":
        upload.received_bytes, upload.bytes_at = size_bytes, "incoming"
        await_reading(db, upload)
    return upload


def fail_upload(db: Session, upload_id: UUID, sentence: str, *, keep_bytes: bool = False) -> Upload:
    """End an upload with a sentence. Its bytes go unless they may be read again (`keep_bytes`)."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state not in {"receiving", "received", "reading"}:
        return upload
    upload.state, upload.error = "failed", sentence
    _settle_all(db, upload)
    if not keep_bytes:
        _forget_files(db, upload)
    _changed(db, upload)
    return upload


def start_reading(db: Session, upload_id: UUID) -> Upload | None:
    """A worker begins (or begins again after another died); None when there is nothing to read any more."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state not in {"received", "reading"}:
        settle(db, READ, upload.id)
        return None
    if upload.attempts >= ATTEMPTS:
        sentence = f"Reading this file broke off {ATTEMPTS} times. Try again, or slice it anew."
        fail_upload(db, upload.id, sentence, keep_bytes=True)
        return None
    upload.state, upload.attempts, upload.progress_percent = "reading", upload.attempts + 1, 0
    owe(db, READ, upload.id, within_s=ALIVE_S)
    _changed(db, upload)
    return upload


def note_reading(db: Session, upload_id: UUID, percent: int) -> None:
    """The reading is alive and so far."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state != "reading":
        return
    owe(db, READ, upload.id, within_s=ALIVE_S)
    if percent > upload.progress_percent:
        upload.progress_percent = percent
        emit(db, UploadProgressed(shop_id=shop_of(db), upload_id=upload.id))


def finish_reading(db: Session, upload_id: UUID, extracted: dict[str, Any], pictures: Sequence[PlatePicture]) -> Upload:
    """Keep what was read; now a person has to answer. What a worker reads a second time changes nothing."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state != "reading":
        if upload.state in {"discarded", "failed"}:
            for picture in pictures:
                owe(db, FORGET, picture.id)
        return upload
    for picture in pictures:
        if db.get(StoredFile, picture.id) is None:
            db.add(_picture_file(upload, picture))
    db.flush()
    upload.extracted = {**extracted, "pictures": {str(p.plate): str(p.id) for p in pictures}}
    upload.picture_id = pictures[0].id if pictures else None
    upload.state, upload.progress_percent, upload.error = "needs-answer", 100, None
    settle(db, READ, upload.id)
    if upload.file_id is not None:
        await_scan(db, upload.file_id, extracted)
    _changed(db, upload)
    return upload


def retry_reading(db: Session, upload_id: UUID) -> Upload:
    """Read a failed file again; what was extracted and typed stays. Refused when its bytes are gone."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state != "failed":
        raise DomainError("This upload did not fail, so there is nothing to try again.")
    if not upload.can_retry:
        raise DomainError("Nothing of this file was kept. Upload it again.")
    upload.attempts = 0
    await_reading(db, upload)
    return upload


def discard_upload(db: Session, upload_id: UUID) -> Upload:
    """The person does not want it. Its bytes go; what has become a variant stays."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state == "done":
        raise DomainError("This file is in the library already. Archive it there instead.")
    if upload.state == "discarded":
        return upload
    upload.state = "discarded"
    _settle_all(db, upload)
    _forget_files(db, upload)
    _changed(db, upload)
    return upload


def expire_upload(db: Session, upload_id: UUID) -> None:
    """It never arrived: the browser or this program went away in the middle."""
    upload = find_upload(db, upload_id, lock=True)
    if upload.state == "receiving" and upload.fingerprint:
        fail_upload(
            db, upload_id, "The rest of this file never came. What was here of it was removed; upload it again."
        )
    elif upload.state == "receiving":
        fail_upload(
            db, upload_id, "The upload broke off before it was complete. Nothing was stored; upload the file again."
        )
    settle(db, EXPIRE, upload_id)


def remember_typed(upload: Upload, typed: dict[str, Any]) -> None:
    """Whatever a person has filled in so far, right or wrong."""
    upload.typed = typed


def finish_upload(db: Session, upload: Upload, variant_id: UUID) -> None:
    """The library has made a variant of it."""
    upload.state, upload.variant_id, upload.error = "done", variant_id, None
    _changed(db, upload)


def _insert_file(db: Session, upload: Upload, received: Received) -> StoredFile | None:
    """The new row, or None when another upload of the same bytes was faster."""
    try:
        with db.begin_nested():
            made = StoredFile(
                id=upload.id,
                upload_id=upload.id,
                kind="sliced",
                sha256=received.sha256,
                md5=received.md5,
                size_bytes=received.size_bytes,
                content_type=content_type(upload.original_name),
                original_name=upload.original_name,
            )
            db.add(made)
    except IntegrityError:
        return find_same(db, received.sha256)
    return made


def _picture_file(upload: Upload, picture: PlatePicture) -> StoredFile:
    return StoredFile(
        id=picture.id,
        upload_id=upload.id,
        kind="picture",
        sha256=picture.sha256,
        md5="",
        size_bytes=picture.size_bytes,
        content_type="image/webp",
        original_name=f"plate-{picture.plate}.webp",
        width_px=picture.width_px,
        height_px=picture.height_px,
    )


def _end_as_duplicate(db: Session, upload: Upload, same: StoredFile) -> None:
    upload.state, upload.duplicate_of_id, upload.progress_percent = "duplicate", same.id, 100
    upload.bytes_at = None
    _settle_all(db, upload)
    owe(db, FORGET, upload.id)
    _changed(db, upload)


def _forget_files(db: Session, upload: Upload) -> None:
    """Remove the rows of an upload's files now, and owe the removal of the bytes."""
    upload.file_id = upload.picture_id = upload.bytes_at = None
    for twin in db.scalars(select(Upload).where(Upload.duplicate_of_id == upload.id)):
        twin.duplicate_of_id = None
    db.flush()
    for stored in db.scalars(select(StoredFile).where(StoredFile.upload_id == upload.id)):
        owe(db, FORGET, stored.id)
        db.delete(stored)
    owe(db, FORGET, upload.id)
    db.flush()


def _settle_all(db: Session, upload: Upload) -> None:
    settle(db, READ, upload.id)
    settle(db, EXPIRE, upload.id)


def _changed(db: Session, upload: Upload) -> None:
    upload.updated_at = utc_now()
    emit(db, UploadChanged(shop_id=shop_of(db), upload_id=upload.id))
