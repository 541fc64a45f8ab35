"""What open screens get when the queue moves: single cards as HTML, lists a marker to refetch themselves."""

from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.events import Event
from printfarm.core.live import marks, shows
from printfarm.core.web import render_block
from printfarm.fleet.events import FileProgressed, PrinterMoved
from printfarm.queue import queries
from printfarm.queue.events import FeasibilityComputed, JobChanged, JobsAdded, QueueReordered, RunChanged, RunEnded

QUEUE_MOVES: tuple[type[Event], ...] = (JobsAdded, QueueReordered, JobChanged, RunEnded, FeasibilityComputed)
JOB_MOVES: tuple[type[Event], ...] = (JobChanged, RunChanged, RunEnded, FeasibilityComputed)
for kind in QUEUE_MOVES:
    marks(kind, "queue")
for kind in JOB_MOVES:
    marks(kind, "job")
marks(RunChanged, "fleet")  # a printer's card says which of its prints somebody has to look at


@shows(RunChanged)
def run_progress(db: Session, event: RunChanged) -> str:
    return _progress(db, event.job_id)


def _printer_progress(db: Session, event: PrinterMoved | FileProgressed) -> str:
    job_id = queries.active_job_of_printer(db, event.printer_id)
    return _progress(db, job_id) if job_id else ""


shows(PrinterMoved)(_printer_progress)
shows(FileProgressed)(_printer_progress)


def _progress(db: Session, job_id: UUID) -> str:
    card = queries.get_card(db, job_id)
    if card is None or card.run is None:
        return ""
    return render_block("queue/_progress.html", "progress", card=card, pushed=True)
