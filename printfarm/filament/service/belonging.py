"""A roll that is of another filament than was said when it came: the wrong one was clicked, or the bag held something else."""

from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.filament.events import SpoolChanged, StockChanged
from printfarm.filament.models import Spool
from printfarm.filament.service.filaments import lock_filament, name_of
from printfarm.filament.service.stock import lock_spool, write_entry


def change_filament(db: Session, spool_id: UUID, filament_id: UUID, *, user_id: UUID | None = None) -> Spool:
    """The roll is of this filament from now on. Its code, weight and history stay; a line of nothing says who found out.

    The same filament again is nothing. Raises NotFound, and DomainError for a filament that is archived.
    """
    spool = lock_spool(db, spool_id)
    if spool.filament_id == filament_id:
        return spool
    before = spool.filament
    filament = lock_filament(db, filament_id)
    if filament.archived_at is not None:
        raise DomainError(f"{name_of(filament)} is archived. Restore it first, or choose another one.")
    spool.filament_id = filament.id
    db.flush()
    db.expire(spool, ["filament"])
    write_entry(
        db, spool, 0, cause="moved", reason=f"It is {name_of(filament)}, not {name_of(before)}", user_id=user_id
    )
    emit(db, StockChanged(shop_id=spool.shop_id, filament_id=before.id, spool_id=spool.id))
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool
