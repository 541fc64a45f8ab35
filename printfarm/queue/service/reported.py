"""A printer that our hub drives may tell a Spoolman of its use as well, and that Spoolman is us. Its print books those grams
when it ends, so the report is heard and not booked.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.queue.models import ACTIVE_RUN_STATES, JobEvent, PrintRun, RunFeed, RunFilament
from printfarm.queue.service.jobs import find_job, note_event

# The last report comes after the print's end: programs gather for some seconds.
LATE = timedelta(seconds=60)


def books_itself(db: Session, spool_id: UUID, teller: str) -> bool:
    """Whether a print of ours is fed from a spool, or was until a moment ago. Its job says once who reported as well."""
    weighed = RunFilament.planned_mg.is_not(None)  # what nobody can say the weight of is better reported than lost
    first = select(RunFilament.run_id).where(RunFilament.spool_id == spool_id, weighed)
    same_slot = (RunFilament.run_id == RunFeed.run_id) & (RunFilament.slot == RunFeed.slot)
    later = select(RunFeed.run_id).join(RunFilament, same_slot).where(RunFeed.spool_id == spool_id, weighed)
    at_work = PrintRun.state.in_(ACTIVE_RUN_STATES) & PrintRun.started_at.is_not(None)
    just_done = (PrintRun.ended_at >= utc_now() - LATE) & PrintRun.started_at.is_not(None)
    mine = select(PrintRun).where(or_(PrintRun.id.in_(first), PrintRun.id.in_(later)), or_(at_work, just_done))
    run = db.scalar(mine.order_by(PrintRun.created_at.desc()).limit(1))
    if run is None:
        return False
    _note_once(db, run, f"{teller} reports what it uses as well. It is booked once: by this print, when it ends")
    return True


def _note_once(db: Session, run: PrintRun, sentence: str) -> None:
    known = select(JobEvent.id).where(JobEvent.run_id == run.id, JobEvent.kind == "reported")
    if db.scalar(known.limit(1)) is None:
        note_event(db, find_job(db, run.job_id), "reported", sentence, run_id=run.id)
