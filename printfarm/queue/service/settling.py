"""When the printer's word is missing: a person says how a print ended. And when it comes too late, it is written down."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.bus import recall_telemetry
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.fleet.models import Command
from printfarm.fleet.queries import PRINTER_TELEMETRY
from printfarm.fleet.service.commands import fail_command
from printfarm.fleet.service.control import control
from printfarm.queue.events import JobChanged
from printfarm.queue.models import ACTIVE_RUN_STATES, JobEvent, PrintRun
from printfarm.queue.service.dispatch import WITHDRAWN
from printfarm.queue.service.feeds import is_out_of_touch
from printfarm.queue.service.jobs import find_job, note_event
from printfarm.queue.service.runs import end_run, find_run, give_back
from printfarm.queue.states import NotFromHere

OUTCOMES = ("completed", "failed", "cancelled", "never-started")
WORDS = {"completed": "it finished", "failed": "it failed", "cancelled": "somebody stopped it"}


def settle_run(
    db: Session, run_id: UUID, outcome: str, *, used_mg: dict[int, int] | None = None, user_id: UUID | None = None
) -> PrintRun:
    """A person has looked at a printer that nobody heard from, and says how the print ended.

    `never-started` cancels the run, books nothing and puts the job back into the queue. Refused for a run that reports.
    """
    if outcome not in OUTCOMES:
        raise DomainError("Say how it ended: completed, failed, cancelled, or never started.")
    may_have_left = _revoke_start(db, run_id)
    run = find_run(db, run_id)
    if run.state not in ACTIVE_RUN_STATES:
        raise NotFromHere("This print has ended in the meantime. Look again.")
    if not is_out_of_touch(db, run):
        raise NotFromHere("The printer is online and reports by itself. Stop the print there if it should end.")
    if may_have_left or outcome == "never-started":
        # The hub may hold the start and be about to send it: it is about this run alone, so it can do no harm.
        control(db, run.printer_id, "stop", run_code=run.code, run_id=run.id, user_id=user_id)
    if outcome == "never-started":
        give_back(db, run, "A person said: it never started", user_id=user_id)
        return run
    _remember_last_seen(run)
    if used_mg and run.started_at is None:
        run.started_at = run.created_at
    said = f"A person said: {WORDS[outcome]}"
    end_run(db, run, outcome, sentence=said, used_mg=used_mg, user_id=user_id, heard=False)
    return run


def note_late_word(db: Session, run: PrintRun, state: str, sentence: str) -> None:
    """The printer says something about a run that is over. It changes nothing, but it is not forgotten: the run may have been
    ended by a person who was mistaken.
    """
    if run.state in ACTIVE_RUN_STATES or state in {run.state, "sending", "accepted", "unknown"}:
        return
    said = f"After the end the printer said: {state}." + (f" {sentence}" if sentence else "")
    known = select(JobEvent.id).where(JobEvent.run_id == run.id, JobEvent.kind == "late", JobEvent.sentence == said)
    if db.scalar(known.limit(1)) is None:
        note_event(db, find_job(db, run.job_id), "late", said, run_id=run.id)
        emit(db, JobChanged(shop_id=run.shop_id, job_id=run.job_id))


def _revoke_start(db: Session, run_id: UUID) -> bool:
    """A start that no hub has acknowledged is not sent again. True when it may have reached the hub all the same."""
    waiting = select(Command).where(
        Command.run_id == run_id, Command.kind == "print_command", Command.state.in_(("pending", "sent"))
    )
    command = db.scalar(locked(waiting))
    if command is None:
        return False
    left = command.state == "sent"
    fail_command(db, command, WITHDRAWN, "A person has said how this print ended.")
    return left


def _remember_last_seen(run: PrintRun) -> None:
    """The last that the printer told of this run: more than its last report, which came when its state changed."""
    seen = recall_telemetry(run.shop_id, PRINTER_TELEMETRY, [run.printer_id]).get(str(run.printer_id), {})
    if seen.get("run_code") != run.code:
        return
    run.percent = max(run.percent or 0, seen.get("percent") or 0)
    run.layer = max(run.layer or 0, seen.get("layer") or 0) or None
    run.total_layers = seen.get("total_layers") or run.total_layers
