"""Pause, resume, stop and the like: whether they apply, and their acknowledgement."""

import time
from typing import TYPE_CHECKING

from hub.adapters.base import Answer
from hub.protocol import PrinterCommand
from hub.runs import belongs

if TYPE_CHECKING:
    from hub.printer import Printer

_LIGHT = frozenset({"light_on", "light_off"})


def carry_out(printer: "Printer", command: PrinterCommand) -> None:
    """On the printer's thread."""

    def done(answer: Answer) -> None:
        printer.ledger.finish(command.command_id, success=answer.success, code=answer.code, sentence=answer.sentence)

    refused = _refuse(printer, command)
    if refused is not None:
        done(refused)
    elif command.action == "stop" and printer.starting is not None:
        printer.starting.cancel()
        done(Answer(success=True, code="cancelled"))
    elif command.action == "refresh":
        printer.adapter.ask()
        done(Answer(success=True, code="done"))
    else:
        if command.action == "stop" and printer.watched is not None:
            printer.watched.stop_asked(time.monotonic())
        printer.adapter.act(command.action, done)


def _refuse(printer: "Printer", command: PrinterCommand) -> Answer | None:
    wanted = "light" if command.action in _LIGHT else command.action
    if wanted not in printer.adapter.capabilities:
        return Answer(success=False, code="not_supported", sentence="This printer cannot do that.")
    if command.run_code is None or _is_current(printer, command.run_code):
        return None
    return Answer(success=False, code="not_this_run", sentence="The printer is not working on this print (any more).")


def _is_current(printer: "Printer", run_code: str) -> bool:
    if printer.starting is not None:
        return printer.starting.run.run_code == run_code
    if printer.watched is None or printer.watched.run.run_code != run_code:
        return False
    return belongs(printer.watched.run, printer.report) or not printer.report.is_active
