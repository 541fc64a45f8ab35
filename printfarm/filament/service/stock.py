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
    return write_entry(db, spool, remaining_mg - spool.remaining_mg, kind="set", reason=reason, user_id=user_id)


def add_weight(db: Session, spool_id: UUID, mg: int, *, reason: str = "", user_id: UUID | None = None) -> StockEntry:
    """Filament came onto a spool."""
    spool = lock_spool(db, spool_id)
    _refuse_nothing(mg)
    _refuse_impossible(spool.remaining_mg + mg)
    return write_entry(db, spool, mg, kind="add", reason=reason, user_id=user_id)


def take_weight(db: Session, spool_id: UUID, mg: int, *, reason: str = "", user_id: UUID | None = None) -> StockEntry:
    """Filament left a spool. More than is there is refused: then the weight itself is wrong and is to be set."""
    spool = lock_spool(db, spool_id)
    _refuse_nothing(mg)
    if mg > spool.remaining_mg:
        raise DomainError(
            "There is not that much on the spool. If the spool is right and we are wrong, set its weight."
        )
    return write_entry(db, spool, -mg, kind="subtract", reason=reason, user_id=user_id)


def read_scale(
    db: Session, spool_id: UUID, shown_mg: int, *, reason: str = "", user_id: UUID | None = None
) -> StockEntry:
    """A scale shows filament and spool together; the empty spool's weight must be known."""
    spool = lock_spool(db, spool_id)
    if spool.tare_mg is None:
        raise DomainError(
            "The weight of the empty spool is not known. Edit the spool and fill it in, or set the weight."
        )
    if shown_mg < spool.tare_mg:
        raise DomainError("The scale shows less than the empty spool weighs. Check both.")
    return set_weight(db, spool_id, shown_mg - spool.tare_mg, reason=reason or "Weighed on a scale", user_id=user_id)


# How a person tells of a weight → what is booked.
WEIGHINGS = {"set": set_weight, "add": add_weight, "subtract": take_weight, "scale": read_scale}


def undo_entry(db: Session, entry_id: UUID, *, user_id: UUID | None = None) -> StockEntry:
    """A counter-entry. A line is undone once, and an undo is not undone (book again instead)."""
    entry = db.get(StockEntry, entry_id)
    if entry is None:
        raise NotFound("This entry is not in the ledger.")
    if entry.kind in {"undo", "resolve", "new"}:
        raise DomainError("This line cannot be undone. Set the weight instead.")
    if _undone(db, entry.id):
        raise DomainError("This line has been undone already.")
    if entry.spool_id is None:
        return _give_back(db, entry, kind="undo", user_id=user_id)
    spool = lock_spool(db, entry.spool_id)
    if spool.remaining_mg - entry.delta_mg < 0:
        raise DomainError("Undoing this would leave less than nothing on the spool. Set its weight instead.")
    return write_entry(
        db, spool, -entry.delta_mg, kind="undo", reason=entry.reason, user_id=user_id, undoes_id=entry.id
    )


def book_run(
    db: Session,
    *,
    run_id: UUID,
    job_id: UUID,
    slot: int,
    filament_id: UUID,
    spool_id: UUID | None,
    used_mg: int,
    reason: str,
) -> list[StockEntry]:
    """Book what a run used from one slot: once, however often it is asked (the key run:slot is unique).

    A spool gives what it has; what it lacked, or all of it without a spool, is booked to the filament as unassigned for a
    person to resolve, so that no spool goes below nothing and no gram is lost.
    """
    known = _booked(db, run_id, slot)
    if known or used_mg <= 0:
        return known
    spool = lock_spool(db, spool_id) if spool_id else None
    from_spool = min(used_mg, spool.remaining_mg) if spool else 0
    common: dict[str, Any] = {"kind": "print", "reason": reason, "run_id": run_id, "job_id": job_id}
    entries = []
    if spool is not None and from_spool:
        entries.append(write_entry(db, spool, -from_spool, cause_key=f"run:{run_id}:{slot}:spool", **common))
    if used_mg > from_spool:
        filament = _lock_filament(db, spool.filament_id if spool else filament_id)
        entries.append(
            _write_unassigned(db, filament, -(used_mg - from_spool), cause_key=f"run:{run_id}:{slot}:none", **common)
        )
    return entries


def resolve_unassigned(db: Session, entry_id: UUID, spool_id: UUID, *, user_id: UUID | None = None) -> StockEntry:
    """A person says which spool the unassigned grams came from: two lines, one gives them back, one takes them there."""
    entry = db.get(StockEntry, entry_id)
    if entry is None or entry.spool_id is not None:
        raise NotFound("These grams are not waiting for a spool.")
    if _undone(db, entry.id):
        raise DomainError("Somebody has resolved this already.")
    spool = lock_spool(db, spool_id)
    used_mg = -entry.delta_mg
    if used_mg > spool.remaining_mg:
        raise DomainError(
            "There is less on this spool than was used. If that is the spool, set its weight first, then resolve this."
        )
    _give_back(db, entry, kind="resolve", user_id=user_id)
    return write_entry(
        db,
        spool,
        -used_mg,
        kind="resolve",
        reason=entry.reason,
        user_id=user_id,
        run_id=entry.run_id,
        job_id=entry.job_id,
    )


def lock_spool(db: Session, spool_id: UUID) -> Spool:
    """The spool, locked until the transaction ends. Raises NotFound."""
    spool = db.scalar(select(Spool).where(Spool.id == spool_id).with_for_update(of=Spool))
    if spool is None:
        raise NotFound("This spool is not here. It may have been removed.")
    return spool


def write_entry(db: Session, spool: Spool, delta_mg: int, *, kind: str, **facts: Any) -> StockEntry:
    """One line for a spool, and its cached weight with it. The caller holds the spool's lock."""
    entry = StockEntry(filament_id=spool.filament_id, spool_id=spool.id, delta_mg=delta_mg, kind=kind, **facts)
    spool.remaining_mg += delta_mg
    return _kept(db, entry)


def _write_unassigned(db: Session, filament: Filament, delta_mg: int, *, kind: str, **facts: Any) -> StockEntry:
    entry = StockEntry(filament_id=filament.id, spool_id=None, delta_mg=delta_mg, kind=kind, **facts)
    filament.unassigned_mg -= delta_mg
    return _kept(db, entry)


def _give_back(db: Session, entry: StockEntry, *, kind: str, user_id: UUID | None) -> StockEntry:
    filament = _lock_filament(db, entry.filament_id)
    return _write_unassigned(
        db, filament, -entry.delta_mg, kind=kind, reason=entry.reason, user_id=user_id, undoes_id=entry.id
    )


def _kept(db: Session, entry: StockEntry) -> StockEntry:
    db.add(entry)
    db.flush()
    emit(db, StockChanged(shop_id=shop_of(db), filament_id=entry.filament_id, spool_id=entry.spool_id))
    return entry


def _lock_filament(db: Session, filament_id: UUID) -> Filament:
    filament = db.scalar(select(Filament).where(Filament.id == filament_id).with_for_update())
    if filament is None:
        raise NotFound("This filament is not here. It may have been removed.")
    return filament


def _undone(db: Session, entry_id: UUID) -> bool:
    return db.scalar(select(StockEntry.id).where(StockEntry.undoes_id == entry_id)) is not None


def _booked(db: Session, run_id: UUID, slot: int) -> list[StockEntry]:
    keys = [f"run:{run_id}:{slot}:{what}" for what in ("spool", "none")]
    return list(db.scalars(select(StockEntry).where(StockEntry.cause_key.in_(keys))))


def _refuse_nothing(mg: int) -> None:
    if mg <= 0:
        raise DomainError("Say how many grams: more than zero.")


def _refuse_impossible(mg: int) -> None:
    if not 0 <= mg <= HEAVIEST_MG:
        raise DomainError("That weight cannot be right. Weights are in grams, from 0 to 50,000.")
