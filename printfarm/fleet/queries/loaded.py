"""What the lists of spools ask the fleet."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.fleet.models import Printer, PrinterSlot


def slots_of_spools(db: Session, spool_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Printer and slot, as in "Anna A2", of each of these spools that is in one."""
    wanted = select(PrinterSlot, Printer.name).join(Printer, PrinterSlot.printer_id == Printer.id)
    return {
        slot.spool_id: f"{name} {slot.label}"
        for slot, name in db.execute(wanted.where(PrinterSlot.spool_id.in_(spool_ids)))
        if slot.spool_id is not None
    }
