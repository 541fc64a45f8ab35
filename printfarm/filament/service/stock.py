"""The ledger. Every gram that comes or goes is one line; a spool's weight is their sum, cached in the same transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.events import StockChanged
from printfarm.filament.models import Filament, Spool, StockEntry

# A scale that shows more than this was read in the wrong unit.
HEAVIEST_MG = 50_000_000


def set_weight(
    db: Session, spool_id: UUID, remaining_mg: int, *, reason: str = "", user_id: UUID | None = None
) -> StockEntry:
    """Say what a spool weighs now (filament alone, milligrams); the difference is booked."""
    spool = lock_spool(db, spool_id)
    _refuse_impossible(remaining_mg)
    return write_entry(db, spool, remaining_mg - spool.remaining_mg, cause="correction", reason=reason, user_id=user_id)


def add_weight(db: Session, spool_id: UUID, mg: int, *, reason: str = "", user_id: UUID | None = None) -> StockEntry:
    """Filament came onto a spool."""
    spool = lock_spool(db, spool_id)
    _refuse_nothing(mg)
    _refuse_impossible(spool.remaining_mg + mg)
    return write_entry(db, spool, mg, cause="correction", reason=reason, user_id=user_id)


def take_weight(db: Session, spool_id: UUID, mg: int, *, reason: str = "", user_id: UUID | None = None) -> StockEntry:
    """Filament left a spool. More than is there is refused: then the weight itself is wrong and is to be set."""
    spool = lock_spool(db, spool_id)
    _refuse_nothing(mg)
    if mg > spool.remaining_mg:
        raise DomainError(
            "There is not that much on the spool. If the spool is right and we are wrong, set its weight."
        )
    return write_entry(db, spool, -mg, cause="correction", reason=reason, user_id=user_id)


def read_scale(
    db: Session, spool_id: UUID, shown_mg: int, *, reason: str = "", user_id: UUID | None = None
) -> StockEntry:
    """A scale shows filament and spool together; the empty spool's weight must be known."""
    spool = lock_spool(db, spool_id)
    if spool.tare_mg is None:
        raise DomainError(
            "The weight of the empty spool is not known. Edit the spool and fill it in,"
            " or say with “It holds” how much filament there is."
        )
    if shown_mg < spool.tare_mg:
        raise DomainError("The scale shows less than the empty spool weighs. Check both.")
    held_mg = shown_mg - spool.tare_mg
    _refuse_impossible(held_mg)
    return write_entry(db, spool, held_mg - spool.remaining_mg, cause="weighed", reason=reason, user_id=user_id)


# How a person tells of a weight → what is booked.
WEIGHINGS = {"set": set_weight, "add": add_weight, "subtract": take_weight, "scale": read_scale}


def undo_entry(db: Session, entry_id: UUID, *, user_id: UUID | None = None) -> StockEntry:
    """A counter-entry. A line is undone once, and an undo is not undone (book again instead)."""
    entry = db.get(StockEntry, entry_id)
    if entry is None:
        raise NotFound("This entry is not in the ledger.")
    if entry.cause in {"undo", "moved", "received", "imported"}:
        raise DomainError("This line cannot be undone. Set the weight instead.")
    spool = lock_spool(db, entry.spool_id) if entry.spool_id else None
    lock_filament(db, entry.filament_id)
    if is_undone(db, entry.id):
        raise DomainError("This line has been undone already.")
    if spool is None:
        return give_back(db, entry, cause="undo", user_id=user_id)
    if spool.remaining_mg - entry.delta_mg < 0:
        raise DomainError("Undoing this would leave less than nothing on the spool. Set its weight instead.")
    return write_entry(
        db, spool, -entry.delta_mg, cause="undo", reason=entry.reason, user_id=user_id, undoes_id=entry.id
    )


def lock_spool(db: Session, spool_id: UUID) -> Spool:
    """The spool, locked until the transaction ends. Raises NotFound."""
    mine = select(Spool).where(Spool.id == spool_id).with_for_update(of=Spool)
    spool = db.scalar(mine.execution_options(populate_existing=True))
    if spool is None:
        raise NotFound("This spool is not here. It may have been removed.")
    return spool


def write_entry(db: Session, spool: Spool, delta_mg: int, *, cause: str, **facts: Any) -> StockEntry:
    """One line for a spool, and its cached weight with it. The caller holds the spool's lock."""
    entry = StockEntry(filament_id=spool.filament_id, spool_id=spool.id, delta_mg=delta_mg, cause=cause, **facts)
    spool.remaining_mg += delta_mg
    return _kept(db, entry)


def write_unassigned(db: Session, filament: Filament, delta_mg: int, *, cause: str, **facts: Any) -> StockEntry:
    """One line for a filament without a spool. The caller holds the filament's lock."""
    entry = StockEntry(filament_id=filament.id, spool_id=None, delta_mg=delta_mg, cause=cause, **facts)
    filament.unassigned_mg -= delta_mg
    return _kept(db, entry)


def give_back(db: Session, entry: StockEntry, *, cause: str, user_id: UUID | None) -> StockEntry:
    """The counter-entry of a line without a spool."""
    filament = lock_filament(db, entry.filament_id)
    return write_unassigned(
        db, filament, -entry.delta_mg, cause=cause, reason=entry.reason, user_id=user_id, undoes_id=entry.id
    )


def _kept(db: Session, entry: StockEntry) -> StockEntry:
    db.add(entry)
    db.flush()
    emit(db, StockChanged(shop_id=shop_of(db), filament_id=entry.filament_id, spool_id=entry.spool_id))
    return entry


def lock_filament(db: Session, filament_id: UUID) -> Filament:
    """The filament, locked until the transaction ends; after the spool's lock, never before. Raises NotFound."""
    mine = select(Filament).where(Filament.id == filament_id).with_for_update()
    filament = db.scalar(mine.execution_options(populate_existing=True))
    if filament is None:
        raise NotFound("This filament is not here. It may have been removed.")
    return filament


def is_undone(db: Session, entry_id: UUID) -> bool:
    """Whether a line has its counter-entry. Ask with the lock held."""
    return db.scalar(select(StockEntry.id).where(StockEntry.undoes_id == entry_id)) is not None


def _refuse_nothing(mg: int) -> None:
    if mg <= 0:
        raise DomainError("Say how many grams: more than zero.")


def _refuse_impossible(mg: int) -> None:
    if not 0 <= mg <= HEAVIEST_MG:
        raise DomainError("That weight cannot be right. Weights are in grams, from 0 to 50,000.")
