"""Files that a browser sends in pieces, and that go on where they were: after a dropped network, after a closed tab.

The browser describes a file (begin), and is told again and again which bytes to send where (next_step), until all are here.
What is here is asked of the disk or of the storage each time, and never believed of the browser. ADR 0026.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from werkzeug.exceptions import BadRequest, ClientDisconnected

from printfarm.core.errors import Unavailable
from printfarm.core.formats import file_size
from printfarm.core.storage import DirectStorage, storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import drafts, orphans, quota, receiving, service
from printfarm.files.formats import READABLE, is_readable
from printfarm.files.forms import OfferedFile
from printfarm.files.models import Upload
from printfarm.files.receiving import BrokenOff, Refused

# One piece: small enough for proxies that take only so much at once, large enough that the way back and forth does not count.
# S3 wants at least 5 MiB for all parts but the last.
PIECE_BYTES = 8 * 1024 * 1024
TYPE = "application/octet-stream"
FULL = "The disk of the server is full. What has arrived is kept; free some space, then go on."


@dataclass(frozen=True)
class Step:
    """What the browser does next: send the bytes from `at` up to `to`, to a URL of the storage, or (None) to the app."""

    upload_id: UUID
    at: int
    to: int
    url: str | None = None


def begin(shop_id: UUID, user_id: UUID | None, offered: OfferedFile) -> UUID:
    """The upload of this file: a new one, the half-sent one, or the one by which it came here already.

    Raises a DomainError with a sentence before a byte is sent when the file is too large, empty, of no kind that is read here,
    or more than the shop may keep.
    """
    _refuse(offered)
    receiving.sweep_drafts()
    with unit_of_work(shop_id) as db:
        quota.one_at_a_time(db)
        orphans.promise(db, shop_id)
        again = service.find_again(db, offered.fingerprint)
        if again is not None:
            if again.state == "receiving":
                service.await_bytes(db, again)
            return again.id
        quota.refuse_beyond(db, offered.size)
        begun = service.begin_upload(
            db,
            name=offered.name,
            declared_bytes=offered.size,
            user_id=user_id,
            relative_path=offered.path,
            fingerprint=offered.fingerprint,
        )
        return begun.id


def next_step(shop_id: UUID, upload_id: UUID) -> Step | Upload:
    """What is missing, or the upload when nothing is. Raises a DomainError when it has ended otherwise, or cannot go on."""
    upload = _find(shop_id, upload_id)
    if upload.state == "discarded":
        raise Refused("This upload was removed. Drop the file again if you want it.")
    if upload.state == "failed":
        raise Refused(upload.error or "This upload failed. Drop the file again.")
    if upload.state != "receiving":
        return upload
    if upload.fingerprint is None or upload.declared_bytes is None:
        raise Refused("This file comes in through the form, in one piece. Upload it again.")
    key = storage_key(shop_id, "incoming", upload_id)
    arrived = storage().size(key)
    if arrived is None:
        direct = storage().direct
        step = _own_step(upload, key) if direct is None else _direct_step(shop_id, upload, key, direct)
        if step is not None:
            receiving.note_progress(shop_id, upload_id, step.at)
            return step
        arrived = storage().size(key)
    return _take(shop_id, upload, arrived)


def take_bytes(shop_id: UUID, upload_id: UUID, at: int, chunks: Iterable[bytes]) -> None:
    """Add what comes to a half-sent file, from the byte `at` on.

    Raises drafts.MovedOn when the file stands elsewhere, and a DomainError with a sentence. What has arrived is kept.
    """
    upload = _find(shop_id, upload_id)
    if storage().direct is not None:
        raise Refused("Files go straight to the storage here. Load the page again.")
    announced = upload.declared_bytes or 0
    if upload.state != "receiving" or upload.fingerprint is None or at > announced:
        raise drafts.MovedOn
    wanted = _no_more_than(chunks, announced - at)
    try:
        drafts.append(upload_id, at, wanted, receiving.progress_of(shop_id, upload_id))
    except (ClientDisconnected, BadRequest, ConnectionError, TimeoutError) as problem:
        raise BrokenOff("The connection broke off. What has arrived is kept.") from problem
    except OSError as problem:
        if drafts.is_full(problem):
            raise Unavailable(FULL) from problem
        raise receiving.in_words(problem) from problem


def _refuse(offered: OfferedFile) -> None:
    limit = receiving.limit_bytes()
    if not is_readable(offered.name):
        raise Refused(f"PrintFarm cannot read this kind of file. It reads {', '.join(READABLE)}. Nothing was sent.")
    if offered.size > limit:
        raise receiving.TooLarge(
            f"This file has {file_size(offered.size)}; the limit here is {file_size(limit)}. Nothing was sent."
        )
    if offered.size == 0:
        raise Refused("This file is empty. Nothing was sent.")


def _find(shop_id: UUID, upload_id: UUID) -> Upload:
    with read_only(shop_id) as db:
        return service.find_upload(db, upload_id)


def _own_step(upload: Upload, key: str) -> Step | None:
    assert upload.declared_bytes is not None
    at = drafts.have(upload.id)
    if at < upload.declared_bytes:
        return Step(upload.id, at, min(at + PIECE_BYTES, upload.declared_bytes))
    if not drafts.hand_over(upload.id, upload.declared_bytes, key) and storage().size(key) is None:
        raise Refused(
            "This file came out otherwise than it was announced. Remove the upload, then drop the file again."
        )
    return None


def _direct_step(shop_id: UUID, upload: Upload, key: str, direct: DirectStorage) -> Step | None:
    size = upload.declared_bytes
    assert size is not None
    if size <= PIECE_BYTES:
        return Step(upload.id, 0, size, direct.put_url(key, TYPE, size))
    parts_id, here = _parts(shop_id, upload, key, direct)
    for number in range(1, -(-size // PIECE_BYTES) + 1):
        at = (number - 1) * PIECE_BYTES
        to = min(at + PIECE_BYTES, size)
        if here.get(number) != to - at:
            return Step(upload.id, at, to, direct.part_url(key, parts_id, number, to - at))
    direct.finish_parts(key, parts_id)
    return None


def _parts(shop_id: UUID, upload: Upload, key: str, direct: DirectStorage) -> tuple[str, dict[int, int]]:
    """Under which id the parts come in, and which are here. The storage is asked outside of any transaction."""
    known = upload.parts_id
    here = direct.parts(key, known) if known else None
    if known and here is not None:
        return known, here
    fresh = direct.begin_parts(key)
    with unit_of_work(shop_id) as db:
        holds = service.note_parts(db, upload.id, fresh, instead_of=known)
    if holds and holds != fresh:  # another window was faster
        direct.abort_parts(key, fresh)
        return holds, direct.parts(key, holds) or {}
    return fresh, {}


def _take(shop_id: UUID, upload: Upload, arrived: int | None) -> Upload:
    """All is said to be here: believed as far as the storage confirms it; a worker hashes what really lies there."""
    wrong = arrived is None or arrived != upload.declared_bytes
    with unit_of_work(shop_id) as db:
        if wrong:
            sentence = "The file arrived otherwise than it was announced. Nothing was stored; drop it again."
            service.fail_upload(db, upload.id, sentence)
        else:
            upload = service.keep_direct(db, upload.id, arrived or 0)
    if wrong:
        raise Refused(sentence)
    return upload


def _no_more_than(chunks: Iterable[bytes], most: int) -> Iterable[bytes]:
    """Raises Refused in the place of what goes beyond."""
    for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise Refused("This file has grown since it was chosen. Remove the upload, then drop the file again.")
        yield chunk
