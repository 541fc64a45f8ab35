"""Printers as decisions see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from printfarm.core.bus import recall_telemetry
from printfarm.core.clock import utc_now
from printfarm.core.tenancy import shop_of
from printfarm.filament.queries.care import care_of
from printfarm.fleet.models import EXTERNAL_UNIT, Printer, PrinterSlot

PRINTER_TELEMETRY, FILE_TELEMETRY = "printer", "file"
# States in which a printer works on something; from hub.protocol.PrinterState.
WORKING = frozenset({"preparing", "printing", "pausing", "paused", "attention", "busy", "starting_up"})
NO_HUB = "The hub of this printer is not connected. Check that it runs and reaches this server; the printer itself may be fine."


@dataclass(frozen=True)
class SlotFacts:
    """One place for filament. `number` counts as in `ams_mapping` (-1 external). `present` is false for a place that the
    printer has stopped reporting (its AMS is off or unplugged). Weights in milligrams.
    """

    id: UUID
    label: str
    ams_unit: int
    slot: int
    present: bool
    spool_id: UUID | None
    filament_id: UUID | None
    remaining_mg: int | None
    material: str | None
    colour_hex: str | None
    reported_material: str | None
    reported_colour_hex: str | None
    reported_empty: bool | None
    care: str = ""  # what to know of the roll before printing from it: damp, or past its date
    after_print: bool = False  # `remaining_mg` is what the print of this moment will leave

    @property
    def is_external(self) -> bool:
        return self.ams_unit == EXTERNAL_UNIT


@dataclass(frozen=True)
class PrinterFacts:
    """A printer as decisions see it now. `state` is hub.protocol.PrinterState, "offline" whenever it cannot be reached;
    `connection_sentence` says then what is wrong. `confirmed`: its state comes from a full report of this connection.
    """

    id: UUID
    name: str
    protocol: str
    model: str
    model_id: str
    nozzle_mm: Decimal
    bed_type: str
    location: str
    online: bool
    state: str
    confirmed: bool
    bed_cleared: bool
    in_maintenance: bool
    hub_connected: bool
    developer_mode: bool | None
    connection_sentence: str
    capabilities: frozenset[str]
    run_code: str | None
    remaining_minutes: int | None
    slots: tuple[SlotFacts, ...]

    @property
    def is_working(self) -> bool:
        return self.state in WORKING


def printer_facts(db: Session) -> list[PrinterFacts]:
    """Every printer in use, in the shop's order: two statements, and one question to Redis."""
    printers = list(db.scalars(in_use()).unique())
    slots = slots_of(db, [printer.id for printer in printers])
    telemetry = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, [printer.id for printer in printers])
    now = utc_now()
    return [
        facts_from(printer, slots.get(printer.id, []), telemetry.get(str(printer.id), {}), now) for printer in printers
    ]


def facts_of(db: Session, printer_id: UUID) -> PrinterFacts | None:
    """One printer in use, or None."""
    printer = db.scalars(in_use().where(Printer.id == printer_id)).unique().one_or_none()
    if printer is None:
        return None
    telemetry = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, [printer.id])
    slots = slots_of(db, [printer.id]).get(printer.id, [])
    return facts_from(printer, slots, telemetry.get(str(printer.id), {}), utc_now())


def in_use() -> Select[Printer]:
    """The printers that are not archived, with their hubs, in the shop's order."""
    return (
        select(Printer)
        .where(Printer.archived_at.is_(None))
        .options(joinedload(Printer.hub))
        .order_by(Printer.position, Printer.id)
    )


def slots_of(db: Session, printer_ids: Iterable[UUID]) -> dict[UUID, list[PrinterSlot]]:
    """Slots with their spools and filaments, by printer, AMS slots before the external spool."""
    found: dict[UUID, list[PrinterSlot]] = {}
    rows = select(PrinterSlot).where(PrinterSlot.printer_id.in_(list(printer_ids)))
    for slot in db.scalars(rows.order_by(PrinterSlot.ams_unit, PrinterSlot.slot)).unique():
        found.setdefault(slot.printer_id, []).append(slot)
    return found


def facts_from(printer: Printer, slots: list[PrinterSlot], live: dict[str, Any], now: datetime) -> PrinterFacts:
    hub_connected = printer.hub.is_connected(now)
    online = hub_connected and printer.connection == "online"
    confirmed = online and bool(live.get("confirmed"))
    return PrinterFacts(
        id=printer.id,
        name=printer.name,
        protocol=printer.protocol,
        model=printer.model,
        model_id=printer.model_id,
        nozzle_mm=printer.nozzle_mm,
        bed_type=printer.bed_type,
        location=printer.location,
        online=online,
        state=printer.state if online else "offline",
        confirmed=confirmed,
        bed_cleared=printer.bed_cleared,
        in_maintenance=printer.in_maintenance,
        hub_connected=hub_connected,
        developer_mode=printer.developer_mode,
        connection_sentence=_sentence(printer, hub_connected=hub_connected),
        capabilities=frozenset(live.get("capabilities", ())) if online else frozenset(),
        run_code=live.get("run_code") if online else None,
        remaining_minutes=live.get("remaining_minutes") if online else None,
        slots=tuple(_slot_facts(slot, _reported_now(live) if confirmed else None) for slot in slots),
    )


def _sentence(printer: Printer, *, hub_connected: bool) -> str:
    if not hub_connected:
        return NO_HUB
    if printer.connection == "online":
        return ""
    if printer.connection_sentence:
        return printer.connection_sentence
    if printer.connection in {"unknown", "connecting"}:
        return "The hub is connecting to this printer."
    return "The printer does not answer. Is it on, in the same network, and is its address still the same?"


def _reported_now(live: dict[str, Any]) -> set[tuple[int, int]] | None:
    """The places in the latest report; None when it names none (a printer without AMS, or one that shuts down)."""
    named = {(slot["ams_unit"], slot["slot"]) for slot in live.get("slots", ())}
    return named or None


def _slot_facts(slot: PrinterSlot, reported: set[tuple[int, int]] | None) -> SlotFacts:
    spool = slot.spool
    is_external = slot.ams_unit == EXTERNAL_UNIT
    return SlotFacts(
        id=slot.id,
        label=slot.label,
        ams_unit=slot.ams_unit,
        slot=slot.slot,
        present=is_external or reported is None or (slot.ams_unit, slot.slot) in reported,
        spool_id=slot.spool_id,
        filament_id=spool.filament_id if spool else None,
        remaining_mg=spool.remaining_mg if spool else None,
        material=spool.filament.material if spool else None,
        colour_hex=spool.filament.colour_hex if spool else None,
        reported_material=slot.reported_material,
        reported_colour_hex=slot.reported_colour_hex,
        reported_empty=slot.reported_empty,
        care="; ".join(care_of(spool).words) if spool else "",
    )
