"""Printers: add, edit, order, maintenance, archive, and whether the bed is clear."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import KEEPING_KEYS, locked
from printfarm.core.secrets import seal, unseal
from printfarm.core.tenancy import shop_of
from printfarm.filament.service import mark_unloaded
from printfarm.fleet.events import PrinterChanged, PrintersListed
from printfarm.fleet.machines import BY_ID
from printfarm.fleet.models import EXTERNAL_UNIT, Printer, PrinterSlot
from printfarm.fleet.service.commands import printers_changed
from printfarm.fleet.service.hubs import find_hub

BUSY_CHECKS: list[Callable[[Session, UUID], str | None]] = []
"""Areas above say in a sentence why a printer is in use (a print runs on it), or None. They append here when installed."""


class InUse(DomainError):
    """The printer works for something right now; the sentence says for what."""


class SerialTaken(DomainError):
    """Another printer in use has this serial number. Two connections to one printer throw each other out."""


class CodeMissing(DomainError):
    """An access code is needed and none was given."""

    def __init__(self) -> None:
        super().__init__("The access code is missing. It stands on the printer's screen, under Network or LAN Only.")


@dataclass(frozen=True)
class PrinterSettings:
    """What a person says about a printer. `access_code` empty keeps the one that is known."""

    name: str
    model_id: str
    address: str
    serial: str
    hub_id: UUID
    access_code: str = ""
    nozzle_mm: Decimal = Decimal("0.40")
    bed_type: str = ""
    location: str = ""
    mqtt_port: int = 8883
    ftps_port: int = 990


def add_printer(db: Session, settings: PrinterSettings, *, certificate_sha256: str | None = None) -> Printer:
    """A new printer, at the end of the list, with a place for an external spool.

    Raises SerialTaken, NotFound (hub), CodeMissing.
    """
    if not settings.access_code:
        raise CodeMissing
    _refuse_serial_twice(db, settings.serial, None)
    hub = find_hub(db, settings.hub_id)
    printer = Printer(hub_id=hub.id, position=_last_position(db) + 1, access_code_sealed="", model="", model_id="")
    _write(printer, settings)
    printer.certificate_sha256 = certificate_sha256
    db.add(printer)
    _flush_serial(db)
    printer.access_code_sealed = seal(settings.access_code, bound_to=code_place(shop_of(db), printer.id))
    db.add(PrinterSlot(printer_id=printer.id, ams_unit=EXTERNAL_UNIT, slot=0))
    db.flush()
    printers_changed(db, hub.id)
    emit(db, PrintersListed(shop_id=shop_of(db)))
    return printer


def edit_printer(
    db: Session, printer_id: UUID, settings: PrinterSettings, *, certificate_sha256: str | None = None
) -> Printer:
    """Change what is known of a printer. A new certificate is trusted only when it is given (a trial showed it).

    Raises SerialTaken, and InUse when serial or hub change while a print runs.
    """
    printer = lock_printer(db, printer_id)
    _refuse_serial_twice(db, settings.serial, printer.id)
    hub = find_hub(db, settings.hub_id)
    another = settings.serial.strip().upper() != printer.serial
    if another or hub.id != printer.hub_id:
        refuse_in_use(db, printer)
    if another:
        printer.certificate_sha256 = None
        printer.connection, printer.connection_sentence, printer.state = "unknown", "", "unknown"
    if hub.id != printer.hub_id:
        printers_changed(db, printer.hub_id)
        printer.hub_id = hub.id
    _write(printer, settings)
    if settings.access_code:
        printer.access_code_sealed = seal(settings.access_code, bound_to=code_place(shop_of(db), printer.id))
    if certificate_sha256 is not None:
        printer.certificate_sha256 = certificate_sha256
    _flush_serial(db)
    printers_changed(db, hub.id)
    _changed(db, printer)
    emit(db, PrintersListed(shop_id=shop_of(db)))
    return printer


def find_printer(db: Session, printer_id: UUID) -> Printer:
    """Raises NotFound."""
    printer = db.get(Printer, printer_id)
    if printer is None:
        raise NotFound
    return printer


def printer_in_use(db: Session, printer_id: UUID) -> Printer:
    """The same, but an archived printer counts as gone."""
    printer = find_printer(db, printer_id)
    if printer.archived_at is not None:
        raise NotFound
    return printer


def lock_printer(db: Session, printer_id: UUID) -> Printer:
    """The printer in use, held until the transaction ends. Raises NotFound."""
    printer = db.get(Printer, printer_id, with_for_update=KEEPING_KEYS)
    if printer is None or printer.archived_at is not None:
        raise NotFound
    return printer


def access_code_of(printer: Printer) -> str:
    """The access code, in the clear: only for the message to the hub."""
    return unseal(printer.access_code_sealed, bound_to=code_place(printer.shop_id, printer.id))


def settings_known(printer: Printer) -> PrinterSettings:
    """What is known of a printer, without its access code."""
    return PrinterSettings(
        name=printer.name,
        model_id=printer.model_id,
        address=printer.address,
        serial=printer.serial,
        hub_id=printer.hub_id,
        nozzle_mm=printer.nozzle_mm,
        bed_type=printer.bed_type,
        location=printer.location,
        mqtt_port=printer.mqtt_port,
        ftps_port=printer.ftps_port,
    )


def code_place(shop_id: UUID, printer_id: UUID) -> str:
    return f"{shop_id}:printer:{printer_id}"


def move_printer(db: Session, printer_id: UUID, direction: Literal["up", "down"]) -> None:
    """One place up or down in the list; at the end of the list nothing happens."""
    printer = lock_printer(db, printer_id)
    if direction == "up":
        beyond, nearest = Printer.position < printer.position, Printer.position.desc()
    else:
        beyond, nearest = Printer.position > printer.position, Printer.position.asc()
    next_to_it = select(Printer).where(beyond, Printer.archived_at.is_(None)).order_by(nearest).limit(1)
    neighbour = db.scalar(locked(next_to_it))
    if neighbour is not None:
        printer.position, neighbour.position = neighbour.position, printer.position
        emit(db, PrintersListed(shop_id=shop_of(db)))


def set_maintenance(db: Session, printer_id: UUID, *, on: bool) -> Printer:
    """A printer in maintenance gets no new prints; the one that runs goes on."""
    printer = lock_printer(db, printer_id)
    printer.in_maintenance = on
    _changed(db, printer)
    return printer


def archive_printer(db: Session, printer_id: UUID) -> Printer:
    """Take a printer out of use; its history stays. Raises InUse while something runs on it."""
    printer = lock_printer(db, printer_id)
    refuse_in_use(db, printer)
    printer.archived_at = utc_now()
    places = list(db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == printer.id)))
    rolls = sorted(slot.spool_id for slot in places if slot.spool_id is not None)
    for slot in places:
        slot.spool_id = None
    db.flush()
    for spool_id in rolls:
        mark_unloaded(db, spool_id)
    printers_changed(db, printer.hub_id)
    _changed(db, printer)
    emit(db, PrintersListed(shop_id=shop_of(db)))
    return printer


def refuse_in_use(db: Session, printer: Printer) -> None:
    """Raise InUse when an area above says that the printer works for it."""
    for why_busy in BUSY_CHECKS:
        sentence = why_busy(db, printer.id)
        if sentence:
            raise InUse(sentence)


def needs_clearing(db: Session, printer_id: UUID) -> None:
    """A print ended (well or not): nothing starts here until somebody says that the bed is clear."""
    printer = db.get(Printer, printer_id, with_for_update=KEEPING_KEYS)
    if printer is None:
        raise NotFound
    printer.bed_cleared, printer.bed_cleared_at, printer.bed_cleared_by = False, None, None
    _changed(db, printer)


def clear_bed(db: Session, printer_id: UUID, user_id: UUID | None) -> Printer:
    """Somebody says that the bed is clear. Works without the printer: it may be switched off."""
    printer = lock_printer(db, printer_id)
    if not printer.bed_cleared:
        printer.bed_cleared, printer.bed_cleared_at, printer.bed_cleared_by = True, utc_now(), user_id
        _changed(db, printer)
    return printer


def _write(printer: Printer, settings: PrinterSettings) -> None:
    machine = BY_ID.get(settings.model_id)
    if machine is None:
        raise DomainError("Choose the printer's model from the list.")
    printer.name, printer.model, printer.model_id = settings.name.strip(), machine.name, machine.model_id
    printer.address, printer.serial = settings.address.strip(), settings.serial.strip().upper()
    printer.mqtt_port, printer.ftps_port = settings.mqtt_port, settings.ftps_port
    printer.nozzle_mm, printer.bed_type = settings.nozzle_mm, settings.bed_type
    printer.location = settings.location.strip()


def _refuse_serial_twice(db: Session, serial: str, but: UUID | None) -> None:
    same = select(Printer).where(Printer.serial == serial.strip().upper(), Printer.archived_at.is_(None))
    other = db.scalar(same.where(Printer.id != but) if but else same)
    if other is not None:
        raise SerialTaken(
            f"{other.name} has this serial number already. Two connections to one printer throw each other out; change"
            f" {other.name} instead, or archive it first."
        )


def _flush_serial(db: Session) -> None:
    try:
        db.flush()
    except IntegrityError as twin:
        raise SerialTaken("Somebody else has just added a printer with this serial number. Look again.") from twin


def _last_position(db: Session) -> int:
    return db.scalar(select(func.max(Printer.position))) or 0


def _changed(db: Session, printer: Printer) -> None:
    emit(db, PrinterChanged(shop_id=shop_of(db), printer_id=printer.id))
