"""What a run's reports mean: its state, the job's state, and, when it ends, its grams and its part, all in one transaction.

Locks are taken in one order everywhere: the order of the queue, command, run, job, then spools, filaments and the printer.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.fleet.service.control import Action, control
from printfarm.fleet.service.printers import needs_clearing
from printfarm.queue.events import JobChanged, RunChanged, RunEnded
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintJob, PrintRun
from printfarm.queue.service.consumption import book_consumption
from printfarm.queue.service.dispatch import withdraw_start
from printfarm.queue.service.jobs import end_job, find_job, lock_job, note_event, put_back
from printfarm.queue.states import NotFromHere, move_job_state, move_run_state

# What a run's state says of its job; `unknown` leaves the job where it was.
JOB_STATE = {"running": "printing", "paused": "paused"}
RUN_SENTENCES = {
    "running": "Printing",
    "paused": "Paused",
    "unknown": "Nobody knows how this print is doing. Look at the printer, then say how it ended.",
}
END_SENTENCES = {"completed": "Finished", "failed": "Failed", "cancelled": "Cancelled"}


def find_run(db: Session, run_id: UUID) -> PrintRun:
    """The run, locked. Raises NotFound."""
    run = db.scalar(locked(select(PrintRun).where(PrintRun.id == run_id)))
    if run is None:
        raise NotFound("This print is not here. It may have been removed.")
    return run


def run_by_code(db: Session, code: str) -> PrintRun | None:
    """The run that a printer speaks of, locked."""
    return db.scalar(locked(select(PrintRun).where(PrintRun.code == code)))


def advance(
    db: Session,
    run: PrintRun,
    state: str,
    *,
    sentence: str = "",
    error_code: str | None = None,
    at: datetime | None = None,
) -> None:
    """An active run moves on: `sending`, `accepted`, `running`, `paused` or `unknown` (hub.protocol.RunState).

    `at` is when the hub saw it; a report may come long after that.
    """
    if run.state not in ACTIVE_RUN_STATES:
        return
    job = lock_job(db, run.job_id)
    run.sentence, run.error_code = sentence or RUN_SENTENCES.get(state) or run.sentence, error_code
    if state == "accepted" and job.state == "processing":
        _tell(db, job, run, "uploaded", "The printer has taken it")
    elif state in RUN_SENTENCES and move_run_state(run, state):
        run.started_at = run.started_at or (_past(at) if state in JOB_STATE else None)
        _tell(db, job, run, JOB_STATE.get(state), run.sentence)
    emit(db, RunChanged(shop_id=run.shop_id, job_id=job.id, run_id=run.id, printer_id=run.printer_id))


def end_run(  # noqa: PLR0913  # what is told of an end, by name
    db: Session,
    run: PrintRun,
    outcome: str,
    *,
    sentence: str = "",
    error_code: str | None = None,
    used_mg: dict[int, int] | None = None,
    user_id: UUID | None = None,
    at: datetime | None = None,
    heard: bool = True,
) -> bool:
    """The run is over: completed, failed or cancelled. Books its grams once, counts the part, closes the bed's gate.

    `used_mg` (per slot) is what a person weighed; without it the plate's own numbers count. `heard`: the printer told of it
    when it came, not a person or later. False: it was over already.
    """
    if not move_run_state(run, outcome):
        return False
    job = lock_job(db, run.job_id)
    _close(db, run, job, sentence=sentence, error_code=error_code, used_mg=used_mg, at=at, heard=heard)
    if move_job_state(job, outcome):
        end_job(db, job, run.sentence, run_id=run.id, user_id=user_id)
    return True


def give_back(db: Session, run: PrintRun, sentence: str, *, user_id: UUID | None = None) -> None:
    """The printer never began: nothing is booked, and the job waits again in the place that it had."""
    if not move_run_state(run, "cancelled"):
        return
    job = lock_job(db, run.job_id)
    run.started_at = run.percent = run.layer = None
    _close(db, run, job, sentence=sentence, heard=False)
    if move_job_state(job, "queued"):
        put_back(db, job, f"Back in the queue. {sentence}", user_id=user_id)


def never_sent(db: Session, run: PrintRun, sentence: str) -> None:
    """The hub could not be reached in time, so the printer never heard of it: the job goes back into the queue."""
    if run.state == "starting":
        give_back(db, run, sentence)


def could_not_ask(db: Session, run: PrintRun, action: str, sentence: str) -> None:
    """A pause, resume or stop came to nothing; whoever asked for it must know."""
    if run.state not in ACTIVE_RUN_STATES:
        return
    run.sentence = f"The printer did not {action}: {sentence}" if sentence else f"The printer did not {action}."
    note_event(db, find_job(db, run.job_id), f"{action}-failed", run.sentence, run_id=run.id)
    emit(db, RunChanged(shop_id=run.shop_id, job_id=run.job_id, run_id=run.id, printer_id=run.printer_id))
    emit(db, JobChanged(shop_id=run.shop_id, job_id=run.job_id))


def pause_run(db: Session, run_id: UUID, *, user_id: UUID | None = None) -> PrintRun:
    """Ask the printer to pause; the state changes when it says so."""
    return _ask(db, run_id, "pause", ("running",), "Asked to pause", user_id)


def resume_run(db: Session, run_id: UUID, *, user_id: UUID | None = None) -> PrintRun:
    """Ask the printer to go on."""
    return _ask(db, run_id, "resume", ("paused",), "Asked to go on", user_id)


def stop_run(db: Session, run_id: UUID, *, user_id: UUID | None = None) -> PrintRun:
    """Stop a print. One that the hub has not taken yet never starts; otherwise the printer is asked, and its word counts."""
    if withdraw_start(db, run_id):
        run = find_run(db, run_id)
        end_run(db, run, "cancelled", sentence="Stopped before it was sent to the printer", user_id=user_id)
        return run
    return _ask(db, run_id, "stop", ACTIVE_RUN_STATES, "Asked to stop", user_id)


def _close(
    db: Session,
    run: PrintRun,
    job: PrintJob,
    *,
    sentence: str,
    error_code: str | None = None,
    used_mg: dict[int, int] | None = None,
    at: datetime | None = None,
    heard: bool = True,
) -> None:
    run.ended_at, run.error_code = _past(at), error_code
    run.sentence = sentence or END_SENTENCES[run.state]
    if run.state == "completed":
        run.percent, run.parts_made = 100, 1
        run.layer = run.total_layers or run.layer
    book_consumption(db, run, job, used_mg=used_mg, heard=heard)
    if run.state == "completed" or run.started_at is not None or any((used_mg or {}).values()):
        needs_clearing(db, run.printer_id)
    emit(db, RunEnded(shop_id=run.shop_id, job_id=job.id, run_id=run.id, printer_id=run.printer_id))


def _ask(
    db: Session, run_id: UUID, action: Action, allowed: tuple[str, ...], sentence: str, user_id: UUID | None
) -> PrintRun:
    run = find_run(db, run_id)
    if run.state not in allowed:
        raise NotFromHere(f"This print is {run.state} now, so it cannot be asked to {action}.")
    control(db, run.printer_id, action, run_code=run.code, run_id=run.id, user_id=user_id)
    run.sentence = sentence
    note_event(db, find_job(db, run.job_id), action, sentence, user_id=user_id, run_id=run.id)
    emit(db, RunChanged(shop_id=run.shop_id, job_id=run.job_id, run_id=run.id, printer_id=run.printer_id))
    return run


def _tell(db: Session, job: PrintJob, run: PrintRun, job_state: str | None, sentence: str) -> None:
    changed = move_job_state(job, job_state) if job_state else True
    if changed:
        note_event(db, job, run.state, sentence, run_id=run.id)
        emit(db, JobChanged(shop_id=job.shop_id, job_id=job.id))


def _past(at: datetime | None) -> datetime:
    """When the hub saw it; a hub whose clock is ahead does not make it later than now."""
    now = utc_now()
    return min(at, now) if at else now
