"""The ledger's own laws. Every gram that comes or goes is one line; a spool's weight is their sum, cached in the same
transaction. People's bookings are in `weighing`, what prints take in `usage`, counter-entries in `undoing`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.core.units import grams_from_mg
from printfarm.filament.events import StockChanged
from printfarm.filament.models import PRINT_CAUSES, Filament, Spool, StockEntry
from printfarm.filament.service.filaments import lock_filament
from printfarm.filament.service.states import follow_the_ledger

# A scale that shows more than this was read in the wrong unit.
HEAVIEST_MG = 50_000_000
# How the key ends of a line that says from which spool a print's grams came after all.
RESOLVED = ":resolved"


class BelowZero(DomainError):
    """More is to leave a spool than it holds by the ledger: `lacking_mg`. A person who has seen it may say that it is so."""

    def __init__(self, sentence: str, spool_id: UUID, lacking_mg: int) -> None:
        super().__init__(sentence)
        self.spool_id = spool_id
        self.lacking_mg = lacking_mg


class BeforeACount(Protocol):
    """Book what is known of a spool; `counted`: a person says next what it holds."""

    def __call__(self, db: Session, spool: Spool, /, *, counted: bool) -> None: ...


# What comes before any change of a spool that was just locked: what machines reported and is not booked yet (`machines`).
BEFORE_A_CHANGE: list[Callable[[Session, Spool], None]] = []
# What comes before a person says what a spool holds, or that it is done with: what a print that goes on has taken of it until
# then (`usage.book_so_far`). For the areas that know prints; without it the print's end would take those grams once more.
BEFORE_A_COUNT: list[BeforeACount] = []


def lock_spool(db: Session, spool_id: UUID) -> Spool:
    """The spool, locked until the transaction ends, with everything booked that is known of it. Raises NotFound."""
    spool = lock_spool_only(db, spool_id)
    for step in BEFORE_A_CHANGE:
        step(db, spool)
    return spool


def lock_spool_to_count(db: Session, spool_id: UUID) -> Spool:
    """The spool, locked, with what a print that goes on has taken of it until now: what is said of it next is said after that.
    Raises NotFound.
    """
    spool = lock_spool(db, spool_id)
    book_until_now(db, spool, counted=True)
    return spool


def book_until_now(db: Session, spool: Spool, *, counted: bool = False) -> None:
    """Book what a print that goes on has taken of a spool until now. The caller holds its lock. `counted`: a person says next
    what it holds.
    """
    for step in BEFORE_A_COUNT:
        step(db, spool, counted=counted)


def lock_spool_only(db: Session, spool_id: UUID) -> Spool:
    """The spool, locked until the transaction ends. Raises NotFound."""
    # A run that begins to feed from it waits, too: a foreign key asks for a lock that only the weaker one would grant.
    mine = select(Spool).where(Spool.id == spool_id).with_for_update(of=Spool)
    spool = db.scalar(mine.execution_options(populate_existing=True))
    if spool is None:
        raise NotFound("This spool is not here. It may have been removed.")
    return spool


def write_entry(
    db: Session, spool: Spool, delta_mg: int, *, cause: str, used_at: datetime | None = None, **facts: Any
) -> StockEntry:
    """One line for a spool, and its cached weight with it. The caller holds the spool's lock. `used_at`: when the print took
    it, where that was found out later.
    """
    entry = StockEntry(
        filament_id=spool.filament_id, spool_id=spool.id, delta_mg=delta_mg, cause=cause, created_at=utc_now(), **facts
    )
    spool.remaining_mg += delta_mg
    if is_use(entry):
        _used(spool, used_at or entry.created_at)
    _keep(db, entry)
    follow_the_ledger(db, spool, entry)
    return entry


def write_unassigned(db: Session, filament: Filament, delta_mg: int, *, cause: str, **facts: Any) -> StockEntry:
    """One line for a filament without a spool. The caller holds the filament's lock."""
    entry = StockEntry(filament_id=filament.id, spool_id=None, delta_mg=delta_mg, cause=cause, **facts)
    filament.unassigned_mg -= delta_mg
    _keep(db, entry)
    return entry


def give_back(db: Session, entry: StockEntry, *, cause: str, user_id: UUID | None) -> StockEntry:
    """The counter-entry of a line without a spool."""
    filament = lock_filament(db, entry.filament_id)
    return write_unassigned(
        db,
        filament,
        -entry.delta_mg,
        cause=cause,
        reason=entry.reason,
        user_id=user_id,
        undoes_id=entry.id,
        run_id=entry.run_id,
        job_id=entry.job_id,
    )


def take_back(db: Session, entry: StockEntry, spool: Spool, *, user_id: UUID | None) -> StockEntry:
    """The counter-entry of a spool's line: exactly what it was, the other way. The caller holds the spool's lock."""
    counter = write_entry(
        db,
        spool,
        -entry.delta_mg,
        cause="undo",
        reason=entry.reason,
        user_id=user_id,
        undoes_id=entry.id,
        run_id=entry.run_id,
        job_id=entry.job_id,
    )
    if is_use(entry):
        _unused(db, spool, entry)
    return counter


def is_undone(db: Session, entry_id: UUID) -> bool:
    """Whether a line has its counter-entry. Ask with the lock held."""
    return db.scalar(select(StockEntry.id).where(StockEntry.undoes_id == entry_id)) is not None


def cover(db: Session, spool: Spool, mg: int, *, agreed_mg: int, user_id: UUID | None) -> None:
    """Before `mg` leave a spool. If the ledger knows less, the person must have agreed to as much (`agreed_mg`); then a line
    first brings the ledger to what was really there, for everybody to see. Raises BelowZero.
    """
    lacking = mg - spool.remaining_mg
    if lacking <= 0:
        return
    if lacking > agreed_mg or lacking > HEAVIEST_MG:
        held, more = in_grams(spool.remaining_mg), in_grams(lacking)
        raise BelowZero(
            f"There is not that much on the spool: it holds {held} by the ledger, {more} less than that."
            " Check the spool and the number.",
            spool.id,
            lacking,
        )
    reason = "There was more on it than the ledger knew"
    write_entry(db, spool, lacking, cause="weighed", is_discrepancy=True, reason=reason, user_id=user_id)


def refuse_nothing(mg: int) -> None:
    if mg <= 0:
        raise DomainError("Say how many grams: more than zero.")


def refuse_impossible(mg: int) -> None:
    if not 0 <= mg <= HEAVIEST_MG:
        raise DomainError("That weight cannot be right. Weights are in grams, from 0 to 50,000.")


def in_grams(mg: int) -> str:
    """12_340 → "12.34 g": the whole truth, for sentences of the ledger."""
    exact = format(grams_from_mg(mg), "f")
    return f"{exact.rstrip('0').rstrip('.') if '.' in exact else exact} g"


def is_use(entry: StockEntry) -> bool:
    """Whether a line took filament for a print, also one that a person found out of later."""
    printed = entry.cause in PRINT_CAUSES or (entry.cause == "moved" and entry.run_id is not None)
    return printed and entry.delta_mg < 0 and entry.spool_id is not None


def _used(spool: Spool, at: datetime) -> None:
    spool.first_used_at = min(spool.first_used_at or at, at)
    spool.last_used_at = max(spool.last_used_at or at, at)


def _unused(db: Session, spool: Spool, entry: StockEntry) -> None:
    """A use that was none: where it was the first or the last, the one beside it is that now."""
    if entry.created_at not in {spool.first_used_at, spool.last_used_at}:
        return
    undone = select(StockEntry.undoes_id).where(StockEntry.spool_id == spool.id, StockEntry.undoes_id.is_not(None))
    moved = (StockEntry.cause == "moved") & StockEntry.run_id.is_not(None)
    standing = select(func.min(StockEntry.created_at), func.max(StockEntry.created_at)).where(
        StockEntry.spool_id == spool.id,
        StockEntry.delta_mg < 0,
        or_(StockEntry.cause.in_(PRINT_CAUSES), moved),
        StockEntry.id.not_in(undone),
    )
    first, last = db.execute(standing).one()
    if entry.created_at == spool.first_used_at:
        spool.first_used_at = first
    if entry.created_at == spool.last_used_at:
        spool.last_used_at = last or spool.first_used_at


def _keep(db: Session, entry: StockEntry) -> None:
    db.add(entry)
    db.flush()
    emit(db, StockChanged(shop_id=shop_of(db), filament_id=entry.filament_id, spool_id=entry.spool_id))
