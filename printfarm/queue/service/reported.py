"""A printer that our hub drives may tell a Spoolman of its use as well, and that Spoolman is us. Its print books those grams
when it ends, so the report is heard and not booked; also when the program there believes another roll to be in.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer, PrinterSlot
from printfarm.queue.models import ACTIVE_RUN_STATES, JobEvent, PrintRun, RunFeed, RunFilament
from printfarm.queue.service.jobs import find_job, note_event

# The last report comes after the print's end: programs gather for some seconds.
LATE = timedelta(seconds=60)
# Printers whose own programs report to a Spoolman.
TELLS = ("moonraker", "octoprint")


def books_itself(db: Session, spool_id: UUID, teller: str) -> bool:
    """Whether a print of ours is fed from a spool, or was until a moment ago. Its job says once who reported as well. Not one
    of which nobody knows how it is doing: by now the machine may print something else.
    """
    run = _fed_from(db, spool_id, PrintRun.state != "unknown")
    if run is None:
        return False
    _note_once(db, run, f"{teller} reports what it uses as well. It is booked once: by this print, when it ends")
    return True


def may_be_of_a_print(db: Session, spool_id: UUID) -> str:
    """Why a report of this roll may be of a print of ours that books it: one that is fed from it and of which nobody knows how
    it is doing, or one that is fed from another roll. Then this one lies in a printer that prints (from another place), or in
    none, and may be in any that reports by itself, or that prints its filament.
    """
    doubtful = _fed_from(db, spool_id, PrintRun.state == "unknown")
    if doubtful is not None:
        return (
            f"{_named(db, doubtful)} is fed from this roll, nobody knows how it is doing, and it books its own grams when"
            " somebody says how it ended. What was another print, take away here."
        )
    places = select(PrinterSlot.printer_id).where(PrinterSlot.spool_id == spool_id)
    lies_in = list(db.scalars(places))
    weighed = select(RunFilament).where(RunFilament.run_id == PrintRun.id, RunFilament.planned_mg.is_not(None))
    here: ColumnElement[bool] = PrintRun.printer_id.in_(lies_in)
    if not lies_in:
        filament = select(Spool.filament_id).where(Spool.id == spool_id).scalar_subquery()
        here = or_(Printer.protocol.in_(TELLS), weighed.where(RunFilament.filament_id == filament).exists())
    runs = select(PrintRun).join(Printer, Printer.id == PrintRun.printer_id).where(_at_work(), weighed.exists(), here)
    run = db.scalar(runs.order_by(PrintRun.created_at.desc()).limit(1))
    if run is None:
        return ""
    return (
        f"{_named(db, run)} is fed from another roll and books its own grams. If this roll feeds it, say so on the print's"
        " page; if it was another machine, take the grams away here."
    )


def _fed_from(db: Session, spool_id: UUID, only: ColumnElement[bool]) -> PrintRun | None:
    """The latest print at work whose grams are known and that is fed from a roll."""
    weighed = RunFilament.planned_mg.is_not(None)  # what nobody can say the weight of is better reported than lost
    first = select(RunFilament.run_id).where(RunFilament.spool_id == spool_id, weighed)
    same_slot = (RunFilament.run_id == RunFeed.run_id) & (RunFilament.slot == RunFeed.slot)
    later = select(RunFeed.run_id).join(RunFilament, same_slot).where(RunFeed.spool_id == spool_id, weighed)
    mine = select(PrintRun).where(or_(PrintRun.id.in_(first), PrintRun.id.in_(later)), _at_work(), only)
    return db.scalar(mine.order_by(PrintRun.created_at.desc()).limit(1))


def _named(db: Session, run: PrintRun) -> str:
    return f"{find_job(db, run.job_id).name} on {db.get_one(Printer, run.printer_id).name}"


def _at_work() -> ColumnElement[bool]:
    at_work = PrintRun.state.in_(ACTIVE_RUN_STATES) & PrintRun.started_at.is_not(None)
    return or_(at_work, (PrintRun.ended_at >= utc_now() - LATE) & PrintRun.started_at.is_not(None))


def _note_once(db: Session, run: PrintRun, sentence: str) -> None:
    known = select(JobEvent.id).where(JobEvent.run_id == run.id, JobEvent.kind == "reported")
    if db.scalar(known.limit(1)) is None:
        note_event(db, find_job(db, run.job_id), "reported", sentence, run_id=run.id)
