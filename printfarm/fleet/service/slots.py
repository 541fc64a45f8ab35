"""Places for filament: which a printer has, what it says lies there, and which roll a person put there."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import KEEPING_KEYS, locked
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import Spool
from printfarm.filament.service import bind_tag, find_spool, mark_loaded, mark_unloaded, spools_of_tags, unbind_tag
from printfarm.filament.service.stock import lock_spool
from printfarm.fleet.events import SlotsChanged, SpoolAssigned
from printfarm.fleet.from_above import lock_what_prints
from printfarm.fleet.models import Printer, PrinterSlot

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assigned:
    """What an assignment did. `came_from` is where the roll lay before ("A2 of Anna"), None when it lay on a shelf."""

    slot: PrinterSlot
    came_from: str | None


def assign_spool(db: Session, slot_id: UUID, spool_id: UUID | None) -> Assigned:
    """Say which roll lies in a place; None empties it. A roll is in one place, so it leaves the one where it was.

    Raises NotFound, and DomainError for a spool that is archived.
    """
    lock_what_prints(db, _printers_of(db, slot_id, spool_id))
    before, came_from = find_slot(db, slot_id).spool_id, None
    for one in sorted({one for one in (before, spool_id) if one is not None}):
        lock_spool(db, one)  # rolls before places, as everywhere: who puts a roll away comes to its place from there
    slot = db.get_one(PrinterSlot, slot_id, with_for_update={**KEEPING_KEYS, "of": PrinterSlot}, populate_existing=True)
    if slot.spool_id != before:
        raise DomainError("Somebody has changed this place at the same moment. Look again.")
    if spool_id == before:
        return Assigned(slot, None)
    if spool_id is not None:
        if find_spool(db, spool_id).archived_at is not None:
            raise DomainError("This spool is archived. Bring it back first, or choose another one.")
        came_from = _take_away(db, spool_id, keep=slot.id)
    slot.spool_id = spool_id
    db.flush()
    db.refresh(slot)
    if before is not None:
        mark_unloaded(db, before)
    if spool_id is not None:
        mark_loaded(db, spool_id)
    _assigned(db, slot)
    return Assigned(slot, came_from)


def confirm_spool(db: Session, slot_id: UUID, spool_id: UUID, tag: str | None) -> Assigned:
    """A person says: this is the roll. With the `tag` that they saw, its chip names it from now on, in any printer."""
    place = find_slot(db, slot_id)
    if tag and place.reported_tag != tag:
        raise DomainError("The printer reads another chip there by now. Look again.")
    assigned = assign_spool(db, slot_id, spool_id)
    if tag:
        bind_tag(db, spool_id, tag)
        _changed(db, assigned.slot.printer_id)
    return assigned


def forget_chip(db: Session, slot_id: UUID, spool_id: UUID) -> PrinterSlot:
    """The chip was not this roll's after all. The roll stays where it is until a person says otherwise."""
    slot = find_slot(db, slot_id)
    unbind_tag(db, spool_id)
    _changed(db, slot.printer_id)
    return slot


def find_slot(db: Session, slot_id: UUID) -> PrinterSlot:
    """Raises NotFound."""
    slot = db.get(PrinterSlot, slot_id)
    if slot is None:
        raise NotFound
    return slot


def empty_slots_of(db: Session, spool_id: UUID) -> None:
    """The roll is gone: no place has it any more."""
    _take_away(db, spool_id, keep=None)


def remember_slots(
    db: Session, printer_id: UUID, reported: Iterable[protocol.SlotStatus]
) -> dict[tuple[int, int], UUID]:
    """Keep what a printer says of its places; new ones are added. Their ids by unit and slot.

    Nothing is ever taken away: a printer that shuts down reports its AMS as gone, and the rolls are still in it.
    A chip that was not there before, and that a person has said is a roll's, brings that roll here.
    """
    known = {
        (slot.ams_unit, slot.slot): slot
        for slot in db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == printer_id))
    }
    reported = list(reported)
    _lock_rolls_read(db, known, reported)
    changed, read = False, []
    for said in reported:
        slot = known.get((said.ams_unit, said.slot))
        if slot is None:
            slot = PrinterSlot(printer_id=printer_id, ams_unit=said.ams_unit, slot=said.slot)
            db.add(slot)
            known[said.ams_unit, said.slot] = slot
        slot.reported_remain_percent = said.remain_percent  # shown, and no reason to work anything out again
        if said.tag is not None and said.tag != slot.reported_tag:
            read.append(slot)
        changed = _remember(slot, said) or changed
    if changed:
        db.flush()
        _changed(db, printer_id)
    for slot in read:
        _recognise(db, slot)
    return {place: slot.id for place, slot in known.items()}


def _lock_rolls_read(
    db: Session, known: dict[tuple[int, int], PrinterSlot], reported: Iterable[protocol.SlotStatus]
) -> None:
    """The rolls that a chip may bring here or send away, before any place is written: rolls come before places."""
    places = {said.tag: known.get((said.ams_unit, said.slot)) for said in reported if said.tag is not None}
    read = {tag: slot for tag, slot in places.items() if slot is None or slot.reported_tag != tag}
    if read:
        coming = {spool.id for spool in spools_of_tags(db, list(read)).values()}
        for one in sorted(coming | {slot.spool_id for slot in read.values() if slot is not None and slot.spool_id}):
            lock_spool(db, one)


def _remember(slot: PrinterSlot, said: protocol.SlotStatus) -> bool:
    colour = f"#{said.colour_hex}" if said.colour_hex else None
    now = (said.material or None, colour, said.empty, said.tag)
    if now == (slot.reported_material, slot.reported_colour_hex, slot.reported_empty, slot.reported_tag):
        return False
    slot.reported_material, slot.reported_colour_hex, slot.reported_empty, slot.reported_tag = now
    slot.reported_at = utc_now()
    return True


def _recognise(db: Session, slot: PrinterSlot) -> None:
    """The chip of a known roll has come here. Only a roll that goes by another chip makes room for it by itself: one that a
    person put here by hand stays until a person decides (`matching.contradiction` says so).
    """
    spool = spools_of_tags(db, [slot.reported_tag]).get(slot.reported_tag or "")
    if spool is None or spool.archived_at is not None or spool.state == "discarded" or spool.id == slot.spool_id:
        return
    lying = find_spool(db, slot.spool_id) if slot.spool_id else None
    if lying is not None and (lying.tag is None or lying.tag == slot.reported_tag):
        return
    try:
        with db.begin_nested():
            assign_spool(db, slot.id, spool.id)
    except DomainError as problem:  # somebody has put it away at this moment; the printer's word is no reason to stop
        log.info("spool %s was read in a slot and cannot be put there: %s", spool.code, problem)


def printers_of_chips(db: Session, tags: Iterable[str | None]) -> list[UUID]:
    """The printers in which the rolls lie that go by these chips: from there a roll goes when its chip is read elsewhere."""
    wanted = {tag for tag in tags if tag}
    if not wanted:
        return []
    lying = select(PrinterSlot.printer_id).join(Spool, Spool.id == PrinterSlot.spool_id)
    return list(db.scalars(lying.where(Spool.tag.in_(wanted)).distinct()))


def _printers_of(db: Session, slot_id: UUID, spool_id: UUID | None) -> list[UUID]:
    here = PrinterSlot.id == slot_id
    wanted = here if spool_id is None else or_(here, PrinterSlot.spool_id == spool_id)
    return list(db.scalars(select(PrinterSlot.printer_id).where(wanted)))


def _take_away(db: Session, spool_id: UUID, *, keep: UUID | None) -> str | None:
    lying = db.scalars(locked(select(PrinterSlot).where(PrinterSlot.spool_id == spool_id), PrinterSlot))
    came_from = None
    for slot in list(lying):
        if slot.id == keep:
            continue
        printer = db.get_one(Printer, slot.printer_id)
        came_from = f"{slot.label} of {printer.name}"
        slot.spool_id = None
        db.flush()
        db.refresh(slot)
        _assigned(db, slot)
    return came_from


def _assigned(db: Session, slot: PrinterSlot) -> None:
    emit(
        db,
        SpoolAssigned(shop_id=slot.shop_id, printer_id=slot.printer_id, slot_id=slot.id, spool_id=slot.spool_id),
    )
    _changed(db, slot.printer_id)


def _changed(db: Session, printer_id: UUID) -> None:
    emit(db, SlotsChanged(shop_id=shop_of(db), printer_id=printer_id))
