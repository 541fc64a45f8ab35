"""Spools themselves: adding, editing, putting away."""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import Spool
from printfarm.filament.service.filaments import find_filament
from printfarm.filament.service.stock import write_entry


@dataclass(frozen=True)
class SpoolFacts:
    """What a person says of a spool besides its weight. Weights in milligrams."""

    batch: str = ""
    tare_mg: int | None = None
    low_below_mg: int = 100_000
    cost_per_gram: Decimal | None = None
    location: str = ""
    purchased_on: date | None = None
    expires_on: date | None = None


def find_spool(db: Session, spool_id: UUID) -> Spool:
    """Raises NotFound."""
    found = db.get(Spool, spool_id)
    if found is None:
        raise NotFound("This spool is not here. It may have been removed.")
    return found


def add_spool(
    db: Session, filament_id: UUID, *, weight_mg: int, facts: SpoolFacts | None = None, user_id: UUID | None = None
) -> Spool:
    """A new roll with its first line in the ledger."""
    filament = find_filament(db, filament_id)
    if filament.archived_at is not None:
        raise DomainError("This filament is archived. Restore it before adding a spool.")
    if weight_mg < 0:
        raise DomainError("A spool cannot weigh less than nothing.")
    spool = Spool(filament_id=filament.id, initial_mg=weight_mg, **asdict(facts or SpoolFacts()))
    db.add(spool)
    db.flush()
    db.refresh(spool, ["filament"])
    write_entry(db, spool, weight_mg, cause="received", reason="New spool", user_id=user_id)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def edit_spool(db: Session, spool_id: UUID, facts: SpoolFacts) -> Spool:
    """Change what is known of a spool; its weight changes only through the ledger."""
    spool = find_spool(db, spool_id)
    for name, value in asdict(facts).items():
        setattr(spool, name, value)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def archive_spool(db: Session, spool_id: UUID) -> None:
    """Put a roll away (empty, lost, given away). Its ledger stays."""
    spool = find_spool(db, spool_id)
    spool.archived_at = utc_now()
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))


def restore_spool(db: Session, spool_id: UUID) -> None:
    """Bring a roll back."""
    spool = find_spool(db, spool_id)
    spool.archived_at = None
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
