"""The queue's answers to what happens below it: run reports from the printers, stock and printers that change."""

from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.events import Event, reacts_to
from printfarm.filament.events import StockChanged
from printfarm.fleet.events import CommandAnswered, PrinterChanged, PrintersListed, RunReported, SlotsChanged
from printfarm.fleet.models import Command, RunReport
from printfarm.queue.events import JobChanged, JobsAdded, QueueReordered
from printfarm.queue.service.feasibility import recompute_later
from printfarm.queue.service.runs import advance, end_run, find_run, never_sent, run_by_code

NEVER_SENT_CODE = "never_sent"
ENDS = frozenset({"completed", "failed", "cancelled"})


@reacts_to(RunReported)
def follow_run(db: Session, event: RunReported) -> None:
    """A printer said something about a run. A report about a run that is over, or is not ours, changes nothing."""
    report = db.get_one(RunReport, event.report_id)
    run = run_by_code(db, report.run_code)
    if run is None or run.printer_id != report.printer_id:
        return
    report.handled_at = utc_now()
    if report.state != "sending":
        run.percent = report.percent if report.percent is not None else run.percent
        run.layer = report.layer if report.layer is not None else run.layer
        run.total_layers = report.total_layers or run.total_layers
    if report.state in ENDS:
        sentence = f"{report.sentence} (while we were not connected)" if report.ended_while_offline else report.sentence
        end_run(db, run, report.state, sentence=sentence, error_code=report.code or None)
    else:
        advance(db, run, report.state, sentence=report.sentence, error_code=report.code or None)


@reacts_to(CommandAnswered)
def give_up_start(db: Session, event: CommandAnswered) -> None:
    """A start that could not be sent in time. What a hub says of a start that it got comes as a run report instead."""
    command = db.get_one(Command, event.command_id)
    if command.kind == "print_command" and command.run_id and command.code == NEVER_SENT_CODE:
        never_sent(db, find_run(db, command.run_id), command.sentence or "")


def _again(db: Session, _event: Event) -> None:
    recompute_later(db)


for kind in (StockChanged, PrinterChanged, PrintersListed, SlotsChanged, JobsAdded, JobChanged, QueueReordered):
    reacts_to(kind)(_again)
