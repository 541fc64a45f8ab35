"""What web sends to a hub, made at the moment of sending: only here access codes are opened and file links are signed."""

import logging
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.errors import NotFound
from printfarm.core.secrets import SecretUnreadable
from printfarm.core.signing import file_url
from printfarm.fleet.models import Command, Printer
from printfarm.fleet.service.printers import access_code_of
from printfarm.fleet.service.trials import find_trial, trial_config

log = logging.getLogger(__name__)


class CannotSend(Exception):
    """The command can never be sent; the message is the sentence for people."""


def printer_list(db: Session, hub_id: UUID) -> list[protocol.PrinterConfig]:
    """Every printer in use of a hub, with its access code."""
    in_use = select(Printer).where(Printer.hub_id == hub_id, Printer.archived_at.is_(None)).order_by(Printer.id)
    return [config for printer in db.scalars(in_use) if (config := _config(printer)) is not None]


def message_of(db: Session, command: Command, base_url: str) -> protocol.Command:
    """A command as it travels. `base_url` is where the hub reaches web. Raises CannotSend."""
    body = {**command.body, "command_id": str(command.id)}
    try:
        if command.kind == "print_command":
            return _start(command, body, base_url)
        if command.kind == "printer_command":
            return protocol.PrinterCommand.model_validate(body)
        trial = find_trial(db, UUID(body["trial_id"]))
        return protocol.TryPrinter(command_id=str(command.id), printer=trial_config(trial))
    except NotFound as problem:
        raise CannotSend("What this command is about is gone.") from problem
    except SecretUnreadable as problem:
        raise CannotSend("The stored access code cannot be opened with this key. Type it in again.") from problem
    except ValidationError as problem:
        log.exception("command %s does not fit the protocol", command.id)
        raise CannotSend("This command does not fit what the hub understands.") from problem


def _start(command: Command, body: dict[str, Any], base_url: str) -> protocol.PrintCommand:
    link = base_url.rstrip("/") + file_url(command.shop_id, body.pop("file_id"))
    return protocol.PrintCommand.model_validate({**body, "file_url": link})


def _config(printer: Printer) -> protocol.PrinterConfig | None:
    try:
        return protocol.PrinterConfig(
            id=str(printer.id),
            protocol=printer.protocol,
            model=printer.model,
            address=printer.address,
            mqtt_port=printer.mqtt_port,
            ftps_port=printer.ftps_port,
            serial=printer.serial,
            access_code=access_code_of(printer),
            certificate_sha256=printer.certificate_sha256,
        )
    except (SecretUnreadable, ValidationError):
        log.exception("printer %s cannot be told to its hub", printer.id)
        return None
