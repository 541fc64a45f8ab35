"""Pause, resume, stop and the small commands of a printer. The queue uses the same function for its runs."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.fleet.models import Command
from printfarm.fleet.service.commands import send_command
from printfarm.fleet.service.printers import find_printer

Action = Literal["pause", "resume", "stop", "clear_error", "refresh", "light_on", "light_off"]

# What was asked for while the hub was away must not happen hours later. A stop of one run never expires, because nobody asks
# for it lightly; one of whatever the printer does would hit the next print.
PATIENCE: dict[str, timedelta] = {
    "pause": timedelta(minutes=2),
    "resume": timedelta(minutes=2),
    "stop": timedelta(minutes=2),
    "clear_error": timedelta(minutes=2),
    "refresh": timedelta(minutes=2),
    "light_on": timedelta(minutes=1),
    "light_off": timedelta(minutes=1),
}
# What the printer must be able to do; "refresh" is the hub's own.
NEEDS_CAPABILITY = {
    "pause": "pause",
    "resume": "resume",
    "stop": "stop",
    "clear_error": "clear_error",
    "light_on": "light",
    "light_off": "light",
}


def control(
    db: Session,
    printer_id: UUID,
    action: Action,
    *,
    run_code: str | None = None,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
) -> Command:
    """Ask a printer for something. With `run_code` the hub does it only while the printer works on that run.

    Raises NotFound, and DomainError when the printer is archived.
    """
    printer = find_printer(db, printer_id)
    if printer.archived_at is not None:
        raise DomainError(f"{printer.name} is archived, so it takes no commands.")
    body: dict[str, Any] = {"action": action}
    if run_code is not None:
        body["run_code"] = run_code
    patience = None if action == "stop" and run_code is not None else PATIENCE[action]
    return send_command(db, printer, "printer_command", body, run_id=run_id, user_id=user_id, give_up_after=patience)
