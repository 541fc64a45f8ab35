"""What hubs say, stored: each durable message once, in one transaction with everything that follows from it."""

import logging
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.core.locks import KEEPING_KEYS, locked
from printfarm.core.owed import owe, settle
from printfarm.core.tenancy import shop_of
from printfarm.fleet.events import (
    ForeignRunSeen,
    PrinterChanged,
    PrinterErrorCleared,
    PrinterErrorRaised,
    RunReported,
    SlotFed,
)
from printfarm.fleet.from_above import lock_what_prints
from printfarm.fleet.models import ForeignRun, Hub, Printer, PrinterError, RunReport
from printfarm.fleet.service.commands import keep_answer, take_answer
from printfarm.fleet.service.printers import needs_clearing
from printfarm.fleet.service.slots import printers_of_chips, remember_slots
from printfarm.fleet.service.trials import take_result

HANDLE = "handle-run-report"
# States in which a printer lays down filament, or was stopped while it did.
PRINTING = frozenset({"printing", "pausing", "paused", "attention"})
# A print whose end nobody saw lies on the bed as well.
NO_LONGER_FOLLOWED = protocol.ENDED | {"unknown"}

log = logging.getLogger(__name__)


class Replaced(DomainError):
    """Another connection of the same hub counts now; this one must not write any more."""


def store_message(db: Session, hub_id: UUID, connection_id: UUID, message: protocol.DurableFromHub) -> bool:
    """Store a durable message and do what follows from it. False when it was stored before (the hub re-sent it).

    Raises Replaced when a newer connection of this hub has taken over.
    """
    if not _is_new(db, hub_id, connection_id, message.seq):
        return False
    _take(db, hub_id, message)
    return True


def keep_unhandled(db: Session, hub_id: UUID, connection_id: UUID, said: protocol.DurableFromHub) -> None:
    """What follows from a message could not be done. Reports of runs and answers to commands are kept and tried again soon;
    other messages are dropped. So one sick message never holds up what the hub has to say about everything else.
    """
    if not _is_new(db, hub_id, connection_id, said.seq):
        return
    if isinstance(said, protocol.RunReport):
        printer = _printer(db, said.printer_id)
        if printer is not None:
            owe(db, HANDLE, _keep_run_report(db, hub_id, printer, said).id, within_s=5)
    elif isinstance(said, protocol.CommandAck):
        command_id = as_id(said.command_id)
        if command_id is not None:
            keep_answer(db, hub_id, said, command_id)


def handle_report(db: Session, report_id: UUID) -> None:
    """Try again what keep_unhandled put off."""
    settle(db, HANDLE, report_id)
    report = db.get(RunReport, report_id)
    if report is not None and report.handled_at is None:
        emit(db, RunReported(shop_id=shop_of(db), report_id=report.id, printer_id=report.printer_id))


def apply_status(db: Session, printer_id: UUID, status: protocol.PrinterStatus, *, decides: bool = True) -> None:
    """Keep of a printer's status what decisions need; temperatures and progress stay in telemetry. Without `decides` only
    what feeds a print, or what is left on a roll, is new in it: nothing has to be worked out again.
    """
    lock_what_prints(db, [printer_id, *printers_of_chips(db, [slot.tag for slot in status.slots])])
    printer = db.get(Printer, printer_id, with_for_update=KEEPING_KEYS)
    if printer is None or printer.archived_at is not None:
        return
    online = status.connection == "online"
    before = (printer.connection, printer.connection_sentence, printer.state, printer.firmware, printer.developer_mode)
    printer.connection, printer.connection_sentence = status.connection, status.connection_sentence
    if online and status.confirmed:
        printer.state = status.state
        printer.firmware = status.firmware or printer.firmware
        printer.last_seen_at = utc_now()
        if status.developer_mode is not None:
            printer.developer_mode = status.developer_mode
        places = remember_slots(db, printer_id, status.slots)
        _tell_what_feeds(db, printer_id, status, places)
    after = (printer.connection, printer.connection_sentence, printer.state, printer.firmware, printer.developer_mode)
    # A confirmed status counts even when its words are the same: until it came, nothing could start on this printer.
    if before != after or (decides and online and status.confirmed):
        emit(db, PrinterChanged(shop_id=shop_of(db), printer_id=printer_id))


def has_begun(status: protocol.PrinterStatus) -> bool:
    """Whether the print is past its preparation: only then does what is loaded say what it is printed from."""
    done = status.percent if status.layer is None else status.layer
    return status.state in PRINTING and (done or 0) >= 1


def _tell_what_feeds(
    db: Session, printer_id: UUID, status: protocol.PrinterStatus, places: Mapping[tuple[int, int], UUID]
) -> None:
    feeding = next(((one.ams_unit, one.slot) for one in status.slots if one.loaded), None)
    if feeding is not None and feeding in places and status.run_code and has_begun(status):
        emit(db, SlotFed(shop_id=shop_of(db), printer_id=printer_id, slot_id=places[feeding]))


def take_report(db: Session, report_id: UUID) -> RunReport:
    """A report, for whoever acts on it; from now on it counts as handled."""
    report = db.get_one(RunReport, report_id)
    report.handled_at = utc_now()
    return report


def _is_new(db: Session, hub_id: UUID, connection_id: UUID, seq: int) -> bool:
    hub = db.get(Hub, hub_id, with_for_update=KEEPING_KEYS)
    if hub is None or hub.connection_id != connection_id:
        raise Replaced("Another connection of this hub has taken over.")
    if seq <= hub.last_seq:
        return False
    hub.last_seq, hub.last_seen_at = seq, utc_now()
    return True


def _take(db: Session, hub_id: UUID, message: protocol.DurableFromHub) -> None:
    if isinstance(message, protocol.CommandAck):
        command_id = as_id(message.command_id)
        if command_id is not None:
            take_answer(db, hub_id, message, command_id)
    elif isinstance(message, protocol.TryResult):
        command_id = as_id(message.command_id)
        if command_id is not None:
            take_result(db, hub_id, message, command_id)
    else:
        printer = _printer(db, message.printer_id)
        if printer is None:
            log.warning("hub %s speaks of a printer that is not here; its message is dropped", hub_id)
        elif isinstance(message, protocol.RunReport):
            report = _keep_run_report(db, hub_id, printer, message)
            emit(db, RunReported(shop_id=shop_of(db), report_id=report.id, printer_id=printer.id))
        elif isinstance(message, protocol.ForeignRun):
            _take_foreign_run(db, printer, message)
        else:
            _take_error(db, printer, message)


def _keep_run_report(db: Session, hub_id: UUID, printer: Printer, said: protocol.RunReport) -> RunReport:
    report = RunReport(
        hub_id=hub_id,
        seq=said.seq,
        printer_id=printer.id,
        run_code=said.run_code,
        state=said.state,
        sentence=said.sentence,
        code=said.code,
        percent=said.percent,
        layer=said.layer,
        total_layers=said.total_layers,
        ended_while_offline=said.ended_while_offline,
        at=said.at,
        evidence=dict(said.evidence),
    )
    db.add(report)
    db.flush()
    return report


def _take_foreign_run(db: Session, printer: Printer, said: protocol.ForeignRun) -> None:
    same = select(ForeignRun).where(ForeignRun.printer_id == printer.id, ForeignRun.key == said.key)
    run = db.scalar(locked(same))
    if run is None:
        run = ForeignRun(printer_id=printer.id, key=said.key, title=said.title, state=said.state, began_at=said.at)
        db.add(run)
    ended_before = run.ended_at is not None
    run.title, run.file_name, run.state, run.sentence = said.title, said.file_name, said.state, said.sentence
    run.percent, run.layer, run.total_layers = said.percent, said.layer, said.total_layers
    if said.state not in NO_LONGER_FOLLOWED:
        run.ended_at = None
    elif not ended_before:
        run.ended_at = said.at
        needs_clearing(db, printer.id)
    db.flush()
    emit(db, ForeignRunSeen(shop_id=shop_of(db), printer_id=printer.id, foreign_run_id=run.id))


def _take_error(db: Session, printer: Printer, said: protocol.PrinterError) -> None:
    is_open = PrinterError.ended_at.is_(None)
    known = db.scalar(
        select(PrinterError).where(PrinterError.printer_id == printer.id, PrinterError.code == said.code, is_open)
    )
    if said.active and known is None:
        error = PrinterError(
            printer_id=printer.id, code=said.code, sentence=said.sentence, severity=said.severity, began_at=said.at
        )
        db.add(error)
        db.flush()
        emit(db, PrinterErrorRaised(shop_id=shop_of(db), printer_id=printer.id, error_id=error.id))
    elif not said.active and known is not None:
        known.ended_at = said.at
        emit(db, PrinterErrorCleared(shop_id=shop_of(db), printer_id=printer.id, error_id=known.id))


def _printer(db: Session, text: str) -> Printer | None:
    """The printer of a message: any of the shop's, because a report may be about one that has another hub by now."""
    printer_id = as_id(text)
    return db.get(Printer, printer_id) if printer_id else None


def as_id(text: str) -> UUID | None:
    """An id that a hub sent, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
