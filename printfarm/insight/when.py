"""The time of day at which filament runs out: of a print that goes on by its printer's clock, of a job that waits the earliest
moment, if every bed were cleared at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.fleet.queries import PrinterCard
from printfarm.insight.shelf import Crossing, Lasting
from printfarm.library.models import Plate
from printfarm.queue.models import JobOption, PrintJob
from printfarm.queue.queries import JobCard

JOBS_WALKED = 100


def with_times(
    db: Session, lasting: Sequence[Lasting], at_work: Sequence[JobCard], printers: Sequence[PrinterCard]
) -> list[Lasting]:
    """The same with the times that can be told; one statement, and only when a filament runs out at a job that waits."""
    now = {card.job.id: card for card in at_work}
    crossings = {one.runs_out.job_id for one in lasting if one.runs_out}
    starts = _starts(db, printers) if crossings - now.keys() else {}
    return [replace(one, runs_out=_timed(one.runs_out, now, starts)) if one.runs_out else one for one in lasting]


def _timed(crossing: Crossing, now: dict[UUID, JobCard], starts: dict[UUID, int]) -> Crossing:
    card = now.get(crossing.job_id)
    if card is None:
        return replace(crossing, minutes=starts.get(crossing.job_id), waits=True)
    ends = [one.minutes for one in card.running_out if one.minutes is not None]
    return replace(crossing, minutes=min(ends, default=None))


def _starts(db: Session, printers: Sequence[PrinterCard]) -> dict[UUID, int]:
    """For the next waiting jobs, in how many minutes each can begin at the earliest: on the first free printer that fits.
    A job whose time nobody knows ends the walk on that printer.
    """
    free = {card.printer.id: _free_in(card) for card in printers}
    rows = db.execute(
        select(PrintJob.id, PrintJob.feasibility, Plate.duration_s)
        .join(JobOption, (JobOption.job_id == PrintJob.id) & (JobOption.position == 0))
        .join(Plate, Plate.id == JobOption.plate_id)
        .where(PrintJob.state == "queued")
        .order_by(PrintJob.place, PrintJob.id)
        .limit(JOBS_WALKED)
    )
    found = {}
    for job_id, feasibility, duration_s in rows:
        fitting = [UUID(one["id"]) for one in (feasibility or {}).get("printers", ()) if one["fits"]]
        known = [(minutes, number) for number in fitting if (minutes := free.get(number)) is not None]
        if not known:
            continue
        begins, printer_id = min(known)
        found[job_id] = round(begins)
        free[printer_id] = None if duration_s is None else begins + duration_s / 60
    return found


def _free_in(card: PrinterCard) -> float | None:
    """Minutes until a printer is free; None when nobody can tell."""
    if not card.facts.online or card.facts.in_maintenance:
        return None
    if not card.facts.is_working and card.on_printer is None:
        return 0
    minutes: int | None = card.live["remaining_minutes"]
    return minutes
