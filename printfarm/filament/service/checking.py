"""Whether the cached weights are what the ledger's lines add up to. They always are, or there is a bug: so it is looked for
every night, said aloud, and put right from the ledger when a person asks.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.events import StockChanged, StockChecked
from printfarm.filament.models import Filament, Spool, StockCheck, StockEntry
from printfarm.filament.service.filaments import lock_filament
from printfarm.filament.service.stock import lock_spool


@dataclass(frozen=True)
class Drift:
    """A cached weight that is not its lines' sum: of a spool, or of the grams that a filament used without one."""

    filament: Filament
    spool: Spool | None
    cached_mg: int
    booked_mg: int

    @property
    def subject_id(self) -> UUID:
        return self.spool.id if self.spool else self.filament.id


def find_drift(db: Session, among: Collection[UUID] | None = None) -> list[Drift]:
    """Every weight of the shop that has drifted, or `among` these ids; each is compared in the statement that sums it, so that
    bookings meanwhile do no harm.
    """
    spools = [Drift(spool.filament, spool, spool.remaining_mg, booked) for spool, booked in drifted_spools(db, among)]
    filaments = [
        Drift(filament, None, filament.unassigned_mg, booked) for filament, booked in drifted_filaments(db, among)
    ]
    return spools + filaments


def still_drifted(db: Session, check: StockCheck) -> list[Drift]:
    """What a comparison found and nobody has put right since."""
    return find_drift(db, [UUID(one) for one in check.drifted])


def drifted_spools(db: Session, among: Collection[UUID] | None = None) -> list[tuple[Spool, int]]:
    """Spools (all, or `among` these) whose cached weight is not the sum of their ledger, with that sum."""
    booked = _booked_on(Spool.id).scalar_subquery()
    wanted = select(Spool, booked).where(booked != Spool.remaining_mg)
    rows = db.execute(wanted if among is None else wanted.where(Spool.id.in_(among))).unique()
    return [(spool, int(found)) for spool, found in rows]


def drifted_filaments(db: Session, among: Collection[UUID] | None = None) -> list[tuple[Filament, int]]:
    """Filaments whose grams without a spool are cached other than their lines say, with what those say."""
    unassigned = _waiting_of(Filament.id).scalar_subquery()
    wanted = select(Filament, unassigned).where(unassigned != Filament.unassigned_mg)
    rows = db.execute(wanted if among is None else wanted.where(Filament.id.in_(among)))
    return [(filament, int(found)) for filament, found in rows]


def keep_check(db: Session, drift: list[Drift]) -> StockCheck:
    """Write down what a comparison found; it takes the place of the one before."""
    db.execute(delete(StockCheck))
    spools = db.scalar(select(func.count()).select_from(Spool)) or 0
    check = StockCheck(
        checked_at=utc_now(), spools=spools, drifted={str(one.subject_id): one.booked_mg for one in drift}
    )
    db.add(check)
    db.flush()
    emit(db, StockChecked(shop_id=shop_of(db)))
    return check


def latest_check(db: Session) -> StockCheck | None:
    """What the last comparison found; None: nobody has compared yet."""
    return db.scalar(select(StockCheck).order_by(StockCheck.checked_at.desc(), StockCheck.id.desc()).limit(1))


def repair_stock(db: Session) -> int:
    """Take the ledger's word for every weight that the last comparison found to have drifted; how many were put right.

    The ledger itself is untouched: its lines are what happened.
    """
    check = latest_check(db)
    drift = still_drifted(db, check) if check else []
    for spool_id in sorted(one.spool.id for one in drift if one.spool):
        spool = lock_spool(db, spool_id)
        spool.remaining_mg = int(db.scalar(_booked_on(spool_id)) or 0)
        emit(db, StockChanged(shop_id=shop_of(db), filament_id=spool.filament_id, spool_id=spool_id))
    for filament_id in sorted(one.filament.id for one in drift if not one.spool):
        filament = lock_filament(db, filament_id)
        filament.unassigned_mg = int(db.scalar(_waiting_of(filament_id)) or 0)
        emit(db, StockChanged(shop_id=shop_of(db), filament_id=filament_id))
    if check:
        check.drifted = {}
        emit(db, StockChecked(shop_id=shop_of(db)))
    return len(drift)


def _booked_on(spool_id: object) -> Select[int]:
    return select(func.coalesce(func.sum(StockEntry.delta_mg), 0)).where(StockEntry.spool_id == spool_id)


def _waiting_of(filament_id: object) -> Select[int]:
    return select(func.coalesce(-func.sum(StockEntry.delta_mg), 0)).where(
        StockEntry.filament_id == filament_id, StockEntry.spool_id.is_(None)
    )
