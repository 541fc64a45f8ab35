"""What screens and decisions need to know of the fleet, each in a fixed number of statements."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from hub import protocol
from printfarm.core.bus import recall_telemetry
from printfarm.core.clock import utc_now
from printfarm.core.tenancy import shop_of
from printfarm.fleet.models import (
    EXTERNAL_UNIT,
    ForeignRun,
    Hub,
    Printer,
    PrinterError,
    PrinterSlot,
)
from printfarm.fleet.service.slots import contradiction
from printfarm.fleet.words import Face, face_of

PRINTER_TELEMETRY, FILE_TELEMETRY = "printer", "file"
# States in which a printer works on something; from hub.protocol.PrinterState.
WORKING = frozenset({"preparing", "printing", "pausing", "paused", "attention", "busy", "starting_up"})
NOTHING_SAID: dict[str, Any] = dict.fromkeys(protocol.PrinterStatus.model_fields)
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


@dataclass(frozen=True)
class OnPrinter:
    """What a printer works on, as an area above knows it."""

    title: str
    url: str
    picture_url: str | None = None


TITLES: list[Callable[[Session, Sequence[UUID]], dict[UUID, OnPrinter]]] = []
"""Areas above say what runs on which printer, for the cards; they append here when installed. One call for all cards."""


@dataclass(frozen=True)
class SlotView:
    """A place for filament as a card shows it. `remain_percent` is the printer's own guess, for rolls with a chip."""

    slot: PrinterSlot
    warning: str | None
    present: bool
    loaded: bool
    remain_percent: int | None

    @property
    def label(self) -> str:
        return self.slot.label

    @property
    def colours(self) -> list[str]:
        """What to paint: the roll's colours, or the one that the printer reports; empty for an empty place."""
        if self.slot.spool is not None:
            return self.slot.spool.filament.colour_hex.split(",")
        return [self.slot.reported_colour_hex] if self.slot.reported_colour_hex else []


@dataclass(frozen=True)
class PrinterCard:
    """A printer with everything that its card shows. `live` is its latest telemetry (the fields of
    hub.protocol.PrinterStatus), every value None while it cannot be seen.
    """

    facts: PrinterFacts
    printer: Printer
    hub: Hub
    live: dict[str, Any]
    slots: list[SlotView]
    errors: list[PrinterError]
    on_printer: OnPrinter | None
    foreign: ForeignRun | None

    @property
    def face(self) -> Face:
        return face_of(
            hub_connected=self.facts.hub_connected,
            connection=self.printer.connection,
            state=self.facts.state,
            bed_cleared=self.printer.bed_cleared,
            in_maintenance=self.printer.in_maintenance,
        )

    @property
    def shows_progress(self) -> bool:
        """Percentages of a printer that rests belong to its last print."""
        return self.facts.online and self.facts.state in {"preparing", "printing", "pausing", "paused", "attention"}

    @property
    def can_stop(self) -> bool:
        return self.shows_progress and "stop" in self.facts.capabilities


def printer_facts(db: Session) -> list[PrinterFacts]:
    """Every printer in use, in the shop's order: two statements, and one question to Redis."""
    printers = list(db.scalars(_in_use()).unique())
    slots = _slots_of(db, [printer.id for printer in printers])
    telemetry = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, [printer.id for printer in printers])
    now = utc_now()
    return [_facts(printer, slots.get(printer.id, []), telemetry.get(str(printer.id), {}), now) for printer in printers]


def facts_of(db: Session, printer_id: UUID) -> PrinterFacts | None:
    """One printer in use, or None."""
    printer = db.scalars(_in_use().where(Printer.id == printer_id)).unique().one_or_none()
    if printer is None:
        return None
    telemetry = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, [printer.id])
    slots = _slots_of(db, [printer.id]).get(printer.id, [])
    return _facts(printer, slots, telemetry.get(str(printer.id), {}), utc_now())


def printer_cards(db: Session, printer_ids: Sequence[UUID] | None = None) -> list[PrinterCard]:
    """The cards of all printers in use (or of some), in the shop's order, in a fixed number of statements."""
    wanted = _in_use() if printer_ids is None else _in_use().where(Printer.id.in_(printer_ids))
    printers = list(db.scalars(wanted).unique())
    ids = [printer.id for printer in printers]
    slots, errors, foreign = _slots_of(db, ids), _open_errors(db, ids), _foreign_runs(db, ids)
    telemetry = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, ids)
    titles: dict[UUID, OnPrinter] = {}
    for ask in TITLES:
        titles |= ask(db, ids)
    now = utc_now()
    cards = []
    for printer in printers:
        said = telemetry.get(str(printer.id), {})
        facts = _facts(printer, slots.get(printer.id, []), said, now)
        live = NOTHING_SAID | (said if facts.online else {})
        cards.append(
            PrinterCard(
                facts=facts,
                printer=printer,
                hub=printer.hub,
                live=live,
                slots=_slot_views(slots.get(printer.id, []), facts, live),
                errors=errors.get(printer.id, []),
                on_printer=titles.get(printer.id),
                foreign=foreign.get(printer.id),
            )
        )
    return cards


def card_of(db: Session, printer_id: UUID) -> PrinterCard | None:
    """The card of one printer in use, or None."""
    return next(iter(printer_cards(db, [printer_id])), None)


def list_hubs(db: Session) -> list[tuple[Hub, int]]:
    """The shop's hubs in use and how many printers hang on each."""
    printers = (
        select(Printer.hub_id, func.count().label("printers"))
        .where(Printer.archived_at.is_(None))
        .group_by(Printer.hub_id)
        .subquery()
    )
    rows = db.execute(
        select(Hub, func.coalesce(printers.c.printers, 0))
        .outerjoin(printers, printers.c.hub_id == Hub.id)
        .where(Hub.archived_at.is_(None))
        .order_by(Hub.built_in.desc(), Hub.name)
    )
    return [(hub, count) for hub, count in rows]


def past_errors(db: Session, printer_id: UUID, limit: int = 20) -> list[PrinterError]:
    """The latest errors of a printer, newest first."""
    return list(
        db.scalars(
            select(PrinterError)
            .where(PrinterError.printer_id == printer_id)
            .order_by(PrinterError.began_at.desc(), PrinterError.id)
            .limit(limit)
        )
    )


def where_spools_lie(db: Session, spool_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where rolls are: "A2 of Anna"."""
    rows = db.execute(
        select(PrinterSlot, Printer.name)
        .join(Printer, Printer.id == PrinterSlot.printer_id)
        .where(PrinterSlot.spool_id.in_(spool_ids))
    ).unique()
    return {slot.spool_id: f"{slot.label} of {name}" for slot, name in rows if slot.spool_id is not None}


def archived_printers(db: Session) -> int:
    """How many printers are out of use."""
    return db.scalar(select(func.count()).select_from(Printer).where(Printer.archived_at.is_not(None))) or 0


def _in_use() -> Select[Printer]:
    return (
        select(Printer)
        .where(Printer.archived_at.is_(None))
        .options(joinedload(Printer.hub))
        .order_by(Printer.position, Printer.id)
    )


def _slots_of(db: Session, printer_ids: Iterable[UUID]) -> dict[UUID, list[PrinterSlot]]:
    """Slots with their spools and filaments, by printer, AMS slots before the external spool."""
    found: dict[UUID, list[PrinterSlot]] = {}
    rows = select(PrinterSlot).where(PrinterSlot.printer_id.in_(list(printer_ids)))
    for slot in db.scalars(rows.order_by(PrinterSlot.ams_unit, PrinterSlot.slot)).unique():
        found.setdefault(slot.printer_id, []).append(slot)
    return found


def _open_errors(db: Session, printer_ids: list[UUID]) -> dict[UUID, list[PrinterError]]:
    found: dict[UUID, list[PrinterError]] = {}
    rows = select(PrinterError).where(PrinterError.printer_id.in_(printer_ids), PrinterError.ended_at.is_(None))
    for error in db.scalars(rows.order_by(PrinterError.began_at)):
        found.setdefault(error.printer_id, []).append(error)
    return found


def _foreign_runs(db: Session, printer_ids: list[UUID]) -> dict[UUID, ForeignRun]:
    rows = select(ForeignRun).where(ForeignRun.printer_id.in_(printer_ids), ForeignRun.ended_at.is_(None))
    return {run.printer_id: run for run in db.scalars(rows.order_by(ForeignRun.began_at))}


def _facts(printer: Printer, slots: list[PrinterSlot], live: dict[str, Any], now: datetime) -> PrinterFacts:
    hub_connected = printer.hub.is_connected(now)
    online = hub_connected and printer.connection == "online"
    confirmed = online and bool(live.get("confirmed"))
    return PrinterFacts(
        id=printer.id,
        name=printer.name,
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


def _slot_views(slots: list[PrinterSlot], facts: PrinterFacts, live: dict[str, Any]) -> list[SlotView]:
    said = {(one["ams_unit"], one["slot"]): one for one in live["slots"] or ()}
    present = {one.id: one.present for one in facts.slots}
    views = []
    for slot in slots:
        now = said.get((slot.ams_unit, slot.slot), {})
        views.append(
            SlotView(
                slot=slot,
                warning=contradiction(slot),
                present=present[slot.id],
                loaded=bool(now.get("loaded")),
                remain_percent=now.get("remain_percent"),
            )
        )
    return views


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
    )
