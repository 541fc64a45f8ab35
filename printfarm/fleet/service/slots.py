"""Places for filament: which a printer has, what it says lies there, and which roll a person put there."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.colours import distance
from printfarm.filament.models import Spool
from printfarm.filament.service import find_spool
from printfarm.fleet.events import SlotsChanged
from printfarm.fleet.models import EXTERNAL_UNIT, Printer, PrinterSlot

# Printers round colours and people choose the nearest preset; farther apart than this are two colours for anybody.
OTHER_COLOUR = 160.0


@dataclass(frozen=True)
class Assigned:
    """What an assignment did. `came_from` is where the roll lay before ("A2 of Anna"), None when it lay on a shelf."""

    slot: PrinterSlot
    came_from: str | None


def assign_spool(db: Session, slot_id: UUID, spool_id: UUID | None) -> Assigned:
    """Say which roll lies in a place; None empties it. A roll is in one place, so it leaves the one where it was.

    Raises NotFound, and DomainError for a spool that is archived.
    """
    slot = db.get(PrinterSlot, slot_id, with_for_update={"of": PrinterSlot})
    if slot is None:
        raise NotFound
    came_from = None
    if spool_id is not None:
        spool = find_spool(db, spool_id)
        if spool.archived_at is not None:
            raise DomainError("This spool is archived. Bring it back first, or choose another one.")
        db.get(Spool, spool.id, with_for_update={"of": Spool})  # two people, one roll: one after the other
        came_from = _take_away(db, spool.id, keep=slot.id)
    slot.spool_id = spool_id
    db.flush()
    db.refresh(slot)
    _changed(db, slot.printer_id)
    return Assigned(slot, came_from)


def find_slot(db: Session, slot_id: UUID) -> PrinterSlot:
    """Raises NotFound."""
    slot = db.get(PrinterSlot, slot_id)
    if slot is None:
        raise NotFound
    return slot


def empty_slots_of(db: Session, spool_id: UUID) -> None:
    """The roll is gone: no place has it any more."""
    _take_away(db, spool_id, keep=None)


def remember_slots(db: Session, printer_id: UUID, reported: Iterable[protocol.SlotStatus]) -> bool:
    """Keep what a printer says of its places; new ones are added. Whether anything changed.

    Nothing is ever taken away: a printer that shuts down reports its AMS as gone, and the rolls are still in it.
    """
    known = {
        (slot.ams_unit, slot.slot): slot
        for slot in db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == printer_id))
    }
    changed = False
    for said in reported:
        slot = known.get((said.ams_unit, said.slot))
        if slot is None:
            slot = PrinterSlot(printer_id=printer_id, ams_unit=said.ams_unit, slot=said.slot)
            db.add(slot)
        colour = f"#{said.colour_hex}" if said.colour_hex else None
        now = (said.material or None, colour, said.empty)
        if now != (slot.reported_material, slot.reported_colour_hex, slot.reported_empty):
            slot.reported_material, slot.reported_colour_hex, slot.reported_empty = now
            slot.reported_at = utc_now()
            changed = True
    if changed:
        db.flush()
        _changed(db, printer_id)
    return changed


def contradiction(slot: PrinterSlot) -> str | None:
    """A sentence when what the printer reports cannot be the roll that a person put there."""
    spool = slot.spool
    if spool is None or slot.reported_empty is None:
        return None
    filament = spool.filament
    named = f"{filament.material} {filament.colour_name}"
    if slot.reported_empty:
        if slot.ams_unit == EXTERNAL_UNIT:
            return None  # most people never tell the printer what hangs on the holder
        return f"The printer says that {slot.label} is empty, but spool {spool.code} ({named}) is assigned to it."
    material = (slot.reported_material or "").upper()
    if material and not _same_material(material, filament.material.upper()):
        return f"The printer says that {slot.label} holds {material}, but spool {spool.code} is {named}."
    if slot.reported_colour_hex and distance(slot.reported_colour_hex, filament.colour_hex) > OTHER_COLOUR:
        return f"The printer reports another colour in {slot.label} than spool {spool.code} ({named})."
    return None


def _same_material(reported: str, ours: str) -> bool:
    """Whether "PLA" and "PLA BASIC" (the same) or "PLA" and "PLA-CF" (not the same) stand here."""
    return reported == ours or reported.split(" ", maxsplit=1)[0] == ours.split(" ", maxsplit=1)[0]


def _take_away(db: Session, spool_id: UUID, *, keep: UUID | None) -> str | None:
    lying = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == spool_id).with_for_update(of=PrinterSlot))
    came_from = None
    for slot in lying:
        if slot.id == keep:
            continue
        printer = db.get_one(Printer, slot.printer_id)
        came_from = f"{slot.label} of {printer.name}"
        slot.spool_id = None
        db.flush()
        _changed(db, slot.printer_id)
    return came_from


def _changed(db: Session, printer_id: UUID) -> None:
    emit(db, SlotsChanged(shop_id=shop_of(db), printer_id=printer_id))
