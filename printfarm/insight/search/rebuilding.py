"""The whole index of a shop anew, in batches of their own: after a migration, a restore, or a change of very many things."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.core.owed import due_of, settle
from printfarm.core.work import unit_of_work
from printfarm.insight.models import SearchEntry, SearchSpelling
from printfarm.insight.search.documents import everything
from printfarm.insight.search.finding import KINDS
from printfarm.insight.search.keeping import PROMISE, lock, refresh

BATCH = 500
NOTHING_YET = UUID(int=0)


def rebuild(shop_id: UUID, tell: Callable[[str, int], None] = lambda _kind, _done: None) -> int:
    """Read everything of a shop into the index; returns how many things were read. May be stopped and run again."""
    with unit_of_work(shop_id) as db:
        promised = due_of(db, PROMISE, shop_id)
        db.execute(delete(SearchSpelling))  # words that nothing is called any more
    total = 0
    for kind in KINDS:
        done = 0
        last: UUID | None = NOTHING_YET
        while last is not None:
            last, count = _next(shop_id, kind, last)
            done += count
            tell(kind, done)
        total += done
    with unit_of_work(shop_id) as db:
        if due_of(db, PROMISE, shop_id) == promised:  # else somebody has changed very many things meanwhile
            settle(db, PROMISE, shop_id)
    return total


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
        refresh(db, kind, sorted({*there, *db.scalars(listed)}))
    return upper, len(there)


def _ids(db: Session, statement: object) -> list[UUID]:
    return list(db.scalars(statement.limit(BATCH)))  # type: ignore[attr-defined]
