"""Commands to printers: rows that are re-sent until the hub acknowledges them. The hub does each exactly once."""

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound
from printfarm.core.events import emit
from printfarm.core.locks import KEEPING_KEYS
from printfarm.core.owed import owe, settle
from printfarm.core.tenancy import shop_of
from printfarm.files.models import StoredFile
from printfarm.fleet.events import CommandAnswered, HubWanted
from printfarm.fleet.models import EXTERNAL_UNIT, FIRST_HT_UNIT, Command, Hub, Printer

Kind = Literal["print_command", "printer_command", "try_printer"]
EXPIRE = "expire-command"
HANDLE_ANSWER = "handle-answer"
START_PATIENCE = timedelta(minutes=10)
NEVER_SENT = "The hub of this printer was not connected, so nothing was sent. Check the hub, then try again."


def send_command(
    db: Session,
    printer: Printer,
    kind: Kind,
    body: dict[str, Any],
    *,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    give_up_after: timedelta | None = None,
) -> Command:
    """Ask the printer's hub for something, in the caller's transaction; the hub hears of it after the commit.

    `body` is the message without its ids and without secrets (`start_body`, or use `control`). With `give_up_after` the command
    fails by itself when it could not be sent by then; one that was sent is never given up, since nobody knows what the hub did.
    """
    return queue_command(
        db,
        printer.hub_id,
        kind,
        {"printer_id": str(printer.id), **body},
        printer_id=printer.id,
        run_id=run_id,
        user_id=user_id,
        give_up_after=give_up_after,
    )


def queue_command(
    db: Session,
    hub_id: UUID,
    kind: Kind,
    body: dict[str, Any],
    *,
    printer_id: UUID | None = None,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    give_up_after: timedelta | None = None,
) -> Command:
    """The same for a hub: a trial may concern a printer that is no row yet."""
    command = Command(
        hub_id=hub_id,
        printer_id=printer_id,
        run_id=run_id,
        user_id=user_id,
        kind=kind,
        body=body,
        expires_at=utc_now() + give_up_after if give_up_after else None,
    )
    db.add(command)
    db.flush()
    if give_up_after:
        owe(db, EXPIRE, command.id, within_s=give_up_after.total_seconds())
    emit_wanted(db, hub_id)
    return command


@dataclass(frozen=True)
class Start:
    """One start, as the queue decides it. `ams_mapping[i]` is the place (`slot_number`) for the file's filament i, -1 when
    it is unused or external. `options` as in hub.protocol.PrintOptions.
    """

    run_id: UUID
    run_code: str
    plate_index: int
    title: str
    ams_mapping: list[int]
    use_ams: bool
    bed_type: str | None = None
    options: dict[str, bool] = field(default_factory=dict)
    layers: int | None = None
    expected_duration_s: int | None = None


def start_body(file: StoredFile, start: Start) -> dict[str, Any]:
    """The body of a print_command. The file is named by its id: the signed link is made when the message is sent."""
    return {
        **asdict(start),
        "action": "start",
        "run_id": str(start.run_id),
        "title": start.title[:120],
        "file_id": str(file.id),
        "file_name": file.original_name[-120:],
        "sha256": file.sha256,
        "md5": file.md5,
        "size_bytes": file.size_bytes,
    }


def slot_number(ams_unit: int, slot: int) -> int:
    """A place as `ams_mapping` counts it; -1 for the external spool."""
    if ams_unit == EXTERNAL_UNIT:
        return -1
    return ams_unit if ams_unit >= FIRST_HT_UNIT else ams_unit * 4 + slot


def find_command(db: Session, command_id: UUID) -> Command:
    command = db.get(Command, command_id)
    if command is None:
        raise NotFound
    return command


def unanswered(db: Session, hub_id: UUID) -> list[Command]:
    """What a hub has not acknowledged, in the order in which it was asked."""
    return list(
        db.scalars(
            select(Command)
            .where(Command.hub_id == hub_id, Command.state.in_(("pending", "sent")))
            .order_by(Command.created_at, Command.id)
        )
    )


def mark_sent(db: Session, command_id: UUID) -> bool:
    """Write down that a command is about to leave. False when it has been answered or given up meanwhile, or when its time has
    passed: a hub may come back before the background job that gives commands up.
    """
    command = _lock_open(db, command_id)
    if command is None or _give_up_late(db, command):
        return False
    command.state = "sent"
    command.sent_at = command.sent_at or utc_now()
    settle(db, EXPIRE, command.id)
    return True


def take_answer(db: Session, hub_id: UUID, ack: protocol.CommandAck, command_id: UUID) -> None:
    """The hub has carried a command out, or says that it never will."""
    command = _write_answer(db, hub_id, ack, command_id)
    if command is not None:
        emit(db, CommandAnswered(shop_id=shop_of(db), command_id=command.id))


def keep_answer(db: Session, hub_id: UUID, ack: protocol.CommandAck, command_id: UUID) -> None:
    """What follows from an answer could not be done: keep the answer, and do what follows soon."""
    command = _write_answer(db, hub_id, ack, command_id)
    if command is not None:
        owe(db, HANDLE_ANSWER, command.id, within_s=5)


def handle_answer(db: Session, command_id: UUID) -> None:
    """Try again what keep_answer put off."""
    settle(db, HANDLE_ANSWER, command_id)
    emit(db, CommandAnswered(shop_id=shop_of(db), command_id=command_id))


def fail_command(db: Session, command: Command, code: str, sentence: str) -> None:
    """It cannot be sent, now or ever. Nothing happens when it has been answered or given up meanwhile."""
    still_open = _lock_open(db, command.id)
    if still_open is not None:
        _fail(db, still_open, code, sentence)


def _fail(db: Session, command: Command, code: str, sentence: str) -> None:
    _answer(db, command, success=False, code=code, sentence=sentence)
    emit(db, CommandAnswered(shop_id=shop_of(db), command_id=command.id))


def expire_command(db: Session, command_id: UUID) -> None:
    """Give up what could not be sent in time. Only a pending command: a sent one may have been carried out."""
    settle(db, EXPIRE, command_id)
    command = _lock_open(db, command_id)
    if command is not None:
        _give_up_late(db, command)


def emit_wanted(db: Session, hub_id: UUID) -> None:
    """Wake the hub's socket after the commit."""
    emit(db, HubWanted(shop_id=shop_of(db), hub_id=hub_id))


def printers_changed(db: Session, hub_id: UUID) -> None:
    """The hub's list of printers is another one now; it gets the whole list again."""
    hub = db.get(Hub, hub_id, with_for_update=KEEPING_KEYS)
    if hub is not None:
        hub.printers_revision += 1
        emit_wanted(db, hub_id)


def _lock_open(db: Session, command_id: UUID) -> Command | None:
    """The command, held until the transaction ends; None when it is gone, answered or given up."""
    db.flush()
    command = db.get(Command, command_id, with_for_update=KEEPING_KEYS, populate_existing=True)
    return command if command is not None and command.state in {"pending", "sent"} else None


def _give_up_late(db: Session, command: Command) -> bool:
    late = command.state == "pending" and command.expires_at is not None and command.expires_at <= utc_now()
    if late:
        _fail(db, command, "never_sent", NEVER_SENT)
    return late


def _write_answer(db: Session, hub_id: UUID, ack: protocol.CommandAck, command_id: UUID) -> Command | None:
    """None when the command is not this hub's, or was answered before."""
    command = _lock_open(db, command_id)
    if command is None or command.hub_id != hub_id:
        return None
    _answer(db, command, success=ack.success, code=ack.code, sentence=ack.sentence)
    return command


def _answer(db: Session, command: Command, *, success: bool, code: str, sentence: str) -> None:
    command.state = "acknowledged" if success else "failed"
    command.answered_at = utc_now()
    command.code, command.sentence = code, sentence
    settle(db, EXPIRE, command.id)
