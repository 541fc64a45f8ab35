"""Rows of one shop, put there as the areas below would."""

from decimal import Decimal
from uuid import uuid4

import pytest

from printfarm.core.clock import utc_now
from printfarm.core.secrets import seal
from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.files.models import StoredFile
from printfarm.fleet.models import Hub, Printer
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant
from printfarm.queue.models import JobOption, PrintJob, PrintRun, RunFilament
from printfarm.queue.service import add_jobs
from printfarm.queue.service.order import places_at_end


class Shop:
    """Puts rows into one shop, as the areas below would."""

    def __init__(self, shop_id) -> None:
        self.id = shop_id

    def printer(self, name: str, **more) -> Printer:
        with unit_of_work(self.id) as db:
            hub = Hub(name="Hub", secret_sealed="x", connected_at=utc_now(), last_seen_at=utc_now())
            db.add(hub)
            db.flush()
            printer = Printer(
                hub_id=hub.id,
                name=name,
                model="Bambu Lab P1S",
                model_id="C12",
                address="127.0.0.1",
                serial=uuid4().hex[:12].upper(),
                access_code_sealed=seal("12345678", bound_to="x"),
                connection="online",
                state="idle",
                **more,
            )
            db.add(printer)
        return printer

    def plate(self, name: str = "Gear box", *, grams: str = "12.5", minutes: int = 60, filament_id=None) -> Plate:
        with unit_of_work(self.id) as db:
            file = StoredFile(
                kind="sliced", sha256=uuid4().hex, md5="", size_bytes=1, content_type="model/3mf", original_name="a.3mf"
            )
            model = Model(name=name)
            db.add_all([file, model])
            db.flush()
            variant = Variant(
                model_id=model.id, file_id=file.id, name="P1S", version=1, file_format="gcode.3mf", sliced=True
            )
            db.add(variant)
            db.flush()
            plate = Plate(
                variant_id=variant.id,
                number=1,
                duration_s=minutes * 60,
                layers=40,
                printable=True,
                printer_model_id="C12",
                gcode_path="Metadata/plate_1.gcode",
            )
            db.add(plate)
            db.flush()
            db.add(
                FilamentRequirement(
                    plate_id=plate.id,
                    slot=1,
                    material="PLA",
                    colour_hex="#00AE42",
                    filament_id=filament_id,
                    total_mg=int(Decimal(grams) * 1000),
                )
            )
        return plate

    def spool(self, colour_name: str = "Green", *, grams: int = 1000, colour_hex: str = "#00AE42") -> Spool:
        with unit_of_work(self.id) as db:
            made = filament.add_filament(db, brand="A", material="PLA", colour_name=colour_name, colour_hex=colour_hex)
            return filament.add_spool(db, made.id, weight_mg=grams * 1000)

    def jobs(self, plate: Plate, count: int = 1) -> list[PrintJob]:
        with unit_of_work(self.id) as db:
            return add_jobs(db, plate.id, quantity=count)

    def run(
        self,
        plate: Plate,
        printer: Printer,
        state: str,
        *,
        ended_at=None,
        used_mg: int = 0,
        spool=None,
        planned_mg=None,
        **more,
    ) -> PrintRun:
        job_state = {"running": "printing", "unknown": "printing"}.get(state, state)
        with unit_of_work(self.id) as db:
            job = PrintJob(name="Gear box", state=job_state, place=places_at_end(db, 1)[0], ended_at=ended_at)
            db.add(job)
            db.flush()
            db.add(JobOption(job_id=job.id, plate_id=plate.id))
            run = PrintRun(
                job_id=job.id,
                printer_id=printer.id,
                plate_id=plate.id,
                code=f"PF-{uuid4().hex[:10]}",
                state=state,
                started_at=utc_now(),
                ended_at=ended_at,
                total_layers=40,
                parts_made=1 if state == "completed" else 0,
                **more,
            )
            db.add(run)
            db.flush()
            db.add(
                RunFilament(
                    run_id=run.id,
                    slot=1,
                    used_mg=used_mg,
                    planned_mg=planned_mg,
                    spool_id=spool.id if spool else None,
                    filament_id=spool.filament_id if spool else None,
                )
            )
        return run


@pytest.fixture
def rows(ctx, shop) -> Shop:
    return Shop(shop.id)
