"""What lies in the storage without a row: looked for once a day, shop by shop, page by page.

A file is stored before its row is written, so what is younger than a day is left alone. Kinds of keys that neither this area
nor one above it knows (WANTED_BY) are left alone too.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeVar
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.owed import due_of, owe, renew
from printfarm.core.storage import OpenParts, StoredObject, is_draft, storage
from printfarm.core.work import read_only, unit_of_work
from printfarm.files.models import StoredFile, Upload
from printfarm.files.picture_sizes import SIDES_PX
from printfarm.files.service import HALF_SENT_S

log = logging.getLogger(__name__)

SWEEP = "sweep-storage"
EVERY_S = 24 * 3600
YOUNG = timedelta(days=1)
PAGE = 500
T = TypeVar("T")
ON_ITS_WAY = ("receiving", "received", "reading")
# Kinds of keys that areas above store under as well → which of these ids they still want.
WANTED_BY: dict[str, Callable[[Session, Collection[UUID]], set[UUID]]] = {}


@dataclass(frozen=True)
class Swept:
    """How much was found (and removed)."""

    files: int
    size_bytes: int
    half_sent: int


def promise(db: Session, shop_id: UUID) -> None:
    """The shop stores something, so it is swept from now on. The caller holds the shop (quota.one_at_a_time)."""
    if due_of(db, SWEEP, shop_id) is None:
        owe(db, SWEEP, shop_id, within_s=EVERY_S)


def sweep_storage(shop_id: UUID) -> Swept:
    """Remove the orphans of one shop; the next round is promised first, so a round that breaks off is only a day late."""
    with unit_of_work(shop_id) as db:
        due_at = due_of(db, SWEEP, shop_id)
        if due_at is not None:
            renew(db, SWEEP, shop_id, due_at=due_at, within_s=EVERY_S)
    swept = look(shop_id, remove=True)
    if swept.files or swept.half_sent:
        log.info("shop %s: %d files without a row and %d half-sent removed", shop_id, swept.files, swept.half_sent)
    return swept


def look(shop_id: UUID, *, remove: bool) -> Swept:
    """Count the orphans of one shop, and remove them if wanted."""
    files = size_bytes = half_sent = 0
    for orphan in orphans(shop_id):
        files, size_bytes = files + 1, size_bytes + orphan.size_bytes
        if remove:
            storage().delete(orphan.key)
    for parts in abandoned_parts(shop_id):
        half_sent += 1
        direct = storage().direct
        if remove and direct is not None:
            direct.abort_parts(parts.key, parts.parts_id)
    return Swept(files, size_bytes, half_sent)


def orphans(shop_id: UUID) -> Iterator[StoredObject]:
    """What lies below the shop's folder and belongs to nothing, however much lies there: a page is in memory at a time."""
    before = utc_now() - YOUNG
    old = (one for one in storage().objects(f"{shop_id}/") if one.changed_at < before)
    for page in _pages(old):
        wanted = _wanted(shop_id, page)
        yield from (one for one in page if one.key not in wanted)


def abandoned_parts(shop_id: UUID) -> Iterator[OpenParts]:
    """What was begun in parts, is older than any upload may wait, and was never put together."""
    direct = storage().direct
    if direct is None:
        return
    before = utc_now() - timedelta(seconds=HALF_SENT_S) - YOUNG
    for page in _pages(direct.open_parts(f"{shop_id}/")):
        with read_only(shop_id) as db:
            ids = [found[1] for one in page if (found := _named(one.key))]
            held = select(Upload.parts_id).where(Upload.id.in_(ids), Upload.state == "receiving")
            waiting = set(db.scalars(held))
        yield from (one for one in page if one.begun_at < before and one.parts_id not in waiting)


def _pages(found: Iterator[T]) -> Iterator[list[T]]:
    while page := list(islice(found, PAGE)):
        yield page


def _wanted(shop_id: UUID, page: Iterable[StoredObject]) -> set[str]:
    """The keys of a page that belong to a row, or are none of ours."""
    named = {one.key: _named(one.key) for one in page}
    ids = [found[1] for found in named.values() if found]
    with read_only(shop_id) as db:
        stored = db.execute(select(StoredFile.id, StoredFile.kind).where(StoredFile.id.in_(ids)))
        kept: dict[UUID, str] = {row.id: row.kind for row in stored}
        waits = or_(Upload.state.in_(ON_ITS_WAY), Upload.bytes_at == "incoming")
        coming = set(db.scalars(select(Upload.id).where(Upload.id.in_(ids), waits)))
        above = {(kind, file_id) for kind, ask in WANTED_BY.items() for file_id in ask(db, ids)}
    wanted = {key for key, found in named.items() if found and (found in above or _is_wanted(*found, kept, coming))}
    return wanted | {key for key, found in named.items() if found is None and not is_draft(key)}


def _is_wanted(kind: str, file_id: UUID, kept: dict[UUID, str], coming: set[UUID]) -> bool:
    if file_id in coming:
        return True
    if kind == "incoming":  # a picture that a person gave lies there until it is made small; a sliced file was moved
        return kept.get(file_id) == "picture"
    if kind in SIDES_PX:
        return kept.get(file_id) == "picture"
    return kind not in WANTED_BY if kind != "sliced" else kept.get(file_id) == "sliced"


def _named(key: str) -> tuple[str, UUID] | None:
    """Kind and id of one of our keys; None for anything else that lies there."""
    parts = key.split("/")
    try:
        return (parts[1], UUID(parts[2])) if len(parts) == 3 else None
    except ValueError:
        return None
