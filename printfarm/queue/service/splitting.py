"""How much each roll gave to a slot of a run that was fed from several: by the layers at which they changed, as the moves were
counted or else evenly; by per cent where no layer is known; and where nothing is, by what the printer says that is left.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.filament.models import Spool
from printfarm.filament.service import Part
from printfarm.fleet.models import PrinterSlot
from printfarm.library.counted import used_shares
from printfarm.library.models import Plate
from printfarm.queue.models import PrintRun, RunFeed, RunFilament

Rolls = Sequence[UUID | None]


def parts_of(
    db: Session,
    run: PrintRun,
    used: RunFilament,
    used_mg: int,
    feeds: Sequence[RunFeed],
    until: tuple[int | None, int | None] | None = None,
) -> list[Part]:
    """What each roll gave, in the order in which they came, each roll once; their sum is `used_mg`. `feeds`: those of this
    slot, in order. `until`: the layer and per cent that it has come to, where the run has not ended.
    """
    rolls: Rolls = [used.spool_id, *(feed.spool_id for feed in feeds)]
    layer, percent = until or (run.layer, run.percent)
    end = Fraction(1) if run.state == "completed" else share_at(db, run, used.slot, layer, percent)
    starts = [share_at(db, run, used.slot, feed.layer, feed.percent) for feed in feeds]
    if not end:
        return _merged(rolls, [0] * len(feeds) + [used_mg])  # nothing by the printer's word: what lay there last
    return _merged(rolls, _amounts(db, run, rolls, _in_order(starts, end), end, used_mg))


def share_at(db: Session, run: PrintRun, slot: int, layer: int | None, percent: int | None) -> Fraction | None:
    """How much of what the whole plate takes from a slot is used up then, 0 to 1; None when nobody can tell."""
    if layer is not None and layer <= 0:
        return Fraction(0)
    if layer is not None and run.total_layers:
        plate = db.get_one(Plate, run.plate_id)
        counted = used_shares(db, plate, layer) if run.total_layers == plate.layers else None
        if counted is not None and slot in counted:
            return Fraction(counted[slot]).limit_denominator(1_000_000)
        return min(Fraction(1), Fraction(layer, run.total_layers))
    return None if percent is None else Fraction(min(100, max(0, percent)), 100)


def _in_order(starts: Sequence[Fraction | None], end: Fraction) -> list[Fraction | None]:
    """Later ones are never before earlier ones, nor after the end."""
    reached = Fraction(0)
    ordered: list[Fraction | None] = []
    for start in starts:
        if start is not None:
            reached = min(end, max(reached, start))
        ordered.append(None if start is None else reached)
    return ordered


def _amounts(
    db: Session, run: PrintRun, rolls: Rolls, starts: Sequence[Fraction | None], end: Fraction, used_mg: int
) -> list[int]:
    """Milligrams of each roll. Between two points that are known, the rolls share what was used there."""
    known = [0, *(number for number, start in enumerate(starts, 1) if start is not None), len(rolls)]
    cuts = [0, *(round(used_mg * start / end) for start in starts if start is not None), used_mg]
    amounts: list[int] = []
    for (first, after), (low, high) in zip(pairwise(known), pairwise(cuts), strict=True):
        amounts += _by_what_is_left(db, run, rolls[first:after], high - low)
    return amounts


def _by_what_is_left(db: Session, run: PrintRun, rolls: Rolls, used_mg: int) -> list[int]:
    """Several rolls, and nobody saw when they changed: one that the printer reads gave what it lacks by its word, the others
    gave all that they held, one after the other, and the last of them the rest.
    """
    if len(rolls) == 1:
        return [used_mg]
    spools = {one.id: one for one in db.scalars(select(Spool).where(Spool.id.in_([roll for roll in rolls if roll])))}
    said = _said_to_be_left(db, run.printer_id, spools)
    left, given = used_mg, [0] * len(rolls)
    silent = [number for number, roll in enumerate(rolls) if roll not in said]
    for number, roll in enumerate(rolls):
        if roll in said and roll is not None:
            given[number] = min(left, max(0, spools[roll].remaining_mg - said[roll]))
            left -= given[number]
    for number in silent[:-1]:
        roll = rolls[number]
        given[number] = min(left, max(0, spools[roll].remaining_mg)) if roll is not None else 0
        left -= given[number]
    given[silent[-1] if silent else -1] += left
    return given


def _said_to_be_left(db: Session, printer_id: UUID, spools: dict[UUID, Spool]) -> dict[UUID, int]:
    """What the printer says of rolls that it knows by their chips, in milligrams. It is a guess: it divides, never books."""
    places = select(PrinterSlot).where(PrinterSlot.printer_id == printer_id, PrinterSlot.spool_id.in_(list(spools)))
    return {
        slot.spool_id: spools[slot.spool_id].initial_mg * slot.reported_remain_percent // 100
        for slot in db.scalars(places).unique()
        if slot.spool_id is not None
        and slot.reported_remain_percent is not None
        and slot.reported_tag is not None
        and slot.reported_tag == spools[slot.spool_id].tag
    }


def _merged(rolls: Rolls, amounts: Sequence[int]) -> list[Part]:
    found: dict[UUID | None, int] = {}
    for roll, mg in zip(rolls, amounts, strict=True):
        found[roll] = found.get(roll, 0) + mg
    return [Part(roll, mg) for roll, mg in found.items()]
