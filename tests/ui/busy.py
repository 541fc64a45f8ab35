"""A shop with as much on its pages as a busy one has: what first loads and shifts of the layout are measured on."""

import io
from types import SimpleNamespace

from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from printfarm.core.bus import remember_telemetry
from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.files.models import StoredFile
from printfarm.library.models import Model, Plate, Variant
from printfarm.queue import service as queue
from printfarm.queue.service.feasibility import recompute
from tests.support.factories import load, make_plate, make_printer

PRINTERS, MODELS, FILAMENTS, SPOOLS_EACH, JOBS, PRINTING = 8, 30, 10, 4, 50, 4
COLOURS = ("#d43f3a", "#2e7d32", "#1565c0", "#f9a825", "#6a1b9a", "#00838f", "#ef6c00", "#4e342e", "#eceff1", "#111111")
NAMES = ("Gear box, lid", "Planter, 12 cm", "Dice tower", "Cable clip × 24", "Bracket for the long shelf in the hall")


def furnish(app: Flask, shop: SimpleNamespace) -> None:
    """Eight printers of which four print, thirty models with pictures, forty spools, fifty waiting jobs."""
    with app.app_context(), unit_of_work(shop.id) as db:
        spools = _spools(db)
        printers = [make_printer(db, name="Printer") for _ in range(PRINTERS)]
        for number, printer in enumerate(printers):
            for slot in range(SPOOLS_EACH):
                load(db, printer.id, spools[number * SPOOLS_EACH + slot].id, slot=slot)
        plates = [_plate(db, number, spools) for number in range(MODELS)]
        jobs = [queue.add_jobs(db, plates[n % MODELS].id, user_id=shop.owner)[0] for n in range(JOBS + PRINTING)]
        recompute(db)
        for number in range(PRINTING):
            run = queue.start_job(db, jobs[number].id, printers[number].id, user_id=shop.owner, accept_short=True)
            _printing(db, shop, printers[number], run.code, 20 * number)


def webp(side_px: int = 320) -> bytes:
    """A picture as the server would send it."""
    out = io.BytesIO()
    Image.new("RGB", (side_px, side_px), "#557799").save(out, "WEBP")
    return out.getvalue()


def _spools(db: Session) -> list:
    made = []
    for number in range(FILAMENTS):
        kind = filament.add_filament(
            db,
            brand="Prusament",
            material=("PLA", "PETG", "ASA")[number % 3],
            colour_name=f"Shade {number}",
            colour_hex=COLOURS[number],
        )
        made += [filament.add_spool(db, kind.id, weight_mg=1_000_000) for _ in range(SPOOLS_EACH)]
    return made


def _plate(db: Session, number: int, spools: list) -> Plate:
    spool = spools[number * SPOOLS_EACH % len(spools)]
    plate = make_plate(db, name=f"{NAMES[number % len(NAMES)]} {number}", needs={1: (spool.filament_id, 20_000)})
    picture = StoredFile(
        kind="picture", sha256=f"{number:064x}", md5="", size_bytes=1, content_type="image/webp", original_name="p.webp"
    )
    db.add(picture)
    db.flush()
    plate.picture_id = picture.id
    variant = db.get_one(Variant, plate.variant_id)
    db.get_one(Model, variant.model_id).picture_id = picture.id
    db.flush()
    return plate


def _printing(db: Session, shop: SimpleNamespace, printer: object, run_code: str, percent: int) -> None:
    printer.state = "printing"  # type: ignore[attr-defined]
    live = {
        "confirmed": True,
        "state": "printing",
        "capabilities": ["pause", "resume", "stop"],
        "slots": [],
        "run_code": run_code,
        "percent": percent,
        "layer": percent,
        "layers": 100,
        "remaining_minutes": 120 - percent,
        "nozzle_c": 220.0,
        "bed_c": 60.0,
    }
    remember_telemetry(shop.id, "printer", printer.id, live)  # type: ignore[attr-defined]
    db.flush()
