"""Which roll feeds which slot of a run, and since when: a person changes a roll in the middle, or the printer takes another
place of the same filament by itself when one runs out.

The run's row is locked before (`lock_active_runs`), so that no two changes meet and none comes after the booking.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.bus import recall_telemetry
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.filament.colours import distance
from printfarm.filament.models import Spool
from printfarm.fleet.models import PrinterSlot, slot_label
from printfarm.fleet.queries import PRINTER_TELEMETRY, facts_of
from printfarm.fleet.service import assign_spool
from printfarm.fleet.service.matching import same_material
from printfarm.queue.events import RunChanged
from printfarm.queue.models import ACTIVE_RUN_STATES, JobEvent, PrintRun, RunFeed, RunFilament
from printfarm.queue.service.jobs import find_job, note_event

SAME_COLOUR = 60.0


@dataclass(frozen=True)
class Feeding:
    """What feeds a slot of the plate now. `feed` is the latest change, None while it is the roll of the beginning."""

    used: RunFilament
    feed: RunFeed | None

    @property
    def _row(self) -> RunFilament | RunFeed:
        return self.feed or self.used

    @property
    def place(self) -> tuple[int | None, int | None]:
        return self._row.ams_unit, self._row.printer_slot

    @property
    def spool_id(self) -> UUID | None:
        return self._row.spool_id

    def name_roll(self, spool_id: UUID) -> None:
        """Nobody had said which roll this is."""
        self._row.spool_id = spool_id


def lock_active_runs(db: Session, printer_ids: Sequence[UUID]) -> None:
    """What these printers print stays as it is until the transaction ends."""
    active = select(PrintRun).where(PrintRun.printer_id.in_(printer_ids), PrintRun.state.in_(ACTIVE_RUN_STATES))
    db.scalars(locked(active.order_by(PrintRun.id), PrintRun)).all()


def note_assigned(db: Session, printer_id: UUID, slot_id: UUID) -> None:
    """Another roll lies in a place of a printer. What is printed from there comes from it from now on."""
    run, slot = _active_run(db, printer_id), db.get_one(PrinterSlot, slot_id)
    if run is None:
        return
    here = (slot.ams_unit, slot.slot)
    for feeding in feeding_of(db, run.id):
        if feeding.place == here and feeding.spool_id != slot.spool_id:
            if feeding.spool_id is None and slot.spool_id is not None:
                feeding.name_roll(slot.spool_id)
                _say(db, run, f"{slot.label} is fed from spool {_code(db, slot.spool_id)}")
            else:
                _change(db, run, feeding, slot, progress_of(run))


def note_fed(db: Session, printer_id: UUID, slot_id: UUID) -> None:
    """A printer prints from this place. If its run was not told to, the printer has taken over from one that ran out."""
    run, slot = _active_run(db, printer_id), db.get_one(PrinterSlot, slot_id)
    if run is None or run.started_at is None:
        return
    now = feeding_of(db, run.id)
    if not now or (slot.ams_unit, slot.slot) in {feeding.place for feeding in now}:
        return
    layer, percent = progress_of(run)
    if layer is not None and layer <= 1:
        layer, percent = 0, 0  # it never printed from where it was told to
    moved = _who_moved(db, now, slot)
    for feeding in moved:
        _change(db, run, feeding, slot, (layer, percent))
    if not moved:
        _say(
            db, run, f"The printer feeds from {slot.label}, and nobody can tell for which slot of the plate", once=True
        )


def refuse_while_fed(db: Session, slot: PrinterSlot) -> None:
    """A roll is put in for a print to come. Raises DomainError when one that goes on now is fed from that place."""
    run = _active_run(db, slot.printer_id)
    if run is not None and (slot.ams_unit, slot.slot) in {one.place for one in feeding_of(db, run.id)}:
        name = find_job(db, run.job_id).name
        sentence = (
            f"{slot.label} feeds {name} just now. Put the roll in when that is done, or note the change on its page."
        )
        raise DomainError(sentence)


def feed_from(db: Session, run_id: UUID, slot: int, spool_id: UUID, *, layer: int | None = None) -> PrintRun:
    """A person has put another roll in for a slot of the plate. `layer`: after which one, if it was not just now.

    Raises DomainError when the print is over, or was not there yet.
    """
    printer_id = db.scalar(select(PrintRun.printer_id).where(PrintRun.id == run_id))
    if printer_id is None:
        raise NotFound("This print is not here. It may have been removed.")
    lock_active_runs(db, [printer_id])
    run = db.get_one(PrintRun, run_id)
    if run.state not in ACTIVE_RUN_STATES:
        raise DomainError("This print has ended in the meantime. Correct its grams below.")
    feeding = next((one for one in feeding_of(db, run.id) if one.used.slot == slot), None)
    place = _place_of(db, run, feeding) if feeding else None
    if feeding is None or place is None:
        raise DomainError(f"This print takes nothing from slot {slot}. Look at the page again.")
    if feeding.spool_id == spool_id:
        raise DomainError(f"{place.label} is fed from this roll already.")
    earliest, latest = feeding.feed.layer if feeding.feed else 0, progress_of(run)[0]
    if layer is not None and not (earliest or 0) <= layer <= (run.total_layers or layer if latest is None else latest):
        raise DomainError(f"The print has reached layer {latest or 0}. Say a layer from {earliest or 0} to there.")
    known = {feed.id for feed in feeds_of(db, [run.id])}
    assign_spool(db, place.id, spool_id)
    db.flush()
    for feed in feeds_of(db, [run.id]):
        if layer is not None and feed.id not in known:
            feed.layer, feed.percent = layer, None
    return run


def _place_of(db: Session, run: PrintRun, feeding: Feeding) -> PrinterSlot | None:
    unit, number = feeding.place
    wanted = select(PrinterSlot).where(PrinterSlot.printer_id == run.printer_id)
    return db.scalars(wanted.where(PrinterSlot.ams_unit == unit, PrinterSlot.slot == number)).unique().one_or_none()


def feeding_of(db: Session, run_id: UUID) -> list[Feeding]:
    """What feeds each slot of a run's plate now."""
    latest = {feed.slot: feed for feed in feeds_of(db, [run_id])}
    used = select(RunFilament).where(RunFilament.run_id == run_id).order_by(RunFilament.slot)
    return [Feeding(one, latest.get(one.slot)) for one in db.scalars(used)]


def feeds_of(db: Session, run_ids: Iterable[UUID]) -> list[RunFeed]:
    """Every change of rolls in these runs, in order."""
    wanted = select(RunFeed).where(RunFeed.run_id.in_(list(run_ids)))
    return list(db.scalars(wanted.order_by(RunFeed.run_id, RunFeed.slot, RunFeed.at, RunFeed.id)))


def progress_of(run: PrintRun) -> tuple[int | None, int | None]:
    """(layer, per cent) that the printer has reached; what it told last is in telemetry. Nothing before it began."""
    if run.started_at is None:
        return 0, 0
    seen = recall_telemetry(run.shop_id, PRINTER_TELEMETRY, [run.printer_id]).get(str(run.printer_id), {})
    if seen.get("run_code") != run.code:
        return run.layer, run.percent
    layers = [one for one in (run.layer, seen.get("layer")) if one is not None]
    percents = [one for one in (run.percent, seen.get("percent")) if one is not None]
    return max(layers, default=None), max(percents, default=None)


def is_out_of_touch(db: Session, run: PrintRun) -> bool:
    """Whether nobody but a person can say how this run is doing: it is in doubt, or its printer or hub cannot be reached."""
    if run.state == "unknown":
        return True
    printer = facts_of(db, run.printer_id)
    return printer is None or not printer.online


def _active_run(db: Session, printer_id: UUID) -> PrintRun | None:
    return db.scalar(select(PrintRun).where(PrintRun.printer_id == printer_id, PrintRun.state.in_(ACTIVE_RUN_STATES)))


def _change(
    db: Session, run: PrintRun, feeding: Feeding, slot: PrinterSlot, progress: tuple[int | None, int | None]
) -> None:
    layer, percent = progress
    db.add(
        RunFeed(
            run_id=run.id,
            slot=feeding.used.slot,
            ams_unit=slot.ams_unit,
            printer_slot=slot.slot,
            spool_id=slot.spool_id,
            layer=layer,
            percent=percent,
        )
    )
    db.flush()
    where = (
        f"layer {layer}" if layer is not None else f"{percent} %" if percent is not None else "a point that nobody saw"
    )
    before = slot_label(*feeding.place)
    came = f"spool {_code(db, slot.spool_id)}" if slot.spool_id else "a roll that nobody has named"
    _say(db, run, f"From {where} on {came} in {slot.label} feeds what {before} fed before")


def _who_moved(db: Session, now: list[Feeding], slot: PrinterSlot) -> list[Feeding]:
    """The slots of the plate that are fed from `slot` instead of their own place: those whose place held the same."""
    places = {feeding.place for feeding in now}
    if len(places) == 1:
        return now
    rows = select(PrinterSlot).where(PrinterSlot.printer_id == slot.printer_id)
    here = {(one.ams_unit, one.slot): one for one in db.scalars(rows).unique()}
    alike = [place for place in places if place in here and _alike(here[place], slot)]
    if len(alike) > 1:
        alike = [place for place in alike if here[place].reported_empty or here[place].reported_remain_percent == 0]
    return [feeding for feeding in now if feeding.place == alike[0]] if len(alike) == 1 else []


def _alike(one: PrinterSlot, other: PrinterSlot) -> bool:
    """Whether two places hold the same, by what the printer says or by the rolls that people put there."""
    return any(
        same_material(material, other_material) and distance(colour, other_colour) < SAME_COLOUR
        for material, colour in _looks(one)
        for other_material, other_colour in _looks(other)
    )


def _looks(slot: PrinterSlot) -> list[tuple[str, str]]:
    found = []
    if slot.reported_material and slot.reported_colour_hex:
        found.append((slot.reported_material, slot.reported_colour_hex))
    if slot.spool is not None:
        found.append((slot.spool.filament.material, slot.spool.filament.colour_hex))
    return found


def _code(db: Session, spool_id: UUID) -> str:
    return db.get_one(Spool, spool_id).code


def _say(db: Session, run: PrintRun, sentence: str, *, once: bool = False) -> None:
    known = select(JobEvent.id).where(JobEvent.run_id == run.id, JobEvent.kind == "fed", JobEvent.sentence == sentence)
    if once and db.scalar(known.limit(1)) is not None:
        return
    note_event(db, find_job(db, run.job_id), "fed", sentence, run_id=run.id)
    emit(db, RunChanged(shop_id=run.shop_id, job_id=run.job_id, run_id=run.id, printer_id=run.printer_id))
