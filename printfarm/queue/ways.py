"""What to do about a roll that would run out before a job is done: another roll, two one after the other, another printer."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer, PrinterSlot, slot_label
from printfarm.fleet.queries import PrinterFacts, printer_facts
from printfarm.library.models import Plate, Variant
from printfarm.queue.fitting import PrinterVerdict, Shortage
from printfarm.queue.models import PrintJob
from printfarm.queue.running_out import RunningOut
from printfarm.queue.service.dispatch import plates_of
from printfarm.queue.service.feasibility import busy_printers
from printfarm.queue.service.jobs import needs_of
from printfarm.queue.service.judging import judge_plates

PRINTERS_SHOWN, ROLLS_SHOWN = 3, 4
VARIANTS_JUDGED, VARIANTS_SHOWN = 12, 3
USABLE = ("sealed", "open", "loaded")


@dataclass(frozen=True)
class Roll:
    """Another roll of the same filament, and where it lies ("Anna A2"), if in a printer."""

    spool: Spool
    lies_in: str = ""


@dataclass(frozen=True)
class WayOut:
    """One roll that is too short for a job on one printer. `enough`: rolls that hold all of it; `second`: rolls that hold what
    is missing, to be fed when the first is used up; `beside`: places of this printer with the same filament.
    """

    printer: PrinterFacts
    ready: bool
    shortage: Shortage
    lying: Spool | None
    enough: Sequence[Roll]
    second: Sequence[Roll]
    beside: Sequence[str]


@dataclass(frozen=True)
class Smaller:
    """Another variant of the same model that a roll which is too short for this one would last for."""

    plate: Plate
    printer: PrinterFacts
    needed_mg: int


@dataclass(frozen=True)
class WaysOut:
    """Everything that helps a waiting job: by printer, the printers that could start it as it is, and what takes less."""

    short: Sequence[WayOut] = ()
    others: Sequence[PrinterFacts] = ()
    smaller: Sequence[Smaller] = ()

    @property
    def filament_ids(self) -> list[UUID]:
        """What there is too little of, for the shopping list."""
        return list(dict.fromkeys(one.shortage.filament_id for one in self.short if one.shortage.filament_id))


def ways_out(db: Session, job: PrintJob) -> WaysOut:
    """For a job that waits, as things are now; in a fixed number of statements."""
    if job.state != "queued":
        return WaysOut()
    busy, printers = busy_printers(db), printer_facts(db)
    plates = plates_of(db, job.id)
    verdicts = [one for found in judge_plates(db, plates, printers, busy).values() for one in found]
    short = sorted((one for one in verdicts if one.fits and one.shortages), key=lambda one: not one.ready)
    if not short:
        return WaysOut()
    shown = short[:PRINTERS_SHOWN]
    rolls = rolls_of(db, [s.filament_id for one in shown for s in one.shortages if s.filament_id], busy)
    return WaysOut(
        [_way_out(db, verdict, one, rolls) for verdict in shown for one in verdict.shortages],
        [one.printer for one in verdicts if one.ready and not one.shortages],
        _smaller(db, plates, shown, busy),
    )


def warn_of(db: Session, plate: Plate) -> str | None:
    """What to say when a plate is queued of which every printer that fits would use up a roll in the middle."""
    verdicts = judge_plates(db, [plate], printer_facts(db), busy_printers(db))[plate.id]
    fitting = sorted(
        (one for one in verdicts if one.fits and one.choices), key=lambda one: (not one.ready, len(one.not_now))
    )
    if not fitting or not all(one.shortages for one in fitting):
        return None
    return f"{fitting[0].printer.name}: {fitting[0].shortages[0].sentence}."


def rolls_of(db: Session, filament_ids: Iterable[UUID], busy: Collection[UUID]) -> dict[UUID, list[Roll]]:
    """The rolls of some filaments that may be fed, those on a shelf first, then the emptiest; what a printer at work holds
    stays there. One statement.
    """
    wanted = (
        select(Spool, PrinterSlot.printer_id, PrinterSlot.ams_unit, PrinterSlot.slot, Printer.name)
        .outerjoin(PrinterSlot, PrinterSlot.spool_id == Spool.id)
        .outerjoin(Printer, Printer.id == PrinterSlot.printer_id)
        .where(Spool.filament_id.in_(set(filament_ids)), Spool.archived_at.is_(None), Spool.state.in_(USABLE))
        .where(Spool.remaining_mg > 0)
        .order_by(PrinterSlot.id.is_not(None), Spool.remaining_mg, Spool.id)
    )
    found: dict[UUID, list[Roll]] = {}
    for spool, printer_id, unit, slot, name in db.execute(wanted):
        if printer_id not in busy:
            lies_in = f"{name} {slot_label(unit, slot)}" if printer_id else ""
            found.setdefault(spool.filament_id, []).append(Roll(spool, lies_in))
    return found


def rolls_for_print(db: Session, ending: Sequence[RunningOut]) -> dict[UUID, list[Roll]]:
    """For each roll that a print uses up, by its id, the rolls that hold what is missing."""
    if not ending:
        return {}
    rolls = rolls_of(
        db, [one.spool.filament_id for one in ending], busy_printers(db) - {one.run.printer_id for one in ending}
    )
    return {
        one.spool.id: [
            roll
            for roll in rolls.get(one.spool.filament_id, ())
            if roll.spool.id != one.spool.id and roll.spool.remaining_mg >= one.end.missing_mg
        ][:ROLLS_SHOWN]
        for one in ending
    }


def _smaller(
    db: Session, plates: Sequence[Plate], short: Sequence[PrinterVerdict], busy: Collection[UUID]
) -> list[Smaller]:
    """The same plate of other variants of the model, such as one with fewer pieces, that need less of what is short."""
    lacking = {one.filament_id: one.needed_mg for verdict in short for one in verdict.shortages if one.filament_id}
    mine = plates[0]
    alike = (
        select(Plate)
        .join(Variant, Variant.id == Plate.variant_id)
        .where(Variant.model_id == mine.variant.model_id, Variant.archived_at.is_(None))
        .where(Plate.number == mine.number, Plate.printable, Plate.id.not_in([one.id for one in plates]))
        .options(selectinload(Plate.requirements), joinedload(Plate.variant))
        .order_by(Plate.id.desc())
        .limit(VARIANTS_JUDGED)
    )
    less = {
        plate: needed
        for plate in db.scalars(alike)
        if (needed := sum(mg for one, mg in needs_of(plate).items() if mg < lacking.get(one, 0)))
    }
    judged = judge_plates(db, list(less), [one.printer for one in short], busy) if less else {}
    found = [
        Smaller(plate, verdict.printer, needed)
        for plate, needed in less.items()
        for verdict in judged[plate.id]
        if verdict.fits and verdict.choices and not verdict.shortages
    ]
    return sorted({one.plate.id: one for one in found}.values(), key=lambda one: -one.needed_mg)[:VARIANTS_SHOWN]


def _way_out(db: Session, verdict: PrinterVerdict, shortage: Shortage, rolls: dict[UUID, list[Roll]]) -> WayOut:
    place = shortage.place
    mine = rolls.get(shortage.filament_id, []) if shortage.filament_id else []
    others = [one for one in mine if one.spool.id != place.spool_id]
    enough = [one for one in others if one.spool.remaining_mg >= shortage.needed_mg]
    second = [one for one in others if one not in enough and one.spool.remaining_mg >= shortage.end.missing_mg]
    beside = [
        f"{one.label} ({one.care})" if one.care else one.label
        for one in verdict.printer.slots
        if one.id != place.id
        and one.filament_id == shortage.filament_id
        and one.spool_id
        and (one.remaining_mg or 0) > 0
    ]
    lying = db.get(Spool, place.spool_id) if place.spool_id else None
    return WayOut(verdict.printer, verdict.ready, shortage, lying, enough[:ROLLS_SHOWN], second[:ROLLS_SHOWN], beside)
