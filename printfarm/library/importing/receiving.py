"""Take the zip of an import in, as it comes: to a draft, looked at, into the storage. No transaction is open meanwhile."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, ClientDisconnected

from printfarm.core.errors import DomainError
from printfarm.core.ids import new_id
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import orphans, quota, receiving
from printfarm.files.names import plain_name
from printfarm.files.receiving import BrokenOff, Refused
from printfarm.library.importing import service
from printfarm.library.importing.models import Import
from printfarm.library.importing.plan import Plan
from printfarm.library.importing.sources import KIND, opened_zip

MOST_OPEN = 5


def receive_zip(shop_id: UUID, user_id: UUID | None, name: str, chunks: Iterable[bytes], plan: Plan) -> UUID:
    """An import of what comes; a worker looks into it. Raises a DomainError with a sentence, and then nothing is kept."""
    receiving.sweep_drafts()
    with unit_of_work(shop_id) as db:
        quota.one_at_a_time(db)
        orphans.promise(db, shop_id)
        _refuse_beyond(db, 1)
    import_id = new_id()
    draft = receiving.drafts_folder() / f"{import_id}.part"
    try:
        size = _write(draft, chunks)
        with opened_zip(draft):
            pass
        with read_only(shop_id) as db:
            _refuse_beyond(db, size)
        storage().put_file(storage_key(shop_id, KIND, import_id), draft, move=True)
    finally:
        draft.unlink(missing_ok=True)
    try:
        with unit_of_work(shop_id) as db:
            quota.one_at_a_time(db)
            _refuse_beyond(db, size)
            service.begin_import(
                db,
                source="zip",
                place="",
                name=plain_name(name),
                plan=plan,
                user_id=user_id,
                import_id=import_id,
                size_bytes=size,
            )
    except BaseException:
        storage().delete(storage_key(shop_id, KIND, import_id))
        raise
    return import_id


def zips_that_wait(db: Session, ids: Collection[UUID]) -> set[UUID]:
    """Which of these imports still need their zip; the sweep of the storage asks."""
    return set(db.scalars(select(Import.id).where(Import.id.in_(ids), Import.source == "zip", Import.state != "done")))


def _refuse_beyond(db: Session, size_bytes: int) -> None:
    """Zips that wait count as well: together they may not be more than the shop may keep."""
    waiting = (Import.source == "zip", Import.state != "done")
    count, kept = db.execute(select(func.count(), func.coalesce(func.sum(Import.size_bytes), 0)).where(*waiting)).one()
    if count >= MOST_OPEN:
        raise DomainError(f"{MOST_OPEN} zips wait to be imported already. Finish or remove one of them first.")
    quota.refuse_beyond(db, int(kept or 0) + size_bytes)


def _write(draft: Path, chunks: Iterable[bytes]) -> int:
    size, limit = 0, receiving.limit_bytes()
    try:
        with draft.open("xb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise receiving.too_large(limit)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    except (ClientDisconnected, BadRequest) as problem:
        raise BrokenOff("The upload broke off before it was complete. Nothing was stored; try again.") from problem
    except OSError as problem:
        raise receiving.in_words(problem) from problem
    if size == 0:
        raise Refused("This file is empty. Nothing was stored.")
    return size
