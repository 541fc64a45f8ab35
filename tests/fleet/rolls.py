"""Rolls, chips, and what printers say of them, for the tests of places and of what is booked from them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from hub import protocol
from printfarm.core.bus import remember_telemetry
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.fleet.models import PrinterSlot
from printfarm.fleet.service import apply_status
from tests.support.hubs import now

CHIP, OTHER_CHIP = "A0" * 16, "B1" * 16


def place(slot: int = 0, material: str = "PLA", colour: str = "111111", **more: Any) -> protocol.SlotStatus:
    """What a printer says of a place; no material is an empty one."""
    known: dict[str, Any] = {"colour_hex": colour} if material else {"empty": True}
    return protocol.SlotStatus(**{"ams_unit": 0, "slot": slot, "material": material, **known, **more})


def say(shop_id: UUID, printer_id: UUID, *slots: protocol.SlotStatus, **status: Any) -> None:
    """A printer's status, as its hub's connection takes it in."""
    values = {"connection": "online", "state": "idle", "confirmed": True, "at": now(), "slots": list(slots), **status}
    said = protocol.PrinterStatus(printer_id=str(printer_id), **values)
    remember_telemetry(shop_id, "printer", printer_id, said.model_dump(mode="json"))
    with unit_of_work(shop_id) as db:
        apply_status(db, printer_id, said)


def lying(shop_id: UUID, printer_id: UUID) -> dict[str, UUID | None]:
    """The rolls of a printer's places, by their labels."""
    with read_only(shop_id) as db:
        places = db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == printer_id)).unique()
        return {one.label: one.spool_id for one in places}


def slot_id(shop_id: UUID, printer_id: UUID, label: str) -> UUID:
    with read_only(shop_id) as db:
        places = db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == printer_id)).unique()
        return next(one.id for one in places if one.label == label)


def make_roll(
    shop_id: UUID, name: str, colour: str, *, material: str = "PLA", tag: str | None = None, grams: int = 1000
) -> Spool:
    """A roll of a filament of its own."""
    with unit_of_work(shop_id) as db:
        kind = filament.add_filament(db, brand="P", material=material, colour_name=name, colour_hex=colour)
        spool = filament.add_spool(db, kind.id, weight_mg=grams * 1000)
        spool.tag = tag
        return spool
