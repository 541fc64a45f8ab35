"""What a run's reports mean: its state, the job's state, and, when it ends, its grams and its part, all in one transaction."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.fleet.models import Printer
from printfarm.fleet.service.control import Action, control
from printfarm.fleet.service.printers import needs_clearing
from printfarm.queue.events import JobChanged, RunChanged, RunEnded
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintJob, PrintRun
from printfarm.queue.service.consumption import book_consumption
from printfarm.queue.service.dispatch import withdraw_start
from printfarm.queue.service.jobs import end_job, find_job, note_event, requeue
from printfarm.queue.states import NotFromHere, move_job_state, move_run_state

# What a run's state says of its job; `unknown` leaves the job where it was.
JOB_STATE = {"running": "printing", "paused": "paused"}
OUTCOMES = ("completed", "failed", "cancelled", "never-started")


def find_run(db: Session, run_id: UUID) -> PrintRun:
    """The run, locked. Raises NotFound."""
    run = db.scalar(
        select(PrintRun).where(PrintRun.id == run_id).with_for_update().execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound("This print is not here. It may have been removed.")
    return run


def run_by_code(db: Session, code: str) -> PrintRun | None:
    """The run that a printer speaks of, locked."""
    return db.scalar(
        select(PrintRun).where(PrintRun.code == code).with_for_update().execution_options(populate_existing=True)
    )


def advance(db: Session, run: PrintRun, state: str, *, sentence: str = "", error_code: str | None = None) -> None:
    """An active run moves on: `sending`, `accepted`, `running`, `paused` or `unknown` (hub.protocol.RunState)."""
    job = find_job(db, run.job_id)
    if run.state not in ACTIVE_RUN_STATES:
        return
    run.sentence, run.error_code = sentence or run.sentence, error_code
    if state == "accepted" and job.state == "processing":
        _tell(db, job, run, "uploaded", "The printer has taken it")
    elif state in RUN_SENTENCES and move_run_state(run, state):
        run.started_at = run.started_at or (utc_now() if state in JOB_STATE else None)
        _tell(db, job, run, JOB_STATE.get(state), sentence or RUN_SENTENCES[state])
    emit(db, RunChanged(shop_id=run.shop_id, job_id=job.id, run_id=run.id, printer_id=run.printer_id))


RUN_SENTENCES = {
    "running": "Printing",
    "paused": "Paused",
    "unknown": "Nobody knows how this print is doing. Look at the printer, then say how it ended.",
}


def end_run(
    db: Session,
    run: PrintRun,
    outcome: str,
    *,
    sentence: str = "",
    error_code: str | None = None,
    used_mg: dict[int, int] | None = None,
    user_id: UUID | None = None,
) -> bool:
    """The run is over: completed, failed or cancelled. Books its grams once, counts the part, closes the bed's gate.

    `used_mg` (per slot) is what a person weighed; without it the plate's own numbers count. False: it was over already.
    """
    if not move_run_state(run, outcome):
        return False
    job = find_job(db, run.job_id)
    run.ended_at, run.error_code = utc_now(), error_code
    run.sentence = sentence or {"completed": "Finished", "failed": "Failed", "cancelled": "Cancelled"}[outcome]
    if outcome == "completed":
        run.percent, run.parts_made = 100, 1
        run.layer = run.total_layers or run.layer
    book_consumption(db, run, job, used_mg=used_mg)
    if run.started_at is not None:
        needs_clearing(db, run.printer_id)
    if move_job_state(job, outcome):
        end_job(db, job, run.sentence, run_id=run.id, user_id=user_id)
    emit(db, RunEnded(shop_id=run.shop_id, job_id=job.id, run_id=run.id, printer_id=run.printer_id))
    return True


def never_sent(db: Session, run: PrintRun, sentence: str) -> None:
    """The hub could not be reached in time, so the printer never heard of it: the job goes back into the queue."""
    if run.state != "starting":
        return
    job = find_job(db, run.job_id)
    end_run(db, run, "cancelled", sentence=sentence)
    requeue(db, job, f"Back in the queue. {sentence}")


def pause_run(db: Session, run_id: UUID, *, user_id: UUID | None = None) -> PrintRun:
    """Ask the printer to pause; the state changes when it says so."""
    return _ask(db, run_id, "pause", ("running",), "Asked to pause", user_id)


def resume_run(db: Session, run_id: UUID, *, user_id: UUID | None = None) -> PrintRun:
    """Ask the printer to go on."""
    return _ask(db, run_id, "resume", ("paused",), "Asked to go on", user_id)


def stop_run(db: Session, run_id: UUID, *, user_id: UUID | None = None) -> PrintRun:
    """Stop a print. One that the hub has not taken yet never starts; otherwise the printer is asked, and its word counts."""
    run = find_run(db, run_id)
    if run.state == "starting" and withdraw_start(db, run.id):
        end_run(db, run, "cancelled", sentence="Stopped before it was sent to the printer", user_id=user_id)
        return run
    return _ask(db, run_id, "stop", ACTIVE_RUN_STATES, "Asked to stop", user_id)


def settle_run(
    db: Session, run_id: UUID, outcome: str, *, used_mg: dict[int, int] | None = None, user_id: UUID | None = None
) -> PrintRun:
    """A person has looked at a printer that nobody heard from, and says how the print ended.

    `never-started` cancels the run, books nothing and puts the job back into the queue. Refused for a run that reports.
    """
    if outcome not in OUTCOMES:
        raise DomainError("Say how it ended: completed, failed, cancelled, or never started.")
    run = find_run(db, run_id)
    if run.state not in ACTIVE_RUN_STATES:
        raise NotFromHere("This print has ended in the meantime. Look again.")
    if run.state != "unknown" and _hears_from(db, run.printer_id):
        raise NotFromHere("The printer is online and reports by itself. Stop the print there if it should end.")
    withdraw_start(db, run.id)
    if outcome != "never-started":
        end_run(db, run, outcome, sentence=f"A person said: {outcome}", used_mg=used_mg, user_id=user_id)
        return run
    nothing = {filament.slot: 0 for filament in run.filaments}
    run.started_at = None
    job = find_job(db, run.job_id)
    end_run(db, run, "cancelled", sentence="A person said: it never started", used_mg=nothing, user_id=user_id)
    requeue(db, job, "Back in the queue: it never started", user_id=user_id)
    return run


def _ask(
    db: Session, run_id: UUID, action: Action, allowed: tuple[str, ...], sentence: str, user_id: UUID | None
) -> PrintRun:
    run = find_run(db, run_id)
    if run.state not in allowed:
        raise NotFromHere(f"This print is {run.state} now, so it cannot be asked to {action}.")
    control(db, run.printer_id, action, run_code=run.code, run_id=run.id, user_id=user_id)
    note_event(db, find_job(db, run.job_id), action, sentence, user_id=user_id, run_id=run.id)
    emit(db, RunChanged(shop_id=run.shop_id, job_id=run.job_id, run_id=run.id, printer_id=run.printer_id))
    return run


def _tell(db: Session, job: PrintJob, run: PrintRun, job_state: str | None, sentence: str) -> None:
    changed = move_job_state(job, job_state) if job_state else True
    if changed:
        note_event(db, job, run.state, sentence, run_id=run.id)
        emit(db, JobChanged(shop_id=job.shop_id, job_id=job.id))


def _hears_from(db: Session, printer_id: UUID) -> bool:
    printer = db.get(Printer, printer_id)
    return printer is not None and printer.connection == "online"
