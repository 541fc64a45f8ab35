"""Rows that many tests need, made the short way. What a test is about, it does through services or pages."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from printfarm.core.bus import remember_telemetry
from printfarm.core.clock import utc_now
from printfarm.filament import service as filament
from printfarm.files.models import StoredFile
from printfarm.fleet import service as fleet
from printfarm.fleet.models import Hub, Printer, PrinterSlot, RunReport
from printfarm.fleet.service.reports import RunReported, emit
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant

_numbers = count(1)


@dataclass
class World:
    """A shop with a plate to print and a printer that can: ids only."""

    shop_id: UUID
    plate_id: UUID
    printer_id: UUID
    filament_id: UUID
    spool_id: UUID


def make_world(db: Session, shop_id: UUID) -> World:
    """A kilogram of black PLA in A1 of Anna, a P1S that is idle, and a plate of 20 g for it."""
    black = filament.add_filament(
        db, brand="Prusament", material="PLA", colour_name=f"Black {next(_numbers)}", colour_hex="#111111"
    )
    spool = filament.add_spool(db, black.id, weight_mg=1_000_000)
    printer = make_printer(db)
    load(db, printer.id, spool.id)
    plate = make_plate(db, needs={1: (black.id, 20_000)})
    return World(shop_id, plate.id, printer.id, black.id, spool.id)


def make_plate(
    db: Session,
    *,
    needs: dict[int, tuple[UUID | None, int | None]],
    name: str = "Benchy",
    printer_model_id: str | None = "C12",
    nozzle_mm: str = "0.40",
    bed_type: str | None = None,
    layers: int = 100,
    duration_s: int = 3600,
    sliced: bool = True,
) -> Plate:
    """A plate in the library; `needs`: slot → (filament, milligrams)."""
    file = StoredFile(
        kind="sliced",
        sha256=f"{next(_numbers):064x}",
        md5="0" * 32,
        size_bytes=1000,
        content_type="model/3mf",
        original_name=f"{name}.gcode.3mf",
    )
    model = Model(name=name)
    db.add_all([file, model])
    db.flush()
    variant = Variant(
        model_id=model.id, file_id=file.id, name="0.2 mm", version=1, file_format="gcode.3mf", sliced=sliced
    )
    db.add(variant)
    db.flush()
    plate = Plate(
        variant_id=variant.id,
        number=1,
        printable=sliced,
        gcode_path="Metadata/plate_1.gcode" if sliced else None,
        duration_s=duration_s,
        layers=layers,
        nozzle_mm=Decimal(nozzle_mm),
        printer_model="Bambu Lab P1S" if printer_model_id == "C12" else printer_model_id,
        printer_model_id=printer_model_id,
        bed_type=bed_type,
    )
    db.add(plate)
    db.flush()
    for slot, (filament_id, mg) in needs.items():
        db.add(
            FilamentRequirement(
                plate_id=plate.id,
                slot=slot,
                material="PLA",
                colour_hex="#111111",
                filament_id=filament_id,
                total_mg=mg,
                model_mg=mg,
                purge_mg=0,
                waste_mg=0,
            )
        )
    db.flush()
    return plate


def make_printer(db: Session, *, name: str = "Anna", model_id: str = "C12", **more: object) -> Printer:
    """A printer of a connected hub, idle, with nothing loaded."""
    hub = fleet.add_hub(db, f"Hub {next(_numbers)}")
    row = db.get_one(Hub, hub.id)
    row.connected_at = row.last_seen_at = utc_now()
    settings = fleet.PrinterSettings(
        name=f"{name} {next(_numbers)}",
        model_id=model_id,
        address="192.0.2.1",
        serial=f"01P00A{next(_numbers):09d}",
        hub_id=hub.id,
        access_code="12345678",
        **more,  # type: ignore[arg-type]
    )
    printer = fleet.add_printer(db, settings)
    printer.connection, printer.state = "online", "idle"
    db.flush()
    report_idle(printer)
    return printer


def report_idle(printer: Printer) -> None:
    """Its telemetry, as its hub sends it."""
    live = {"confirmed": True, "state": "idle", "capabilities": ["pause", "resume", "stop"], "slots": []}
    remember_telemetry(printer.shop_id, "printer", printer.id, live)


def load(db: Session, printer_id: UUID, spool_id: UUID | None, *, ams_unit: int = 0, slot: int = 0) -> PrinterSlot:
    """Put a spool into an AMS slot of a printer."""
    place = PrinterSlot(printer_id=printer_id, ams_unit=ams_unit, slot=slot, spool_id=spool_id, reported_empty=False)
    db.add(place)
    db.flush()
    if spool_id is not None:
        filament.mark_loaded(db, spool_id)
    return place


def report(db: Session, printer_id: UUID, run_code: str, state: str, **facts: object) -> None:
    """What a hub says about a run, as fleet stores and announces it."""
    tell_of(db, keep_report(db, printer_id, run_code, state, **facts))


def keep_report(db: Session, printer_id: UUID, run_code: str, state: str, **facts: object) -> RunReport:
    """It is stored, and nobody has heard of it yet."""
    printer = db.get_one(Printer, printer_id)
    row = RunReport(
        hub_id=printer.hub_id,
        seq=next(_numbers),
        printer_id=printer_id,
        run_code=run_code,
        state=state,
        at=utc_now(),
        evidence={},
        **facts,
    )
    db.add(row)
    db.flush()
    return row


def tell_of(db: Session, kept: RunReport) -> None:
    emit(db, RunReported(shop_id=kept.shop_id, report_id=kept.id, printer_id=kept.printer_id))


def nobody() -> UUID:
    """An id that is nowhere."""
    return uuid4()
