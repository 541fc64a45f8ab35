"""What the fault tests hold in their hands: the running program, its printer, its shopkeeper, and the truth in the database."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from sqlalchemy import func, select

from printfarm.accounts.models import Shop
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Spool, StockEntry
from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf
from printfarm.fleet import service as fleet
from printfarm.fleet.models import Hub, Printer, PrinterSlot
from printfarm.queue.models import JobEvent, PrintJob, PrintRun
from tests.processes.running import Up, until
from tests.support.shopkeeper import Shopkeeper, set_up
from tests.support.simulators import Simulators

SPEED = 60
GRAMS = 5.0
KILOGRAM_MG = 1_000_000


class RunningShop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:  # whatever fails on the way in, nothing stays behind
            opening.callback(self._stack.close)
            self._open()
            opening.pop_all()
        return self

    def _open(self) -> None:
        self.farm = self._stack.enter_context(Simulators(self.folder / "s", "P1S", SPEED))
        self.up = self._stack.enter_context(Up(self.folder / "d", PRINTFARM_HUB="on"))
        self.up.wait_for("PrintFarm is ready", 120)
        self.keeper = self._stack.enter_context(Shopkeeper(f"http://127.0.0.1:{self.up.port}"))
        self.app = build(load_settings(self.up.environment))
        self._stack.enter_context(self.app.app_context())
        set_up(self.keeper, self._code())
        with read_only(None) as db:
            self.shop_id = db.scalars(select(Shop.id)).one()
        self._stock_and_connect()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def kill(self, program: str) -> None:
        """SIGKILL, as a crash or the kernel's own killer would."""
        until(lambda: self._killed(program), 10, lambda: f"{program} never says its number: {self.up.lines[-25:]}")

    def _killed(self, program: str) -> bool:
        pid = self.up.pid(program)
        try:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # its successor has the lock, and has not written its own number yet
            return False
        return True

    def file(self, name: str = "Boat") -> Path:
        """A sliced file of five grams that takes a simulated quarter of an hour."""
        path = self.folder / f"{name}.gcode.3mf"
        plate = PlateSpec(time_total_s=900, time_model_s=700, filaments=(SampleFilament(grams=GRAMS),))
        build_sliced_3mf(path, plates=[plate], printer_model_id="C12", title=name)
        return path

    def facts(self) -> SimpleNamespace:
        """What the database says now."""
        with read_only(self.shop_id) as db:
            assert filament_queries.drifted_spools(db) == []
            return SimpleNamespace(
                jobs=[job.state for job in db.scalars(select(PrintJob))],
                runs=[run.state for run in db.scalars(select(PrintRun).order_by(PrintRun.created_at))],
                codes=[run.code for run in db.scalars(select(PrintRun))],
                percent=db.scalar(select(func.max(PrintRun.percent))),
                remaining_mg=db.scalars(select(Spool.remaining_mg)).one(),
                bookings=db.scalar(select(func.count()).select_from(StockEntry).where(StockEntry.kind == "print")),
                ends=db.scalar(select(func.count()).select_from(JobEvent).where(JobEvent.kind == "completed")),
                printer=db.scalars(select(Printer)).one().state,
            )

    def started(self) -> list[int]:
        """How often the printer itself began each job."""
        return list(self.farm.starts(self.printer.serial).values())

    def until(self, seen: Any, seconds: float = 90) -> None:
        until(lambda: seen(self.facts()), seconds, lambda: f"{vars(self.facts())}; {self.up.lines[-25:]}")

    def _code(self) -> str:
        from printfarm.core.secrets import setup_code

        return setup_code()

    def _stock_and_connect(self) -> None:
        self.printer = self.farm.printers[0]
        until(self._hub_is_there, 60, lambda: f"the built-in hub never came: {self.up.lines[-25:]}")
        with unit_of_work(self.shop_id) as db:
            black = SampleFilament()
            kind = filament.add_filament(
                db, brand=black.vendor, material=black.material, colour_name="Turquoise", colour_hex=black.colour
            )
            spool = filament.add_spool(db, kind.id, weight_mg=KILOGRAM_MG)
            made = fleet.add_printer(
                db,
                fleet.PrinterSettings(
                    name="Anna",
                    model_id="C12",
                    address=self.printer.host,
                    serial=self.printer.serial,
                    hub_id=db.scalars(select(Hub.id)).one(),
                    access_code=self.printer.access_code,
                    mqtt_port=self.printer.mqtt_port,
                    ftps_port=self.printer.ftps_port,
                ),
            )
            holder = db.scalars(select(PrinterSlot).where(PrinterSlot.printer_id == made.id)).one()
            fleet.assign_spool(db, holder.id, spool.id)
            self.printer_id = made.id
        self.until(lambda facts: facts.printer == "idle", 60)

    def _hub_is_there(self) -> bool:
        with read_only(self.shop_id) as db:
            return any(hub.is_connected() for hub in db.scalars(select(Hub)))
