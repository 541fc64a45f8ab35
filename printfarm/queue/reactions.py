"""The queue's answers to what happens below it: run reports from the printers, stock and printers that change."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.events import Event, reacts_to
from printfarm.filament.events import FilamentsMerged, StockChanged
from printfarm.fleet.events import (
    CommandAnswered,
    HubConnected,
    HubLost,
    PrinterChanged,
    PrintersListed,
    RunReported,
    SlotFed,
    SlotsChanged,
    SpoolAssigned,
)
from printfarm.fleet.models import Command, RunReport
from printfarm.library.events import VariantChanged
from printfarm.queue.events import JobChanged, JobsAdded, QueueReordered
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintRun, RunFilament
from printfarm.queue.service.feasibility import recompute_later
from printfarm.queue.service.feeds import note_assigned, note_fed
from printfarm.queue.service.jobs import promise_again
from printfarm.queue.service.runs import advance, could_not_ask, end_run, find_run, never_sent, run_by_code
from printfarm.queue.service.settling import note_late_word

NEVER_SENT_CODE, CANNOT_SEND_CODE = "never_sent", "cannot_be_sent"
ENDS = frozenset({"completed", "failed", "cancelled"})


@reacts_to(RunReported)
def follow_run(db: Session, event: RunReported) -> None:
    """A printer said something about a run. A report about a run that is over, or is not ours, changes nothing."""
    report = db.get_one(RunReport, event.report_id)
    run = run_by_code(db, report.run_code)
    if run is None or run.printer_id != report.printer_id:
        return
    report.handled_at = utc_now()
    sentence = (
        f"{report.sentence} (while we were not connected)".strip() if report.ended_while_offline else report.sentence
    )
    if run.state not in ACTIVE_RUN_STATES:
        note_late_word(db, run, report.state, sentence)
        return
    if report.state != "sending":
        _remember_progress(run, report)
    if report.state in ENDS:
        heard = not report.ended_while_offline
        end_run(db, run, report.state, sentence=sentence, error_code=report.code or None, at=report.at, heard=heard)
    else:
        advance(db, run, report.state, sentence=report.sentence, error_code=report.code or None, at=report.at)


def _remember_progress(run: PrintRun, report: RunReport) -> None:
    run.percent = report.percent if report.percent is not None else run.percent
    run.layer = report.layer if report.layer is not None else run.layer
    run.total_layers = report.total_layers or run.total_layers
    if report.state in ENDS and (report.layer or report.percent):
        run.started_at = run.started_at or run.created_at  # it printed while nobody listened


@reacts_to(CommandAnswered)
def hear_answer(db: Session, event: CommandAnswered) -> None:
    """What became of a command. How a start goes that the hub got comes as run reports; one that never left ends here."""
    command = db.get_one(Command, event.command_id)
    if command.run_id is None or command.state != "failed":
        return
    if command.kind == "printer_command":
        could_not_ask(db, find_run(db, command.run_id), command.body["action"], command.sentence or "")
    elif command.code == NEVER_SENT_CODE:
        never_sent(db, find_run(db, command.run_id), command.sentence or "")
    elif command.code == CANNOT_SEND_CODE:
        _could_not_send(db, find_run(db, command.run_id), command)


def _could_not_send(db: Session, run: PrintRun, command: Command) -> None:
    """The start cannot be made into a message, now or ever. If it had been sent before, the hub may have it."""
    if command.sent_at is not None:
        advance(db, run, "unknown", error_code=CANNOT_SEND_CODE)
    else:
        end_run(db, run, "failed", sentence=command.sentence or "", error_code=CANNOT_SEND_CODE)


@reacts_to(SpoolAssigned)
def follow_roll(db: Session, event: SpoolAssigned) -> None:
    """Another roll lies in a place: a print from there is fed from it."""
    note_assigned(db, event.printer_id, event.slot_id)


@reacts_to(SlotFed)
def follow_place(db: Session, event: SlotFed) -> None:
    """A printer prints from a place, perhaps from another one than its run was told."""
    note_fed(db, event.printer_id, event.slot_id)


@reacts_to(VariantChanged)
def promise_anew(db: Session, event: VariantChanged) -> None:
    """What waits is promised what its plate needs now: a person has decided on a filament, or typed a weight."""
    if promise_again(db, event.variant_id):
        recompute_later(db)


@reacts_to(FilamentsMerged)
def print_the_other(db: Session, event: FilamentsMerged) -> None:
    """Two filaments are one: what a print used of the first it used of the second."""
    used = update(RunFilament).where(RunFilament.filament_id == event.filament_id)
    db.execute(used.values(filament_id=event.into_id))
    recompute_later(db)


def _again(db: Session, _event: Event) -> None:
    recompute_later(db)


DECIDES = (
    StockChanged,
    PrinterChanged,
    PrintersListed,
    SlotsChanged,
    HubConnected,
    HubLost,
    JobsAdded,
    JobChanged,
    QueueReordered,
)
for kind in DECIDES:
    reacts_to(kind)(_again)
