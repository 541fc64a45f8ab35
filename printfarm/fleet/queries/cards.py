"""Printers as their cards show them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.bus import recall_telemetry
from printfarm.core.clock import utc_now
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import Spool
from printfarm.filament.service import spools_of_tags
from printfarm.fleet.models import EXTERNAL_UNIT, ForeignRun, Hub, Printer, PrinterError, PrinterSlot
from printfarm.fleet.queries.facts import PRINTER_TELEMETRY, PrinterFacts, facts_from, in_use, slots_of
from printfarm.fleet.service.matching import Match, contradiction, match_slots
from printfarm.fleet.words import Face, face_of

NOTHING_SAID: dict[str, Any] = dict.fromkeys(protocol.PrinterStatus.model_fields)


@dataclass(frozen=True)
class OnPrinter:
    """What a printer works on, as an area above knows it."""

    title: str
    url: str
    picture_url: str | None = None
    is_lost: bool = False  # nobody knows how it goes: a person has to look


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
    match: Match | None = None  # only where somebody asked for it

    @property
    def label(self) -> str:
        return self.slot.label

    @property
    def is_unused_holder(self) -> bool:
        """An external holder of which nobody has said anything: most printers have one and few use it."""
        return self.slot.ams_unit == EXTERNAL_UNIT and self.slot.spool is None and not self.slot.reported_material

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
            lost_run=self.on_printer is not None and self.on_printer.is_lost,
        )

    @property
    def shows_progress(self) -> bool:
        """Percentages of a printer that rests belong to its last print."""
        return self.facts.online and self.facts.state in {"preparing", "printing", "pausing", "paused", "attention"}

    @property
    def can_stop(self) -> bool:
        return self.shows_progress and "stop" in self.facts.capabilities


def printer_cards(
    db: Session, printer_ids: Sequence[UUID] | None = None, *, matching: bool = False
) -> list[PrinterCard]:
    """The cards of all printers in use (or of some), in the shop's order, in a fixed number of statements.

    `matching`: with what each place may hold, for the pages where a person can say so.
    """
    wanted = in_use() if printer_ids is None else in_use().where(Printer.id.in_(printer_ids))
    printers = list(db.scalars(wanted).unique())
    ids = [printer.id for printer in printers]
    slots, errors, foreign = slots_of(db, ids), _open_errors(db, ids), _foreign_runs(db, ids)
    telemetry = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, ids)
    titles: dict[UUID, OnPrinter] = {}
    for ask in TITLES:
        titles |= ask(db, ids)
    now = utc_now()
    places = [slot for found in slots.values() for slot in found]
    chips = {} if matching else spools_of_tags(db, [slot.reported_tag for slot in places])
    matches = match_slots(db, places) if matching else {}
    cards = []
    for printer in printers:
        said = telemetry.get(str(printer.id), {})
        facts = facts_from(printer, slots.get(printer.id, []), said, now)
        live = NOTHING_SAID | (said if facts.online else {})
        cards.append(
            PrinterCard(
                facts=facts,
                printer=printer,
                hub=printer.hub,
                live=live,
                slots=_slot_views(slots.get(printer.id, []), facts, live, chips, matches),
                errors=errors.get(printer.id, []),
                on_printer=titles.get(printer.id),
                foreign=foreign.get(printer.id),
            )
        )
    return cards


def card_of(db: Session, printer_id: UUID, *, matching: bool = False) -> PrinterCard | None:
    """The card of one printer in use, or None."""
    return next(iter(printer_cards(db, [printer_id], matching=matching)), None)


def _open_errors(db: Session, printer_ids: list[UUID]) -> dict[UUID, list[PrinterError]]:
    found: dict[UUID, list[PrinterError]] = {}
    rows = select(PrinterError).where(PrinterError.printer_id.in_(printer_ids), PrinterError.ended_at.is_(None))
    for error in db.scalars(rows.order_by(PrinterError.began_at)):
        found.setdefault(error.printer_id, []).append(error)
    return found


def _foreign_runs(db: Session, printer_ids: list[UUID]) -> dict[UUID, ForeignRun]:
    rows = select(ForeignRun).where(ForeignRun.printer_id.in_(printer_ids), ForeignRun.ended_at.is_(None))
    return {run.printer_id: run for run in db.scalars(rows.order_by(ForeignRun.began_at))}


def _slot_views(
    slots: list[PrinterSlot],
    facts: PrinterFacts,
    live: dict[str, Any],
    chips: dict[str, Spool],
    matches: dict[UUID, Match],
) -> list[SlotView]:
    said = {(one["ams_unit"], one["slot"]): one for one in live["slots"] or ()}
    present = {one.id: one.present for one in facts.slots}
    views = []
    for slot in slots:
        now = said.get((slot.ams_unit, slot.slot), {})
        match = matches.get(slot.id)
        views.append(
            SlotView(
                slot=slot,
                warning=match.warning if match else contradiction(slot, chips),
                match=match,
                present=present[slot.id],
                loaded=bool(now.get("loaded")),
                remain_percent=now.get("remain_percent", slot.reported_remain_percent),
            )
        )
    return views
