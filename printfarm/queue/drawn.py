"""What feeds each slot of prints that go on, and what will be left on it when they are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.filament.models import Spool, StockEntry
from printfarm.files.readers.results import LayerUse
from printfarm.files.readers.scan_result import share_after
from printfarm.library.counted import uses_of_plates
from printfarm.library.models import Plate
from printfarm.queue.models import PrintRun, RunFeed, RunFilament
from printfarm.queue.service.feeds import feeds_of


@dataclass(frozen=True)
class Drawn:
    """A slot of a print and the roll that feeds it now. `rest_mg`: what the print takes of that roll and is not booked,
    for all slots that it feeds; None where nobody can tell.
    """

    used: RunFilament
    spool: Spool | None
    rest_mg: int | None


def drawn_by(db: Session, run_ids: Sequence[UUID]) -> dict[UUID, list[Drawn]]:
    """By run, its slots in order: six statements at most, however many there are."""
    found: dict[UUID, list[Drawn]] = {}
    if not run_ids:
        return found
    latest = {(feed.run_id, feed.slot): feed for feed in feeds_of(db, run_ids)}
    slots = list(
        db.scalars(
            select(RunFilament).where(RunFilament.run_id.in_(run_ids)).order_by(RunFilament.run_id, RunFilament.slot)
        )
    )
    rolls = {(one.run_id, one.slot): _roll(one, latest.get((one.run_id, one.slot))) for one in slots}
    spools = {
        one.id: one for one in db.scalars(select(Spool).where(Spool.id.in_({roll for roll in rolls.values() if roll})))
    }
    shares, given = _shares_before(db, latest), booked_of(db, run_ids)
    whole: dict[tuple[UUID, UUID], int | None] = {}
    for one in slots:
        key = (one.run_id, one.slot)
        roll, share = rolls[key], shares.get(key, 0.0)
        if roll is not None:
            takes = None if one.planned_mg is None or share is None else round(one.planned_mg * (1 - share))
            before = whole.get((one.run_id, roll), 0)
            whole[one.run_id, roll] = None if takes is None or before is None else before + takes
    for one in slots:
        roll = rolls[one.run_id, one.slot]
        takes = whole.get((one.run_id, roll)) if roll else None
        rest = None if takes is None or roll is None else max(0, takes - given.get((one.run_id, roll), 0))
        found.setdefault(one.run_id, []).append(Drawn(one, spools.get(roll) if roll else None, rest))
    return found


def booked_of(db: Session, run_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], int]:
    """What is booked of prints that go on, by run and roll: a person has counted the roll meanwhile."""
    sums = (
        select(StockEntry.run_id, StockEntry.spool_id, func.sum(StockEntry.delta_mg))
        .where(StockEntry.run_id.in_(run_ids), StockEntry.spool_id.is_not(None))
        .group_by(StockEntry.run_id, StockEntry.spool_id)
    )
    return {(run_id, spool_id): max(0, -int(mg)) for run_id, spool_id, mg in db.execute(sums) if run_id and spool_id}


def _roll(used: RunFilament, feed: RunFeed | None) -> UUID | None:
    return feed.spool_id if feed is not None else used.spool_id


def _shares_before(db: Session, latest: dict[tuple[UUID, int], RunFeed]) -> dict[tuple[UUID, int], float | None]:
    """How much of what the plate takes from a slot came from other rolls before the one that feeds it now."""
    if not latest:
        return {}
    runs = {run.id: run for run in db.scalars(select(PrintRun).where(PrintRun.id.in_({key[0] for key in latest})))}
    plates = {
        one.id: one for one in db.scalars(select(Plate).where(Plate.id.in_({run.plate_id for run in runs.values()})))
    }
    uses = uses_of_plates(db, list(plates.values()))
    return {
        (run_id, slot): _share(feed, runs[run_id], slot, uses.get(runs[run_id].plate_id, ()))
        for (run_id, slot), feed in latest.items()
    }


def _share(feed: RunFeed, run: PrintRun, slot: int, uses: Sequence[LayerUse]) -> float | None:
    if feed.layer is not None and run.total_layers:
        if uses and uses[-1].layers == run.total_layers and slot in uses[-1].share_of_slot:
            return share_after(uses, feed.layer, slot) or 0.0
        return min(1.0, max(0.0, feed.layer / run.total_layers))
    return None if feed.percent is None else min(1.0, max(0.0, feed.percent / 100))
