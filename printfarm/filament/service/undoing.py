"""Taking a line back: a counter-entry of exactly its grams; both stay."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from printfarm.core.errors import DomainError, NotFound
from printfarm.filament.models import StockEntry
from printfarm.filament.service.counted import given_back_with, stands_beside, take_back_line
from printfarm.filament.service.filaments import lock_filament, what_became_of
from printfarm.filament.service.stock import (
    RESOLVED,
    cover,
    give_back,
    is_undone,
    lock_spool,
    write_unassigned,
)

# Why some lines are not taken back.
FOR_GOOD = {
    "undo": "An undo is not undone. Book it again instead.",
    "moved": "Grams that were moved are not taken back by half. Move them back instead, or set the weight.",
    "received": "What a spool began with is not taken back. Set its weight instead, or archive the spool.",
    "imported": "What was imported is not taken back. Set the spool's weight instead.",
}

BESIDE = (
    "This line belongs to the print's line beside it, and to the weighing before it. Take one of those back instead."
)


def undo_entry(db: Session, entry_id: UUID, *, user_id: UUID | None = None, agreed_mg: int = 0) -> StockEntry:
    """A counter-entry. A line is undone once, and an undo is not undone.

    What was added and has been used since is not there to be taken back (BelowZero), unless a person says that it was:
    `agreed_mg`, as with take_weight.
    """
    entry = db.get(StockEntry, entry_id)
    if entry is None:
        raise NotFound("This entry is not in the ledger.")
    if entry.spool_id is not None and is_resolved(entry):
        return _wait_again(db, entry, entry.spool_id, user_id)
    if stands_beside(entry):
        raise DomainError(BESIDE)
    if entry.cause in FOR_GOOD and entry.id not in came_later(db, [entry]):
        raise DomainError(FOR_GOOD[entry.cause])
    if entry.spool_id is None:
        lock_filament(db, entry.filament_id)
        _refuse_again(db, entry)
        return give_back(db, entry, cause="undo", user_id=user_id)
    spool = lock_spool(db, entry.spool_id)
    _refuse_again(db, entry)
    cover(db, spool, entry.delta_mg + given_back_with(db, entry), agreed_mg=agreed_mg, user_id=user_id)
    return take_back_line(db, entry, spool, user_id=user_id)


def came_later(db: Session, entries: Sequence[StockEntry]) -> set[UUID]:
    """Those of these lines with which a person received more onto a roll that was there: not what it began with. One statement,
    and none where nothing was received.
    """
    received = [entry.id for entry in entries if entry.cause == "received"]
    if not received:
        return set()
    before = aliased(StockEntry)
    earlier = before.spool_id == StockEntry.spool_id, before.created_at < StockEntry.created_at
    mine = select(StockEntry.id).where(StockEntry.id.in_(received), select(before.id).where(*earlier).exists())
    return set(db.scalars(mine))


def is_resolved(entry: StockEntry) -> bool:
    """Whether a person said of a print's grams that they came from this spool."""
    return entry.cause == "moved" and (entry.cause_key or "").endswith(RESOLVED)


def _wait_again(db: Session, entry: StockEntry, spool_id: UUID, user_id: UUID | None) -> StockEntry:
    """It was another spool: this one gets its grams back, and they wait for a person as they did before."""
    key = entry.cause_key or ""
    spool = lock_spool(db, spool_id)
    # The key of the line that waited; of what a machine reported, which has none, its id.
    waited = key.removesuffix(RESOLVED)
    mine = StockEntry.cause_key == waited if ":" in waited else StockEntry.id == UUID(waited)
    filament_id, cause = db.execute(select(StockEntry.filament_id, StockEntry.cause).where(mine)).one()
    filament = lock_filament(db, what_became_of(db, filament_id))
    _refuse_again(db, entry)
    facts = {"reason": entry.reason, "run_id": entry.run_id, "job_id": entry.job_id, "user_id": user_id}
    write_unassigned(db, filament, entry.delta_mg, cause=cause, cause_key=f"{key}:back", **facts)
    return take_back_line(db, entry, spool, user_id=user_id)


def _refuse_again(db: Session, entry: StockEntry) -> None:
    if is_undone(db, entry.id):
        raise DomainError("This line has been undone already.")
