"""Trying a printer before it is saved: the hub goes step by step and says what failed."""

from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub import protocol
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import KEEPING_KEYS
from printfarm.core.owed import owe, settle
from printfarm.core.secrets import seal, unseal
from printfarm.core.tenancy import shop_of
from printfarm.fleet.events import TrialAnswered
from printfarm.fleet.machines import BY_ID
from printfarm.fleet.models import Command, Printer, PrinterTrial
from printfarm.fleet.service.commands import queue_command
from printfarm.fleet.service.hubs import find_hub
from printfarm.fleet.service.printers import (
    CodeMissing,
    PrinterSettings,
    access_code_of,
    add_printer,
    edit_printer,
    lock_printer,
)

FORGET = "forget-trial"
KEPT_S = 3600.0
WAIT_FOR_HUB = timedelta(seconds=30)


def start_trial(
    db: Session,
    settings: PrinterSettings,
    *,
    printer_id: UUID | None = None,
    pinned: bool = True,
    user_id: UUID | None = None,
) -> PrinterTrial:
    """Ask the hub to try a printer. With `printer_id` an empty access code means the one that is known.

    `pinned=False`: the certificate is not compared with the one that was trusted; the result shows the new one.
    Raises NotFound (hub, printer), CodeMissing, DomainError (unknown model).
    """
    hub = find_hub(db, settings.hub_id)
    printer = lock_printer(db, printer_id) if printer_id else None
    code = settings.access_code or (access_code_of(printer) if printer else "")
    if not code:
        raise CodeMissing
    if settings.model_id not in BY_ID:
        raise DomainError("Choose the printer's model from the list.")
    trial = PrinterTrial(
        hub_id=hub.id,
        printer_id=printer_id,
        asked={**_as_json(settings), "certificate_sha256": _pin(printer, settings) if pinned else None},
        access_code_sealed="",
    )
    db.add(trial)
    db.flush()
    trial.access_code_sealed = seal(code, bound_to=_place(trial))
    command = queue_command(
        db,
        hub.id,
        "try_printer",
        {"trial_id": str(trial.id)},
        printer_id=printer_id,
        user_id=user_id,
        give_up_after=WAIT_FOR_HUB,
    )
    trial.command_id = command.id
    owe(db, FORGET, trial.id, within_s=KEPT_S)
    return trial


def repeat_trial(db: Session, trial_id: UUID, *, user_id: UUID | None = None) -> PrinterTrial:
    """The same once more. Raises CodeMissing when the access code has been wiped meanwhile."""
    before = find_trial(db, trial_id)
    settings = replace(settings_of(before), access_code=code_of(before))
    if not settings.access_code and before.printer_id is None:
        raise CodeMissing
    pinned = before.printer_id is None or before.asked.get("certificate_sha256") is not None
    return start_trial(db, settings, printer_id=before.printer_id, pinned=pinned, user_id=user_id)


def find_trial(db: Session, trial_id: UUID) -> PrinterTrial:
    """Raises NotFound."""
    trial = db.get(PrinterTrial, trial_id)
    if trial is None:
        raise NotFound
    return trial


def settings_of(trial: PrinterTrial) -> PrinterSettings:
    """What was typed, without the access code."""
    asked = {name: value for name, value in trial.asked.items() if name != "certificate_sha256"}
    asked |= {"nozzle_mm": Decimal(asked["nozzle_mm"]), "hub_id": UUID(asked["hub_id"])}
    return PrinterSettings(**asked)


def code_of(trial: PrinterTrial) -> str:
    """The access code, in the clear; empty when it has been wiped."""
    return unseal(trial.access_code_sealed, bound_to=_place(trial)) if trial.access_code_sealed else ""


def trial_config(trial: PrinterTrial) -> protocol.PrinterConfig:
    """What the hub is told: the only place, besides the list of printers, where the code leaves the database."""
    settings = settings_of(trial)
    return protocol.PrinterConfig(
        id=str(trial.printer_id or trial.id),
        model=BY_ID[settings.model_id].name,
        address=settings.address,
        mqtt_port=settings.mqtt_port,
        ftps_port=settings.ftps_port,
        serial=settings.serial,
        access_code=code_of(trial),
        certificate_sha256=trial.asked.get("certificate_sha256"),
    )


def take_result(db: Session, hub_id: UUID, said: protocol.TryResult, command_id: UUID) -> None:
    """The hub's result, stored with the trial."""
    command = db.get(Command, command_id)
    if command is None or command.hub_id != hub_id or command.kind != "try_printer":
        return
    trial = db.get(PrinterTrial, UUID(command.body["trial_id"]))
    if trial is None or trial.answered_at is not None:
        return
    trial.steps = [step.model_dump() for step in said.steps]
    trial.certificate_sha256, trial.model, trial.firmware = said.certificate_sha256, said.model, said.firmware
    trial.answered_at = utc_now()
    emit(db, TrialAnswered(shop_id=shop_of(db), trial_id=trial.id))


def save_trial(db: Session, trial_id: UUID) -> Printer:
    """Keep what was tried as a printer (a new one, or the one that was edited) and trust the certificate that it showed.

    Raises DomainError when the access code has been wiped meanwhile, and what add_printer and edit_printer raise.
    """
    trial = db.get(PrinterTrial, trial_id, with_for_update=KEEPING_KEYS)
    if trial is None:
        raise NotFound
    code = code_of(trial)
    if not code:
        raise DomainError(
            "This trial was saved before, or it is too old: its access code is wiped. Look whether the printer is there, or"
            " type it in again."
        )
    settings = replace(settings_of(trial), access_code=code)
    if trial.printer_id is None:
        printer = add_printer(db, settings, certificate_sha256=trial.certificate_sha256)
        trial.printer_id = printer.id
    else:
        printer = edit_printer(db, trial.printer_id, settings, certificate_sha256=trial.certificate_sha256)
    forget_trial(db, trial.id)
    return printer


def forget_trial(db: Session, trial_id: UUID) -> None:
    """Wipe the access code of a trial that has served."""
    settle(db, FORGET, trial_id)
    trial = db.get(PrinterTrial, trial_id)
    if trial is not None:
        trial.access_code_sealed = ""


def _pin(printer: Printer | None, settings: PrinterSettings) -> str | None:
    same = printer is not None and printer.serial == settings.serial.strip().upper()
    return printer.certificate_sha256 if printer is not None and same else None


def _as_json(settings: PrinterSettings) -> dict[str, Any]:
    values = {name: value for name, value in asdict(settings).items() if name != "access_code"}
    serial = settings.serial.strip().upper()
    return {**values, "nozzle_mm": str(settings.nozzle_mm), "hub_id": str(settings.hub_id), "serial": serial}


def _place(trial: PrinterTrial) -> str:
    return f"{trial.shop_id}:trial:{trial.id}"
