"""What a print that goes on has taken of a roll by now: booked before a person says what the roll holds, or that it is done
with. Otherwise the print's end would take those grams a second time.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from printfarm.filament.models import Spool
from printfarm.filament.service.counted import DOUBT, UNCERTAIN
from printfarm.filament.service.stock import BEFORE_A_COUNT
from printfarm.filament.service.usage import book_so_far
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintRun, RunFeed, RunFilament
from printfarm.queue.service.feeds import feeds_of, is_out_of_touch, progress_of
from printfarm.queue.service.jobs import find_job
from printfarm.queue.service.splitting import parts_of, share_at


def book_until_now(db: Session, spool: Spool, *, counted: bool = True) -> None:
    """Book what every print that goes on has taken of a roll. The caller holds its lock: an end of one of them that comes at
    this moment waits for it, and then books the rest.

    `counted`: a person says now what the roll holds. Of a print of which nobody can tell how far it is, that is written down.
    """
    for run in _fed_from(db, spool):
        feeds, reached = feeds_of(db, [run.id]), progress_of(run)
        mark = "" if not counted else DOUBT if is_out_of_touch(db, run) else ""
        for used in db.scalars(select(RunFilament).where(RunFilament.run_id == run.id).order_by(RunFilament.slot)):
            mine = [one for one in feeds if one.slot == used.slot]
            if used.filament_id is None or spool.id not in {used.spool_id, *(one.spool_id for one in mine)}:
                continue
            share = share_at(db, run, used.slot, *reached)
            unsure = mark or (UNCERTAIN if counted and (share is None or used.planned_mg is None) else "")
            _book(db, run, used, spool, _taken(db, run, used, spool, mine, reached, share), reached, unsure)


def _fed_from(db: Session, spool: Spool) -> list[PrintRun]:
    from_the_start = select(RunFilament.run_id).where(RunFilament.spool_id == spool.id)
    from_then_on = select(RunFeed.run_id).where(RunFeed.spool_id == spool.id)
    runs = select(PrintRun).where(PrintRun.state.in_(ACTIVE_RUN_STATES), PrintRun.booked_at.is_(None))
    return list(db.scalars(runs.where(or_(PrintRun.id.in_(from_the_start), PrintRun.id.in_(from_then_on)))))


def _taken(  # what a slot of a run and its feeds are
    db: Session,
    run: PrintRun,
    used: RunFilament,
    spool: Spool,
    feeds: Sequence[RunFeed],
    reached: tuple[int | None, int | None],
    share: Fraction | None,
) -> int:
    """Milligrams of this roll since the print began; nothing where nobody can tell."""
    if not share or not used.planned_mg:
        return 0
    so_far = round(used.planned_mg * share)
    if not feeds:
        return so_far if used.spool_id == spool.id else 0
    return sum(part.mg for part in parts_of(db, run, used, so_far, feeds, reached) if part.spool_id == spool.id)


def _book(  # what is written down of one slot
    db: Session,
    run: PrintRun,
    used: RunFilament,
    spool: Spool,
    taken_mg: int,
    reached: tuple[int | None, int | None],
    mark: str,
) -> None:
    layer, percent = reached
    where = f"layer {layer}" if layer is not None else "a point that nobody saw" if percent is None else f"{percent} %"
    more = {DOUBT: " at least: nobody knew how it was doing"}.get(mark, "")
    reason = f"{find_job(db, run.job_id).name}, until {where}{more}"
    facts: dict[str, Any] = {"run_id": run.id, "job_id": run.job_id, "slot": used.slot, "used_mg": taken_mg}
    book_so_far(db, spool, reason=reason, mark=mark, **facts)


BEFORE_A_COUNT.append(book_until_now)
