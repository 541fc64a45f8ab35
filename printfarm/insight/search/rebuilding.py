"""The whole index of a shop anew, in batches of their own: after a migration, a restore, or a change of very many things."""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.owed import due_of, owe, settle
from printfarm.core.work import unit_of_work
from printfarm.insight.models import SearchEntry, SearchSpelling
from printfarm.insight.search.documents import everything
from printfarm.insight.search.finding import KINDS
from printfarm.insight.search.keeping import PROMISE, lock
from printfarm.insight.search.writing import refresh

BATCH = 200  # a fifth of a second: so long others wait for SQLite's one writer
SLICE_S, AGAIN_S = 120, 600  # a background job ends well before its time is up, and goes on as another one
NOTHING_YET = UUID(int=0)


def rebuild(shop_id: UUID, tell: Callable[[str, int], None] = lambda _kind, _done: None) -> int:
    """Read everything of a shop into the index; returns how many things were read. May be stopped and run again."""
    _begin(shop_id)
    total = sum(count for _, count in _batches(shop_id, "", tell))
    _end(shop_id)
    return total


def rebuild_for_a_while(shop_id: UUID, position: str, *, seconds: float = SLICE_S) -> str:
    """Go on with what is owed from a position (empty: the beginning); returns where to go on, empty when it is done."""
    with unit_of_work(shop_id) as db:
        if due_of(db, PROMISE, shop_id) is None:
            return ""
    _begin(shop_id, anew=not position)
    ends = time.monotonic() + seconds
    for reached, _ in _batches(shop_id, position):
        if time.monotonic() > ends:
            return reached
    _end(shop_id)
    return ""


def _begin(shop_id: UUID, *, anew: bool = True) -> None:
    with unit_of_work(shop_id) as db:
        owe(db, PROMISE, shop_id, within_s=AGAIN_S)
        if anew:
            db.execute(delete(SearchSpelling))  # words that nothing is called any more


def _end(shop_id: UUID) -> None:
    with unit_of_work(shop_id) as db:
        due = due_of(db, PROMISE, shop_id)
        if due is not None and due > utc_now():  # else somebody has changed very many things meanwhile
            settle(db, PROMISE, shop_id)


def _batches(
    shop_id: UUID, position: str, tell: Callable[[str, int], None] = lambda _kind, _done: None
) -> Iterator[tuple[str, int]]:
    """Batch by batch: where the next one begins ("variant 0193…"), and how many things were read."""
    first, _, id_text = position.partition(" ")
    kinds = list(KINDS)
    for kind in kinds[kinds.index(first) if first in kinds else 0 :]:
        last: UUID | None = UUID(id_text) if kind == first else NOTHING_YET
        done = 0
        while last is not None:
            last, count = _next(shop_id, kind, last)
            done += count
            if last is not None:
                yield f"{kind} {last}", count
            elif count:
                yield f"{kind} {UUID(int=(1 << 128) - 1)}", count
        if done:
            tell(kind, done)


def _next(shop_id: UUID, kind: str, last: UUID) -> tuple[UUID | None, int]:
    """One batch in the order of the ids, of what is there and of what still has an entry; its last id, None at the end."""
    table = everything(kind)
    with unit_of_work(shop_id) as db:
        lock(db)
        there = _ids(db, select(table.id).where(table.id > last).order_by(table.id))
        upper = there[-1] if len(there) == BATCH else None
        listed = select(SearchEntry.id).where(SearchEntry.kind == kind, SearchEntry.id > last)
        if upper is not None:
            listed = listed.where(SearchEntry.id <= upper)
        refresh(db, {kind: {*there, *db.scalars(listed)}})
    return upper, len(there)


def _ids(db: Session, statement: object) -> list[UUID]:
    return list(db.scalars(statement.limit(BATCH)))  # type: ignore[attr-defined]
