"""Plates against printers, with where rolls would run out: the moves are looked up only for plates that a roll is short for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.files.readers.results import LayerUse
from printfarm.fleet.queries import PrinterFacts, SlotFacts
from printfarm.library.counted import uses_of_plates
from printfarm.library.models import Plate
from printfarm.queue import drawn  # the module, which itself asks services
from printfarm.queue.fitting import PrinterVerdict, judge
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintRun


def judge_plates(
    db: Session,
    plates: Sequence[Plate],
    printers: Sequence[PrinterFacts],
    busy: Collection[UUID],
    names: Mapping[UUID, str] | None = None,
) -> dict[UUID, list[PrinterVerdict]]:
    """By plate, the verdict on each printer. At most one statement for the plates, and eight for what prints now."""
    printers = _when_done(db, printers, busy)

    def verdicts(plate: Plate, uses: Sequence[LayerUse] = ()) -> list[PrinterVerdict]:
        return [judge(plate, one, busy=one.id in busy, names=names, uses=uses) for one in printers]

    found = {plate.id: verdicts(plate) for plate in plates}
    short = [plate for plate in plates if any(one.shortages for one in found[plate.id])]
    uses = uses_of_plates(db, short)
    return found | {plate.id: verdicts(plate, uses[plate.id]) for plate in short if plate.id in uses}


def _when_done(db: Session, printers: Sequence[PrinterFacts], busy: Collection[UUID]) -> Sequence[PrinterFacts]:
    """Printers at work as they will be then: what a job that waits finds on their rolls, those prints have not taken."""
    working = [one.id for one in printers if one.id in busy]
    taken = _still_taken(db, working) if working else {}
    if not taken:
        return printers
    return [
        replace(one, slots=tuple(_less(place, taken.get(place.spool_id, 0)) for place in one.slots))
        if one.id in busy
        else one
        for one in printers
    ]


def _less(place: SlotFacts, mg: int) -> SlotFacts:
    if not mg or place.remaining_mg is None:
        return place
    return replace(place, remaining_mg=max(0, place.remaining_mg - mg), after_print=True)


def _still_taken(db: Session, printer_ids: Sequence[UUID]) -> dict[UUID | None, int]:
    """By roll, what the prints of these printers have yet to take of it; nothing where nobody can tell."""
    active = select(PrintRun.id).where(PrintRun.printer_id.in_(printer_ids), PrintRun.state.in_(ACTIVE_RUN_STATES))
    found: dict[UUID | None, int] = defaultdict(int)
    for slots in drawn.drawn_by(db, list(db.scalars(active))).values():
        for roll, rest_mg in {one.spool.id: one.rest_mg for one in slots if one.spool}.items():
            found[roll] += rest_mg or 0
    return found
