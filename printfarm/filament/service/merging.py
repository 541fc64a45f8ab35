"""Two filaments that are one: what hangs on the first becomes the second's. The ledger stays as it is, its lines are history;
what still waits for a person goes along with a counter-entry.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.filament.events import FilamentChanged, FilamentsMerged
from printfarm.filament.from_above import lock_what_wants
from printfarm.filament.models import PRINT_CAUSES, Filament, Promise, Spool, StockEntry
from printfarm.filament.models_shopping import Purchase, ShoppingWish
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.service.brands import empty_spool_mg
from printfarm.filament.service.filaments import find_filament, lock_filament, name_of
from printfarm.filament.service.stock import give_back, lock_spool, write_unassigned

# What the one that stays takes over where it says nothing itself.
TAKEN_OVER = (
    "density_g_cm3",
    "nozzle_min_c",
    "nozzle_max_c",
    "bed_c",
    "cost_per_gram",
    "tare_mg",
    "low_below_mg",
    "article_number",
    "supplier",
    "purchase_url",
    "note",
)


@dataclass(frozen=True)
class Moving:
    """What a merge would move, for the person who confirms it."""

    spools: int
    remaining_mg: int
    unassigned_mg: int
    variants: int
    promised_mg: int
    number: int


def what_moves(db: Session, filament_id: UUID) -> Moving:
    """Counts only."""
    filament = find_filament(db, filament_id)
    mine = select(func.count(Spool.id), func.coalesce(func.sum(Spool.remaining_mg), 0))
    spools, remaining = db.execute(mine.where(Spool.filament_id == filament_id)).one()
    promised = db.scalar(select(func.sum(Promise.needed_mg)).where(Promise.filament_id == filament_id))
    return Moving(
        spools, int(remaining), filament.unassigned_mg, filament.demand_count, int(promised or 0), filament.number
    )


def merge_filaments(db: Session, filament_id: UUID, into_id: UUID, *, user_id: UUID | None = None) -> Filament:
    """All that is of one filament becomes another's; the first one is put away, and its number leads to the other."""
    if find_filament(db, filament_id).id == into_id:
        raise DomainError("A filament cannot be merged with itself.")
    lock_what_wants(db, [filament_id, into_id])
    rolls = select(Spool.id).where(Spool.filament_id == filament_id).order_by(Spool.id)
    spools = [lock_spool(db, spool_id) for spool_id in db.scalars(rolls).all()]
    for one in sorted((filament_id, into_id)):
        lock_filament(db, one)
    # Rolls are locked first, so one may have come meanwhile.
    if list(db.scalars(rolls)) != [spool.id for spool in spools]:
        raise DomainError("Its rolls changed at this very moment. Nothing was merged; try again.")
    filament, into = find_filament(db, filament_id), find_filament(db, into_id)
    _refuse(filament, into)
    _move_spools(db, spools, filament, into)
    _move_waiting(db, filament, into, user_id)
    _move_plans(db, filament, into)
    for name in TAKEN_OVER:
        if getattr(into, name) in (None, ""):
            setattr(into, name, getattr(filament, name))
    into.extra = {**filament.extra, **into.extra}
    filament.archived_at, filament.told = utc_now(), {**filament.told, "merged_into": str(into.id)}
    db.flush()
    emit(db, FilamentsMerged(shop_id=into.shop_id, filament_id=filament.id, into_id=into.id))
    for one_id in (filament.id, into.id):
        emit(db, FilamentChanged(shop_id=into.shop_id, filament_id=one_id))
    return into


def _refuse(filament: Filament, into: Filament) -> None:
    if filament.archived_at is not None and "merged_into" in filament.told:
        raise DomainError(f"{name_of(filament)} was merged into another filament already.")
    if into.archived_at is not None:
        raise DomainError(f"{name_of(into)} is archived. Restore it first, or choose another one.")
    if filament.diameter_mm != into.diameter_mm:
        raise DomainError("The two have different diameters, so they are not the same filament.")


def _move_spools(db: Session, spools: list[Spool], filament: Filament, into: Filament) -> None:
    """Each roll keeps what it went by: the price and the empty spool that its filament said."""
    tare_mg, new_tare_mg = empty_spool_mg(db, filament), empty_spool_mg(db, into)
    for spool in spools:
        spool.filament_id = into.id
        if spool.cost_per_gram is None and filament.cost_per_gram != into.cost_per_gram:
            spool.cost_per_gram = filament.cost_per_gram
        if spool.tare_mg is None and tare_mg != new_tare_mg:
            spool.tare_mg = tare_mg
    db.flush()
    for spool in spools:
        db.expire(spool, ["filament"])


def _move_waiting(db: Session, filament: Filament, into: Filament, user_id: UUID | None) -> None:
    """Grams of which nobody has said the roll yet: taken back there, booked here, for the same print."""
    answer = aliased(StockEntry)
    answered = select(answer.id).where(answer.undoes_id == StockEntry.id).exists()
    waiting = select(StockEntry).where(
        StockEntry.filament_id == filament.id,
        StockEntry.spool_id.is_(None),
        StockEntry.cause.in_(PRINT_CAUSES),
        ~answered,
    )
    for line in db.scalars(waiting.order_by(StockEntry.created_at, StockEntry.id)).all():
        give_back(db, line, cause="moved", user_id=user_id)
        write_unassigned(
            db,
            into,
            line.delta_mg,
            cause=line.cause,
            reason=line.reason,
            user_id=user_id,
            run_id=line.run_id,
            job_id=line.job_id,
            cause_key=f"{line.cause_key}:merged" if line.cause_key else None,
        )


def _move_plans(db: Session, filament: Filament, into: Filament) -> None:
    """Promises, orders, wishes, and what another Spoolman calls it."""
    known = {one.cause_id: one for one in db.scalars(select(Promise).where(Promise.filament_id == into.id))}
    for promise in db.scalars(select(Promise).where(Promise.filament_id == filament.id)).all():
        if promise.cause_id in known:
            known[promise.cause_id].needed_mg += promise.needed_mg
            db.delete(promise)
        else:
            promise.filament_id = into.id
    wish = db.scalar(select(ShoppingWish).where(ShoppingWish.filament_id == filament.id))
    theirs = db.scalar(select(ShoppingWish).where(ShoppingWish.filament_id == into.id))
    if wish is not None and theirs is not None:
        theirs.rolls += wish.rolls
        db.delete(wish)
    elif wish is not None:
        wish.filament_id = into.id
    db.flush()
    db.execute(update(Purchase).where(Purchase.filament_id == filament.id).values(filament_id=into.id))
    origins = update(SpoolmanOrigin).where(SpoolmanOrigin.kind == "filament", SpoolmanOrigin.subject_id == filament.id)
    db.execute(origins.values(subject_id=into.id))
