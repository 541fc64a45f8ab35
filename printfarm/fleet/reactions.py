"""The fleet's answers to what happens below it."""

from sqlalchemy.orm import Session

from printfarm.core.events import reacts_to
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import Spool
from printfarm.fleet.service.slots import empty_slots_of


@reacts_to(SpoolChanged)
def forget_absent_spool(db: Session, event: SpoolChanged) -> None:
    """A roll that was put away lies in no printer, nor does one that a person found empty (while it is loaded it is not called
    so, whatever its weight).
    """
    spool = db.get(Spool, event.spool_id)
    if spool is not None and (spool.archived_at is not None or spool.state == "empty"):
        empty_slots_of(db, spool.id)
